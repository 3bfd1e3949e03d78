// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about queue interrupts, and the changes that place them.
#include "advise/interrupt_words.h"
#include "plan/make_plan.h"

#include <doctest/doctest.h>

#include <map>

#include "support/machine.h"
#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

std::vector<Finding> ask(const Snapshot& host, std::string_view id, const Intent& intent = {})
{
    return judged(nic_rules(), host, id, intent);
}

// A host with this machine's CPUs whose NIC on node `node` has `queues` queues, vector i on `on[i]`.
Snapshot host_with(const Machine& machine, int node, const std::vector<unsigned>& on)
{
    Snapshot host = healthy_host();
    host.topology = topology_of(machine);
    Nic& eth0 = nic(host);
    eth0.node = node;
    eth0.local_cpus = cpus_of_node(*host.topology, static_cast<unsigned>(std::max(node, 0)));
    eth0.queues = queues(static_cast<unsigned>(on.size()));
    eth0.interrupts.emplace();
    for (unsigned i = 0; i < on.size(); ++i)
        eth0.interrupts->push_back(
            {40 + i, fmt::format("eth0-TxRx-{}", i), cpus(std::to_string(on[i])), cpus(std::to_string(on[i])), node});
    return host;
}

// Where the remedy sends interrupts: address → CPUs.
std::map<std::string, std::string> moves(const Finding& finding)
{
    std::map<std::string, std::string> all;
    for (const Change& change : finding.remedy)
        all[to_text(change.tunable)] = to_text(*change.to);
    return all;
}

Intent low_latency()
{
    Intent intent;
    intent.workload = {Workload::LowLatency, true, "--workload"};
    return intent;
}

bool says(const Finding& finding, std::string_view words)
{
    return std::ranges::any_of(finding.advice, [&](const std::string& line) { return line.contains(words); });
}

} // namespace

TEST_CASE("interrupts that all go to one CPU are spread, XPS with them")
{
    const Snapshot host = host_with({1, 4, 1}, 0, {0, 0, 0, 0});
    const auto findings = ask(host, "nic-interrupts-on-one-cpu");
    REQUIRE(findings.size() == 1);
    CHECK(moves(findings[0]) == std::map<std::string, std::string>{{"irq/eth0-TxRx-1/affinity", "list:1"},
                                                                   {"irq/eth0-TxRx-2/affinity", "list:2"},
                                                                   {"irq/eth0-TxRx-3/affinity", "list:3"}});
    CHECK(findings[0].remedy[0].from == Value(cpus("0")));
    CHECK(findings[0].remedy[0].why.contains("queue 1"));
    CHECK(ask(host_with({1, 4, 1}, 0, {0, 1, 2, 3}), "nic-interrupts-on-one-cpu").empty());
}

TEST_CASE("what is proposed is what a plan takes, and a host so placed is left alone")
{
    Snapshot host = host_with({2, 4, 2}, 1, {0, 1, 2, 3});
    const Judgement judgement = judge(host, Intent{});
    const Plan plan = plan::make_plan(judgement, host, Intent{});
    std::map<std::string, std::string> planned;
    for (const Change& change : plan.changes)
        planned[to_text(change.tunable)] = to_text(*change.to);
    CHECK(planned["irq/eth0-TxRx-0/affinity"] == "list:4");
    CHECK(planned["irq/eth0-TxRx-3/affinity"] == "list:7");
    CHECK(planned["queue/eth0/tx-3/xps_cpus"].starts_with("list:3,")); // CPUs of the other node share the queues

    Nic& eth0 = nic(host);
    for (unsigned i = 0; i < 4; ++i)
        (*eth0.interrupts)[i].affinity = (*eth0.interrupts)[i].effective = cpus(std::to_string(4 + i));
    for (const char* rule : {"nic-interrupts-on-one-cpu", "nic-interrupts-remote", "nic-interrupts-share-core",
                             "nic-interrupts-uneven", "nic-interrupts-isolated", "nic-interrupts-split-pair"}) {
        CAPTURE(rule);
        CHECK(ask(host, rule).empty());
    }
}

