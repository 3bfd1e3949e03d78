// SPDX-License-Identifier: GPL-2.0-or-later
// Threads that look at backends, so that one that does not answer holds up nobody else.
#pragma once

#include "base/fd.h"
#include "dataplane/lb_probe.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace netwright::dataplane {

class LbProber {
public:
    using Who = std::pair<std::string, Prefix>; // pool and backend
    struct Look {
        Who who;
        LbCheck check;
        Result<void> seen;
    };
    // The threads have the caller's network namespace and its blocked signals.
    static Result<std::unique_ptr<LbProber>> start(unsigned threads);
    ~LbProber(); // waits for the looks that are under way
    LbProber(const LbProber&) = delete;
    LbProber& operator=(const LbProber&) = delete;

    void ask(Who who, LbCheck check);
    int wakes() const { return wake_.get(); } // readable when there are looks to take
    std::vector<Look> take();

private:
    explicit LbProber(Fd wake) : wake_(std::move(wake)) {}
    void work();

    Fd wake_;
    std::mutex mutex_;
    std::condition_variable waiting_;
    std::deque<std::pair<Who, LbCheck>> asked_;
    std::vector<Look> looks_;
    bool over_ = false;
    std::vector<std::thread> threads_;
};

} // namespace netwright::dataplane
