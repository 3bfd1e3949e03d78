// SPDX-License-Identifier: GPL-2.0-or-later
// The load balancer in the kernel: one loaded program with its tables, not attached to anything.
#pragma once

#include "base/error.h"
#include "dataplane/lb_image.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct lb_bpf;

namespace netwright::dataplane {

struct Balanced {
    std::uint32_t action = 0;        // XDP_PASS, XDP_DROP, XDP_TX
    std::vector<std::uint8_t> frame; // as it leaves
};

class LbProgram {
public:
    // `connections`: how many each CPU remembers of slots that changed hands. Until the first configuration all packets
    // pass. Unsupported: this kernel's verifier refuses it. Refused: the rights are missing.
    static Result<LbProgram> load(std::uint32_t connections = 1U << 17);

    // Every packet sees the configuration before or this one. On failure the one before stays.
    Result<void> configure(const LbImage& image);
    // Packets and bytes of each counter, summed over CPUs; LB_COUNT_MOST of them.
    Result<std::vector<lb_count>> read_counts() const;
    // One frame through the program, without any interface (BPF_PROG_TEST_RUN).
    Result<Balanced> run(std::span<const std::uint8_t> frame) const;

    LbProgram(LbProgram&&) noexcept;
    LbProgram& operator=(LbProgram&&) noexcept;
    ~LbProgram();

private:
    struct Destroy {
        void operator()(lb_bpf* skeleton) const;
    };
    using Skeleton = std::unique_ptr<lb_bpf, Destroy>;
    explicit LbProgram(Skeleton skeleton);
    Skeleton skeleton_;
};

} // namespace netwright::dataplane
