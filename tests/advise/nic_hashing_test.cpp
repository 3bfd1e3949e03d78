// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about the RSS table and the fields that are hashed.
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

std::vector<Finding> ask(const Snapshot& host, std::string_view id) { return judged(nic_rules(), host, id); }

Snapshot with_table(const std::vector<std::uint32_t>& pattern)
{
    Snapshot host = healthy_host();
    Rss rss;
    for (std::size_t i = 0; i < 128; ++i)
        rss.indirection.push_back(pattern[i % pattern.size()]);
    rss.fields = std::vector<HashFields>{{"tcp4", "sdfn"}, {"udp4", "sd"}, {"tcp6", "sdfn"}};
    nic(host).rss = rss;
    return host;
}

} // namespace

TEST_CASE("a table that leaves queues out is made to name them all")
{
    CHECK(ask(with_table({0, 1, 2, 3}), "rss-table-partial").empty());
    Snapshot host = with_table({0, 1});
    const auto findings = ask(host, "rss-table-partial");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::Low);
    CHECK(findings[0].title == "2 of 4 receive queues of eth0 get no flows from RSS");
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(to_text(findings[0].remedy[0].tunable) == "nic/eth0/rss/indirection");
    CHECK(findings[0].remedy[0].from == Value(std::string("equal 2")));
    CHECK(findings[0].remedy[0].to == Value(std::string("equal 4")));
    receive(host, 2'000'000);
    heat(host, 0, 90);
    CHECK(ask(host, "rss-table-partial")[0].severity == Severity::High);
}

TEST_CASE("tables that cannot be judged are left alone")
{
    Snapshot host = with_table({0, 1});
    nic(host).rss->indirection = {0, 1}; // shorter than the queues
    CHECK(ask(host, "rss-table-partial").empty());
    nic(host).rss->indirection.clear();
    CHECK(ask(host, "rss-table-partial").empty());
    CHECK(ask(host, "rss-table-uneven").empty());
    nic(host).rss = fail(Error::Kind::Unsupported, "Operation not supported", 95);
    CHECK(ask(host, "rss-table-partial").empty());
    CHECK(gaps_of(nic_rules(), host, "rss-table-partial").empty());
    nic(host).rss = fail(Error::Kind::Refused, "Operation not permitted", 1);
    CHECK(gaps_of(nic_rules(), host, "rss-table-partial").size() == 1);
    CHECK(ask(with_table({0, 1, 2, 9}), "rss-table-partial").empty()); // names a queue that sysfs does not show
}

TEST_CASE("shares are uneven from more than twice on")
{
    CHECK(ask(with_table({0, 0, 1, 2, 3}), "rss-table-uneven").empty()); // twice
    const auto findings = ask(with_table({0, 0, 0, 1, 2, 3}), "rss-table-uneven");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::Info);
    CHECK(findings[0].risk == Risk::Medium); // somebody's weights: a plan takes it only when asked
}

TEST_CASE("TCP hashed by addresses only is told apart again")
{
    Snapshot host = with_table({0, 1, 2, 3});
    CHECK(ask(host, "nic-tcp-hash-without-ports").empty());
    nic(host).rss->fields = std::vector<HashFields>{{"tcp4", "sd"}, {"tcp6", "sdfn"}, {"udp4", "sd"}};
    const auto findings = ask(host, "nic-tcp-hash-without-ports");
    REQUIRE(findings.size() == 1);
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(to_text(findings[0].remedy[0].tunable) == "nic/eth0/rss/fields-tcp4");
    CHECK(findings[0].remedy[0].to == Value(std::string("sdfn")));
    nic(host).rss->fields = std::vector<HashFields>{{"tcp4", ""}}; // not hashed at all: another matter
    CHECK(ask(host, "nic-tcp-hash-without-ports").empty());
    nic(host).queues = queues(1);
    nic(host).rss->fields = std::vector<HashFields>{{"tcp4", "sd"}};
    CHECK(ask(host, "nic-tcp-hash-without-ports").empty());
}
