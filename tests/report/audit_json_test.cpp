// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/audit_json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace netwright;
using namespace netwright::report;
using namespace std::chrono_literals;

namespace {

nlohmann::json parsed(const Judgement& judgement, const Snapshot& host, const Intent& intent = {})
{
    return nlohmann::json::parse(audit_json(judgement, host, intent));
}

Judgement one_finding()
{
    Finding finding;
    finding.rule = "softirq-time-squeeze";
    finding.severity = Severity::Medium;
    finding.confidence = Confidence::SinceBoot;
    finding.title = "Softirqs end with work left";
    finding.evidence = {{"/proc/net/softnet_stat", "12"}};
    Change change;
    change.tunable = SysctlKey{"net.ipv4.tcp_rmem"};
    change.to = Value{std::vector<std::int64_t>{4096, 131072, 6291456}};
    finding.remedy = {change};
    return {.findings = {finding},
            .not_judged = {{"nic-ring-short", "eth0", {Error::Kind::Refused, "no", 1}}},
            .rules_run = 3};
}

} // namespace

TEST_CASE("the JSON form names its schema, the host, the time and what was counted")
{
    Snapshot host;
    host.tool = "netwright 0.1.0";
    host.origin = "live";
    host.surroundings.hostname = "web1";
    host.taken = std::chrono::sys_seconds{1'000'000'000s};
    host.interval = 10s;
    const auto json = parsed(one_finding(), host);
    CHECK(json.at("schema") == audit_schema);
    CHECK(json.at("host").at("hostname") == "web1");
    CHECK(json.at("host").at("cpus").is_null()); // not seen is not zero
    CHECK(json.at("taken") == "2001-09-09T01:46:40Z");
    CHECK(json.at("interval_ms") == 10'000);
    CHECK(json.at("summary").at("by_severity").at("medium") == 1);
    CHECK(json.at("summary").at("by_severity").at("high") == 0);
    CHECK(json.at("summary").at("not_judged") == 1);
    CHECK(json.at("not_judged").at(0).at("reason").at("kind") == "refused");
    CHECK_FALSE(json.at("not_seen").empty());
}

TEST_CASE("a remedy keeps numbers as numbers, and an absent value is null")
{
    const auto change = parsed(one_finding(), Snapshot{}).at("findings").at(0).at("remedy").at(0);
    CHECK(change.at("tunable") == "sysctl/net.ipv4.tcp_rmem");
    CHECK(change.at("from").is_null());
    CHECK(change.at("to") == nlohmann::json::array({4096, 131072, 6291456}));
    CHECK(change.at("persistence") == "none");
}

TEST_CASE("answers carry base units, and those nobody gave are left out")
{
    Intent intent;
    intent.rtt = Answer<Nanoseconds>{38ms, false, "measured"};
    const auto json = parsed(Judgement{}, Snapshot{}, intent).at("intent");
    CHECK(json.at("rtt_ns").at("value") == 38'000'000);
    CHECK(json.at("rtt_ns").at("given") == false);
    CHECK_FALSE(json.contains("bandwidth_bits_per_second"));
    CHECK(json.at("workload").at("value") == "general");
}

TEST_CASE("names that are not UTF-8 still give valid JSON")
{
    Judgement judgement = one_finding();
    judgement.findings[0].title = "bad \xff name";
    CHECK(parsed(judgement, Snapshot{}).at("findings").at(0).at("title") == "bad \uFFFD name");
}