TEST_CASE("a NIC on node 1 has its interrupts moved there")
{
    const auto findings = ask(host_with({2, 2, 1}, 1, {0, 1}), "nic-interrupts-remote");
    REQUIRE(findings.size() == 1);
    CHECK(moves(findings[0])["irq/eth0-TxRx-0/affinity"] == "list:2");
    CHECK(moves(findings[0])["irq/eth0-TxRx-1/affinity"] == "list:3");
    CHECK(findings[0].remedy[0].why.contains("node 1"));
    // More queues than the node has CPUs: the rest has to go elsewhere.
    CHECK(ask(host_with({2, 2, 1}, 1, {2, 3, 0, 1}), "nic-interrupts-remote").empty());
    CHECK(ask(host_with({2, 2, 1}, 1, {2, 0, 0, 1}), "nic-interrupts-remote").size() == 1);
    CHECK(ask(host_with({2, 2, 1}, -1, {0, 1}), "nic-interrupts-remote").empty());
}

TEST_CASE("two queues on one core while a near core has none")
{
    // CPUs 0 and 4 are threads of one core.
    const auto findings = ask(host_with({1, 4, 2}, 0, {0, 4}), "nic-interrupts-share-core");
    REQUIRE(findings.size() == 1);
    CHECK(moves(findings[0])["irq/eth0-TxRx-1/affinity"] == "list:1");
    CHECK(ask(host_with({1, 4, 2}, 0, {0, 1}), "nic-interrupts-share-core").empty());
    // Every core has one already.
    CHECK(ask(host_with({1, 2, 2}, 0, {0, 1, 2, 3}), "nic-interrupts-share-core").empty());
    // The idle core is another node's.
    CHECK(ask(host_with({2, 1, 2}, 0, {0, 2}), "nic-interrupts-share-core").empty());
    CHECK(ask(host_with({1, 4, 1}, 0, {0, 0}), "nic-interrupts-share-core").empty()); // no hyper-threads
}

TEST_CASE("a difference of two queues is uneven, of one is not")
{
    const auto findings = ask(host_with({1, 4, 1}, 0, {0, 0, 1, 2}), "nic-interrupts-uneven");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].title == "CPU 0 serves 2 queues of eth0, CPU 3 serves 0");
    CHECK(ask(host_with({1, 2, 1}, 0, {0, 0, 1}), "nic-interrupts-uneven").empty());
    CHECK(ask(host_with({1, 4, 1}, 0, {0, 0}), "nic-interrupts-uneven").empty()); // all on one: another rule's
}

TEST_CASE("interrupts keep off isolated CPUs")
{
    Snapshot host = host_with({1, 4, 1}, 0, {2, 3});
    CHECK(ask(host, "nic-interrupts-isolated").empty());
    host.topology->isolated = cpus("3");
    const auto findings = ask(host, "nic-interrupts-isolated");
    REQUIRE(findings.size() == 1);
    CHECK(moves(findings[0])["irq/eth0-TxRx-1/affinity"] == "list:1");
    host.topology->isolated = CpuSet{};
    host.topology->nohz_full = cpus("2-3");
    CHECK(ask(host, "nic-interrupts-isolated").size() == 1);
    host.topology->nohz_full = cpus("0-3"); // nowhere to go: said, not done
    const auto stuck = ask(host, "nic-interrupts-isolated");
    REQUIRE(stuck.size() == 1);
    CHECK(stuck[0].remedy.empty());
    CHECK(says(stuck[0], "no CPU is left"));
}

TEST_CASE("receive and transmit of one queue belong on one CPU")
{
    Snapshot host = host_with({1, 4, 1}, 0, {0, 1, 2, 3});
    auto& vectors = *nic(host).interrupts;
    vectors[0].action = "virtio0-input.0";
    vectors[1].action = "virtio0-output.0";
    vectors[2].action = "virtio0-input.1";
    vectors[3].action = "virtio0-output.1";
    const auto findings = ask(host, "nic-interrupts-split-pair");
    REQUIRE(findings.size() == 1);
    CHECK(moves(findings[0])["irq/virtio0-output.0/affinity"] == "list:0");
    CHECK(moves(findings[0])["irq/virtio0-input.1/affinity"] == "list:1");
    CHECK(moves(findings[0])["irq/virtio0-output.1/affinity"] == "list:1");
    vectors[1].affinity = vectors[1].effective = cpus("0");
    vectors[3].affinity = vectors[3].effective = cpus("2");
    CHECK(ask(host, "nic-interrupts-split-pair").empty());
    vectors[1].affinity = vectors[1].effective = cpus("3");
    CHECK(ask(host, "nic-interrupts-split-pair").size() == 1);
    vectors.resize(2); // one queue alone may use two CPUs
    CHECK(ask(host, "nic-interrupts-split-pair").empty());
}

