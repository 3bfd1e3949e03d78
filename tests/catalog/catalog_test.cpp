// SPDX-License-Identifier: GPL-2.0-or-later
#include "catalog/catalog.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;

TEST_CASE("the catalogue is sorted by key, without duplicates, and every entry says what it does and who says so")
{
    const auto table = catalog::all();
    REQUIRE(table.size() > 500);
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

TEST_CASE("whom a key reaches depends on the kernel's version")
{
    const auto* optmem = catalog::find("net.core.optmem_max");
    REQUIRE(optmem);
    CHECK(catalog::scope_for(*optmem, {6, 8, 0}) == catalog::Scope::Namespace);
    CHECK(catalog::scope_for(*optmem, {6, 7, 12}) == catalog::Scope::Host);
    const auto* somaxconn = catalog::find("net.core.somaxconn"); // for as long as anybody remembers
    REQUIRE(somaxconn);
    CHECK(catalog::scope_for(*somaxconn, {3, 2, 0}) == catalog::Scope::Namespace);
    const auto* backlog = catalog::find("net.core.netdev_max_backlog");
    REQUIRE(backlog);
    CHECK(catalog::scope_for(*backlog, {6, 18, 0}) == catalog::Scope::Host);
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

TEST_CASE("a key of one interface finds the entry of all; a dot of the interface's own name is a slash")
{
    for (const char* key :
         {"net.ipv4.conf.eth0.rp_filter", "net.ipv4.conf.eth0/1.rp_filter", "net.ipv4.conf.all.rp_filter",
          "net.ipv4.conf.default.rp_filter", "net.ipv4.conf.IFACE.rp_filter"}) {
        CAPTURE(key);
        const auto* entry = catalog::find(key);
        REQUIRE(entry);
        CHECK(entry->key == "net.ipv4.conf.IFACE.rp_filter");
    }
    for (const char* key : {"net.ipv4.conf.eth0.1.rp_filter", "net.ipv4.conf..rp_filter", "net.ipv4.conf.eth0.",
                            "net.ipv4.conf.eth0", "net.ipv4.conf.", "net.ipv4.tcp.eth0.rp_filter"}) {
        CAPTURE(key);
        CHECK(catalog::find(key) == nullptr);
    }
    CHECK(catalog::find("net.ipv4.neigh.default.gc_thresh3"));
    CHECK_FALSE(catalog::find("net.ipv4.neigh.eth0.gc_thresh3")); // stands only under default
    CHECK(catalog::reach_of(SysctlKey{"net.ipv4.conf.eth0.rp_filter"}) == Reach::Namespace);
}

TEST_CASE("every kind of link and queue setting has its entry")
{
    using Link = LinkSetting::What;
    using Queue = QueueSetting::What;
    for (const Link what : {Link::Mtu, Link::TxQueueLength})
        CHECK(catalog::find(LinkSetting{"eth0", what}));
    for (const Queue what : {Queue::RpsCpus, Queue::RpsFlowCount, Queue::XpsCpus, Queue::XpsRxQueues})
        CHECK(catalog::find(QueueSetting{"eth0", "rx-0", what}));
    CHECK(catalog::risk_of(LinkSetting{"eth0", Link::Mtu}) == Risk::High);
}

TEST_CASE("a misspelt key of an interface is recognised too")
{
    CHECK(catalog::nearest("net.ipv4.conf.eth0.rp_filtre").front() == "net.ipv4.conf.IFACE.rp_filter");
    CHECK(catalog::nearest("tcp_rmen").front() == "net.ipv4.tcp_rmem");
    CHECK(catalog::nearest("net.ipv4.tcp_window_scalling").front() == "net.ipv4.tcp_window_scaling");
}

TEST_CASE("every special check and remark names a key that the catalogue has")
{
    // The tables in check.cpp and remarks.cpp match by key: a renamed key must not silently lose its check.
    for (const char* key :
         {"net.core.default_qdisc", "net.core.flow_limit_table_len", "net.core.rps_sock_flow_entries",
          "net.ipv4.ip_local_port_range", "net.ipv4.tcp_allowed_congestion_control", "net.ipv4.tcp_congestion_control",
          "net.ipv4.tcp_fastopen", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_mem", "net.ipv4.tcp_rmem",
          "net.ipv4.tcp_wmem", "net.ipv4.udp_mem", "net.mptcp.scheduler"}) {
        CAPTURE(key);
        CHECK(catalog::find(key));
    }
}
