// SPDX-License-Identifier: GPL-2.0-or-later
// Searches on made-up hosts whose truth is known: they find what is better, keep to the guards, call hardly anything
// proven that is not, and can be put aside and taken up again.
#include "measure/search.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>

using namespace netwright;
using namespace netwright::measure;

namespace {

Dimension ladder(std::size_t levels, std::size_t now, std::size_t formula)
{
    Dimension dimension;
    dimension.tunable = SysctlKey{"net.ipv4.tcp_rmem"};
    for (std::size_t i = 0; i < levels; ++i)
        dimension.levels.emplace_back(std::int64_t{1} << i);
    dimension.now = now;
    dimension.formula = formula;
    return dimension;
}

Dimension names(std::size_t count)
{
    Dimension dimension = ladder(count, 0, 0);
    dimension.ordered = false;
    return dimension;
}

SearchRules rules(double pairs, std::vector<Guardrail> guards = {})
{
    SearchRules made;
    made.goal = *parse_goal("max throughput");
    made.guards = std::move(guards);
    made.budget_s = pairs; // a pair takes a second
    return made;
}

// A host with a true throughput and p99 at every point, measured with noise.
struct Host {
    std::function<double(const SearchPoint&)> throughput;
    std::function<double(const SearchPoint&)> p99 = [](const SearchPoint&) { return 1000.0; };
    double noise = 0.05;
    std::mt19937_64 random{1};

    double noisy(double truth) { return truth * std::exp(std::normal_distribution(0.0, noise)(random)); }
    SearchRun run(const SearchPoint& point, const SearchRules& rules)
    {
        SearchRun made;
        made.goal = noisy(throughput(point));
        if (!rules.guards.empty()) made.guards = {noisy(p99(point))};
        return made;
    }
    SearchPair measure(const SearchTask& task, const SearchRules& rules)
    {
        return {task.stage, task.holder, task.challenger, run(task.holder, rules), run(task.challenger, rules), 1};
    }
};

Search searched(const std::vector<Dimension>& dimensions, const SearchRules& rules, Host& host,
                std::vector<SearchPair>* trail = nullptr)
{
    Search search(dimensions, rules);
    while (const auto task = search.next()) {
        const SearchPair pair = host.measure(*task, rules);
        REQUIRE(search.record(pair));
        if (trail) trail->push_back(pair);
    }
    return search;
}

// Throughput that grows with the first two buffers until 2^7 and 2^5, and suffers from the third.
double buffers(const SearchPoint& point)
{
    return 100 * std::min(1.0, std::exp2(static_cast<double>(point[0]) - 7)) *
           std::min(1.0, std::exp2(static_cast<double>(point[1]) - 5)) / (1 + 0.1 * static_cast<double>(point[2]));
}
const std::vector<Dimension> three{ladder(12, 3, 3), ladder(12, 3, 3), ladder(6, 0, 0)};

} // namespace

TEST_CASE("a search finds the good region of a noisy host in tens of evaluations, and proves it")
{
    int near = 0;
    constexpr int hosts = 50;
    for (int seed = 0; seed < hosts; ++seed) {
        Host host{buffers};
        host.random.seed(static_cast<unsigned>(seed));
        const Search search = searched(three, rules(120), host);
        CHECK(search.spent_s() <= 120);
        // From 1.6 % of what is possible; 85 is within one small step of it.
        near += buffers(search.proven()) >= 85 ? 1 : 0;
    }
    CHECK(near >= 45);
}

TEST_CASE("the formulas' values race first, and where they are right little else is needed")
{
    std::vector<Dimension> planned = three;
    planned[0].formula = 8;
    planned[1].formula = 6;
    Host host{buffers};
    const Search search = searched(planned, rules(60), host);
    REQUIRE_FALSE(search.races().empty());
    CHECK(search.races().front().challenger == SearchPoint{8, 6, 0});
    CHECK(search.races().front().end == SearchRace::End::Won);
    CHECK(buffers(search.proven()) >= 99);
}

