// SPDX-License-Identifier: GPL-2.0-or-later
// What grew between two captures, and captures that do not belong together.
#include "host/since.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace std::chrono_literals;

namespace {

Snapshot capture(std::chrono::seconds when, std::uint64_t overflows)
{
    Snapshot snapshot;
    snapshot.taken = std::chrono::sys_seconds{when};
    snapshot.surroundings.hostname = "web1";
    snapshot.surroundings.network_namespace = "init";
    snapshot.kernel.boot_id = "a";
    snapshot.protocols = CounterTable({{"TcpExtListenOverflows", {overflows, 0}}});
    Nic nic;
    nic.name = "eth0";
    nic.statistics = CounterTable({{"rx_missed_errors", {overflows, 0}}});
    snapshot.nics = std::vector{nic};
    return snapshot;
}

} // namespace

TEST_CASE("growth between two captures of a host")
{
    const auto now = host::since(capture(1000s, 5), capture(1060s, 32));
    REQUIRE(now);
    CHECK(now->interval == 60s);
    CHECK(now->protocols->at("TcpExtListenOverflows")->growth == 27);
    CHECK(now->nics->at(0).statistics->at("rx_missed_errors")->growth == 27);
}

TEST_CASE("captures that do not belong together are refused")
{
    const auto refused = [](auto change) {
        Snapshot now = capture(1060s, 32);
        change(now);
        const auto result = host::since(capture(1000s, 5), std::move(now));
        return result ? std::string("accepted") : std::string(to_text(result.error().kind));
    };
    CHECK(refused([](Snapshot& now) { now.surroundings.hostname = "web2"; }) == "mismatch");
    CHECK(refused([](Snapshot& now) { now.kernel.boot_id = "b"; }) == "mismatch");
    CHECK(refused([](Snapshot& now) { now.surroundings.network_namespace = "net:[1]"; }) == "mismatch");
    CHECK(refused([](Snapshot& now) { now.taken = std::chrono::sys_seconds{999s}; }) == "rejected");
    CHECK(refused([](Snapshot& now) { now.taken = std::chrono::sys_seconds{1000s}; }) == "rejected");
}

TEST_CASE("what one of the captures could not see does not grow")
{
    Snapshot earlier = capture(1000s, 5);
    earlier.protocols = fail(Error::Kind::Refused, "no /proc");
    const auto now = host::since(earlier, capture(1060s, 32));
    REQUIRE(now);
    CHECK(now->protocols->at("TcpExtListenOverflows")->growth == 0);
}
