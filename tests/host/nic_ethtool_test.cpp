// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/nic_ethtool.h"

#include <doctest/doctest.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>

#include "support/scripted_netlink.h"

using namespace netwright;
using kernel::Request;
using support::ScriptedNetlink;
using Form = ScriptedNetlink::Form;

namespace {

constexpr unsigned rss_get = 38;

Request answer(std::uint32_t index)
{
    Request request(ScriptedNetlink::family_number, 0);
    request.header(genlmsghdr{1, 1, 0});
    const std::size_t header = request.begin(1);
    request.put_u32(ETHTOOL_A_HEADER_DEV_INDEX, index);
    request.end(header);
    return request;
}

void put_bitset(Request& request, std::uint16_t type, std::uint32_t bits)
{
    const std::size_t set = request.begin(type);
    request.put_u32(ETHTOOL_A_BITSET_SIZE, 4).put_u32(ETHTOOL_A_BITSET_VALUE, bits);
    request.end(set);
}

ScriptedNetlink::Answer feature_names()
{
    Request request(ScriptedNetlink::family_number, 0);
    request.header(genlmsghdr{1, 1, 0});
    const std::size_t sets = request.begin(ETHTOOL_A_STRSET_STRINGSETS), set = request.begin(1);
    const std::size_t strings = request.begin(ETHTOOL_A_STRINGSET_STRINGS);
    std::uint32_t index = 0;
    for (const char* name : {"rx-gro", "tx-tcp-segmentation", "highdma", "tx-lockless"}) {
        const std::size_t string = request.begin(ETHTOOL_A_STRINGS_STRING);
        request.put_u32(ETHTOOL_A_STRING_INDEX, index++).put_text(ETHTOOL_A_STRING_VALUE, name);
        request.end(string);
    }
    request.end(strings);
    request.end(set);
    request.end(sets);
    return {{support::message(request)}, {}};
}

// Two interfaces, eth0 (2) and eth1 (3), whose drivers answer nothing at all.
struct Hosts {
    ScriptedNetlink netlink;
    std::vector<Nic> nics{2};
    Hosts()
    {
        nics[0].name = "eth0";
        nics[0].index = 2;
        nics[1].name = "eth1";
        nics[1].index = 3;
        netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_STRSET_GET, Form::Single, feature_names());
        for (const unsigned command :
             {unsigned{ETHTOOL_MSG_LINKMODES_GET}, unsigned{ETHTOOL_MSG_RINGS_GET}, unsigned{ETHTOOL_MSG_CHANNELS_GET},
              unsigned{ETHTOOL_MSG_COALESCE_GET}, unsigned{ETHTOOL_MSG_FEATURES_GET}, rss_get})
            netlink.expect(NETLINK_GENERIC, command, Form::Dump, {});
    }
};

support::Message rings(std::uint32_t index, std::uint32_t length)
{
    Request request = answer(index);
    request.put_u32(ETHTOOL_A_RINGS_RX, length).put_u32(ETHTOOL_A_RINGS_RX_MAX, 4096);
    return support::message(request);
}

} // namespace

TEST_CASE("an interface a dump passes over has a driver that does not tell")
{
    Hosts hosts;
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_RINGS_GET, Form::Dump, {{rings(3, 256)}, {}});
    host::read_ethtool(hosts.netlink, hosts.nics);
    REQUIRE(hosts.nics[1].rx_ring);
    CHECK(*hosts.nics[1].rx_ring == Ring{256, 4096});
    CHECK(hosts.nics[1].tx_ring.error().kind == Error::Kind::Unsupported); // it told nothing of that side
    CHECK(hosts.nics[0].rx_ring.error().kind == Error::Kind::Unsupported);
    CHECK(hosts.nics[0].rx_ring.error().what == "eth0: its driver does not tell ring sizes");
    CHECK(hosts.nics[0].features.error().kind == Error::Kind::Unsupported);
}

TEST_CASE("when one driver breaks a dump off, the interfaces behind it are still asked")
{
    Hosts hosts;
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_RINGS_GET, Form::Dump,
                         {{rings(2, 128)}, fail(Error::Kind::Absent, "no such device")});
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_RINGS_GET, Form::Single, {{rings(3, 256)}, {}});
    host::read_ethtool(hosts.netlink, hosts.nics);
    CHECK(hosts.nics[0].rx_ring->length == 128);
    CHECK(hosts.nics[1].rx_ring->length == 256);
    CHECK(hosts.netlink.asked(NETLINK_GENERIC, ETHTOOL_MSG_RINGS_GET, Form::Single) == 1);
}

TEST_CASE("an interface's own failure stands where its answer would")
{
    Hosts hosts;
    const auto refused = fail(Error::Kind::Refused, "not for you");
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_CHANNELS_GET, Form::Dump, {{}, refused});
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_CHANNELS_GET, Form::Single, {{}, refused});
    host::read_ethtool(hosts.netlink, hosts.nics);
    CHECK(hosts.nics[0].channels.error().kind == Error::Kind::Refused);
    CHECK(hosts.nics[1].channels.error().kind == Error::Kind::Refused);
}

