// SPDX-License-Identifier: GPL-2.0-or-later
// How much counters grew between two samples: pairs what was seen with what was seen before.
#pragma once

#include "model/network.h"
#include "model/nic.h"

#include <vector>

namespace netwright::host {

// Each fills every Counter::growth in `now` from an earlier sample of the same thing, paired by what it is (name,
// handle, CPU), never by its place in the list. What was not there before keeps growth 0: nobody knows over what time
// it counted. A total that went back (a device that came back, a reset) gives 0; counters the kernel keeps in 32 bits
// may wrap.
void grow_since(std::vector<Nic>& now, const std::vector<Nic>& earlier);
void grow_since(std::vector<Qdisc>& now, const std::vector<Qdisc>& earlier);
void grow_since(Conntrack& now, const Conntrack& earlier);
void grow_since(std::vector<NeighbourTable>& now, const std::vector<NeighbourTable>& earlier);

// The same where either sample may be missing: then nothing is done.
template <class T>
void grow_since(Result<T>& now, const Result<T>& earlier)
{
    if (now && earlier) grow_since(*now, *earlier);
}

} // namespace netwright::host
