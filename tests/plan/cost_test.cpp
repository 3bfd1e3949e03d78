// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/cost.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using plan::cost_report;
using plan::CostInputs;
using plan::parse_range;

namespace {

const CostLine* line(const CostReport& report, std::string_view name)
{
    const auto found = std::ranges::find(report.lines, name, &CostLine::name);
    return found == report.lines.end() ? nullptr : &*found;
}

Range range(const CostReport& report, std::string_view name)
{
    const CostLine* found = line(report, name);
    REQUIRE(found);
    REQUIRE(found->range);
    return *found->range;
}

// Two CPUs over 10 s of 100 ticks: 20 % softirq, 30 % system, 25 % user, the rest idle; 1 Gbit/s in and out together.
Snapshot capture(std::uint64_t softirq, std::uint64_t user)
{
    Snapshot host;
    host.interval = std::chrono::seconds{10};
    std::vector<CpuTimes> cpus(2);
    for (CpuTimes& cpu : cpus) {
        cpu.softirq.growth = softirq;
        cpu.system.growth = 300;
        cpu.user.growth = user;
        cpu.idle.growth = 1000 - softirq - 300 - user;
    }
    host.cpu_times = cpus;
    Nic eth0;
    eth0.name = "eth0";
    eth0.physical = true;
    eth0.statistics = CounterTable({{"rx_bytes", {0, 625'000'000}}, {"tx_bytes", {0, 625'000'000}}});
    Nic lo;
    lo.name = "lo";
    lo.statistics = CounterTable({{"rx_bytes", {0, 9'000'000'000}}});
    host.nics = std::vector{eth0, lo};
    return host;
}

} // namespace

TEST_CASE("ranges are read as people write them")
{
    CHECK((parse_range("12") == Result<Range>(Range{12, 12})));
    CHECK((parse_range("10-14") == Result<Range>(Range{10, 14})));
    CHECK((parse_range("18-25%") == Result<Range>(Range{0.18, 0.25})));
    CHECK((parse_range("1e-3") == Result<Range>(Range{0.001, 0.001})));
    CHECK((parse_range("0.1 - 0.2") == Result<Range>(Range{0.1, 0.2})));
    for (const char* wrong : {"", "-", "-5", "14-10", "ten", "1-2-3", "nan", "inf", "5-", "%"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_range(wrong));
    }
}

TEST_CASE("a capture tells a range for network work: interrupts at least, with all system time at most")
{
    const auto work = plan::work_of(capture(200, 250));
    REQUIRE(work);
    CHECK(work->network_share.least == doctest::Approx(0.2));
    CHECK(work->network_share.most == doctest::Approx(0.5));
    CHECK(work->busy_cpus == doctest::Approx(1.5));
    CHECK(work->bits == doctest::Approx(1e9)); // loopback left out
    Snapshot one_sample = capture(200, 250);
    one_sample.interval = std::chrono::milliseconds{0};
    CHECK(plan::work_of(one_sample).error().what.find("one sample only") != std::string::npos);
    CHECK_FALSE(plan::work_of(Snapshot{}));
}

TEST_CASE("instances follow load over capacity, rounded up, and the range stays a range")
{
    CostInputs in;
    in.load = Range{50'000, 50'000};
    in.capacity_before = Range{900, 1000};
    in.capacity_after = Range{1200, 1300};
    in.utilisation = 0.5;
    const CostReport report = cost_report(in);
    CHECK(range(report, "instances needed, before") == Range{100, 112}); // 50000/500, 50000/450
    CHECK(range(report, "instances needed, after") == Range{77, 84});
}

TEST_CASE("a load that is known only roughly is the same before and after: it does not blur what is saved")
{
    CostInputs in;
    in.load = Range{40'000, 60'000};
    in.capacity_before = Range{1000, 1000};
    in.capacity_after = Range{1250, 1250};
    in.price = Range{1, 1};
    const CostReport report = cost_report(in);
    CHECK(range(report, "fewer instances") == Range{8, 12}); // 40 - 32, 60 - 48
    CHECK(range(report, "saved a month") == Range{8 * 730, 12 * 730});
}

TEST_CASE("money: fleet, saving and payback, each with its formula")
{
    CostInputs in;
    in.instances = Range{10, 10};
    in.load = Range{8000, 8000};
    in.capacity_after = Range{1000, 1000};
    in.price = Range{2, 2};
    in.hours = Range{80, 80};
    in.rate = Range{100, 100};
    const CostReport report = cost_report(in);
    CHECK(range(report, "all instances, a month, before") == Range{14'600, 14'600});
    CHECK(range(report, "saved a month") == Range{2'920, 2'920}); // (10 - 8) x 2 x 730
    CHECK(range(report, "engineering") == Range{8'000, 8'000});
    CHECK(range(report, "payback time").least == doctest::Approx(8000.0 / 2920));
    for (const CostLine& one : report.lines)
        CHECK_FALSE(one.formula.empty());
}

TEST_CASE("two captures give CPU time for each bit, whatever the load")
{
    CostInputs in;
    in.before = *plan::work_of(capture(400, 200)); // 1.8 busy CPUs
    in.after = *plan::work_of(capture(100, 50));   // 0.9
    in.instances = Range{10, 10};
    const CostReport report = cost_report(in);
    CHECK(range(report, "after / before").least == doctest::Approx(0.5));
    CHECK(range(report, "instances needed, after") == Range{5, 5});
    CHECK_FALSE(report.remarks.empty()); // CPU time is not all
}

TEST_CASE("two captures of idle hosts compare nothing, and are not asked for again")
{
    CostInputs in;
    in.before = in.after = *plan::work_of(capture(100, 50));
    in.after->bits = 0;
    in.instances = Range{10, 10};
    const CostReport report = cost_report(in);
    CHECK(line(report, "after / before") == nullptr);
    REQUIRE_FALSE(report.missing.empty());
    CHECK(report.missing[0].find("captures under load") != std::string::npos);
}

TEST_CASE("a change that saves nothing never pays back, one that may not says so")
{
    CostInputs in;
    in.load = Range{1000, 1000};
    in.capacity_before = Range{100, 100};
    in.capacity_after = Range{90, 90};
    in.price = Range{1, 1};
    in.hours = Range{10, 10};
    in.rate = Range{100, 100};
    CHECK(line(cost_report(in), "payback time")->value == "never");
    in.capacity_after = Range{90, 200};
    CHECK(line(cost_report(in), "payback time")->value.find("perhaps never") != std::string::npos);
}

TEST_CASE("what is missing is named instead of guessed")
{
    const CostReport report = cost_report({});
    CHECK(report.lines.empty());
    CHECK(report.missing.size() >= 3);
}
