// SPDX-License-Identifier: GPL-2.0-or-later
// What packets are measured on: two veth pairs in a network namespace that nothing else uses. Frames go in at `source`,
// come to `in`, and what is sent on leaves by `out` and ends at `sink`.
//
//   source ══▶ in   (a way)   out ══▶ sink
#pragma once

#include "dataplane/ways_program.h"

#include <functional>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct WayPort {
    std::string name;
    unsigned index = 0;
    MacAddress address{};
};

class WaysNetwork {
public:
    // In the calling thread's namespace, which should be new: the devices go with it.
    static Result<WaysNetwork> make();
    const WayPort& source() const { return source_; }
    const WayPort& in() const { return in_; }
    const WayPort& out() const { return out_; }
    const WayPort& sink() const { return sink_; }

    // Lets the kernel route from `in` to `out`.
    Result<void> route() const;
    // Frames that `in` has received, whatever became of them. What was sent and is not among them found a full queue.
    Result<std::uint64_t> came() const;
    // Lets threads receive at a port instead of whoever happens to be interrupted: they can be kept on a CPU, and their
    // time is told. Gives them; they are others after a program was attached or detached.
    Result<std::vector<int>> receive_by_threads(const WayPort& port) const;

private:
    WayPort source_, in_, out_, sink_;
};

// Runs `act` in a thread of its own, in a network namespace of its own. Refused without the right to make one.
Result<void> in_fresh_namespace(const std::function<Result<void>()>& act);

} // namespace netwright::dataplane
