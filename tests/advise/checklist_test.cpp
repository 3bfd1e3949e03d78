// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/checklist.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace netwright;
using advise::Campaign;
using advise::Done;

namespace {

struct Bench {
    Snapshot host;
    Intent intent;
    Judgement judgement;
    advise::Case about{host, intent};
    Campaign campaign{about, judgement, {}, {}, {}, {}, {}, false};

    ChecklistStep step(std::string_view name) const
    {
        const auto all = advise::checklist(campaign);
        const auto found = std::ranges::find(all, name, &ChecklistStep::name);
        REQUIRE(found != all.end());
        return *found;
    }
};

Done kept(std::int64_t id, std::string started)
{
    Done one;
    one.id = id;
    one.started = std::move(started);
    one.confirmed = one.lasts = true;
    one.changes = 1;
    return one;
}

} // namespace

TEST_CASE("there are ten steps, each with a question, and what is open says what comes next")
{
    const Bench bench;
    const auto all = advise::checklist(bench.campaign);
    REQUIRE(all.size() == 10);
    for (const ChecklistStep& one : all) {
        CAPTURE(one.name);
        CHECK(one.question.ends_with('?'));
        CHECK_FALSE(one.seen.empty());
        CHECK((one.mark != Mark::Open || !one.next.empty()));
    }
}

TEST_CASE("a goal is a workload and numbers that a person gave")
{
    Bench bench;
    CHECK(bench.step("goal").mark == Mark::Open);
    bench.intent.workload = {Workload::Database, false, "inferred"};
    CHECK(bench.step("goal").mark == Mark::Open);
    bench.intent.workload = {Workload::Database, true, "--workload"};
    CHECK(bench.step("goal").mark == Mark::Partly);
    bench.intent.rtt = Answer<Nanoseconds>{std::chrono::milliseconds{1}, false, "inferred"};
    CHECK(bench.step("goal").mark == Mark::Partly);
    bench.intent.rtt->given = true;
    CHECK(bench.step("goal").mark == Mark::Done);
}

TEST_CASE("a baseline counts only if it is older than the first change that was kept")
{
    Bench bench;
    CHECK(bench.step("baseline").mark == Mark::Open);
    bench.campaign.transactions = {kept(1, "2026-11-10T10:00:00Z")};
    bench.campaign.baselines = {{"late.json", "2026-11-12T10:00:00Z"}};
    CHECK(bench.step("baseline").mark == Mark::Partly);
    bench.campaign.baselines.insert(bench.campaign.baselines.begin(), {"first.json", "2026-11-09T10:00:00Z"});
    CHECK(bench.step("baseline").mark == Mark::Done);
}

TEST_CASE("a change is measured if something was measured before the next one came")
{
    Bench bench;
    CHECK(bench.step("test each step").mark == Mark::NotNeeded);
    bench.campaign.transactions = {kept(1, "2026-11-10T10:00:00Z"), kept(2, "2026-11-11T10:00:00Z")};
    bench.campaign.baselines = {{"before.json", "2026-11-09T10:00:00Z"}};
    CHECK(bench.step("test each step").mark == Mark::Open);
    bench.campaign.experiments = {{"after.json", "2026-11-12T10:00:00Z"}}; // both at once: only the last is told apart
    CHECK(bench.step("test each step").mark == Mark::Partly);
    bench.campaign.experiments.push_back({"between.json", "2026-11-10T20:00:00Z"});
    CHECK(bench.step("test each step").mark == Mark::Done);
}

TEST_CASE("a way back needs old values, values that are still ours, and the unit at boot")
{
    Bench bench;
    CHECK(bench.step("way back").mark == Mark::Partly); // no unit at boot
    bench.campaign.recovers_at_boot = true;
    CHECK(bench.step("way back").mark == Mark::Done);
    bench.campaign.transactions = {kept(1, "2026-11-10T10:00:00Z")};
    CHECK(bench.step("way back").mark == Mark::Done);
    bench.campaign.transactions[0].without_way_back = 1;
    CHECK(bench.step("way back").mark == Mark::Open);
    bench.campaign.transactions[0].without_way_back = 0;
    bench.campaign.drifted = {"sysctl/net.core.somaxconn is not what transaction 1 confirmed any more"};
    CHECK(bench.step("way back").mark == Mark::Open);
}

TEST_CASE("a change without a reason, or one that no file makes last, is not documented")
{
    Bench bench;
    CHECK(bench.step("documentation").mark == Mark::NotNeeded);
    bench.campaign.transactions = {kept(1, "2026-11-10T10:00:00Z")};
    CHECK(bench.step("documentation").mark == Mark::Done);
    bench.campaign.transactions[0].unexplained = 2;
    CHECK(bench.step("documentation").mark == Mark::Partly);
    bench.campaign.transactions[0].unexplained = 0;
    bench.campaign.transactions[0].lasts = false;
    CHECK(bench.step("documentation").mark == Mark::Partly);
}

TEST_CASE("what the rules find now marks the steps they are about, and conventions mark none")
{
    Bench bench;
    CHECK(bench.step("security").mark == Mark::Done);
    Finding finding;
    finding.rule = "syncookies-off";
    finding.title = "SYN cookies are off";
    finding.severity = Severity::High;
    finding.confidence = Confidence::Derived;
    bench.judgement.findings = {finding};
    CHECK(bench.step("security").mark == Mark::Open);
    CHECK(bench.step("security").seen.front() == "SYN cookies are off [syncookies-off]");
    CHECK(bench.step("interrupts").mark == Mark::Done);
    bench.judgement.findings[0].severity = Severity::Low;
    CHECK(bench.step("security").mark == Mark::Partly);
    bench.judgement.findings[0].confidence = Confidence::Convention;
    CHECK(bench.step("security").mark == Mark::Done);
    bench.judgement.findings[0].rule = "nic-interrupts-on-one-cpu";
    bench.judgement.findings[0].confidence = Confidence::Measured;
    bench.judgement.findings[0].severity = Severity::Medium;
    CHECK(bench.step("interrupts").mark == Mark::Open);
    CHECK(bench.step("network cards").mark == Mark::Done);
}
