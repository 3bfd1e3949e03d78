// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about CPUs that save power.
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/machine.h"
#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Snapshot laptop_settings()
{
    Snapshot host = healthy_host(8);
    host.topology = topology_of({1, 8, 1});
    nic(host).interrupts = interrupts(2); // CPUs 0 and 1
    CpuPower power;
    power.cpus = host.topology->online;
    power.driver = "acpi-cpufreq";
    power.governor = "powersave";
    power.idle_states = {{"POLL", 0, true}, {"C1", 2, true}, {"C6", 133, true}, {"C8", 400, false}};
    host.topology->power = std::vector{power};
    return host;
}

Intent intent_of(Workload workload, bool given)
{
    Intent intent;
    intent.workload = {workload, given, "--workload"};
    return intent;
}

const Intent latency = intent_of(Workload::LowLatency, true);

std::vector<Finding> ask(const Snapshot& host, std::string_view id, const Intent& intent)
{
    return judged(cpu_power_rules(), host, id, intent);
}

std::vector<std::string> addresses(const Finding& finding)
{
    std::vector<std::string> all;
    for (const Change& change : finding.remedy)
        all.push_back(to_text(change.tunable));
    return all;
}

} // namespace

TEST_CASE("governors are raised on the CPUs that take packets, where somebody wants low latency")
{
    Snapshot host = laptop_settings();
    const auto findings = ask(host, "cpu-governor-slow", latency);
    REQUIRE(findings.size() == 1);
    CHECK(addresses(findings[0]) == std::vector<std::string>{"cpu/0/governor", "cpu/1/governor"});
    CHECK(findings[0].remedy[0].from == Value(std::string("powersave")));
    CHECK(findings[0].remedy[0].to == Value(std::string("performance")));
    CHECK(ask(host, "cpu-governor-slow", intent_of(Workload::Bulk, true)).empty());
    CHECK(ask(host, "cpu-governor-slow", intent_of(Workload::LowLatency, false)).empty()); // a guess is not enough
    (*host.topology->power)[0].governor = "schedutil";
    CHECK(ask(host, "cpu-governor-slow", latency).empty());
    (*host.topology->power)[0].governor = fail(Error::Kind::Absent, "no frequency driver");
    CHECK(ask(host, "cpu-governor-slow", latency).empty());
}

TEST_CASE("deep idle states that are enabled are switched off, shallow ones and those already off are not")
{
    Snapshot host = laptop_settings();
    const auto findings = ask(host, "cpu-idle-deep", latency);
    REQUIRE(findings.size() == 1);
    CHECK(addresses(findings[0]) == std::vector<std::string>{"cpu/0/idle-state-2", "cpu/1/idle-state-2"});
    CHECK(findings[0].evidence[0].value == "C6: 133 us, enabled on CPUs 0-1");
    (*host.topology->power)[0].idle_states[2].enabled = false;
    CHECK(ask(host, "cpu-idle-deep", latency).empty());
    (*host.topology->power)[0].idle_states.clear(); // a guest
    CHECK(ask(host, "cpu-idle-deep", latency).empty());
}

TEST_CASE("power settings that could not be seen are a gap unless there are none")
{
    Snapshot host = laptop_settings();
    host.topology->power = fail(Error::Kind::Refused, "permission denied", 13);
    const auto judgement = judge(cpu_power_rules(), host, latency);
    CHECK(judgement.not_judged.size() == 2);
    host.topology->power = fail(Error::Kind::Absent, "not in this file");
    CHECK(judge(cpu_power_rules(), host, latency).not_judged.empty());
}
