// SPDX-License-Identifier: GPL-2.0-or-later
// A queue of questions, a few threads, a list of answers.
#include "dataplane/lb_prober.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace netwright::dataplane {

Result<std::unique_ptr<LbProber>> LbProber::start(unsigned threads)
{
    Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) return std::unexpected(errno_error("make an eventfd", errno));
    std::unique_ptr<LbProber> prober(new LbProber(std::move(wake)));
    for (unsigned i = 0; i < threads; ++i)
        prober->threads_.emplace_back([&prober = *prober] { prober.work(); });
    return prober;
}

LbProber::~LbProber()
{
    {
        const std::scoped_lock lock(mutex_);
        over_ = true;
    }
    waiting_.notify_all();
    for (std::thread& thread : threads_)
        thread.join();
}

void LbProber::ask(Who who, LbCheck check)
{
    {
        const std::scoped_lock lock(mutex_);
        asked_.emplace_back(std::move(who), std::move(check));
    }
    waiting_.notify_one();
}

std::vector<LbProber::Look> LbProber::take()
{
    std::uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);
    const std::scoped_lock lock(mutex_);
    return std::exchange(looks_, {});
}

void LbProber::work()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        waiting_.wait(lock, [&] { return over_ || !asked_.empty(); });
        if (over_) return;
        auto [who, check] = std::move(asked_.front());
        asked_.pop_front();
        lock.unlock();
        auto seen = probe(check, who.second);
        lock.lock();
        looks_.push_back({std::move(who), std::move(check), std::move(seen)});
        const std::uint64_t one = 1;
        (void)!::write(wake_.get(), &one, sizeof one);
    }
}

} // namespace netwright::dataplane
