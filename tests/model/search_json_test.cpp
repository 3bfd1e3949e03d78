// SPDX-License-Identifier: GPL-2.0-or-later
// The state file of a search reads back as the same value; what is none is refused.
#include "model/search_json.h"

#include <doctest/doctest.h>

using namespace netwright;

namespace {

SearchRecord record()
{
    SearchRecord made;
    made.host = "h\"ost";
    made.kernel = "6.18";
    made.place = "lab: 1 Gbit/s";
    made.traffic = "mixed";
    made.goal = {"latency-p99", "us", Direction::Lower, Scale::Ratio, 0.05};
    made.guards = {"throughput > 1Gbit"};
    made.budget_s = 1800;
    made.dimensions = {
        {SysctlKey{"net.ipv4.tcp_rmem"},
         {std::vector<std::int64_t>{4096, 131072, 6291456}, std::vector<std::int64_t>{4096, 131072, 12582912}},
         true,
         0,
         1},
        {SysctlKey{"net.ipv4.tcp_congestion_control"}, {std::string("cubic"), std::string("bbr")}, false, 0, 0}};
    made.trail = {{SearchStage::Explore, {0, 0}, {1, 0}, {120.5, {1e9}, ""}, {80, {2e9}, ""}, 8.25},
                  {SearchStage::Prove, {0, 0}, {1, 1}, {120, {1e9}, ""}, {0, {0}, "refused"}, 8}};
    return made;
}

std::string with(std::string text, const std::string& old, const std::string& fresh)
{
    const auto at = text.find(old);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old.size(), fresh);
}

} // namespace

TEST_CASE("a search reads back as the same value")
{
    const auto back = search_from_json(to_json(record()));
    REQUIRE_MESSAGE(back, (back ? std::string() : back.error().what));
    CHECK((*back == record()));
}

TEST_CASE("files that are no search, or contradict themselves, are refused with the place")
{
    const std::string good = to_json(record());
    for (const std::string& text :
         {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"schema": "1"})"),
          good.substr(0, good.size() / 2), with(good, "\"explore\"", "\"dance\""),
          with(good, "\"now\": 0", "\"now\": 9"), with(good, "sysctl/net.ipv4.tcp_rmem", "sysctl/../etc"),
          with(good, "\"lower\"", "\"sideways\""), with(good, "\"seconds\": 8.25", "\"seconds\": \"8\""),
          with(good, "\"levels\"", "\"rungs\"")}) {
        CAPTURE(text);
        const auto read = search_from_json(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind != Error::Kind::Unsupported);
    }
    SearchRecord outside = record();
    outside.trail[0].challenger = {7, 0};
    CHECK_FALSE(search_from_json(to_json(outside)));
    outside.trail[0].challenger = {1};
    CHECK_FALSE(search_from_json(to_json(outside)));
    const auto newer = search_from_json(with(good, "\"schema\": 1", "\"schema\": 2"));
    REQUIRE_FALSE(newer);
    CHECK(newer.error().kind == Error::Kind::Unsupported);
}
