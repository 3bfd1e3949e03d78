// SPDX-License-Identifier: GPL-2.0-or-later
// Starting, pinning and ending the threads of a test.
#include "measure/worker.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>

namespace netwright::measure {
namespace {

void pin_to(unsigned cpu)
{
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    ::pthread_setaffinity_np(::pthread_self(), sizeof only, &only); // a CPU that has gone: run where we may
}

std::size_t threads_for(const Traffic& traffic, std::size_t flows)
{
    const std::size_t wanted =
        traffic.threads != 0 ? traffic.threads : std::max(1U, std::thread::hardware_concurrency());
    return std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(flows, 1));
}

} // namespace

void Crew::start(Job job, std::vector<Flow> flows, const Work& work, const CpuSet& cpus)
{
    const std::size_t count = threads_for(work.traffic, flows.size());
    const std::size_t before = threads_.size();
    for (std::size_t i = 0; i < count; ++i) {
        threads_.push_back(std::make_unique<Thread>());
        Thread& thread = *threads_.back();
        thread.work = work;
        thread.work.rate = 0;
        thread.work.stage = &stage_;
        thread.work.broken = &broken_;
    }
    for (std::size_t i = 0; i < flows.size(); ++i) {
        Thread& thread = *threads_[before + i % count];
        thread.flows.push_back(std::move(flows[i]));
        thread.work.rate += work.rate / static_cast<double>(flows.size());
    }
    const auto places = cpus.members();
    for (std::size_t i = before; i < threads_.size(); ++i) {
        Thread& thread = *threads_[i];
        thread.thread = std::thread([&thread, job, places, i] {
            if (!places.empty()) pin_to(places[i % places.size()]);
            ::prctl(PR_SET_TIMERSLACK, 1); // schedules are kept to the nanosecond the timer can
            job(thread.flows, thread.work, thread.tally);
        });
    }
}

void Crew::stop()
{
    stage_.store(Stage::Stop);
    for (const auto& thread : threads_)
        for (const Flow& flow : thread->flows)
            if (flow.socket) ::shutdown(flow.socket.get(), SHUT_RDWR);
    for (const auto& thread : threads_)
        if (thread->thread.joinable()) thread->thread.join();
    for (const auto& thread : threads_)
        thread->flows.clear();
}

std::string Crew::first_failure() const
{
    for (const auto& thread : threads_) {
        const std::lock_guard guard(thread->tally.failing);
        if (!thread->tally.first_failure.empty()) return thread->tally.first_failure;
    }
    return {};
}

std::vector<const Tally*> Crew::tallies() const
{
    std::vector<const Tally*> all;
    for (const auto& thread : threads_)
        all.push_back(&thread->tally);
    return all;
}

std::vector<int> Crew::tcp_sockets() const
{
    std::vector<int> sockets;
    for (const auto& thread : threads_)
        for (const Flow& flow : thread->flows)
            if (flow.socket && (flow.role == FlowRole::Bulk || flow.role == FlowRole::Request))
                sockets.push_back(flow.socket.get());
    return sockets;
}

void count_failure(Tally& tally, const std::string& what, int code)
{
    tally.failures.add(1);
    const std::lock_guard guard(tally.failing);
    if (!tally.first_failure.empty()) return;
    tally.first_failure = code != 0 ? errno_error(what, code).what : what;
    if (const auto before = tally.operations.get(); before > 0)
        tally.first_failure += fmt::format(" (after {} that succeeded)", before);
}

void break_down(const Work& work, Tally& tally, const std::string& what, int code)
{
    if (work.stopped()) return;
    count_failure(tally, what, code);
    work.broken->store(true);
}

} // namespace netwright::measure
