// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {
std::vector<Finding> load(const Snapshot& host, std::string_view id) { return judged(softirq_rules(), host, id); }
} // namespace

TEST_CASE("one CPU that does all the receive work is told by how hot it is")
{
    Snapshot host = healthy_host();
    (*host.softnet)[2].processed.growth = 5'000'000;
    CHECK(load(host, "softirq-receive-skew").empty()); // skewed, and it costs nothing
    heat(host, 2, 30);
    REQUIRE(load(host, "softirq-receive-skew").size() == 1);
    CHECK(load(host, "softirq-receive-skew")[0].severity == Severity::Low);
    heat(host, 2, 90);
    CHECK(load(host, "softirq-receive-skew")[0].severity == Severity::High);
    CHECK(load(host, "softirq-receive-skew")[0].confidence == Confidence::Measured);
}

TEST_CASE("work spread evenly, few packets, or a single sample are no skew")
{
    Snapshot host = healthy_host();
    heat(host, 0, 90);
    for (SoftnetCpu& cpu : *host.softnet)
        cpu.processed.growth = 1'000'000;
    CHECK(load(host, "softirq-receive-skew").empty());
    for (SoftnetCpu& cpu : *host.softnet)
        cpu.processed.growth = cpu.cpu == 0 ? 5'000 : 0; // 500 packets/s
    CHECK(load(host, "softirq-receive-skew").empty());
    host.softnet->front().processed.growth = 5'000'000;
    host.interval = 0s;
    CHECK(load(host, "softirq-receive-skew").empty());
}

TEST_CASE("on two CPUs one has to do nearly everything to be skewed")
{
    Snapshot host = healthy_host(2);
    heat(host, 0, 60);
    (*host.softnet)[0].processed.growth = 800'000;
    (*host.softnet)[1].processed.growth = 200'000;
    CHECK(load(host, "softirq-receive-skew").empty());
    (*host.softnet)[1].processed.growth = 50'000;
    CHECK(load(host, "softirq-receive-skew").size() == 1);
}

TEST_CASE("interrupts that take most of all CPUs are a finding of their own")
{
    Snapshot host = healthy_host();
    heat(host, 0, 100);
    CHECK(load(host, "softirq-cpus-exhausted").empty()); // one of four
    for (unsigned cpu = 0; cpu < 4; ++cpu)
        heat(host, cpu, 70);
    REQUIRE(load(host, "softirq-cpus-exhausted").size() == 1);
    CHECK(load(host, "softirq-cpus-exhausted")[0].severity == Severity::Medium);
    for (unsigned cpu = 0; cpu < 4; ++cpu)
        heat(host, cpu, 95);
    CHECK(load(host, "softirq-cpus-exhausted")[0].severity == Severity::High);
}

TEST_CASE("steal time is judged between the samples only")
{
    Snapshot host = healthy_host();
    (*host.cpu_times)[1].steal = {.total = 1'000'000, .growth = 0};
    CHECK(load(host, "cpu-steal").empty());
    (*host.cpu_times)[1].steal.growth = 100; // 100 of 1100 ticks
    REQUIRE(load(host, "cpu-steal").size() == 1);
    CHECK(load(host, "cpu-steal")[0].severity == Severity::Medium);
    (*host.cpu_times)[1].steal.growth = 1000;
    CHECK(load(host, "cpu-steal")[0].severity == Severity::High);
    CHECK(load(host, "cpu-steal")[0].remedy.empty());
}

TEST_CASE("samples too close together tell nothing about load")
{
    Snapshot host = healthy_host();
    host.interval = 100ms;
    for (CpuTimes& times : *host.cpu_times) {
        times.idle.growth = 1;
        times.softirq.growth = 9;
        times.steal.growth = 9;
    }
    CHECK(load(host, "softirq-cpus-exhausted").empty());
    CHECK(load(host, "cpu-steal").empty());
}
