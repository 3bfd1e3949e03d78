// SPDX-License-Identifier: GPL-2.0-or-later
// Snapshots for tests of rules: a healthy host with its kernel's default values, and one thing changed.
#pragma once

#include "advise/rule.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

namespace netwright::test {

using namespace std::chrono_literals;

struct HostBuilder {
    Snapshot snapshot; // for what has no word below
    std::map<std::string, std::string, std::less<>> sysctls;
    std::map<std::string, Counter, std::less<>> counters;
    SocketSummary sockets;
    std::vector<SysctlFile> files;

    // Debian's kernels with untouched values: 6.1 (Debian 12), 6.12 (Debian 13), 6.18. 16 GiB, four CPUs, one virtio
    // NIC.
    explicit HostBuilder(KernelVersion version = {6, 12, 0});

    HostBuilder& sysctl(std::string key, std::string value)
    {
        sysctls.insert_or_assign(std::move(key), std::move(value));
        return *this;
    }
    HostBuilder& without(std::string_view key)
    {
        if (const auto found = sysctls.find(key); found != sysctls.end()) sysctls.erase(found);
        if (const auto found = counters.find(key); found != counters.end()) counters.erase(found);
        return *this;
    }
    HostBuilder& counter(std::string name, std::uint64_t total, std::uint64_t growth = 0)
    {
        counters.insert_or_assign(std::move(name), Counter{total, growth});
        return *this;
    }
    HostBuilder& listener(std::uint16_t port, std::uint32_t queued, std::uint32_t limit, std::uint64_t drops = 0,
                          std::string command = "nginx")
    {
        Listener listener;
        listener.address = "0.0.0.0";
        listener.port = port;
        listener.queued = queued;
        listener.limit = limit;
        listener.drops = drops;
        listener.owner = SocketOwner{4711, std::move(command)};
        sockets.listeners.push_back(std::move(listener));
        return *this;
    }
    HostBuilder& file(std::string path, std::string key, std::string value, std::string read_by = "systemd-sysctl")
    {
        SysctlFile one{std::move(path), std::move(read_by)};
        one.settings = std::vector{SysctlSetting{std::move(key), std::move(value), 1, false}};
        files.push_back(std::move(one));
        return *this;
    }
    HostBuilder& service(std::string name)
    {
        snapshot.services->push_back({std::move(name), true, 99, std::nullopt});
        return *this;
    }
    Nic& nic() { return snapshot.nics->at(1); } // eth0

