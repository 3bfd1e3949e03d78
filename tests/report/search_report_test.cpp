// SPDX-License-Identifier: GPL-2.0-or-later
// A search as people see it: what was tried, how it ended, what is proven; hostile names stay text.
#include "report/search_report.h"

#include <doctest/doctest.h>

using namespace netwright;

namespace {

SearchStory story()
{
    SearchStory made;
    made.record.host = "<b>host</b>";
    made.record.kernel = "6.18";
    made.record.place = "lab: 100 Mbit/s";
    made.record.traffic = "tcp-stream";
    made.record.goal = {"throughput", "bit/s", Direction::Higher, Scale::Ratio, 0.02};
    made.record.guards = {"latency-p99 < 2ms"};
    made.record.budget_s = 60;
    made.record.dimensions = {{SysctlKey{"net.core.rmem_max"},
                               {std::int64_t{212992}, std::int64_t{425984}, std::int64_t{851968}},
                               true,
                               0,
                               1}};
    const auto pair = [](SearchStage stage, std::size_t point, double goal) {
        return SearchPair{stage, {0}, {point}, {1e6, {900}, ""}, {goal, {900}, ""}, 2};
    };
    made.record.trail = {pair(SearchStage::Explore, 1, 2e6), pair(SearchStage::Explore, 2, 5e5),
                         pair(SearchStage::Prove, 1, 2e6)};
    using End = SearchRace::End;
    made.races = {
        {SearchStage::Explore, {0}, {1}, 4, 0, 0, {}, End::Won, "it leads", true, 0, {0.69}},
        {SearchStage::Explore, {0}, {2}, 0, 1, 0, {}, End::Lost, "it does no better", true, 1, {-0.69}},
        {SearchStage::Prove, {0}, {1}, 1, 0, 0.025, {0.9, 1, 1.1}, End::Won, "shown to be better", true, 2, {0.69}}};
    made.leader = made.proven = {1};
    made.spent_s = 6;
    made.exhausted = true;
    return made;
}

} // namespace

TEST_CASE("the trail is drawn race by race, and ends with what is proven")
{
    const std::string text = report::search_text(story(), {});
    CHECK(text.find("max throughput  3 pairs, 6 of 60 s") != std::string::npos);
    CHECK(text.find("guard   latency-p99 < 2ms") != std::string::npos);
    CHECK(text.find("3 values from 212992 to 851968") != std::string::npos);
    CHECK(text.find("  1 explore") != std::string::npos);
    CHECK(text.find("●") != std::string::npos);
    CHECK(text.find("○") != std::string::npos);
    CHECK(text.find("it does no better") != std::string::npos);
    CHECK(text.find("proven: net.core.rmem_max 425984") != std::string::npos);
    CHECK(text.find("throughput 2 x (1.9 to 2.1) as good") != std::string::npos);
}

TEST_CASE("a search that found nothing says so, and one that ran out of budget too")
{
    SearchStory none = story();
    none.races[2].end = SearchRace::End::Open;
    none.proven = {0};
    none.exhausted = false;
    CHECK(report::proofs_text(none).empty());
    const std::string text = report::search_conclusion(none);
    CHECK(text.find("nothing was shown to be better") == 0);
    CHECK(text.find("not proven before the budget ended: net.core.rmem_max 425984") != std::string::npos);
}

TEST_CASE("the page draws every run and lets no name become markup")
{
    const std::string page = report::search_html(story());
    CHECK(page.find("<b>host</b>") == std::string::npos);
    CHECK(page.find("&lt;b&gt;host") != std::string::npos);
    std::size_t dots = 0;
    for (std::size_t at = page.find("<circle"); at != std::string::npos; at = page.find("<circle", at + 1))
        ++dots;
    CHECK(dots == 6);
    CHECK(page.find("nan") == std::string::npos);
    SearchStory empty = story();
    empty.record.trail.clear();
    empty.races.clear();
    CHECK(report::search_html(empty).find("nan") == std::string::npos);
}

TEST_CASE("programs get the same, with open ends as null")
{
    const std::string json = report::search_json(story());
    CHECK(json.find("\"proven\": {\n  \"sysctl/net.core.rmem_max\": \"425984\"") != std::string::npos);
    CHECK(json.find("\"low\": null") != std::string::npos);
    CHECK(json.find("\"level\": 0.025") != std::string::npos);
}
