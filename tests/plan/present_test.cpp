// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/present.h"

#include <doctest/doctest.h>

#include "plan_host.h"

using namespace netwright;
using plan::present;

namespace {

Snapshot with_queues()
{
    Snapshot snapshot = plan_host::host({{"net.ipv4.tcp_rmem", "4096\t131072\t6291456"}});
    Nic nic;
    nic.name = "eth0";
    nic.mtu = 1500;
    nic.txqueuelen = 1000;
    Queue rx;
    rx.name = "rx-0";
    rx.cpus = *CpuSet::parse_list("0-1");
    rx.flow_count = 4096;
    Queue tx;
    tx.name = "tx-0";
    tx.cpus = fail(Error::Kind::Refused, "no rights");
    tx.xps_rxqs = "3";
    nic.queues = std::vector{rx, tx};
    snapshot.nics = std::vector{nic};
    return snapshot;
}

std::string shown(std::string_view tunable)
{
    const auto now = present(with_queues(), *parse_tunable(tunable));
    return now ? to_text(**now) : std::string(to_text(now.error().kind));
}

} // namespace

TEST_CASE("the snapshot answers for each kind of tunable")
{
    CHECK(shown("net.ipv4.tcp_rmem") == "4096 131072 6291456");
    CHECK(shown("link/eth0/mtu") == "1500");
    CHECK(shown("link/eth0/txqueuelen") == "1000");
    CHECK(shown("queue/eth0/rx-0/rps_cpus") == "list:0-1");
    CHECK(shown("queue/eth0/rx-0/rps_flow_cnt") == "4096");
    CHECK(shown("queue/eth0/tx-0/xps_rxqs") == "list:0-1");
}

TEST_CASE("what is not there is absent; what could not be read keeps its reason")
{
    CHECK(shown("net.ipv4.no_such_key") == "absent");
    CHECK(shown("link/eth9/mtu") == "absent");
    CHECK(shown("queue/eth0/rx-7/rps_cpus") == "absent");
    CHECK(shown("queue/eth0/tx-0/xps_cpus") == "refused");
}