TEST_CASE("names nobody knows are reported and never moved")
{
    Snapshot host = host_with({1, 4, 1}, 0, {0, 0});
    CHECK(ask(host, "nic-interrupts-unknown").empty());
    for (NicInterrupt& interrupt : *nic(host).interrupts)
        interrupt.action = fmt::format("newcomer!{}", interrupt.irq);
    const auto findings = ask(host, "nic-interrupts-unknown");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].remedy.empty());
    CHECK(findings[0].evidence.size() == 2);
    CHECK(ask(host, "nic-interrupts-on-one-cpu").empty());
}

TEST_CASE("running irqbalance keeps the interrupts, and the finding says so")
{
    Snapshot host = host_with({1, 4, 1}, 0, {0, 0, 0, 0});
    host.services = std::vector<Service>{{"irqbalance", true, 99, "--foreground"}};
    const auto left = ask(host, "nic-interrupts-on-one-cpu");
    REQUIRE(left.size() == 1);
    CHECK(left[0].remedy.empty());
    CHECK(says(left[0], "leaves the interrupts of eth0 to it"));
    CHECK(says(left[0], "BannedInterrupts '40 41 42 43'"));
}

TEST_CASE("where latency counts, the plan bans the interrupts from irqbalance and places them")
{
    Snapshot host = host_with({1, 4, 1}, 0, {0, 0, 0, 0});
    host.services = std::vector<Service>{{"irqbalance", true, 99, "--foreground"}};
    host.drop_ins = std::vector<DropInSetting>{{"irqbalance.service", "BannedInterrupts", "7"}};
    const auto banned = ask(host, "nic-interrupts-on-one-cpu", low_latency());
    REQUIRE(banned.size() == 1);
    CHECK(moves(banned[0])["service/irqbalance.service/BannedInterrupts"] == "7 40 41 42 43");
    CHECK(moves(banned[0])["irq/eth0-TxRx-3/affinity"] == "list:3");
    CHECK(says(banned[0], "systemctl restart irqbalance"));

    // Already banned: ours without a further word.
    host.services->front().detail = "--banirq=40 --banirq=41 --banirq=42 --banirq=43";
    const auto ours = ask(host, "nic-interrupts-on-one-cpu");
    REQUIRE(ours.size() == 1);
    CHECK(ours[0].remedy.size() == 3);
    CHECK(ours[0].advice.empty());
    host.services->front().detail = "--banirq=40"; // the others are not
    CHECK(ask(host, "nic-interrupts-on-one-cpu")[0].remedy.empty());
}

TEST_CASE("interrupts of two NICs with one name are addressed by number")
{
    Snapshot host = host_with({1, 4, 1}, 0, {0, 0});
    Nic twin = nic(host);
    twin.name = "eth1";
    for (NicInterrupt& interrupt : *twin.interrupts)
        interrupt.irq += 10;
    host.nics->push_back(twin);
    const auto findings = ask(host, "nic-interrupts-on-one-cpu");
    REQUIRE(findings.size() == 2);
    CHECK(moves(findings[0]).contains("irq/41/affinity"));
    CHECK(moves(findings[1]).contains("irq/51/affinity"));
}

TEST_CASE("interrupts that could not be seen are a gap, not a clean bill")
{
    Snapshot host = host_with({1, 4, 1}, 0, {0, 0});
    nic(host).interrupts = fail(Error::Kind::Refused, "permission denied", 13);
    CHECK(gaps_of(nic_rules(), host, "nic-interrupts-on-one-cpu").size() == 1);
    nic(host).interrupts = fail(Error::Kind::Absent, "no interrupts of its own");
    CHECK(gaps_of(nic_rules(), host, "nic-interrupts-on-one-cpu").empty());
    CHECK(ask(host, "nic-interrupts-unknown").empty());
}
