// SPDX-License-Identifier: GPL-2.0-or-later
// Threads that make or take traffic. Each owns its flows and its tally; the only things shared are the stage, which the
// conductor moves, and counters that are read while they grow.
#pragma once

#include "base/cpu_set.h"
#include "measure/socket.h"
#include "model/histogram.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace netwright::measure {

enum class Stage { WarmUp, Measure, Stop };

struct Flow {
    Fd socket;
    FlowRole role = FlowRole::Bulk;
    std::uint32_t number = 0;
};

// Counters since the start; written by one thread, read by any.
class Count {
public:
    void add(std::uint64_t more) { value_.store(get() + more, std::memory_order_relaxed); }
    void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
    std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct alignas(64) Tally {
    Count sent, received, operations, failures;
    Count highest, reordered;            // datagrams: the furthest sequence numbers, summed over flows
    Histogram latency, delay, variation; // since the warm-up; to be read once the thread has ended
    double jitter_ns = 0;
    std::mutex failing; // guards first_failure, which is written once
    std::string first_failure;
};

// What a worker is given. It returns when the stage is Stop, or when its flows have ended.
struct Work {
    Traffic traffic;
    std::uint32_t cookie = 0;
    std::vector<Address> peers{}; // Connections: where to
    double rate = 0;              // this worker's share of traffic.rate, in the traffic's unit; 0: no limit
    const std::atomic<Stage>* stage = nullptr;
    std::atomic<bool>* broken = nullptr; // set when the test makes no sense any more: a flow failed before Stop
    bool stopped() const { return stage->load(std::memory_order_relaxed) == Stage::Stop; }
    bool measuring() const { return stage->load(std::memory_order_relaxed) == Stage::Measure; }
};
using Job = void (*)(std::vector<Flow>& flows, const Work& work, Tally& tally);

// The threads of one end of a test.
class Crew {
public:
    Crew() = default;
    ~Crew() { stop(); }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    // Deals `flows` to as many threads as `traffic` asks for, pinned to `cpus` in turn.
    void start(Job job, std::vector<Flow> flows, const Work& work, const CpuSet& cpus);
    void measure() { stage_.store(Stage::Measure); }
    // Ends and joins all threads; flows are shut down so that none waits on one.
    void stop();

    bool broken() const { return broken_.load(); }
    std::string first_failure() const; // with "after N successes" where there were some
    std::vector<const Tally*> tallies() const;
    std::vector<int> tcp_sockets() const; // open until stop()
    unsigned threads() const { return static_cast<unsigned>(threads_.size()); }

private:
    struct Thread {
        std::vector<Flow> flows;
        Work work;
        Tally tally;
        std::thread thread;
    };
    std::vector<std::unique_ptr<Thread>> threads_;
    std::atomic<Stage> stage_{Stage::WarmUp};
    std::atomic<bool> broken_{false};
};

// A flow failed: remembered, and the test is broken unless it is over anyway.
void break_down(const Work& work, Tally& tally, const std::string& what, int code);
// An operation failed, and the next may succeed.
void count_failure(Tally& tally, const std::string& what, int code);

} // namespace netwright::measure
