// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {
std::vector<Finding> link(const Snapshot& host, std::string_view id, const Intent& intent = {})
{
    return judged(nic_rules(), host, id, intent);
}
} // namespace

TEST_CASE("half duplex is a fault, and a worse one while frames collide")
{
    Snapshot host = healthy_host();
    CHECK(link(host, "nic-half-duplex").empty());
    nic(host).duplex = "half";
    REQUIRE(link(host, "nic-half-duplex").size() == 1);
    CHECK(link(host, "nic-half-duplex")[0].severity == Severity::Medium);
    put(nic(host).statistics, "collisions", {.total = 10, .growth = 10});
    CHECK(link(host, "nic-half-duplex")[0].severity == Severity::High);
    nic(host).duplex = "unknown";
    CHECK(link(host, "nic-half-duplex").empty());
}

TEST_CASE("a link is slow below gigabit, or below what a person asked for")
{
    Snapshot host = healthy_host();
    Intent intent;
    intent.bandwidth = Answer<BitRate>{25_Gbit, false, "guessed"};
    CHECK(link(host, "nic-slow-link", intent).empty());
    intent.bandwidth->given = true;
    CHECK(link(host, "nic-slow-link", intent).size() == 1);
    CHECK(link(host, "nic-slow-link", intent)[0].severity == Severity::Medium);
    nic(host).speed_mbit = 100;
    CHECK(link(host, "nic-slow-link").size() == 1);
    nic(host).speed_mbit = fail(Error::Kind::Absent, "unknown");
    CHECK(link(host, "nic-slow-link", intent).empty());
}

TEST_CASE("a link that comes and goes is High now, Low over the uptime, and nothing after a boot")
{
    Snapshot host = healthy_host(); // up for 100 h
    CHECK(link(host, "nic-carrier-flaps").empty());
    nic(host).carrier_changes = Counter{.total = 60, .growth = 0};
    REQUIRE(link(host, "nic-carrier-flaps").size() == 1);
    CHECK(link(host, "nic-carrier-flaps")[0].severity == Severity::Low);
    host.kernel.uptime = 10'000h; // 60 changes in more than a year
    CHECK(link(host, "nic-carrier-flaps").empty());
    nic(host).carrier_changes = Counter{.total = 4, .growth = 2};
    CHECK(link(host, "nic-carrier-flaps")[0].severity == Severity::High);
    nic(host).carrier_changes = fail(Error::Kind::Refused, "refused");
    CHECK(gaps_of(nic_rules(), host, "nic-carrier-flaps").size() == 1);
}

TEST_CASE("damaged frames are weighed by their share")
{
    Snapshot host = healthy_host();
    receive(host, 1'000'000);
    CHECK(link(host, "nic-damaged-frames").empty());
    put(nic(host).statistics, "rx_crc_errors", {.total = 50, .growth = 50});
    REQUIRE(link(host, "nic-damaged-frames").size() == 1);
    CHECK(link(host, "nic-damaged-frames")[0].severity == Severity::Medium);
    put(nic(host).driver_statistics, "rx_crc_errors", {.total = 50, .growth = 50}); // the same frames, not told twice
    CHECK(link(host, "nic-damaged-frames")[0].evidence.size() == 1);
    put(nic(host).driver_statistics, "rx_symbol_err_phy", {.total = 5'000, .growth = 5'000});
    CHECK(link(host, "nic-damaged-frames")[0].severity == Severity::High);
}

TEST_CASE("pauses are told while they grow, as Low")
{
    Snapshot host = healthy_host();
    put(nic(host).driver_statistics, "rx_flow_control_xoff", {.total = 90'000, .growth = 0});
    CHECK(link(host, "nic-paused").empty());
    put(nic(host).driver_statistics, "rx_flow_control_xoff", {.total = 90'000, .growth = 5'000});
    REQUIRE(link(host, "nic-paused").size() == 1);
    CHECK(link(host, "nic-paused")[0].severity == Severity::Low);
}

TEST_CASE("a transmit queue that hung is High now and Low since boot")
{
    Snapshot host = healthy_host();
    CHECK(link(host, "nic-transmit-timeouts").empty());
    put(nic(host).driver_statistics, "tx_timeout_count", {.total = 1, .growth = 0});
    REQUIRE(link(host, "nic-transmit-timeouts").size() == 1);
    CHECK(link(host, "nic-transmit-timeouts")[0].severity == Severity::Low);
    put(nic(host).driver_statistics, "tx_timeout_count", {.total = 1, .growth = 1});
    CHECK(link(host, "nic-transmit-timeouts")[0].severity == Severity::High);
}
