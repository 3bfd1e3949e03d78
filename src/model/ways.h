// SPDX-License-Identifier: GPL-2.0-or-later
// The ways packets can take through a host, and what was measured of each.
#pragma once

#include "base/error.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

// The simplest first: what needs least besides the kernel, and takes least away.
enum class Way { Stack, Xdp, AfXdpCopy, AfXdpZeroCopy, DpdkAfPacket, DpdkAfXdp };
inline constexpr std::array all_ways{Way::Stack,         Way::Xdp,          Way::AfXdpCopy,
                                     Way::AfXdpZeroCopy, Way::DpdkAfPacket, Way::DpdkAfXdp};
std::string_view to_text(Way way); // "kernel stack", "XDP", "AF_XDP (copy)", …
std::string_view word_of(Way way); // "stack", "xdp", "af-xdp-copy", …
Result<Way> parse_way(std::string_view word);

enum class WayTask { Drop, Forward };
std::string_view to_text(WayTask task); // "drop", "forward"

// One run of one way.
struct WayRun {
    std::uint64_t sent = 0;    // by the generator
    std::uint64_t came = 0;    // to the way; the others found a full queue
    std::uint64_t handled = 0; // dropped by the way itself; or sent on, and seen at the far end
    double seconds = 0;        // while packets were sent
    double cpu_seconds = 0;    // of the kernel's threads that receive and of the program, not of the generator
    double rate() const { return seconds > 0 ? static_cast<double>(handled) / seconds : 0; }
    bool operator==(const WayRun&) const = default;
};

struct WayFigures {
    Way way = Way::Stack;
    WayTask task = WayTask::Drop;
    std::string absent; // why there are no runs; "": there are some
    std::vector<WayRun> runs;
    bool operator==(const WayFigures&) const = default;
};

// Which CPU does what. With one CPU it does everything.
struct WayPlaces {
    int generator = 0;
    int receiver = 0; // the kernel's receiving thread, of ways without a program
    int beneath = 0;  // the same beneath a program
    int program = 0;
    bool operator==(const WayPlaces&) const = default;
};

// How it was measured: it decides what the figures can be compared with.
struct WaySetting {
    bool live_frames = true; // what generates: BPF live frames, or a packet socket
    double duration = 0;     // seconds a run
    WayPlaces places;
    std::string kernel; // its release
};

// "2M", "500k", "1.5M", "800000": packets a second. Malformed: anything else, and 0.
Result<double> parse_packet_rate(std::string_view text);
std::string packet_rate_text(double rate); // "1.53 M/s", "820 k/s"

} // namespace netwright
