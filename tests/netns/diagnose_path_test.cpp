// SPDX-License-Identifier: GPL-2.0-or-later
// Faults of devices, queues, firewalls and routes, provoked for real; each must be the first cause that diagnose names.
#include "support/fault_lab.h"

using namespace faults;

TEST_CASE("a shaper that is too slow for UDP")
{
    const Link link;
    link.here.tc("qdisc add dev nw0 root tbf rate 1mbit burst 5kb limit 5kb");
    Watch watch(link.here);
    link.here.in([] { send_datagrams("10.9.0.2", 5000, 500, 1000); });
    const auto first = expect_first(watch.diagnosis(), "qdisc-full");
    CHECK(names_victim(first, "tbf"));
    CHECK(names_victim(first, "nw0"));
    CHECK(first.events > 400);
}

TEST_CASE("a firewall that drops in silence")
{
    const Link link;
    link.there.nft("add table ip t; add chain ip t c { type filter hook input priority 0; }; "
                   "add rule ip t c udp dport 5000 drop");
    Watch watch(link.there);
    link.here.in([] { send_datagrams("10.9.0.2", 5000, 50); });
    std::this_thread::sleep_for(20ms);
    const auto first = expect_first(watch.diagnosis(), "firewall-drop");
    CHECK(first.nature == Nature::Policy);
    CHECK(first.events == 50);
    CHECK(names_victim(first, "udp port 5000"));
}

TEST_CASE("a destination without a route")
{
    const Link link;
    Watch watch(link.here);
    link.here.in([] { send_datagrams("192.0.2.1", 5000, 30); });
    CHECK(expect_first(watch.diagnosis(), "no-route").events == 30);
}
