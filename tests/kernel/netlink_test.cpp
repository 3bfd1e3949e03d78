// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netlink.h"

#include <doctest/doctest.h>
#include <linux/rtnetlink.h>

#include "support/scripted_netlink.h"

using namespace netwright;
using namespace netwright::kernel;

namespace {

std::size_t attributes_of(std::span<const std::byte> bytes)
{
    std::size_t count = 0;
    each_attribute(bytes, [&](std::uint16_t, std::span<const std::byte>) { ++count; });
    return count;
}

} // namespace

TEST_CASE("attributes come back as they were put, padding left out")
{
    Request request(RTM_NEWLINK, 0);
    request.put_text(1, "eth0").put_u8(2, 9).put_u64(3, 1ULL << 40);
    const std::size_t mark = request.begin(4);
    request.put_u32(1, 5);
    request.end(mark);
    const auto bytes = request.bytes();
    std::vector<std::uint16_t> types;
    each_attribute(bytes.subspan(NLMSG_HDRLEN), [&](std::uint16_t type, std::span<const std::byte> payload) {
        types.push_back(type);
        if (type == 1) CHECK(as_text(payload) == "eth0");
        if (type == 2) CHECK(as_u8(payload) == 9);
        if (type == 3) CHECK(as_u64(payload) == 1ULL << 40);
        if (type == 4) CHECK(attributes_of(payload) == 1); // the nest's flag is masked
    });
    CHECK(types == std::vector<std::uint16_t>{1, 2, 3, 4});
}

TEST_CASE("attributes that claim too much or too little end the walk")
{
    const auto bytes = [](std::uint16_t length) {
        std::vector<std::byte> attribute(8);
        std::memcpy(attribute.data(), &length, sizeof length);
        return attribute;
    };
    CHECK(attributes_of(bytes(8)) == 1);
    CHECK(attributes_of(bytes(7)) == 1); // the last one's padding may be missing or not
    CHECK(attributes_of(bytes(9)) == 0);
    CHECK(attributes_of(bytes(3)) == 0);
    CHECK(attributes_of(bytes(0)) == 0);
    CHECK(attributes_of({}) == 0);
    const auto whole = bytes(4);
    CHECK(attributes_of(std::span(whole).first(3)) == 0);
}

TEST_CASE("payloads of a wrong size are zero, structures of an older kernel are filled up")
{
    const std::uint32_t value = 7;
    const auto four = std::as_bytes(std::span(&value, 1));
    CHECK(as_u32(four) == 7);
    CHECK(as_u64(four) == 7);
    CHECK(as_u16(four) == 0);
    CHECK(as_u32(four.first(3)) == 0);
    CHECK(as_u32_list(four) == std::vector<std::uint32_t>{7});
    CHECK(as_u32_list(four.first(3)).empty());
    CHECK(as_u32_list({}).empty());
    struct Pair {
        std::uint32_t first, second;
    };
    CHECK(as_structure<Pair>(four).first == 7);
    CHECK(as_structure<Pair>(four).second == 0);
    CHECK(as_structure<Pair>({}).first == 0);
}

TEST_CASE("a message too short for its fixed part has none")
{
    CHECK_FALSE(fixed_part<ifinfomsg>(support::header(support::message(Request(RTM_NEWLINK, 0)))));
    CHECK(fixed_part<ifinfomsg>(support::header(support::message(Request(RTM_NEWLINK, 0).header(ifinfomsg{})))));
}

TEST_CASE("a family this kernel does not have is Unsupported, and an interface that is not there Absent")
{
    const auto netlink = live_netlink();
    CHECK(netlink->family("nw-no-such").error().kind == Error::Kind::Unsupported);
    Request question(RTM_GETLINK, 0);
    ifinfomsg head{};
    head.ifi_index = 0x7fff'fff0;
    const auto answer = netlink->ask(NETLINK_ROUTE, question.header(head), [](const nlmsghdr&) {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Error::Kind::Absent);
}
