// SPDX-License-Identifier: GPL-2.0-or-later
// An XDP program under traffic of many flows, without any network: BPF_PROG_TEST_RUN of a program that makes the next
// packet and hands it on.
#pragma once

#include "base/error.h"
#include "dataplane/feeder_layout.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct feeder_bpf;

namespace netwright::dataplane_bench {

using Frame = std::vector<std::uint8_t>;

struct Feed {
    Frame frame;               // as the first flow's, but that the feeder fills in the source
    std::uint32_t flows = 1;   // any of them may come next
    std::uint32_t top = 1;     // the first four bits of IPv4 source addresses
    std::uint32_t vips = 1;    // destinations, a power of two, 256 at most
    bool grows_behind = false; // the program changes the frame's end, not its beginning
    bool one_source = false;   // that of the frame
    std::uint32_t verdict = 2; // what a program is to give back: XDP_PASS
};

class Feeder {
public:
    // Without a program (-1) packets pass at once: what feeding itself costs. Unsupported: the kernel does not let the
    // one program call the other.
    static Result<Feeder> load(const Feed& feed, int program);
    // Nanoseconds a packet, the mean of `packets`.
    Result<double> run(std::uint32_t packets) const;
    // The same with frames that go on into the kernel, as if they had come in by this interface of the thread's
    // namespace (BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18): by the clock, until the last is through.
    Result<double> flood(std::uint32_t packets, unsigned interface) const;
    // What the program gives back for one packet: XDP_DROP, XDP_TX, …
    Result<std::uint32_t> verdict() const;

    Feeder(Feeder&&) noexcept;
    ~Feeder();

private:
    struct Destroy {
        void operator()(feeder_bpf* skeleton) const;
    };
    using Skeleton = std::unique_ptr<feeder_bpf, Destroy>;
    Feeder(Skeleton skeleton, Frame frame);
    Skeleton skeleton_;
    Frame frame_;
};

} // namespace netwright::dataplane_bench