TEST_CASE("on hosts where nothing helps, something is called proven no more often than stated")
{
    int claims = 0;
    for (unsigned seed = 0; seed < 1000; ++seed) {
        Host host{[](const SearchPoint&) { return 100.0; }};
        host.random.seed(seed);
        const Search search = searched(three, rules(80), host);
        claims += search.proven() == point_now(three) ? 0 : 1;
    }
    CHECK(claims <= 50);
}

TEST_CASE("it never ends at something worse than the start, however much it would like to")
{
    // Every step away from the start costs 3 %, hidden under 20 % of noise: races are won by luck, proofs are not.
    int worse = 0;
    for (unsigned seed = 0; seed < 400; ++seed) {
        Host host{[](const SearchPoint& point) {
            double apart = 0;
            for (std::size_t i = 0; i < point.size(); ++i)
                apart += std::abs(static_cast<double>(point[i]) - static_cast<double>(three[i].now));
            return 100 * std::exp(-0.03 * apart);
        }};
        host.noise = 0.2;
        host.random.seed(seed);
        worse += searched(three, rules(80), host).proven() == point_now(three) ? 0 : 1;
    }
    CHECK(worse <= 20);
}

TEST_CASE("a guard is kept: the best that keeps it is found, not the best")
{
    // Larger buffers carry more and delay more; from level 6 on the guard of 2 ms breaks.
    const auto guard = *parse_guardrail("p99 < 2ms");
    CHECK(guard.metric == "latency-p99");
    const std::vector<Dimension> one{ladder(12, 2, 2)};
    int good = 0;
    for (unsigned seed = 0; seed < 50; ++seed) {
        Host host{[](const SearchPoint& point) { return 10.0 * static_cast<double>(1 + point[0]); },
                  [](const SearchPoint& point) { return point[0] < 6 ? 1000.0 : 4000.0; }};
        host.random.seed(seed);
        const Search search = searched(one, rules(80, {guard}), host);
        CHECK(search.proven()[0] < 6);
        good += search.proven()[0] >= 4 ? 1 : 0;
        for (const SearchRace& race : search.races())
            if (race.challenger[0] >= 6) CHECK(race.end == SearchRace::End::Lost);
    }
    CHECK(good >= 45);
}

TEST_CASE("a host that breaks the guard at the start is first brought to keep it")
{
    const std::vector<Dimension> one{ladder(12, 10, 10)};
    Host host{[](const SearchPoint& point) { return 10.0 * static_cast<double>(1 + point[0]); },
              [](const SearchPoint& point) {
                  return point[0] < 6 ? 1000.0 : 4000.0 + 100.0 * static_cast<double>(point[0]);
              }};
    const Search search = searched(one, rules(80, {*parse_guardrail("p99 < 2ms")}), host);
    CHECK(search.proven()[0] < 6);
    CHECK(search.proven()[0] >= 3);
}

TEST_CASE("what breaks the guard everywhere is never called proven")
{
    const std::vector<Dimension> one{ladder(12, 2, 2)};
    Host host{[](const SearchPoint& point) { return 10.0 * static_cast<double>(1 + point[0]); },
              [](const SearchPoint& point) { return 9000.0 - 100.0 * static_cast<double>(point[0]); }, 0.01};
    const Search search = searched(one, rules(80, {*parse_guardrail("p99 < 2ms")}), host);
    CHECK(search.proven() == point_now(one));
}

TEST_CASE("a relative guard counts from the host as it is")
{
    const std::vector<Dimension> one{ladder(12, 2, 2)};
    Host host{[](const SearchPoint& point) { return 10.0 * static_cast<double>(1 + point[0]); },
              [](const SearchPoint& point) { return point[0] < 5 ? 1000.0 : 4000.0; }};
    const Search search = searched(one, rules(80, {*parse_guardrail("p99 < 2x")}), host);
    CHECK(search.proven()[0] < 5);
    CHECK(search.proven()[0] > 2);
}

