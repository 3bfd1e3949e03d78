// SPDX-License-Identifier: GPL-2.0-or-later
// Hosts for tests of the rules about interfaces, softirqs and tables: a healthy one, and words to make it ill.
#pragma once

#include "advise/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

namespace netwright::test {

using namespace std::chrono_literals;

inline CpuSet cpus(std::string_view list) { return CpuSet::parse_list(list).value(); }

inline void put(Result<CounterTable>& table, const std::string& name, Counter counter)
{
    std::vector<NamedCounter> counters = table ? table->all() : std::vector<NamedCounter>{};
    std::erase_if(counters, [&](const NamedCounter& old) { return old.name == name; });
    counters.push_back({name, counter});
    table = CounterTable(std::move(counters));
}

inline void put(Snapshot& host, const std::string& key, const std::string& value)
{
    std::vector<SysctlValue> values = host.sysctls.all();
    std::erase_if(values, [&](const SysctlValue& old) { return old.key == key; });
    values.push_back({key, value});
    host.sysctls = SysctlTable(std::move(values));
}

inline void drop_sysctl(Snapshot& host, std::string_view key)
{
    std::vector<SysctlValue> values = host.sysctls.all();
    std::erase_if(values, [&](const SysctlValue& old) { return old.key == key; });
    host.sysctls = SysctlTable(std::move(values));
}

inline Nic& nic(Snapshot& host, std::string_view name = "eth0")
{
    return *std::ranges::find(*host.nics, name, &Nic::name);
}

inline std::vector<Queue> queues(unsigned count)
{
    std::vector<Queue> all;
    for (unsigned i = 0; i < count; ++i)
        all.push_back({fmt::format("rx-{}", i), CpuSet{}, std::uint64_t{0}, fail(Error::Kind::Absent, "tx only")});
    for (unsigned i = 0; i < count; ++i)
        all.push_back({fmt::format("tx-{}", i), cpus(std::to_string(i)), fail(Error::Kind::Absent, "rx only"), ""});
    return all;
}

// One interrupt a queue, each on its own CPU.
inline std::vector<NicInterrupt> interrupts(unsigned count)
{
    std::vector<NicInterrupt> all;
    for (unsigned i = 0; i < count; ++i)
        all.push_back({30 + i, fmt::format("eth0-rx-{}", i), cpus(std::to_string(i)), cpus(std::to_string(i)), 0});
    return all;
}

inline std::vector<Feature> all_offloads_on()
{
    std::vector<Feature> all;
    for (const char* name : {"rx-gro", "rx-checksum", "tx-checksum-ip-generic", "tx-generic-segmentation",
                             "tx-scatter-gather", "tx-tcp-segmentation", "tx-tcp6-segmentation"})
        all.push_back({name, true, true, false});
    all.push_back({"rx-lro", false, false, true});
    all.push_back({"tx-checksum-ipv4", false, false, true});
    return all;
}

inline Nic hardware_nic(unsigned queue_count)
{
    Nic nic;
    nic.name = "eth0";
    nic.index = 2;
    nic.physical = nic.up = nic.carrier = true;
    nic.mtu = 1500;
    nic.txqueuelen = 1000;
    nic.driver = "ixgbe";
    nic.node = 0;
    nic.local_cpus = cpus("0-3");
    nic.speed_mbit = 10'000;
    nic.duplex = "full";
    nic.channels = Channels{.combined = queue_count, .combined_max = queue_count};
    nic.rx_ring = nic.tx_ring = Ring{.length = 512, .longest = 4096};
    nic.features = all_offloads_on();
    nic.interrupts = interrupts(queue_count);
    nic.queues = queues(queue_count);
    nic.carrier_changes = Counter{.total = 2, .growth = 0};
    put(nic.statistics, "rx_packets", {.total = 50'000'000, .growth = 1'000});
    put(nic.statistics, "tx_packets", {.total = 50'000'000, .growth = 1'000});
    put(nic.driver_statistics, "rx_no_buffer_count", {});
    return nic;
}

// veth, bridge, lo, ifb: the kernel answers EOPNOTSUPP to most questions about them.
inline Nic virtual_nic(std::string name, std::string kind)
{
    Nic nic;
    nic.name = std::move(name);
    nic.kind = std::move(kind);
    nic.loopback = nic.name == "lo";
    nic.up = nic.carrier = true;
    nic.mtu = nic.loopback ? 65'536 : 1500;
    nic.txqueuelen = 1000;
    const auto unsupported = fail(Error::Kind::Unsupported, "Operation not supported", 95);
    nic.channels = unsupported;
    nic.rss = unsupported;
    nic.rx_ring = unsupported;
    nic.tx_ring = unsupported;
    nic.driver_statistics = unsupported;
    nic.features = std::vector<Feature>{{"rx-gro", false, false, false}};
    nic.queues = queues(1);
    nic.carrier_changes = Counter{};
    put(nic.statistics, "rx_packets", {.total = 1000, .growth = 10});
    return nic;
}

inline CpuTimes idle_cpu(unsigned number)
{
    CpuTimes times;
    times.cpu = number;
    times.idle = {.total = 100'000, .growth = 1000};
    return times;
}

// Four CPUs, a 10 Gbit/s NIC with four queues, virtual interfaces beside it, ten seconds between the samples; no fault.
inline Snapshot healthy_host(unsigned cpu_count = 4)
{
    Snapshot host;
    host.interval = 10s;
    host.kernel.uptime = 100h;
    host.kernel.config = std::vector<ConfigOption>{{"CONFIG_HZ", "250"}};
    host.surroundings.network_namespace = "init";
    Topology topology;
    topology.online = topology.allowed = topology.possible = cpus(fmt::format("0-{}", cpu_count - 1));
    topology.nodes = {0};
    host.topology = topology;
    host.memory =
        Memory{.total = Bytes{16ULL << 30}, .available = Bytes{12ULL << 30}, .page_size = {}, .huge_page_size = {}};
    host.cpu_times.emplace();
    host.softnet.emplace();
    for (unsigned i = 0; i < cpu_count; ++i) {
        host.cpu_times->push_back(idle_cpu(i));
        SoftnetCpu softnet;
        softnet.cpu = i;
        softnet.processed = {.total = 25'000'000, .growth = 500};
        host.softnet->push_back(softnet);
    }
    host.nics = std::vector<Nic>{virtual_nic("lo", ""), hardware_nic(cpu_count), virtual_nic("veth0", "veth"),
                                 virtual_nic("ifb0", "ifb"), virtual_nic("br0", "bridge")};
    (*host.nics)[4].index = 9;
    host.qdiscs = std::vector<Qdisc>{};
    host.qdiscs->push_back({"eth0", "fq_codel", "0:", "root", {}, {.total = 50'000'000, .growth = 1000}, {}, {}, {}});
    host.services = std::vector<Service>{};
    host.protocols = CounterTable{};
    host.conntrack =
        Conntrack{.count = 100, .limit = 262'144, .buckets = 262'144, .cpus = std::vector<ConntrackCpu>(1)};
    host.neighbours = std::vector<NeighbourTable>{{"ipv4", 5, 128, 512, 1024, {}, {}, {}, {}}};
    put(host, "net.core.netdev_budget", "300");
    put(host, "net.core.netdev_budget_usecs", "8000");
    put(host, "net.core.netdev_max_backlog", "1000");
    put(host, "net.core.rps_sock_flow_entries", "0");
    put(host, "net.ipv4.ip_forward", "0");
    put(host, "net.ipv4.tcp_keepalive_time", "7200");
    put(host, "net.ipv4.neigh.default.gc_thresh1", "128");
    put(host, "net.ipv4.neigh.default.gc_thresh2", "512");
    put(host, "net.ipv4.neigh.default.gc_thresh3", "1024");
    put(host, "net.ipv6.conf.all.disable_ipv6", "0");
    put(host, "net.netfilter.nf_conntrack_max", "262144");
    put(host, "net.netfilter.nf_conntrack_buckets", "262144");
    put(host, "net.netfilter.nf_conntrack_tcp_timeout_established", "432000");
    return host;
}

// One CPU spends `percent` of the ten seconds in softirqs.
inline void heat(Snapshot& host, unsigned cpu, unsigned percent)
{
    CpuTimes& times = (*host.cpu_times)[cpu];
    times.softirq = {.total = percent * 10, .growth = percent * 10};
    times.idle.growth = 1000 - percent * 10;
}

inline void receive(Snapshot& host, std::uint64_t packets, std::string_view name = "eth0")
{
    put(nic(host, name).statistics, "rx_packets", {.total = 50'000'000 + packets, .growth = packets});
}

inline std::vector<Finding> judged(std::span<const advise::Rule> rules, const Snapshot& host, std::string_view id,
                                   const Intent& intent = {})
{
    const auto rule = std::ranges::find(rules, id, &advise::Rule::id);
    if (rule == rules.end()) { // a misspelt id must not pass for "found nothing"
        Finding misspelt;
        misspelt.rule = "no such rule";
        return {misspelt, misspelt};
    }
    return advise::judge(std::span(rule, 1), host, intent).findings;
}

inline std::vector<NotJudged> gaps_of(std::span<const advise::Rule> rules, const Snapshot& host, std::string_view id)
{
    const auto rule = std::ranges::find(rules, id, &advise::Rule::id);
    if (rule == rules.end()) return {};
    return advise::judge(std::span(rule, 1), host, {}).not_judged;
}

} // namespace netwright::test
