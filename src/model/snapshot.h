// SPDX-License-Identifier: GPL-2.0-or-later
// What one host looked like. What could not be seen stands where the answer would, with its reason.
#pragma once

#include "model/counter.h"
#include "model/host.h"
#include "model/network.h"
#include "model/nic.h"
#include "model/sockets.h"
#include "model/sysctl.h"

#include <chrono>
#include <string>
#include <vector>

namespace netwright {

struct Snapshot {
    static constexpr int current_schema = 1;

    int schema = current_schema;
    std::string tool;   // "netwright 0.1.0"
    std::string origin; // "live", or the directory of a captured tree
    std::chrono::sys_seconds taken{};
    std::chrono::milliseconds interval{0}; // between the two samples of every Counter; 0: one sample only

    KernelFacts kernel;
    Surroundings surroundings;
    Result<Topology> topology = unseen();
    Result<Memory> memory = unseen();
    Result<std::vector<CpuTimes>> cpu_times = unseen();
    PressureSet pressure;
    Result<InterruptTable> interrupts = unseen();
    Result<InterruptTable> softirqs = unseen();

    Result<std::vector<Nic>> nics = unseen();
    Result<std::vector<Qdisc>> qdiscs = unseen();
    Result<std::vector<InterfaceAddress>> addresses = unseen();
    Result<std::vector<Route>> routes = unseen();
    Result<std::vector<RoutingRule>> rules = unseen();
    Result<std::vector<NeighbourTable>> neighbours = unseen();
    Result<Conntrack> conntrack = unseen();

    Result<CounterTable> protocols =
        unseen(); // snmp, snmp6, netstat: "TcpRetransSegs", "TcpExtListenDrops", "Udp6InErrors"
    Result<std::vector<SoftnetCpu>> softnet = unseen();
    Result<SockStat> sockstat = unseen();
    Result<SocketSummary> sockets = unseen();

    SysctlTable sysctls; // every net.*, and the fs.*, vm.*, kernel.* that matter
    Result<std::vector<SysctlFile>> sysctl_files = unseen();
    Result<FileTable> files = unseen();
    Result<std::vector<ProcessLimits>> listening_processes = unseen();
    Result<std::vector<Service>> services = unseen();
    Result<std::vector<DropInSetting>> drop_ins = unseen();

    bool operator==(const Snapshot&) const = default; // reads back from JSON as the same value
};

// A place in the snapshot that could not be seen.
struct Gap {
    std::string where; // "nics[eth0].rx_ring"
    Error why;
    bool operator==(const Gap&) const = default;
};
std::vector<Gap> gaps(const Snapshot& snapshot);

// The interface called `name`; null if the snapshot has none.
const Nic* find_nic(const Snapshot& snapshot, std::string_view name);

} // namespace netwright