TEST_CASE("a change that earns nothing leaves the plan")
{
    std::vector<Dimension> planned = three;
    planned[0].formula = 8;
    planned[1] = ladder(12, 6, 11); // the formula moves it, and nothing comes of it
    int lean = 0;
    for (unsigned seed = 0; seed < 50; ++seed) {
        Host host{buffers};
        host.noise = 0.03;
        host.random.seed(seed);
        const Search search = searched(planned, rules(120), host);
        CHECK(search.proven()[0] >= 6);
        lean += search.proven()[1] == 6 ? 1 : 0;
    }
    CHECK(lean >= 33); // a change that does no harm stays when chance is on its side
}

TEST_CASE("names and codes are each tried, and a setting that cannot be had only loses its race")
{
    const std::vector<Dimension> one{names(4)};
    Host host{[](const SearchPoint& point) { return point[0] == 3 ? 150.0 : 100.0; }};
    Search search(one, rules(80));
    while (const auto task = search.next()) {
        SearchPair pair = host.measure(*task, rules(80));
        if (task->challenger[0] == 1) pair.of_challenger.trouble = "the kernel refuses it";
        REQUIRE(search.record(pair));
    }
    CHECK(search.proven() == SearchPoint{3});
    CHECK(search.races().front().end == SearchRace::End::Lost);
    CHECK(search.races().front().why.find("the kernel refuses it") != std::string::npos);
}

TEST_CASE("a search that was put aside goes on where it was, also with another budget")
{
    Host host{buffers};
    std::vector<SearchPair> trail;
    const Search whole = searched(three, rules(100), host, &trail);
    for (const std::size_t part : {std::size_t{1}, trail.size() / 3, trail.size() / 2, trail.size()}) {
        Search again(three, rules(100));
        for (std::size_t i = 0; i < part; ++i)
            REQUIRE(again.record(trail[i]));
        if (part < trail.size())
            CHECK(again.next() == SearchTask{trail[part].stage, trail[part].holder, trail[part].challenger});
        else
            CHECK(again.proven() == whole.proven());
    }
    Search longer(three, rules(300));
    for (const SearchPair& pair : trail)
        REQUIRE(longer.record(pair));
    CHECK(longer.proven() == whole.proven());
    while (const auto task = longer.next())
        REQUIRE(longer.record(host.measure(*task, rules(300))));
    CHECK(buffers(longer.proven()) >= buffers(whole.proven()));
}

TEST_CASE("a pair that does not belong to the search is refused")
{
    Host host{buffers};
    Search search(three, rules(100));
    SearchPair pair = host.measure(*search.next(), rules(100));
    SearchPair other = pair;
    other.holder = {1, 1, 1};
    CHECK_FALSE(search.record(other));
    other = pair;
    other.challenger = {99, 0, 0};
    CHECK_FALSE(search.record(other));
    other = pair;
    other.of_holder.guards = {1.0};
    CHECK_FALSE(search.record(other));
    CHECK(search.record(pair));
}

TEST_CASE("without a budget or a dimension there is nothing to do; with one level each, neither")
{
    CHECK_FALSE(Search(three, rules(0)).next());
    CHECK_FALSE(Search({}, rules(10)).next());
    const Search single({ladder(1, 0, 0)}, rules(10));
    CHECK_FALSE(single.next());
    CHECK(single.exhausted());
}

TEST_CASE("goals are read, and nonsense is refused")
{
    const auto goal = parse_goal("max throughput");
    REQUIRE(goal);
    CHECK(goal->metric == "throughput");
    CHECK(goal->better == Direction::Higher);
    CHECK(parse_goal("min p99")->metric == "latency-p99");
    CHECK(parse_goal("min loss")->scale == Scale::Difference);
    for (const char* text :
         {"", "throughput", "max", "max speed", "max p99", "min throughput", "most throughput", "max throughput now"})
        CHECK_FALSE(parse_goal(text));
}
