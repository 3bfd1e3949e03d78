// SPDX-License-Identifier: GPL-2.0-or-later
// What could cut the connection a person is logged in over.
#include "plan/session.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::plan;

namespace {

const Session session{"203.0.113.7", "192.0.2.10", {"eth0.100", "eth0"}};

std::vector<std::string> threats(const char* tunable, const char* to, const char* from = nullptr)
{
    Change change;
    change.tunable = *parse_tunable(tunable);
    if (from) change.from = *parse_value(change.tunable, from);
    if (to) change.to = *parse_value(change.tunable, to);
    return interruptions({change}, session);
}

} // namespace

TEST_CASE("what ssh says of its connection is read, or nothing is")
{
    const auto plain = parse_ssh_connection("203.0.113.7 51234 192.0.2.10 22");
    REQUIRE(plain);
    CHECK(plain->peer == "203.0.113.7");
    CHECK(plain->local == "192.0.2.10");
    CHECK(parse_ssh_connection("::ffff:203.0.113.7 51234 ::ffff:192.0.2.10 22") == plain);
    CHECK(parse_ssh_connection("fe80::1%eth0 51234 fe80::2%eth0 22")->peer == "fe80::1");
    CHECK_FALSE(parse_ssh_connection(""));
    CHECK_FALSE(parse_ssh_connection("somewhere 51234 192.0.2.10 22"));
    CHECK_FALSE(parse_ssh_connection("203.0.113.7 51234 192.0.2.10"));
}

TEST_CASE("changes of the interface the session uses, and of those below it, are named")
{
    for (const char* tunable : {"link/eth0/mtu", "link/eth0.100/mtu", "nic/eth0/ring/rx", "nic/eth0/queues/combined",
                                "nic/eth0/speed", "qdisc/eth0/root", "qdisc/eth0/tx-1"}) {
        CAPTURE(tunable);
        const auto found = threats(tunable, nullptr);
        REQUIRE(found.size() == 1);
        CHECK(found[0].starts_with(tunable));
    }
    for (const char* tunable : {"link/eth1/mtu", "link/eth0/txqueuelen", "nic/eth1/ring/rx", "qdisc/eth1/root",
                                "sysctl/net.core.somaxconn", "nic/eth0/coalesce/rx-usecs"}) {
        CAPTURE(tunable);
        CHECK(threats(tunable, nullptr).empty());
    }
}

TEST_CASE("a change that says it interrupts is believed")
{
    Change change;
    change.tunable = *parse_tunable("nic/eth0/offload/tx-tcp-segmentation");
    CHECK(interruptions({change}, session).empty());
    change.interrupts = true;
    CHECK(interruptions({change}, session).size() == 1);
}

TEST_CASE("routes and rules count when they take the session's packets")
{
    CHECK(threats("route/default/mtu", "1400").size() == 1);
    CHECK(threats("route/203.0.113.0/24@eth0/initcwnd", "20").size() == 1);
    CHECK(threats("route/default@eth1/mtu", "1400").empty());
    CHECK(threats("route/198.51.100.0/24/mtu", "1400").empty());
    CHECK(threats("route/::/0/mtu", "1400").empty());
    CHECK(threats("rule/ipv4/10010", "from 192.0.2.10 lookup 210").size() == 1);
    CHECK(threats("rule/ipv4/10010", "fwmark 0x1 lookup 210").size() == 1);
    CHECK(threats("rule/ipv4/10010", "from 198.51.100.10 lookup 210").empty());
    CHECK(threats("rule/ipv4/10010", "to 198.51.100.0/24 lookup 210").empty());
    CHECK(threats("rule/ipv6/10010", "from ::/0 lookup 210").empty());
    CHECK(threats("rule/ipv4/10010", "", "from 192.0.2.10 lookup 210").size() == 1); // taking it away
    CHECK(threats("table/210/default", "via 192.0.2.1 dev eth0").empty());
}
