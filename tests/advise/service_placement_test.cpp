// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about where servers run, and their descriptors as drop-ins.
#include "advise/service_words.h"

#include <doctest/doctest.h>

#include "support/machine.h"
#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

ProcessLimits process_on(std::string_view list, std::string cgroup = "/system.slice/nginx.service")
{
    ProcessLimits process;
    process.pid = 4711;
    process.command = "nginx";
    process.open_files = 10;
    process.nofile_soft = 1024;
    process.nofile_hard = 524288;
    process.cpus_allowed = cpus(list);
    process.cgroup = std::move(cgroup);
    return process;
}

Snapshot two_nodes() // eth0 on node 0, busy
{
    Snapshot host = healthy_host();
    host.topology = topology_of({2, 2, 1});
    nic(host).local_cpus = cpus("0-1");
    receive(host, 1'000'000);
    host.listening_processes = std::vector<ProcessLimits>{};
    host.drop_ins = std::vector<DropInSetting>{};
    return host;
}

std::vector<Finding> ask(const Snapshot& host, std::string_view id)
{
    return judged(service_placement_rules(), host, id);
}

bool says(const Finding& finding, std::string_view words)
{
    return std::ranges::any_of(finding.advice, [&](const std::string& line) { return line.contains(words); });
}

} // namespace

TEST_CASE("a server bound to the other node is told to move, as a drop-in of its service")
{
    Snapshot host = two_nodes();
    host.listening_processes = {process_on("2-3")};
    const auto findings = ask(host, "server-on-remote-node");
    REQUIRE(findings.size() == 1);
    REQUIRE(findings[0].remedy.size() == 1);
    const Change& change = findings[0].remedy[0];
    CHECK(to_text(change.tunable) == "service/nginx.service/CPUAffinity");
    CHECK_FALSE(change.from);
    CHECK(change.to == Value(cpus("0-1")));
    CHECK(change.persistence == Persistence::DropIn);
    CHECK(says(findings[0], "systemctl restart nginx.service"));
    CHECK(says(findings[0], "taskset -acp 0-1 4711"));

    host.drop_ins = {{"nginx.service", "CPUAffinity", "2-3"}};
    CHECK(ask(host, "server-on-remote-node")[0].remedy[0].from == Value(cpus("2-3")));
}

TEST_CASE("servers that may run near the NIC, idle NICs and unknown nodes are left alone")
{
    Snapshot host = two_nodes();
    host.listening_processes = {process_on("0-3"), process_on("1")};
    CHECK(ask(host, "server-on-remote-node").empty());
    host.listening_processes = {process_on("2-3")};
    receive(host, 100);
    CHECK(ask(host, "server-on-remote-node").empty());
    receive(host, 1'000'000);
    nic(host).node = -1;
    CHECK(ask(host, "server-on-remote-node").empty());
    nic(host).node = 0;
    host.topology->nodes = {0};
    CHECK(ask(host, "server-on-remote-node").empty());
    host.topology->nodes = {0, 1};
    host.listening_processes = fail(Error::Kind::Refused, "run as root");
    CHECK(gaps_of(service_placement_rules(), host, "server-on-remote-node").size() == 1);
}

TEST_CASE("a process without a service gets a command, and workers are one finding")
{
    Snapshot host = two_nodes();
    host.listening_processes = {process_on("2-3", "/user.slice/user-0.slice/session-1.scope"), process_on("2-3", "/")};
    const auto findings = ask(host, "server-on-remote-node");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].remedy.empty());
    CHECK(says(findings[0], "taskset"));
}

TEST_CASE("a server that may only run where interrupts take the time")
{
    Snapshot host = healthy_host();
    host.topology = topology_of({1, 4, 1});
    host.listening_processes = {process_on("0")};
    CHECK(ask(host, "server-beside-hot-interrupts").empty());
    heat(host, 0, 90);
    const auto findings = ask(host, "server-beside-hot-interrupts");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].confidence == Confidence::Measured);
    CHECK(findings[0].remedy[0].to == Value(cpus("1-3")));
    host.listening_processes = {process_on("0-1")};
    CHECK(ask(host, "server-beside-hot-interrupts").empty());
    for (unsigned cpu = 1; cpu < 4; ++cpu)
        heat(host, cpu, 90);
    CHECK(ask(host, "server-beside-hot-interrupts").empty()); // nowhere better
}

TEST_CASE("a server near its descriptor limit gets LimitNOFILE, never above fs.nr_open")
{
    Snapshot host = two_nodes();
    host.listening_processes = {process_on("0-3")};
    (*host.listening_processes)[0].open_files = 1000;
    put(host, "fs.nr_open", "1048576");
    const auto near = judged(connection_rules(), host, "descriptors-near-limit");
    REQUIRE(near.size() == 1);
    REQUIRE(near[0].remedy.size() == 1);
    CHECK(to_text(near[0].remedy[0].tunable) == "service/nginx.service/LimitNOFILE");
    CHECK(near[0].remedy[0].to == Value(std::int64_t{4096}));
    CHECK(says(near[0], "prlimit --pid 4711 --nofile=4096:"));
    put(host, "fs.nr_open", "2000");
    CHECK(judged(connection_rules(), host, "descriptors-near-limit")[0].remedy[0].to == Value(std::int64_t{2000}));
    put(host, "fs.nr_open", "1024");
    CHECK(judged(connection_rules(), host, "descriptors-near-limit")[0].remedy.empty());
}

TEST_CASE("services are told from their cgroups")
{
    CHECK(service_of(process_on("0")) == "nginx.service");
    CHECK(service_of(process_on("0", "/system.slice/system-getty.slice/getty@tty1.service")) == "getty@tty1.service");
    CHECK(service_of(process_on("0", "/system.slice/nginx.service/workers")) == "nginx.service");
    CHECK(service_of(process_on("0", "/user.slice/user-1000.slice/user@1000.service/app.slice")).empty());
    CHECK(service_of(process_on("0", "/kubepods.slice/x")).empty());
    ProcessLimits unseen_group;
    CHECK(service_of(unseen_group).empty());
}
