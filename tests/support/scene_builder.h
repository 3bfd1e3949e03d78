// SPDX-License-Identifier: GPL-2.0-or-later
// A quiet host at two moments, and one thing that happened in between.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "diagnose/diagnose.h"

namespace netwright::test {

struct SceneBuilder {
    Snapshot before, now;
    Result<DropReport> drops = DropReport{};
    std::map<std::string, Counter, std::less<>> counters;

    SceneBuilder()
    {
        now.interval = std::chrono::seconds{10};
        now.surroundings.hostname = "web1";
        now.surroundings.network_namespace = "init";
        now.kernel.release = "6.12.9-amd64";
        now.nics = std::vector<Nic>{};
        now.qdiscs = std::vector<Qdisc>{};
        now.neighbours = std::vector<NeighbourTable>{};
        now.conntrack = fail(Error::Kind::Absent, "not loaded");
        now.softnet = std::vector<SoftnetCpu>{};
        now.sockstat = SockStat{};
        now.topology = Topology{};
        now.cpu_times = std::vector<CpuTimes>{};
        now.listening_processes = std::vector<ProcessLimits>{};
        now.sockets = SocketSummary{};
        now.sockets->waiting = std::vector<Connection>{};
        now.sockets->busiest = fail(Error::Kind::Absent, "no outgoing connection");
        now.sysctls = SysctlTable({{"net.core.somaxconn", "4096"},
                                   {"net.ipv4.ip_local_port_range", "32768\t60999"},
                                   {"net.ipv4.tcp_max_orphans", "65536"},
                                   {"net.ipv4.tcp_mtu_probing", "0"}});
        before = now;
        // Every counter that some cause reads is there and still: nothing is unseen on this host.
        for (const auto* const cause : diagnose::all_causes())
            for (std::string_view rest = cause->counters; !rest.empty();) {
                const std::size_t end = std::min(rest.find_first_of(" +"), rest.size());
                if (end > 0) counters.emplace(rest.substr(0, end), Counter{});
                rest.remove_prefix(std::min(end + 1, rest.size()));
            }
        for (const char* name : {"TcpOutSegs", "TcpRetransSegs", "TcpOutRsts", "TcpExtTCPSynRetrans"})
            counters.emplace(name, Counter{});
    }
    SceneBuilder& grew(std::string name, std::uint64_t growth)
    {
        counters.insert_or_assign(std::move(name), Counter{growth + 1000, growth});
        return *this;
    }
    SceneBuilder& dropped(std::string reason, std::uint64_t packets, std::string protocol = "", std::uint16_t port = 0)
    {
        drops->drops.push_back({std::move(reason), "some_function", std::move(protocol), port, "eth0", packets});
        return *this;
    }
    Listener& listener(std::uint64_t pid, std::uint16_t port, std::uint64_t refused)
    {
        Listener one;
        one.address = "0.0.0.0";
        one.port = port;
        one.inode = port;
        one.limit = 128;
        one.owner = SocketOwner{pid, "nginx"};
        before.sockets->listeners.push_back(one);
        one.drops = refused;
        one.queued = refused > 0 ? 129 : 0;
        now.sockets->listeners.push_back(one);
        return now.sockets->listeners.back();
    }
    Nic& nic(std::string name)
    {
        Nic one;
        one.name = std::move(name);
        now.nics->push_back(one);
        return now.nics->back();
    }
    Diagnosis diagnosis(const std::vector<Symptom>& symptoms = {})
    {
        std::vector<NamedCounter> named;
        for (const auto& [name, counter] : counters)
            named.push_back({name, counter});
        if (!without_counters) now.protocols = CounterTable(std::move(named));
        return diagnose::diagnose({before, now, drops}, symptoms);
    }
    bool without_counters = false;
};

inline const FoundCause* find(const Diagnosis& diagnosis, std::string_view cause)
{
    const auto found = std::ranges::find(diagnosis.causes, cause, &FoundCause::cause);
    return found == diagnosis.causes.end() ? nullptr : &*found;
}

} // namespace netwright::test
