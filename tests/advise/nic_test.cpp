// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include <set>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

std::vector<Rule> all_rules()
{
    std::vector<Rule> rules;
    for (const auto list : {softirq_rules(), nic_rules(), conntrack_rules()})
        std::ranges::copy(list, std::back_inserter(rules));
    return rules;
}

// The host most people will try first: two CPUs, one virtio queue that knows no speed and has short rings.
Snapshot small_guest()
{
    Snapshot host = healthy_host(2);
    Nic& eth0 = nic(host);
    eth0.driver = "virtio_net";
    eth0.node = -1;
    eth0.local_cpus = fail(Error::Kind::Absent, "no local_cpulist");
    eth0.speed_mbit = fail(Error::Kind::Absent, "speed is not known");
    eth0.duplex = "unknown";
    eth0.channels = Channels{.combined = 1, .combined_max = 1};
    eth0.rx_ring = Ring{256, 256};
    eth0.rss = fail(Error::Kind::Unsupported, "Operation not supported", 95);
    eth0.queues = queues(1);
    eth0.interrupts = std::vector<NicInterrupt>{{20, "virtio2-config", cpus("0-1"), cpus("0"), 0},
                                                {21, "virtio2-input.0", cpus("0-1"), cpus("0"), 0},
                                                {22, "virtio2-output.0", cpus("0-1"), cpus("0"), 0}};
    (*host.qdiscs)[0].kind = "pfifo_fast";
    return host;
}

} // namespace

TEST_CASE("healthy hosts yield nothing, whatever virtual devices they have, and no gap")
{
    for (Snapshot host : {healthy_host(), healthy_host(2), small_guest()})
        for (const auto interval : {10'000ms, 0ms}) {
            host.interval = interval;
            const Judgement judgement = judge(all_rules(), host, Intent{});
            for (const Finding& finding : judgement.findings)
                CAPTURE(finding.title);
            CHECK(judgement.findings.empty());
            for (const NotJudged& gap : judgement.not_judged) {
                CAPTURE(gap.rule);
                CAPTURE(gap.why.what);
                CHECK(false);
            }
            CHECK(judgement.rules_run == all_rules().size());
        }
}

TEST_CASE("a host of which nothing could be seen is judged without a crash and without an accusation")
{
    const Judgement judgement = judge(all_rules(), Snapshot{}, Intent{});
    CHECK(judgement.findings.empty());
    CHECK_FALSE(judgement.not_judged.empty());
}

TEST_CASE("virtual devices are not judged by the rules for hardware, however they look")
{
    Snapshot host = healthy_host();
    for (const char* name : {"veth0", "ifb0", "br0", "lo"}) {
        Nic& device = nic(host, name);
        device.speed_mbit = 10;
        device.duplex = "half";
        device.rx_ring = Ring{64, 4096};
        device.channels = Channels{.combined = 1, .combined_max = 64};
        device.txqueuelen = 100'000;
        put(device.statistics, "rx_missed_errors", {.total = 9'000, .growth = 9'000});
        put(device.statistics, "rx_crc_errors", {.total = 9'000, .growth = 9'000});
        device.carrier_changes = Counter{500, 50};
    }
    CHECK(judge(nic_rules(), host, Intent{}).findings.empty());
}

TEST_CASE("every rule has a name of its own, a question, an explanation and a source")
{
    std::set<std::string_view> names;
    for (const Rule& rule : all_rules()) {
        CAPTURE(rule.id);
        CHECK(names.insert(rule.id).second);
        CHECK(rule.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos);
        CHECK(rule.question.ends_with('?'));
        CHECK(rule.explanation.size() > 20);
        CHECK_FALSE(rule.source.empty());
    }
    CHECK(names.size() >= 22);
}
