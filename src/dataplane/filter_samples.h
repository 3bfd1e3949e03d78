// SPDX-License-Identifier: GPL-2.0-or-later
// Packets that the filter dropped, as far as its policy has them sampled: their heads and what dropped them.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "dataplane/filter_layout.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

struct ring_buffer;

namespace netwright::dataplane {

struct Sample {
    std::chrono::nanoseconds time{}; // CLOCK_MONOTONIC
    std::uint32_t interface = 0;     // its index
    unsigned counter = 0;            // which check dropped it
    unsigned length = 0;             // of the frame
    std::vector<std::uint8_t> head;  // its first bytes
};

// Reads what the running filter has sampled, oldest first; each sample is given to one reader only.
class SampleReader {
public:
    // `directory` is pin_directory("filter"). Absent: no filter runs here.
    static Result<SampleReader> open(const std::filesystem::path& directory);
    // Those that are there, or come within `patience`. `take` is asked for each until it says no.
    using Take = std::function<bool(const Sample& sample)>;
    Result<void> read(std::chrono::milliseconds patience, const Take& take);

private:
    struct Free {
        void operator()(ring_buffer* ring) const;
    };
    struct Sink; // where libbpf's callback finds `take`
    SampleReader(Fd map, std::unique_ptr<Take> take, ring_buffer* ring);
    Fd map_;
    std::unique_ptr<Take> take_; // stays where it is, for libbpf points to it
    std::unique_ptr<ring_buffer, Free> ring_;
};

// "10.0.0.1:4000 > 10.0.0.2:80 tcp syn ack", "2001:db8::1 > ff02::1 icmpv6 135/0", "ethertype 0x0806".
std::string head_summary(std::span<const std::uint8_t> head);

} // namespace netwright::dataplane
