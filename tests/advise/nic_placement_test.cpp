// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {
std::vector<Finding> placement(const Snapshot& host, std::string_view id) { return judged(nic_rules(), host, id); }
} // namespace

TEST_CASE("fewer queues than CPUs are a fault only where a CPU is hot with packets")
{
    Snapshot host = healthy_host();
    CHECK(placement(host, "nic-queues-few").empty());
    nic(host).channels = Channels{.combined = 1, .combined_max = 8};
    REQUIRE(placement(host, "nic-queues-few").size() == 1);
    CHECK(placement(host, "nic-queues-few")[0].severity == Severity::Info);
    CHECK(placement(host, "nic-queues-few")[0].confidence == Confidence::Convention);
    receive(host, 2'000'000);
    heat(host, 0, 85);
    const auto findings = placement(host, "nic-queues-few");
    CHECK(findings[0].severity == Severity::High);
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(to_text(findings[0].remedy[0].tunable) == "nic/eth0/queues/combined");
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{4}}); // four CPUs, not eight queues
}

TEST_CASE("a driver that has no channels is no gap; a refusal is")
{
    Snapshot host = healthy_host();
    nic(host).channels = fail(Error::Kind::Unsupported, "Operation not supported", 95);
    CHECK(placement(host, "nic-queues-few").empty());
    CHECK(gaps_of(nic_rules(), host, "nic-queues-few").empty());
    nic(host).channels = fail(Error::Kind::Refused, "Operation not permitted", 1);
    CHECK(gaps_of(nic_rules(), host, "nic-queues-few").size() == 1);
}

TEST_CASE("all queue interrupts on one CPU matter when packets come")
{
    Snapshot host = healthy_host();
    CHECK(placement(host, "nic-interrupts-on-one-cpu").empty());
    for (NicInterrupt& interrupt : *nic(host).interrupts)
        interrupt.effective = cpus("0");
    REQUIRE(placement(host, "nic-interrupts-on-one-cpu").size() == 1);
    CHECK(placement(host, "nic-interrupts-on-one-cpu")[0].severity == Severity::Info);
    receive(host, 2'000'000);
    heat(host, 0, 60);
    CHECK(placement(host, "nic-interrupts-on-one-cpu")[0].severity == Severity::Medium);
    heat(host, 0, 90);
    CHECK(placement(host, "nic-interrupts-on-one-cpu")[0].severity == Severity::High);
}

TEST_CASE("interrupts for configuration do not count")
{
    Snapshot host = healthy_host();
    for (NicInterrupt& interrupt : *nic(host).interrupts) {
        interrupt.action = "virtio0-config";
        interrupt.effective = cpus("0");
    }
    CHECK(placement(host, "nic-interrupts-on-one-cpu").empty());
}

TEST_CASE("interrupts on the other NUMA node are told by the packet rate")
{
    Snapshot host = healthy_host();
    nic(host).local_cpus = cpus("0-1");
    CHECK(placement(host, "nic-interrupts-remote").empty()); // one node
    host.topology->nodes = {0, 1};
    CHECK(placement(host, "nic-interrupts-remote").empty()); // four queues do not fit on two CPUs
    nic(host).interrupts->erase(nic(host).interrupts->begin(), nic(host).interrupts->begin() + 2);
    REQUIRE(placement(host, "nic-interrupts-remote").size() == 1);
    CHECK(placement(host, "nic-interrupts-remote")[0].severity == Severity::Info);
    receive(host, 5'000'000);
    CHECK(placement(host, "nic-interrupts-remote")[0].severity == Severity::Medium);
    nic(host).local_cpus = cpus("0-3");
    CHECK(placement(host, "nic-interrupts-remote").empty());
    nic(host).local_cpus = cpus("0-1");
    nic(host).node = -1; // the firmware does not say
    CHECK(placement(host, "nic-interrupts-remote").empty());
}

TEST_CASE("pinning in order beside irqbalance is a note, unless irqbalance was told to keep off")
{
    Snapshot host = healthy_host();
    CHECK(placement(host, "irqbalance-beside-pinning").empty());
    host.services = std::vector<Service>{{"irqbalance", true, 99, "--foreground"}};
    REQUIRE(placement(host, "irqbalance-beside-pinning").size() == 1);
    CHECK(placement(host, "irqbalance-beside-pinning")[0].severity == Severity::Info);
    host.services->front().detail = "--foreground --banirq=30 --banirq=31 --banirq=32 --banirq=33";
    CHECK(placement(host, "irqbalance-beside-pinning").empty());
    host.services->front().detail = std::nullopt;
    (*nic(host).interrupts)[2].affinity = cpus("0-3");
    CHECK(placement(host, "irqbalance-beside-pinning").empty());
}
