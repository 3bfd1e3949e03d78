// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/ethtool.h"
#include "kernel/ethtool_netlink.h"

#include <doctest/doctest.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>

#include <algorithm>

#include "support/scripted_netlink.h"

using namespace netwright;
using namespace netwright::kernel;

namespace {

std::vector<std::byte> nest(Request request) // the attributes alone
{
    const auto bytes = request.bytes().subspan(NLMSG_HDRLEN);
    return {bytes.begin(), bytes.end()};
}

} // namespace

TEST_CASE("a bitset has no bits past its size or past its words")
{
    Request request(0, 0);
    request.put_u32(ETHTOOL_A_BITSET_SIZE, 40).put_u32(ETHTOOL_A_BITSET_VALUE, 0x8000'0001);
    const EthtoolBitset bits = EthtoolBitset::parse(nest(request));
    CHECK(bits.has(0));
    CHECK_FALSE(bits.has(1));
    CHECK(bits.has(31));
    CHECK_FALSE(bits.has(32)); // the second word is missing
    CHECK_FALSE(bits.has(100'000));
    CHECK_FALSE(EthtoolBitset::parse({}).has(0));

    Request small(0, 0);
    small.put_u32(ETHTOOL_A_BITSET_SIZE, 1).put_u32(ETHTOOL_A_BITSET_VALUE, 0xffff'ffff);
    CHECK_FALSE(EthtoolBitset::parse(nest(small)).has(1));
}

TEST_CASE("strings with an absurd index are not taken")
{
    Request request(0, 0);
    const std::size_t set = request.begin(1), strings = request.begin(ETHTOOL_A_STRINGSET_STRINGS);
    for (const std::uint32_t index : {1U, 0xffff'fff0U}) {
        const std::size_t string = request.begin(1);
        request.put_u32(ETHTOOL_A_STRING_INDEX, index).put_text(ETHTOOL_A_STRING_VALUE, "rx-gro");
        request.end(string);
    }
    request.end(strings);
    request.end(set);
    CHECK(parse_ethtool_strings(nest(request)) == std::vector<std::string>{"", "rx-gro"});
    CHECK(parse_ethtool_strings({}).empty());
}

TEST_CASE("a dump that ends with an interface that has no answer has told of the others")
{
    support::ScriptedNetlink netlink;
    const support::Message answer = support::message(ethtool_request(21, ETHTOOL_MSG_PAUSE_GET, "eth0"));
    const auto told = [&](Error::Kind kind) {
        netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_PAUSE_GET, support::ScriptedNetlink::Form::Dump,
                       {{answer}, fail(kind, "netlink")});
        Request question = ethtool_question(21, ETHTOOL_MSG_PAUSE_GET, 0);
        std::vector<std::string> nics;
        const auto asked = ask_every_interface(
            netlink, question, [&](const nlmsghdr& message) { nics.push_back(ethtool_interface_name(message)); },
            [&] { nics.clear(); });
        return std::pair(asked.has_value(), nics.size());
    };
    CHECK(told(Error::Kind::Unsupported) == std::pair(true, std::size_t{1}));
    CHECK(told(Error::Kind::Refused) == std::pair(false, std::size_t{1}));
}

TEST_CASE("an answer without a header is about no interface")
{
    CHECK(ethtool_interface(support::header(support::message(Request(21, 0)))) == 0);
    CHECK(ethtool_interface(support::header(support::message(ethtool_question(21, 1, 7)))) == 7);
}

TEST_CASE("this kernel names its features")
{
    const auto netlink = live_netlink();
    const auto names = ethtool_strings(*netlink, ETH_SS_FEATURES);
    if (!names) {
        CHECK(names.error().kind == Error::Kind::Unsupported); // built without ethtool netlink
        return;
    }
    CHECK(std::ranges::find(*names, "rx-gro") != names->end());
}

TEST_CASE("the ethtool ioctl refuses what is no interface's name, and says when there is none")
{
    const auto ethtool = EthtoolSocket::open();
    REQUIRE(ethtool);
    CHECK(ethtool->driver_info("").error().kind == Error::Kind::Rejected);
    CHECK(ethtool->driver_info("a-name-of-sixteen").error().kind == Error::Kind::Rejected);
    CHECK(ethtool->statistics("nw-none").error().kind == Error::Kind::Absent);
    CHECK(ethtool->rss("lo").error().kind == Error::Kind::Unsupported);
    CHECK(ethtool->hash_fields("lo", TCP_V4_FLOW).error().kind == Error::Kind::Unsupported);
    CHECK((ethtool->name(1) == Result<std::string>("lo")));
    CHECK(ethtool->name(0x7fff'fff0).error().kind == Error::Kind::Absent);
}
