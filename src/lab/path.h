// SPDX-License-Identifier: GPL-2.0-or-later
// An emulated path in words: what happens to packets between two namespaces, hop by hop, each way by itself.
#pragma once

#include "base/units.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::lab {

struct LinkSettings {
    BitRate rate;          // 0: no limit
    Nanoseconds delay{0};  // one way
    Nanoseconds jitter{0}; // added to the delay: anything from 0 to this, never so that packets overtake
    double loss = 0;       // share of packets, 0 to 1
    double loss_burst = 1; // mean number of packets lost in a row; above 1 losses come in bursts (Gilbert's model)
    double reorder = 0;    // share of packets that skip the delay
    std::uint64_t buffer =
        0; // bytes that wait for the rate; 0: one bandwidth-delay product of the path, at least 64 KiB
    bool operator==(const LinkSettings&) const = default;
};

struct Hop {
    LinkSettings there, back;
    bool operator==(const Hop&) const = default;
};

struct PathSettings {
    std::vector<Hop> hops;
    std::uint32_t mtu = 1500;
    std::uint32_t black_hole = 0; // larger packets vanish without a word, as behind a broken tunnel; 0: none do
    bool operator==(const PathSettings&) const = default;
};

// Of the whole path: the slowest link there (0: none has a limit), and the delays of each way and of both.
BitRate bottleneck(const PathSettings& path);
Nanoseconds delay_of(const PathSettings& path, LinkSettings Hop::* way);
Nanoseconds round_trip(const PathSettings& path);

// One hop as flags and YAML write it; every text may be "".
struct HopWords {
    std::string rate, rtt, delay, jitter, loss, loss_burst, reorder, buffer;
};
// `rtt` is shared by both ways. Rejected: what makes no sense, naming it.
Result<Hop> parse_hop(const HopWords& there, const HopWords& back);

// hops: [{rate: 1Gbit, rtt: 50ms, loss: 0.1%, buffer: 1bdp, back: {rate: 20Mbit}}]; mtu; black-hole.
Result<PathSettings> path_from_yaml(std::string_view text, std::string_view file);
// Buffers that were left open, filled. Rejected: no hop, or numbers no emulator could keep.
Result<PathSettings> settled(PathSettings path);
std::string to_text(const PathSettings& path); // "1 Gbit/s, 25 ms each way, loss 0.1 %"

} // namespace netwright::lab
