// SPDX-License-Identifier: GPL-2.0-or-later
// What one generation of tables takes over from the one before.
#include "dataplane/lb_image.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

constexpr std::uint64_t second = 1'000'000'000;

LbConfig config_of(const std::string& backends, const std::string& vips, const std::string& more = "")
{
    auto config = parse_lb_config("source: 10.9.0.1\ndrain: 10s\n" + more + "pools: {web: {backends: [" + backends +
                                      "]}, other: {backends: [{address: 10.0.9.9}]}}\nvips: [" + vips + "]\n",
                                  "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    return *std::move(config);
}

LbImage image_of(const LbConfig& config, const LbImage* before = nullptr, std::uint64_t now = 0)
{
    auto image = make_lb_image(config, before, now);
    REQUIRE_MESSAGE(image, image.error().what);
    return *std::move(image);
}

const std::string web = "{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}";
const std::string one = "{address: 10.0.0.1}", two = "{address: 10.0.0.2}", three = "{address: 10.0.0.3}";

std::uint16_t number_of(const LbImage& image, const char* address)
{
    return image.numbers.at(parse_prefix(address).value_or(Prefix{}));
}

std::size_t consulted(const LbImage& image)
{
    std::size_t slots = 0;
    for (std::uint32_t slot = 0; slot < LB_SLOTS; ++slot)
        slots += LB_CONSULT(slot_of(image, image.pools.at("web"), slot));
    return slots;
}

// Whether packets of `port` find a VIP, and what it says of fragments.
const lb_vip* vip_at(const LbImage& image, std::uint16_t port, std::uint8_t protocol)
{
    for (std::size_t i = 0; i < image.keys4.size(); ++i)
        if (image.keys4[i].port == port && image.keys4[i].protocol == protocol) return &image.vips4[i];
    return nullptr;
}

} // namespace

TEST_CASE("backends and VIPs keep their numbers, and one that goes leaves its number empty for a generation")
{
    const LbImage first = image_of(config_of(one + "," + two, web));
    const LbImage second_image = image_of(config_of(two + "," + three, web), &first);
    CHECK(number_of(second_image, "10.0.0.2") == number_of(first, "10.0.0.2"));
    const std::uint16_t gone = number_of(first, "10.0.0.1");
    CHECK(number_of(second_image, "10.0.0.3") != gone);
    CHECK(second_image.backends.at(gone).present == 0);
    CHECK(second_image.backends.at(number_of(second_image, "10.0.0.3")).present == 1);
    const LbImage third = image_of(config_of(one + "," + two + "," + three, web), &second_image);
    CHECK(number_of(third, "10.0.0.1") == gone);
    CHECK(third.counters == first.counters);
}

TEST_CASE("nothing is looked up in the connection table until a slot changes hands, nor when all is settled")
{
    const LbConfig config = config_of(one + "," + two, web);
    const LbImage first = image_of(config);
    CHECK(consulted(first) == 0);
    CHECK(first.settings.drain_until == 0);
    const LbImage same = image_of(config, &first, 1);
    CHECK(consulted(same) == 0);
    const LbImage changed = image_of(config_of(one + "," + two + "," + three, web), &same, 1);
    CHECK(consulted(changed) >= LB_SLOTS / 3 - 1);
    CHECK(consulted(changed) <= LB_SLOTS / 3 + LB_SLOTS / 100);
    CHECK(changed.settings.drain_until == 1 + 10 * second);
    const LbImage settled = image_of(config_of(one + "," + two + "," + three, web), &changed, 11 * second);
    CHECK(consulted(settled) == 0);
}

TEST_CASE("a slot that is given back within the drain time is still looked up, for what began in between")
{
    const LbConfig config = config_of(one + "," + two, web);
    const LbImage first = image_of(config);
    const LbImage changed = image_of(config_of(one + "," + two + "," + three, web), &first, 1);
    const LbImage back = image_of(config, &changed, second);
    CHECK(consulted(back) == consulted(changed));
    for (std::uint32_t slot = 0; slot < LB_SLOTS; ++slot) {
        const std::uint32_t now = slot_of(back, back.pools.at("web"), slot);
        REQUIRE(LB_OWNER(now) == LB_OWNER(slot_of(first, first.pools.at("web"), slot)));
        REQUIRE(LB_BEFORE(now) == LB_OWNER(now));
    }
}

TEST_CASE("another hash key makes all slots new: what the earlier ones held means nothing")
{
    const LbImage first = image_of(config_of(one + "," + two, web));
    const std::string key = "hash_key: 00112233445566778899aabbccddeeff\n";
    CHECK(consulted(image_of(config_of(one + "," + three, web, key), &first, 1)) == 0);
}

TEST_CASE("fragments are balanced only where all VIPs of the address and protocol let them")
{
    const std::string vip = "{address: 192.0.2.1, pool: web, ";
    const auto drops = [&](const std::string& vips, std::uint8_t protocol) {
        const LbImage image = image_of(config_of(one, vips));
        const lb_vip* found = vip_at(image, 0, protocol);
        REQUIRE(found);
        return found->traits == LB_DROP_FRAGMENTS;
    };
    CHECK(drops(web, 6));
    CHECK_FALSE(drops(vip + "port: 80, protocol: tcp, affinity: source}", 6));
    CHECK_FALSE(drops(vip + "port: [53, 54], protocol: udp}", 17));
    CHECK(drops(vip + "port: 53, protocol: udp}, {address: 192.0.2.1, port: 54, protocol: udp, pool: other}", 17));
    CHECK_FALSE(vip_at(image_of(config_of(one, web)), 0, 17));
}