    Snapshot build() const;
};

inline void defaults_of_every_kernel(HostBuilder& host)
{
    host.sysctls = {
        {"fs.file-max", "9223372036854775807"},
        {"kernel.unprivileged_bpf_disabled", "2"},
        {"net.core.bpf_jit_harden", "0"},
        {"net.core.default_qdisc", "fq_codel"},
        {"net.core.netdev_max_backlog", "1000"},
        {"net.core.rmem_default", "212992"},
        {"net.core.rmem_max", "212992"},
        {"net.core.somaxconn", "4096"},
        {"net.core.wmem_default", "212992"},
        {"net.core.wmem_max", "212992"},
        {"net.ipv4.icmp_echo_ignore_broadcasts", "1"},
        {"net.ipv4.ip_forward", "0"},
        {"net.ipv4.ip_local_port_range", "32768\t60999"},
        {"net.ipv4.ip_local_reserved_ports", ""},
        {"net.ipv4.ip_no_pmtu_disc", "0"},
        {"net.ipv4.tcp_abort_on_overflow", "0"},
        {"net.ipv4.tcp_adv_win_scale", "1"},
        {"net.ipv4.tcp_available_congestion_control", "reno cubic bbr"},
        {"net.ipv4.tcp_challenge_ack_limit", "2147483647"},
        {"net.ipv4.tcp_congestion_control", "cubic"},
        {"net.ipv4.tcp_dsack", "1"},
        {"net.ipv4.tcp_early_retrans", "3"},
        {"net.ipv4.tcp_fastopen", "1"},
        {"net.ipv4.tcp_fin_timeout", "60"},
        {"net.ipv4.tcp_frto", "2"},
        {"net.ipv4.tcp_keepalive_intvl", "75"},
        {"net.ipv4.tcp_keepalive_probes", "9"},
        {"net.ipv4.tcp_keepalive_time", "7200"},
        {"net.ipv4.tcp_max_orphans", "65536"},
        {"net.ipv4.tcp_max_syn_backlog", "1024"},
        {"net.ipv4.tcp_max_tw_buckets", "65536"},
        {"net.ipv4.tcp_mem", "191931\t255909\t383862"},
        {"net.ipv4.tcp_moderate_rcvbuf", "1"},
        {"net.ipv4.tcp_mtu_probing", "0"},
        {"net.ipv4.tcp_orphan_retries", "0"},
        {"net.ipv4.tcp_recovery", "1"},
        {"net.ipv4.tcp_reordering", "3"},
        {"net.ipv4.tcp_retries2", "15"},
        {"net.ipv4.tcp_rmem", "4096\t131072\t6291456"},
        {"net.ipv4.tcp_sack", "1"},
        {"net.ipv4.tcp_slow_start_after_idle", "1"},
        {"net.ipv4.tcp_syn_retries", "6"},
        {"net.ipv4.tcp_synack_retries", "5"},
        {"net.ipv4.tcp_syncookies", "1"},
        {"net.ipv4.tcp_timestamps", "1"},
        {"net.ipv4.tcp_tw_reuse", "2"},
        {"net.ipv4.tcp_window_scaling", "1"},
        {"net.ipv4.tcp_wmem", "4096\t16384\t4194304"},
        {"net.ipv4.udp_mem", "383865\t511820\t767730"},
        {"net.mptcp.enabled", "1"},
        {"vm.min_free_kbytes", "67584"},
    };
    for (const std::string nic : {"all", "default", "eth0", "lo"}) {
        const std::string room = "net.ipv4.conf." + nic + ".";
        host.sysctls.insert({{room + "accept_redirects", "1"},
                             {room + "send_redirects", "1"},
                             {room + "rp_filter", "0"},
                             {room + "route_localnet", "0"},
                             {room + "accept_source_route", nic == "all" ? "0" : "1"}});
    }
}

inline void counters_at_rest(HostBuilder& host)
{
    for (const char* name : {"IcmpInRedirects",
                             "IcmpOutRedirects",
                             "IpFragCreates",
                             "MPTcpExtMPCapableFallbackACK",
                             "MPTcpExtMPCapableFallbackSYNACK",
                             "MPTcpExtMPCapableSYNRX",
                             "TcpExtIPReversePathFilter",
                             "TcpExtListenDrops",
                             "TcpExtListenOverflows",
                             "TcpExtOfoPruned",
                             "TcpExtPruneCalled",
                             "TcpExtRcvPruned",
                             "TcpExtSyncookiesRecv",
                             "TcpExtSyncookiesSent",
                             "TcpExtTCPAbortOnMemory",
                             "TcpExtTCPBacklogDrop",
                             "TcpExtTCPDSACKRecv",
                             "TcpExtTCPFastOpenActive",
                             "TcpExtTCPFastOpenActiveFail",
                             "TcpExtTCPFastOpenBlackhole",
                             "TcpExtTCPFastOpenCookieReqd",
                             "TcpExtTCPFastOpenListenOverflow",
                             "TcpExtTCPFastOpenPassive",
                             "TcpExtTCPLostRetransmit",
                             "TcpExtTCPMTUPFail",
                             "TcpExtTCPMTUPSuccess",
                             "TcpExtTCPMemoryPressures",
                             "TcpExtTCPRcvQDrop",
                             "TcpExtTCPReqQFullDrop",
                             "TcpExtTCPSACKReorder",
                             "TcpExtTCPSpuriousRTOs",
                             "TcpExtTCPTimeWaitOverflow",
                             "TcpExtTCPTimeouts",
                             "TcpExtTCPToZeroWindowAdv",
                             "Udp6RcvbufErrors",
                             "UdpMemErrors",
                             "UdpRcvbufErrors"})
        host.counter(name, 0);
    host.counter("TcpOutSegs", 5'000'000, 20'000).counter("TcpRetransSegs", 900, 3);
}

inline Nic interface(std::string name, bool physical)
{
    Nic nic;
    nic.name = std::move(name);
    nic.loopback = !physical;
    nic.physical = physical;
    nic.up = nic.carrier = true;
    nic.mtu = physical ? 1500 : 65536;
    return nic;
}

inline HostBuilder::HostBuilder(KernelVersion version)
{
    defaults_of_every_kernel(*this);
    counters_at_rest(*this);
    if (version >= KernelVersion{6, 18, 0})
        sysctl("net.ipv4.tcp_rmem", "4096\t131072\t33554432")
            .sysctl("net.core.rmem_max", "4194304")
            .sysctl("net.core.wmem_max", "4194304");
    snapshot.interval = 10s;
    snapshot.kernel.release = to_text(version) + "-amd64";
    snapshot.kernel.version = version;
    snapshot.surroundings.network_namespace = "init";
    snapshot.memory = Memory{16384_MiB, 12000_MiB, 4_KiB, 2_MiB, 0};
    snapshot.topology = Topology{};
    for (unsigned cpu = 0; cpu < 4; ++cpu)
        snapshot.topology->online.add(cpu);
    snapshot.nics = std::vector{interface("lo", false), interface("eth0", true)};
    snapshot.qdiscs = std::vector<Qdisc>{};
    Qdisc qdisc;
    qdisc.nic = "eth0";
    qdisc.kind = "fq_codel";
    qdisc.parent = "root";
    snapshot.qdiscs->push_back(qdisc);
    Route route;
    route.family = "ipv4";
    route.destination = "default";
    route.nic = "eth0";
    route.type = "unicast";
    snapshot.routes = std::vector{route};
    snapshot.rules = std::vector<RoutingRule>{};
    InterfaceAddress address;
    address.nic = "eth0";
    address.family = "ipv4";
    address.address = "192.0.2.10";
    address.length = 24;
    address.scope = "global";
    snapshot.addresses = std::vector{address};
    snapshot.sockstat = SockStat{};
    snapshot.sockstat->tcp_memory_pages = 100;
    snapshot.files = FileTable{2000, 9223372036854775807ULL};
    snapshot.listening_processes = std::vector<ProcessLimits>{};
    snapshot.services = std::vector<Service>{};
    sockets.busiest = fail(Error::Kind::Absent, "no outgoing connection");
    listener(22, 0, 128, 0, "sshd");
}

inline Snapshot HostBuilder::build() const
{
    Snapshot host = snapshot;
    std::vector<SysctlValue> values;
    for (const auto& [key, value] : sysctls)
        values.push_back({key, value});
    host.sysctls = SysctlTable(std::move(values));
    std::vector<NamedCounter> named;
    for (const auto& [name, counter] : counters)
        named.push_back({name, counter});
    host.protocols = CounterTable(std::move(named));
    host.sockets = sockets;
    host.sysctl_files = files;
    return host;
}

// What one rule of a subject says about a host.
inline Judgement ask(std::span<const advise::Rule> subject, std::string_view id, const Snapshot& host,
                     const Intent& intent = {})
{
    const auto rule = std::ranges::find(subject, id, &advise::Rule::id);
    REQUIRE_MESSAGE(rule != subject.end(), "no such rule: ", std::string(id));
    return advise::judge(std::span(&*rule, 1), host, intent);
}

// Nothing found, and nothing that kept the rule from judging.
inline bool content(const Judgement& judgement)
{
    for (const Finding& finding : judgement.findings)
        MESSAGE(finding.rule, ": ", finding.title);
    for (const NotJudged& gap : judgement.not_judged)
        MESSAGE(gap.rule, " not judged: ", gap.why.what);
    return judgement.findings.empty() && judgement.not_judged.empty() && judgement.rules_run == 1;
}

// The one finding that is expected, complete enough to be shown to a person.
inline Finding only(const Judgement& judgement)
{
    for (const NotJudged& gap : judgement.not_judged)
        MESSAGE(gap.rule, " not judged: ", gap.why.what);
    REQUIRE(judgement.findings.size() == 1);
    const Finding& finding = judgement.findings[0];
    CHECK_FALSE(finding.title.empty());
    CHECK_FALSE(finding.why.empty());
    CHECK_FALSE(finding.cost.empty());
    CHECK_FALSE(finding.side_effects.empty());
    CHECK_FALSE(finding.sources.empty());
    CHECK_MESSAGE((!finding.remedy.empty() || !finding.advice.empty()), "a finding must say what to do");
    return finding;
}

inline bool not_judged(const Judgement& judgement, Error::Kind kind)
{
    return judgement.findings.empty() && judgement.not_judged.size() == 1 && judgement.not_judged[0].why.kind == kind;
}

// What a finding would set `key` to, as text; "" if it leaves the key alone.
inline std::string proposed(const Finding& finding, std::string_view key)
{
    for (const Change& change : finding.remedy)
        if (change.tunable == Tunable(SysctlKey{std::string(key)}) && change.to) return to_text(*change.to);
    return {};
}

inline Intent intent_of(Workload workload)
{
    Intent intent;
    intent.workload = {workload, true, "--workload"};
    return intent;
}

inline Intent intent_of(Workload workload, BitRate bandwidth, Nanoseconds rtt)
{
    Intent intent = intent_of(workload);
    intent.bandwidth = Answer<BitRate>{bandwidth, true, "--bandwidth"};
    intent.rtt = Answer<Nanoseconds>{rtt, true, "--rtt"};
    return intent;
}

} // namespace netwright::test
