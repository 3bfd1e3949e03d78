// SPDX-License-Identifier: GPL-2.0-or-later
// What the host seems to be for, where nobody said so. Every inferred answer says what it was read from.
#pragma once

#include "model/intent.h"
#include "model/snapshot.h"

namespace netwright::advise {

// Keeps what was given and fills the rest; what the snapshot cannot tell stays empty rather than guessed.
//   rtt              90th percentile of the smallest round trips over the established connections
//   bandwidth        the slowest physical interface that is up and tells its speed
//   loss             bytes sent again of all bytes sent over the established connections
//   connections      established now
//   connection_rate  accepted connections over the interval between the two samples
//   datagram_rate    UDP datagrams received over the same interval
//   workload         only where one thing is plain: a running kubelet, a router without listeners of its own
Intent infer(const Snapshot& host, Intent given);

} // namespace netwright::advise
