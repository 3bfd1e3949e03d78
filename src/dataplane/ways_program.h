// SPDX-License-Identifier: GPL-2.0-or-later
// The BPF programs of one measurement, loaded and aimed at its interfaces.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>

struct ways_bpf;

namespace netwright::dataplane {

using MacAddress = std::array<std::uint8_t, 6>;
using WayFrame = std::array<std::uint8_t, 60>; // the smallest that Ethernet carries, without its checksum
// A UDP datagram from 198.18.0.2 to 198.18.1.2, addresses kept for measuring (RFC 2544).
WayFrame way_frame(const MacAddress& to, const MacAddress& from);

struct WayAim {
    unsigned source_index = 0, out_index = 0;
    WayFrame frame{};
    MacAddress next_hop{}, out{}; // addresses of what is sent on
    std::uint64_t gap_ns = 0;     // between two frames; 0: none
};

class WaysProgram {
public:
    static Result<WaysProgram> load(const WayAim& aim);
    int generate() const;
    int drop() const;
    int forward() const;
    int to_socket() const;
    int sink() const;
    Result<void> put_socket(int socket); // what queue 0 receives goes there
    // Seconds that one call of generate() has been at it, without what comes before and after.
    void start_clock();
    double clock() const;
    Result<std::uint64_t> sent() const;
    Result<std::uint64_t> handled() const;
    Result<std::uint64_t> arrived() const;

    WaysProgram(WaysProgram&&) noexcept;
    WaysProgram& operator=(WaysProgram&&) noexcept;
    ~WaysProgram();

private:
    struct Destroy {
        void operator()(ways_bpf* skeleton) const;
    };
    using Skeleton = std::unique_ptr<ways_bpf, Destroy>;
    explicit WaysProgram(Skeleton skeleton);
    Result<std::uint64_t> packets(std::uint32_t counter) const;
    Skeleton skeleton_;
};

} // namespace netwright::dataplane
