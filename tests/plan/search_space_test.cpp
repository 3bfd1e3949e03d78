// SPDX-License-Identifier: GPL-2.0-or-later
// What a search may try: within the catalogue's safe ranges, from the host's value to the formula's, and nothing else.
#include "catalog/catalog.h"
#include "plan/search_space.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using plan::dimension_of;
using plan::SearchQuestion;

namespace {

using List = std::vector<std::int64_t>;

SearchQuestion about(const char* key, Value now, std::optional<Value> formula = {})
{
    SearchQuestion question{SysctlKey{key}, std::move(now), std::move(formula)};
    question.memory = Bytes{std::uint64_t{16} << 30};
    question.page = 4_KiB;
    return question;
}

std::int64_t last(const Value& value)
{
    const auto* const list = std::get_if<List>(&value);
    return list ? list->back() : std::get<std::int64_t>(value);
}

} // namespace

TEST_CASE("a buffer's maximum moves in doublings, and its other elements stay")
{
    const auto found =
        dimension_of(about("net.ipv4.tcp_rmem", List{4096, 131072, 6291456}, List{4096, 131072, 13631488}));
    REQUIRE(found);
    CHECK(found->ordered);
    CHECK(found->levels.size() >= 10);
    CHECK(found->levels[found->now] == Value(List{4096, 131072, 6291456}));
    CHECK(found->levels[found->formula] == Value(List{4096, 131072, 13631488}));
    CHECK(last(found->levels.front()) == 131072);
    CHECK(last(found->levels.back()) == 268435456);
    for (std::size_t i = 0; i < found->levels.size(); ++i) {
        const auto& list = std::get<List>(found->levels[i]);
        CHECK(list[0] == 4096);
        CHECK(list[1] == 131072);
        if (i > 0) CHECK(last(found->levels[i - 1]) < list[2]);
    }
}

TEST_CASE("on a host with little memory no buffer tried is larger than a sixteenth of it")
{
    SearchQuestion small = about("net.ipv4.tcp_wmem", List{4096, 16384, 4194304});
    small.memory = Bytes{512 << 20};
    const auto found = dimension_of(small);
    REQUIRE(found);
    CHECK(last(found->levels.back()) <= (512 << 20) / 16);
}

TEST_CASE("whatever may be tried the catalogue accepts, for every setting that may be searched")
{
    std::size_t searched = 0;
    for (const catalog::Parameter& parameter : catalog::all()) {
        if (parameter.plane != catalog::Plane::Sysctl || !parameter.search.least) continue;
        ++searched;
        CAPTURE(std::string(parameter.key));
        const bool list = parameter.type == catalog::Type::IntegerList;
        const std::int64_t middle = std::min<std::int64_t>(*parameter.search.most, *parameter.search.least + 1);
        const auto found = dimension_of(
            about(std::string(parameter.key).c_str(), list ? Value(List{4096, 65536, 4194304}) : Value(middle)));
        REQUIRE_MESSAGE(found, (found ? std::string() : found.error().what));
        for (const Value& level : found->levels) {
            CHECK(catalog::check(found->tunable, level));
            CHECK(last(level) >= *parameter.search.least);
            CHECK(last(level) <= *parameter.search.most);
        }
    }
    CHECK(searched >= 15);
}

TEST_CASE("codes and switches are each a level, and none lies between two others")
{
    const auto ecn = dimension_of(about("net.ipv4.tcp_ecn", std::int64_t{2}));
    REQUIRE(ecn);
    CHECK_FALSE(ecn->ordered);
    CHECK(ecn->levels == std::vector<Value>{std::int64_t{0}, std::int64_t{1}, std::int64_t{2}});
    CHECK(ecn->now == 2);
    const auto idle = dimension_of(about("net.ipv4.tcp_slow_start_after_idle", std::int64_t{1}, std::int64_t{0}));
    REQUIRE(idle);
    CHECK(idle->levels.size() == 2);
    CHECK(idle->formula == 0);
    const auto poll = dimension_of(about("net.core.busy_read", std::int64_t{0}));
    REQUIRE(poll);
    CHECK(poll->ordered);
    CHECK(last(poll->levels.front()) == 0);
    CHECK(last(poll->levels.back()) == 100);
}

TEST_CASE("names come from the kernel, the host's own first")
{
    SearchQuestion question = about("net.ipv4.tcp_congestion_control", std::string("cubic"), Value(std::string("bbr")));
    question.choices = {"reno", "cubic", "bbr"};
    const auto found = dimension_of(question);
    REQUIRE(found);
    CHECK_FALSE(found->ordered);
    CHECK(found->levels.front() == Value(std::string("cubic")));
    CHECK(found->levels[found->formula] == Value(std::string("bbr")));
    CHECK(found->levels.size() == 3);
    question.choices.clear();
    CHECK_FALSE(dimension_of(question));
}

TEST_CASE("a host's own value outside the range stays, so that there is a way back")
{
    const auto found = dimension_of(about("net.core.netdev_max_backlog", std::int64_t{300}));
    REQUIRE(found);
    CHECK(last(found->levels[found->now]) == 300);
    CHECK(last(found->levels.back()) == 10000);
}

TEST_CASE("what netwright does not propose, or has no safe range, is refused with the reason")
{
    for (const auto& [key, value] : {std::pair{"net.ipv4.tcp_mem", Value(List{1000, 2000, 3000})},
                                     {"net.ipv4.ip_forward", Value(std::int64_t{0})},
                                     {"net.ipv4.tcp_adv_win_scale", Value(std::int64_t{1})},
                                     {"net.core.somaxconn", Value(std::int64_t{4096})},
                                     {"net.ipv4.no_such_key", Value(std::int64_t{1})}}) {
        CAPTURE(key);
        const auto found = dimension_of(about(key, value));
        REQUIRE_FALSE(found);
        CHECK(found.error().kind == Error::Kind::Rejected);
        CHECK(found.error().what.find(key) != std::string::npos);
    }
    CHECK_FALSE(dimension_of(about("net.ipv4.tcp_rmem", std::string("nonsense"))));
}
