// SPDX-License-Identifier: GPL-2.0-or-later
#include "catalog/catalog.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;

TEST_CASE("the catalogue is sorted by key, without duplicates, and every entry says what it does and who says so")
{
    const auto table = catalog::all();
    REQUIRE(table.size() > 40);
    for (std::size_t i = 0; i < table.size(); ++i) {
        CAPTURE(table[i].key);
        if (i > 0) CHECK(table[i - 1].key < table[i].key);
        CHECK_FALSE(table[i].does.empty());
        CHECK_FALSE(table[i].source.empty());
        CHECK_FALSE(table[i].takes_effect.empty());
        CHECK_FALSE(table[i].group.empty());
    }
}

TEST_CASE("an entry is found by its key, and by nothing else")
{
    const auto* somaxconn = catalog::find("net.core.somaxconn");
    REQUIRE(somaxconn);
    CHECK(somaxconn->scope == catalog::Scope::Namespace);
    CHECK(somaxconn->unit == "connections");
    for (const char* unknown : {"", ".", "net.core", "net.core.", "net.core.somaxconn2", "net.core.SOMAXCONN", "zzz"}) {
        CAPTURE(unknown);
        CHECK(catalog::find(unknown) == nullptr);
    }
}

TEST_CASE("defaults depend on the kernel's version")
{
    const auto* somaxconn = catalog::find("net.core.somaxconn");
    REQUIRE(somaxconn);
    CHECK(catalog::default_for(*somaxconn, {5, 4, 0}) == "4096");
    CHECK(catalog::default_for(*somaxconn, {5, 3, 18}) == "128");
    const auto* usecs = catalog::find("net.core.netdev_budget_usecs");
    REQUIRE(usecs);
    CHECK_FALSE(catalog::default_for(*usecs, {6, 18, 0})); // computed from HZ
    const auto* defer = catalog::find("net.core.skb_defer_max");
    REQUIRE(defer);
    CHECK_FALSE(catalog::default_for(*defer, {5, 10, 0})); // did not exist yet
}

TEST_CASE("the nearest keys help whoever misspells one")
{
    CHECK(catalog::nearest("net.core.somaxcon").front() == "net.core.somaxconn");
    CHECK(catalog::nearest("somaxconn").front() == "net.core.somaxconn");
    CHECK(catalog::nearest("net.ipv4.rmem_max").front() == "net.core.rmem_max"); // right name, wrong directory
    CHECK(catalog::nearest("net.core.rmem_max", 2).size() <= 2);
    CHECK(catalog::nearest("completely.different.thing").empty());
}

TEST_CASE("reach and risk come from the entry; what is unknown is taken to reach far")
{
    CHECK(catalog::reach_of(SysctlKey{"net.core.somaxconn"}) == Reach::NamespaceNew);
    CHECK(catalog::reach_of(SysctlKey{"net.core.rmem_max"}) == Reach::HostNew);
    CHECK(catalog::reach_of(SysctlKey{"net.core.netdev_budget"}) == Reach::Host);
    CHECK(catalog::reach_of(SysctlKey{"net.core.no_such_key"}) == Reach::Host);
    CHECK(catalog::risk_of(SysctlKey{"net.core.no_such_key"}) == Risk::Medium);
    CHECK(catalog::risk_of(SysctlKey{"net.core.somaxconn"}) == Risk::Low);
    CHECK(catalog::reach_of(LinkSetting{"eth0", LinkSetting::What::Mtu}) == Reach::Device);
}
