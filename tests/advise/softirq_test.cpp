// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {
std::vector<Finding> softirq(const Snapshot& host, std::string_view id) { return judged(softirq_rules(), host, id); }
SoftnetCpu& first_cpu(Snapshot& host) { return host.softnet->front(); }
} // namespace

TEST_CASE("squeezes that grow with the packets double the budget, and a handful among millions is healthy")
{
    Snapshot host = healthy_host();
    first_cpu(host).processed = {.total = 30'000'000, .growth = 5'000'000};
    first_cpu(host).time_squeeze = {.total = 12, .growth = 12};
    CHECK(softirq(host, "softirq-time-squeeze").empty());

    first_cpu(host).time_squeeze = {.total = 9'000, .growth = 8'000};
    const auto findings = softirq(host, "softirq-time-squeeze");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::Medium);
    CHECK(findings[0].confidence == Confidence::Measured);
    REQUIRE(findings[0].remedy.size() == 2);
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{600}});
    CHECK(findings[0].remedy[1].to == Value{std::int64_t{16'000}});
}

TEST_CASE("a larger budget is not proposed where the CPU has no time left, nor beyond its cap")
{
    Snapshot host = healthy_host();
    first_cpu(host).processed = {.total = 30'000'000, .growth = 5'000'000};
    first_cpu(host).time_squeeze = {.total = 9'000, .growth = 8'000};
    heat(host, 0, 95);
    CHECK(softirq(host, "softirq-time-squeeze")[0].remedy.empty());
    CHECK_FALSE(softirq(host, "softirq-time-squeeze")[0].advice.empty());

    heat(host, 0, 10);
    put(host, "net.core.netdev_budget", "2000");
    put(host, "net.core.netdev_budget_usecs", "30000");
    CHECK(softirq(host, "softirq-time-squeeze")[0].remedy.empty());
}

TEST_CASE("squeezes since boot that do not grow are a note")
{
    Snapshot host = healthy_host();
    first_cpu(host).time_squeeze = {.total = 1'000'000, .growth = 0};
    REQUIRE(softirq(host, "softirq-time-squeeze").size() == 1);
    CHECK(softirq(host, "softirq-time-squeeze")[0].severity == Severity::Info);
}

TEST_CASE("without softnet statistics the rules say that they could not judge")
{
    Snapshot host = healthy_host();
    host.softnet = fail(Error::Kind::Refused, "read /proc/net/softnet_stat: permission denied");
    for (const char* id :
         {"softirq-time-squeeze", "softirq-backlog-drops", "softirq-flow-limit-drops", "softirq-receive-skew"})
        CHECK(gaps_of(softirq_rules(), host, id).size() == 1);
}

TEST_CASE("a budget below two ticks is raised to the kernel's own default for its HZ")
{
    Snapshot host = healthy_host();
    CHECK(softirq(host, "softirq-budget-below-two-ticks").empty());
    put(host, "net.core.netdev_budget_usecs", "2000");
    const auto findings = softirq(host, "softirq-budget-below-two-ticks");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::Low);
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{8000}});
}

TEST_CASE("where HZ is not known, a value that some kernel has by default is not accused")
{
    Snapshot host = healthy_host();
    host.kernel.config = fail(Error::Kind::Absent, "no /proc/config.gz");
    put(host, "net.core.netdev_budget_usecs", "2000");
    CHECK(softirq(host, "softirq-budget-below-two-ticks").empty());
    put(host, "net.core.netdev_budget_usecs", "500");
    CHECK(softirq(host, "softirq-budget-below-two-ticks").size() == 1);
    drop_sysctl(host, "net.core.netdev_budget_usecs"); // a child namespace
    CHECK(softirq(host, "softirq-budget-below-two-ticks").empty());
    CHECK(gaps_of(softirq_rules(), host, "softirq-budget-below-two-ticks").empty());
}

TEST_CASE("backlog drops raise the backlog one step, and never beyond 10,000")
{
    Snapshot host = healthy_host();
    CHECK(softirq(host, "softirq-backlog-drops").empty());
    first_cpu(host).processed.growth = 1'000'000;
    first_cpu(host).dropped = {.total = 5'000, .growth = 5'000};
    const auto findings = softirq(host, "softirq-backlog-drops");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::High);
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{2000}});

    put(host, "net.core.netdev_max_backlog", "8000");
    CHECK(softirq(host, "softirq-backlog-drops")[0].remedy[0].to == Value{std::int64_t{10'000}});
    put(host, "net.core.netdev_max_backlog", "65535");
    CHECK(softirq(host, "softirq-backlog-drops")[0].remedy.empty());
}

TEST_CASE("drops since boot alone are never an alarm, and change nothing")
{
    Snapshot host = healthy_host();
    first_cpu(host).dropped = {.total = 20'000'000, .growth = 0};
    const auto findings = softirq(host, "softirq-backlog-drops");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::Low);
    CHECK(findings[0].confidence == Confidence::SinceBoot);
    CHECK(findings[0].remedy.empty());
}

TEST_CASE("what the flow limit dropped is its own finding, not the backlog's")
{
    Snapshot host = healthy_host();
    CHECK(softirq(host, "softirq-flow-limit-drops").empty());
    first_cpu(host).processed.growth = 1'000'000;
    first_cpu(host).dropped = first_cpu(host).flow_limit = {.total = 5'000, .growth = 5'000};
    CHECK(softirq(host, "softirq-backlog-drops").empty());
    REQUIRE(softirq(host, "softirq-flow-limit-drops").size() == 1);
    CHECK(softirq(host, "softirq-flow-limit-drops")[0].severity == Severity::Medium);
    CHECK(softirq(host, "softirq-flow-limit-drops")[0].remedy.empty());
}

TEST_CASE("a child namespace says where to set what belongs to the whole host")
{
    Snapshot host = healthy_host();
    first_cpu(host).processed.growth = 1'000'000;
    first_cpu(host).dropped = {.total = 5'000, .growth = 5'000};
    drop_sysctl(host, "net.core.netdev_max_backlog");
    const auto findings = softirq(host, "softirq-backlog-drops");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].remedy.empty());
    CHECK_FALSE(findings[0].advice.empty());
}
