// SPDX-License-Identifier: GPL-2.0-or-later
// One way of one hop: when does a packet that comes now come out, if it does? Pure: time and chance are given.
//
// A packet waits until those before it have gone at the link's rate, is refused when the buffer is full, may be lost,
// and takes the delay. Along several links in a row everything can be computed when a packet enters the first one,
// since packets do not overtake between them.
#pragma once

#include "lab/path.h"

#include <optional>
#include <random>

namespace netwright::lab {

using Nanos = std::int64_t; // on the monotonic clock

class Link {
public:
    Link(const LinkSettings& settings, std::uint64_t seed);
    enum class Fate { Passes, Overflow, Lost };
    // `at` must not go back. `bytes` include what frames it on the wire.
    Fate admit(Nanos& at, std::uint64_t bytes);

private:
    bool loses();

    LinkSettings settings_;
    std::mt19937_64 random_;
    Nanos free_at_ = 0; // when the line has sent all that waits
    double rest_ = 0;   // fractions of nanoseconds, so that small packets add up to the rate
    Nanos last_out_ = 0;
    bool bad_ = false; // Gilbert's bad state: everything is lost
};

// All hops one way.
class Chain {
public:
    Chain(const std::vector<LinkSettings>& links, std::uint64_t seed);
    Link::Fate admit(Nanos& at, std::uint64_t bytes);

private:
    std::vector<Link> links_;
};

} // namespace netwright::lab
