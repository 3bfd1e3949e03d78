// SPDX-License-Identifier: GPL-2.0-or-later
// Steering in the kernel: one policy's programs with their tables, not yet attached to anything.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "dataplane/steer_image.h"

#include <cstdint>
#include <memory>
#include <vector>

struct steer_bpf;

namespace netwright::dataplane {

class SteerProgram {
public:
    // `counts`: a map that outlives a policy; none: a new one. Unsupported: this kernel's verifier refuses it. Refused:
    // the rights are missing.
    static Result<SteerProgram> load(const SteerImage& image, int counts = -1);

    // `paced`: for an egress where fq keeps the times that are written into packets.
    int program(TcSide side, bool paced) const;
    int counts() const;

    SteerProgram(SteerProgram&&) noexcept;
    SteerProgram& operator=(SteerProgram&&) noexcept;
    ~SteerProgram();

private:
    struct Destroy {
        void operator()(steer_bpf* skeleton) const;
    };
    using Skeleton = std::unique_ptr<steer_bpf, Destroy>;
    explicit SteerProgram(Skeleton skeleton);
    Skeleton skeleton_;
};

// One counter, summed over CPUs.
Result<steer_count> read_steer_count(int map, std::uint32_t counter);

} // namespace netwright::dataplane
