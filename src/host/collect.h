// SPDX-License-Identifier: GPL-2.0-or-later
// Everything observed becomes one value: runs every collector, twice where there are counters.
#pragma once

#include "kernel/kernel.h"
#include "model/snapshot.h"

#include <chrono>

namespace netwright::host {

struct Options {
    std::chrono::milliseconds interval{0}; // between the two samples of every counter; 0: one sample
    bool owners = false; // also count connections by process: a BPF pass, or a walk over every descriptor
};

// Never fails as a whole: what cannot be seen stands in the snapshot with its reason. Starts no other program.
Snapshot collect(kernel::Kernel& kernel, const Options& options);

// One a subject, each in its own file; collect.cpp calls them in order.
KernelFacts collect_kernel_facts(const kernel::Kernel& kernel);                // kernel_facts.cpp
Surroundings collect_surroundings(const kernel::Kernel& kernel);               // surroundings.cpp
Result<Topology> collect_topology(const kernel::Kernel& kernel);               // topology.cpp
Result<Memory> collect_memory(const kernel::Kernel& kernel);                   // memory.cpp
Result<std::vector<CpuTimes>> collect_cpu_times(const kernel::Kernel& kernel); // cpu_times.cpp
PressureSet collect_pressure(const kernel::Kernel& kernel);                    // pressure.cpp
Result<InterruptTable> collect_interrupts(const kernel::Kernel& kernel);       // interrupts.cpp
Result<InterruptTable> collect_softirqs(const kernel::Kernel& kernel);         // interrupts.cpp
Result<std::vector<Nic>> collect_nics(kernel::Kernel& kernel);     // nic.cpp (+ nic_ethtool.cpp, nic_sysfs.cpp …)
Result<std::vector<Qdisc>> collect_qdiscs(kernel::Kernel& kernel); // qdisc.cpp
Result<std::vector<InterfaceAddress>> collect_addresses(kernel::Kernel& kernel);    // address.cpp
Result<std::vector<Route>> collect_routes(kernel::Kernel& kernel);                  // route.cpp
Result<std::vector<RoutingRule>> collect_rules(kernel::Kernel& kernel);             // route.cpp
Result<std::vector<NeighbourTable>> collect_neighbours(kernel::Kernel& kernel);     // neighbour.cpp
Result<Conntrack> collect_conntrack(kernel::Kernel& kernel);                        // conntrack.cpp
Result<CounterTable> collect_protocols(const kernel::Kernel& kernel);               // protocols.cpp
Result<std::vector<SoftnetCpu>> collect_softnet(const kernel::Kernel& kernel);      // softnet.cpp
Result<SockStat> collect_sockstat(const kernel::Kernel& kernel);                    // sockstat.cpp
Result<SocketSummary> collect_sockets(kernel::Kernel& kernel);                      // sockets.cpp
SysctlTable collect_sysctls(const kernel::Kernel& kernel);                          // sysctls.cpp
Result<std::vector<SysctlFile>> collect_sysctl_files(const kernel::Kernel& kernel); // sysctl_files.cpp
Result<FileTable> collect_files(const kernel::Kernel& kernel);                      // files.cpp
// Limits of the processes that hold the listeners of `sockets`.
Result<std::vector<ProcessLimits>> collect_limits(const kernel::Kernel& kernel,
                                                  const Result<SocketSummary>& sockets);             // limits.cpp
Result<std::vector<Service>> collect_services(const kernel::Kernel& kernel);                         // services.cpp
Result<std::vector<DropInSetting>> collect_drop_ins(const kernel::Kernel& kernel);                   // services.cpp
Result<std::vector<CpuPower>> collect_cpu_power(const kernel::Kernel& kernel, const CpuSet& online); // cpu_power.cpp

} // namespace netwright::host