TEST_CASE("a feature is fixed when the driver cannot change it or nobody may")
{
    Hosts hosts;
    Request request = answer(2);
    put_bitset(request, ETHTOOL_A_FEATURES_HW, 0b1011);
    put_bitset(request, ETHTOOL_A_FEATURES_WANTED, 0b0011);
    put_bitset(request, ETHTOOL_A_FEATURES_ACTIVE, 0b0101);
    put_bitset(request, ETHTOOL_A_FEATURES_NOCHANGE, 0b1000);
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_FEATURES_GET, Form::Dump, {{support::message(request)}, {}});
    host::read_ethtool(hosts.netlink, hosts.nics);
    REQUIRE(hosts.nics[0].features);
    CHECK(*hosts.nics[0].features == std::vector<Feature>{{"rx-gro", true, true, false},
                                                          {"tx-tcp-segmentation", false, true, false},
                                                          {"highdma", true, false, true},
                                                          {"tx-lockless", false, false, true}});
}

TEST_CASE("features without names are no features")
{
    Hosts hosts;
    Request request = answer(2);
    put_bitset(request, ETHTOOL_A_FEATURES_ACTIVE, 1);
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_FEATURES_GET, Form::Dump, {{support::message(request)}, {}});
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_STRSET_GET, Form::Single,
                         {{}, fail(Error::Kind::Unsupported, "no string sets")});
    host::read_ethtool(hosts.netlink, hosts.nics);
    CHECK(hosts.nics[0].features.error().what == "no string sets");
}

TEST_CASE("an unknown speed is no speed")
{
    Hosts hosts;
    Request unknown = answer(2), known = answer(3);
    unknown.put_u32(ETHTOOL_A_LINKMODES_SPEED, 0xffff'ffff).put_u8(ETHTOOL_A_LINKMODES_DUPLEX, DUPLEX_UNKNOWN);
    known.put_u32(ETHTOOL_A_LINKMODES_SPEED, 25000).put_u8(ETHTOOL_A_LINKMODES_DUPLEX, DUPLEX_FULL);
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_LINKMODES_GET, Form::Dump,
                         {{support::message(unknown), support::message(known)}, {}});
    host::read_ethtool(hosts.netlink, hosts.nics);
    CHECK(hosts.nics[0].speed_mbit.error().kind == Error::Kind::Absent);
    CHECK(hosts.nics[0].duplex.value_or("") == "unknown");
    CHECK(hosts.nics[1].speed_mbit.value_or(0) == 25000);
    CHECK(hosts.nics[1].duplex.value_or("") == "full");
}

TEST_CASE("coalescing tells only what the driver knows")
{
    Hosts hosts;
    Request request = answer(2);
    request.put_u32(ETHTOOL_A_COALESCE_RX_USECS, 0).put_u8(ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, 1);
    hosts.netlink.expect(NETLINK_GENERIC, ETHTOOL_MSG_COALESCE_GET, Form::Dump, {{support::message(request)}, {}});
    host::read_ethtool(hosts.netlink, hosts.nics);
    REQUIRE(hosts.nics[0].coalescing);
    CHECK(hosts.nics[0].coalescing->rx_usecs == 0);
    CHECK(hosts.nics[0].coalescing->adaptive_rx == true);
    CHECK_FALSE(hosts.nics[0].coalescing->tx_usecs);
}

TEST_CASE("RSS is the main context's; an older kernel leaves it to the ioctl")
{
    const std::uint32_t table[]{0, 1, 2, 3};
    const std::byte key[]{std::byte{0x6d}, std::byte{0x5a}};
    Request main = answer(2), second = answer(2);
    main.put_u32(3, 1).put(4, std::as_bytes(std::span(table))).put(5, key);
    second.put_u32(2, 1).put_u32(3, 2);
    Hosts hosts;
    hosts.netlink.expect(NETLINK_GENERIC, rss_get, Form::Dump,
                         {{support::message(main), support::message(second)}, {}});
    host::read_ethtool(hosts.netlink, hosts.nics);
    REQUIRE(hosts.nics[0].rss);
    CHECK(hosts.nics[0].rss->indirection == std::vector<std::uint32_t>{0, 1, 2, 3});
    CHECK(hosts.nics[0].rss->key == "6d:5a");
    CHECK(hosts.nics[0].rss->function == "toeplitz");
    CHECK(hosts.nics[1].rss.error().kind == Error::Kind::Unsupported);

    Hosts older;
    older.netlink.expect(NETLINK_GENERIC, rss_get, Form::Dump, {{}, fail(Error::Kind::Unsupported, "no dump")});
    host::read_ethtool(older.netlink, older.nics);
    CHECK(older.nics[0].rss.error() == unseen().error());
}

TEST_CASE("without the family every member says so")
{
    const auto netlink = kernel::absent_netlink("a tree");
    std::vector<Nic> nics(1);
    host::read_ethtool(*netlink, nics);
    CHECK(nics[0].channels.error().kind == Error::Kind::Unsupported);
    CHECK(nics[0].features.error().kind == Error::Kind::Unsupported);
}
