// SPDX-License-Identifier: GPL-2.0-or-later
// The counters of /proc again and again, from files that stay open: one sample costs about 0.1 ms of CPU time.
#pragma once

#include "kernel/kernel.h"
#include "model/counter.h"
#include "model/host.h"
#include "model/network.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::host {

// A line of /proc/net/dev. Its columns are sums: "dropped" holds frames missed for lack of descriptors, "errors" all
// kinds of them (net/core/net-procfs.c); collect_nics tells them apart.
struct InterfaceCounters {
    std::string name;
    Counter rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped;
    bool operator==(const InterfaceCounters&) const = default;
};

struct CounterSample {
    std::chrono::steady_clock::time_point taken{};
    Result<std::vector<SoftnetCpu>> softnet = unseen();
    Result<CounterTable> protocols = unseen();
    Result<std::vector<InterfaceCounters>> interfaces = unseen();
    Result<std::vector<CpuTimes>> cpu_times = unseen();
    Result<InterruptTable> softirqs = unseen();
    Result<InterruptTable> interrupts = unseen();
    PressureSet pressure;
    Result<SockStat> sockstat = unseen(); // no counter grows here: it is as of now
};

// Fills every growth in `now`; what is missing in either sample is left alone.
void grow_since(CounterSample& now, const CounterSample& earlier);

Result<std::vector<InterfaceCounters>> parse_interfaces(std::string_view text);

// A file that is opened once and read from its start each time.
class KeptFile {
public:
    KeptFile(const kernel::Files& files, std::string path);
    // Good until the next call. A file that was not there is looked for again: modules come and go.
    Result<std::string_view> read();
    const std::string& path() const { return path_; }

private:
    Result<std::size_t> read_whole();
    const kernel::Files* files_;
    std::string path_, text_;
    Fd file_;
};

// Samples the network namespace of the thread that took the first sample, also if that thread leaves it later.
// Borrows the kernel. One thread at a time.
class CounterSampler {
public:
    explicit CounterSampler(const kernel::Kernel& kernel);
    CounterSample sample();

private:
    Result<CounterTable> sample_protocols();
    Result<SockStat> sample_sockstat();

    const kernel::Files* files_;
    std::vector<KeptFile> protocols_;
    KeptFile softnet_, interfaces_, cpu_times_, softirqs_, interrupts_;
    KeptFile pressure_cpu_, pressure_memory_, pressure_io_, sockstat_, sockstat6_;
};

} // namespace netwright::host
