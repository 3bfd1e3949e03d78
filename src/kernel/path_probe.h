// SPDX-License-Identifier: GPL-2.0-or-later
// Does a path carry packets of a given size? An ICMP echo that must not be fragmented, and what comes back.
#pragma once

#include "base/error.h"
#include "base/ip_prefix.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace netwright::kernel {

struct PathAnswer {
    enum class Verdict {
        Carried, // the echo came back
        TooBig,  // a hop, or this host's own interface, said that it is too large
        Silent   // nothing came back: too large for a silent hop, or nobody answers there
    };
    Verdict verdict = Verdict::Silent;
    std::uint32_t mtu = 0; // TooBig: what the hop carries, where it said so
    std::string hop;       // TooBig: who said so, "" if unknown
};

struct PathQuestion {
    IpPrefix destination;        // a single host
    std::string nic;             // leaves through this interface
    std::uint32_t packet = 1500; // bytes, IP header included
    int tries = 3;
    std::chrono::milliseconds patience{400}; // for each try
};

// Refused without CAP_NET_RAW. Absent: there is no way there.
Result<PathAnswer> ask_path(const PathQuestion& question);

} // namespace netwright::kernel
