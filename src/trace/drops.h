// SPDX-License-Identifier: GPL-2.0-or-later
// Counts the packets the kernel drops in the calling thread's network namespace, by reason, place, protocol and port.
#pragma once

#include "kernel/files.h"
#include "model/drops.h"

#include <memory>

namespace netwright::trace {

// Counting begins with start() and ends with the object.
class DropCounter {
public:
    // Refused: no CAP_BPF and CAP_PERFMON. Unsupported: no BTF, or a kernel that cannot attach to raw tracepoints
    // (before 5.5).
    static Result<DropCounter> start();
    // What was dropped since start(), or since the last call. Borrows `files` for the names of kernel functions.
    Result<DropReport> take(const kernel::Files& files);

    DropCounter(DropCounter&&) noexcept;
    DropCounter& operator=(DropCounter&&) noexcept;
    ~DropCounter();

private:
    struct State;
    explicit DropCounter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace netwright::trace
