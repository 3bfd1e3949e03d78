// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/lb_health.h"
#include "dataplane/lb_image.h"
#include "dataplane/maglev.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

using std::chrono::seconds;

const Result<void> good;
const Result<void> bad = fail(Error::Kind::Rejected, "connect: Connection refused");

LbConfig config_of(const std::string& pool)
{
    auto config = parse_lb_config("source: 10.9.0.1\npools: {web: {" + pool +
                                      ", backends: [{address: 10.0.0.1}, {address: 10.0.0.2, weight: 3}]}}\n"
                                      "vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]\n",
                                  "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    return *std::move(config);
}

const Prefix one = *parse_prefix("10.0.0.1"), two = *parse_prefix("10.0.0.2");

} // namespace

TEST_CASE("the first look decides, later ones when there are enough in a row")
{
    const LbCheck check{.rise = 2, .fall = 3};
    LbHealth health;
    CHECK_FALSE(note_look(health, check, good, seconds(1)));
    CHECK(health.known);
    CHECK(health.since == seconds(1));
    CHECK_FALSE(note_look(health, check, bad, seconds(2)));
    CHECK_FALSE(note_look(health, check, bad, seconds(3)));
    CHECK_FALSE(note_look(health, check, good, seconds(4))); // and from the start again
    CHECK_FALSE(note_look(health, check, bad, seconds(5)));
    CHECK_FALSE(note_look(health, check, bad, seconds(6)));
    CHECK(health.up);
    CHECK(note_look(health, check, bad, seconds(7)));
    CHECK_FALSE(health.up);
    CHECK(health.why == "connect: Connection refused");
    CHECK_FALSE(note_look(health, check, good, seconds(8)));
    CHECK(note_look(health, check, good, seconds(9)));
    CHECK(health.up);
    CHECK(health.since == seconds(9));

    LbHealth dead;
    CHECK(note_look(dead, check, bad, seconds(1)));
    CHECK_FALSE(dead.up);
}

TEST_CASE("a backend that comes back gets its weight in ten steps, one that was always there has it at once")
{
    const LbConfig config = config_of("check: {type: tcp, port: 80}, slow_start: 100s");
    LbHealths healths;
    const LbCheck check{.rise = 1, .fall = 1};
    (void)note_look(healths[{"web", one}], check, good, seconds(0));
    (void)note_look(healths[{"web", two}], check, good, seconds(0));
    CHECK(with_health(config, healths, seconds(0)).pools[0].backends[0].weight == 10);
    CHECK(with_health(config, healths, seconds(0)).pools[0].backends[1].weight == 30);
    CHECK_FALSE(next_step(config, healths, seconds(0)));
    (void)note_look(healths[{"web", two}], check, bad, seconds(10));
    CHECK(with_health(config, healths, seconds(10)).pools[0].backends[1].down);
    CHECK_FALSE(next_step(config, healths, seconds(10)));
    (void)note_look(healths[{"web", two}], check, good, seconds(20));
    const auto weight_at = [&](int second) {
        return with_health(config, healths, seconds(second)).pools[0].backends[1].weight;
    };
    CHECK(weight_at(20) == 3);
    CHECK(weight_at(29) == 3);
    CHECK(weight_at(30) == 6);
    CHECK(weight_at(119) == 30);
    CHECK(weight_at(1000) == 30);
    CHECK(next_step(config, healths, seconds(25)) == std::optional<Nanoseconds>(seconds(30)));
    CHECK(next_step(config, healths, seconds(95)) == std::optional<Nanoseconds>(seconds(100)));
    CHECK_FALSE(next_step(config, healths, seconds(111)));
}

TEST_CASE("ten times the weights give the same table: one balancer may start slowly while others do not")
{
    std::vector<MaglevBackend> once, ten;
    for (std::uint64_t identity = 1; identity <= 7; ++identity) {
        once.push_back({identity * 977, static_cast<std::uint32_t>(identity)});
        ten.push_back({identity * 977, static_cast<std::uint32_t>(identity * 10)});
    }
    CHECK(maglev_table(once) == maglev_table(ten));
}

TEST_CASE("who is down has no slots and no number in use; when all are, nobody is treated as if")
{
    const LbConfig config = config_of("check: {type: tcp, port: 80}");
    const LbCheck check;
    LbHealths healths;
    (void)note_look(healths[{"web", one}], check, bad, seconds(0));
    (void)note_look(healths[{"web", two}], check, good, seconds(0));
    const LbConfig half = with_health(config, healths, seconds(1));
    CHECK(half.pools[0].backends[0].down);
    CHECK_FALSE(all_down(config.pools[0], healths));
    const auto before = make_lb_image(config, nullptr, 0);
    REQUIRE(before);
    const auto image = make_lb_image(half, &*before, 1);
    REQUIRE(image);
    CHECK(image->numbers == before->numbers);
    CHECK(image->backends.at(image->numbers.at(one)).present == 0);
    for (std::uint32_t slot = 0; slot < LB_SLOTS; ++slot) {
        REQUIRE(LB_OWNER(slot_of(*image, 0, slot)) == image->numbers.at(two));
        REQUIRE(LB_BEFORE(slot_of(*image, 0, slot)) == image->numbers.at(two));
    }
    (void)note_look(healths[{"web", two}], {.fall = 1}, bad, seconds(2));
    CHECK(all_down(config.pools[0], healths));
    CHECK(with_health(config, healths, seconds(3)) == config);
}

TEST_CASE("a backend that drains says nothing about whether all are down")
{
    LbConfig config = config_of("check: {type: tcp, port: 80}");
    config.pools[0].backends[1].weight = 0;
    LbHealths healths;
    (void)note_look(healths[{"web", one}], {}, bad, seconds(0));
    (void)note_look(healths[{"web", two}], {}, good, seconds(0));
    CHECK(all_down(config.pools[0], healths));
    CHECK_FALSE(with_health(config, healths, seconds(1)).pools[0].backends[0].down);
}
