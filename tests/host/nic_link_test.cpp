// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/nic_link.h"

#include <doctest/doctest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "support/scripted_netlink.h"

using namespace netwright;
using kernel::Request;
using netwright::host::parse_link;

namespace {

Request link(int index, unsigned flags)
{
    Request request(RTM_NEWLINK, 0);
    ifinfomsg head{};
    head.ifi_index = index;
    head.ifi_flags = flags;
    request.header(head);
    return request;
}

std::optional<Nic> parse(const Request& request) { return parse_link(support::header(support::message(request))); }

} // namespace

TEST_CASE("a link message gives the interface with its limits and master")
{
    Request request = link(7, IFF_UP | 1U << 16);
    const std::byte address[]{std::byte{0x52}, std::byte{0x54}, std::byte{0},
                              std::byte{1},    std::byte{2},    std::byte{0xff}};
    request.put_text(IFLA_IFNAME, "eth0").put(IFLA_ADDRESS, address).put_u32(IFLA_MTU, 1500);
    request.put_u32(IFLA_MASTER, 3).put_u32(IFLA_TXQLEN, 1000).put_u32(IFLA_GSO_MAX_SIZE, 65536).put_u32(63, 65000);
    const auto nic = parse(request);
    REQUIRE(nic);
    CHECK(nic->name == "eth0");
    CHECK(nic->index == 7);
    CHECK(nic->address == "52:54:00:01:02:ff");
    CHECK(nic->mtu == 1500);
    CHECK(nic->master == 3);
    CHECK(nic->txqueuelen == 1000);
    CHECK(nic->up);
    CHECK(nic->carrier);
    CHECK_FALSE(nic->loopback);
    CHECK(nic->limits.gso_max_size == 65536);
    CHECK(nic->limits.gso_ipv4_max_size == 65000);
    CHECK_FALSE(nic->limits.gro_max_size);
    CHECK(nic->rx_ring.error() == unseen().error()); // other questions tell
}

TEST_CASE("XDP programs carry the mode they run in")
{
    Request request = link(7, 0);
    request.put_text(IFLA_IFNAME, "eth0");
    const std::size_t xdp = request.begin(IFLA_XDP);
    request.put_u8(IFLA_XDP_ATTACHED, XDP_ATTACHED_MULTI).put_u32(IFLA_XDP_PROG_ID, 11);
    request.put_u32(IFLA_XDP_SKB_PROG_ID, 11).put_u32(IFLA_XDP_HW_PROG_ID, 12);
    request.end(xdp);
    const auto nic = parse(request);
    REQUIRE(nic);
    CHECK(nic->xdp == std::vector<XdpProgram>{{"generic", 11}, {"offloaded", 12}});
}

TEST_CASE("statistics end where the kernel's structure ends")
{
    const std::vector<std::uint64_t> values{1, 2, 3};
    const CounterTable table = host::parse_link_statistics(std::as_bytes(std::span(values)));
    CHECK(table.all().size() == 3);
    CHECK(table.at("rx_packets")->total == 1);
    CHECK(table.at("rx_bytes")->total == 3);
    CHECK(table.at("rx_missed_errors").error().kind == Error::Kind::Absent);
    CHECK(host::parse_link_statistics({}).all().empty());
}

TEST_CASE("what is no link, or has no name, is passed over")
{
    CHECK_FALSE(parse(link(7, 0)));
    Request other(RTM_NEWADDR, 0);
    other.header(ifinfomsg{}).put_text(IFLA_IFNAME, "eth0");
    CHECK_FALSE(parse(other));
    CHECK_FALSE(parse(Request(RTM_NEWLINK, 0)));
}

TEST_CASE("a dump that was disturbed is read again from the start")
{
    class Disturbed : public kernel::Netlink {
    public:
        int asked = 0;
        Result<void> ask(int, Request&, const kernel::EachAnswer& each) override
        {
            Request one = link(1, 0);
            one.put_text(IFLA_IFNAME, "lo");
            each(support::header(support::message(one)));
            if (++asked < 3) return fail(Error::Kind::Interrupted, "disturbed");
            return {};
        }
    } netlink;
    const auto nics = host::collect_links(netlink);
    REQUIRE(nics);
    CHECK(nics->size() == 1);
    CHECK(netlink.asked == 3);
}
