// SPDX-License-Identifier: GPL-2.0-or-later
#include "catalog/machine_default.h"
#include "catalog/names.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

using namespace netwright;

namespace {

std::set<std::string> names(const std::vector<catalog::Known>& all)
{
    std::set<std::string> found;
    for (const catalog::Known& one : all)
        found.emplace(catalog::name_of(one));
    return found;
}

} // namespace

TEST_CASE("every kind of address leads to the entry that explains it")
{
    struct Row {
        const char *address, *key;
    };
    for (const Row& row : {
             Row{"sysctl/net.ipv4.tcp_rmem", "net.ipv4.tcp_rmem"},
             Row{"net/ipv4/ip_forward", "net.ipv4.ip_forward"},
             Row{"nic/eth0/offload/tx-tcp-segmentation", "nic.offload.tcp-segmentation-offload"},
             Row{"nic/eth0/offload/tso", "nic.offload.tcp-segmentation-offload"},
             Row{"nic/eth0/offload/gro", "nic.offload.generic-receive-offload"},
             Row{"nic/eth0/offload/rx-lro", "nic.offload.large-receive-offload"},
             Row{"nic/eth0/offload/hw-tc-offload", "nic.offload.hw-tc-offload"},
             Row{"nic/eth0/ring/rx", "nic.ring.rx"},
             Row{"nic/eth0/ring/rx-jumbo", "nic.ring.rx"},
             Row{"nic/eth0/ring/tx", "nic.ring.tx"},
             Row{"nic/eth0/queues/combined", "nic.queues.combined"},
             Row{"nic/eth0/coalesce/rx-usecs", "nic.coalesce.rx-usecs"},
             Row{"nic/eth0/coalesce/adaptive-tx", "nic.coalesce.adaptive-rx"},
             Row{"nic/eth0/coalesce/tx-frames", "nic.coalesce.tx-usecs"},
             Row{"nic/eth0/pause/rx", "nic.pause"},
             Row{"nic/eth0/eee/enabled", "nic.eee"},
             Row{"nic/eth0/private-flag/legacy-rx", "nic.private-flags"},
             Row{"nic/eth0/speed", "nic.speed"},
             Row{"nic/eth0/rss/indirection", "nic.rss.indirection"},
             Row{"nic/eth0/rss/key", "nic.rss.key"},
             Row{"nic/eth0/rss/fields-tcp4", "nic.rss.fields"},
             Row{"nic/eth0/ntuple/3", "nic.offload.ntuple-filters"},
             Row{"link/eth0/mtu", "link.mtu"},
             Row{"link/eth0/txqueuelen", "link.txqueuelen"},
             Row{"link/eth0/gso_ipv4_max_size", "link.gso_max_size"},
             Row{"link/eth0/gro_flush_timeout", "napi.gro_flush_timeout"},
             Row{"link/eth0/napi_defer_hard_irqs", "napi.defer_hard_irqs"},
             Row{"link/eth0/threaded", "napi.threaded"},
             Row{"queue/eth0/rx-0/rps_cpus", "queue.rps_cpus"},
             Row{"irq/38/affinity", "irq.affinity"},
             Row{"qdisc/eth0/root", "qdisc.root"},
             Row{"qdisc/eth0/tx-0", "qdisc.root"},
             Row{"route/default/initcwnd", "route.initcwnd"},
             Row{"route/10.0.0.0/8@eth1/initrwnd", "route.initrwnd"},
             Row{"notrack/tcp/80", "netfilter.notrack"},
             Row{"congestion/10.0.0.0/8", "route.congctl"},
             Row{"service/nginx.service/LimitNOFILE", "limit.nofile"},
             Row{"cpu/0/governor", "cpu.governor"},
             Row{"cpu/0/idle-state-2", "cpu.idle"},
         }) {
        CAPTURE(row.address);
        const auto* const found = catalog::find_address(row.address);
        REQUIRE(found);
        CHECK(found->key == row.key);
    }
    for (const char* none : {"", "/", "nic/eth0", "nic//", "link/eth0/no-such", "socks/eth0/x", "a/b/c"}) {
        CAPTURE(none);
        CHECK(catalog::find_address(none) == nullptr);
    }
}

TEST_CASE("a name is what people type: last parts, words, globs, counters")
{
    CHECK(names(catalog::named("somaxconn")) == std::set<std::string>{"net.core.somaxconn"});
    CHECK(names(catalog::named("tcp_rmem")) == std::set<std::string>{"net.ipv4.tcp_rmem"});
    CHECK(names(catalog::named("rfs")) ==
          std::set<std::string>{"net.core.rps_sock_flow_entries", "queue.rps_flow_cnt"});
    CHECK(names(catalog::named("tso")) == std::set<std::string>{"nic.offload.tcp-segmentation-offload"});
    CHECK(names(catalog::named("net.ipv4.tcp_*mem")) ==
          std::set<std::string>{"net.ipv4.tcp_mem", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"});
    CHECK(names(catalog::named("ListenDrops")) == std::set<std::string>{"TcpExtListenDrops"});
    CHECK(names(catalog::named("net.ipv4.conf.eth0/1.rp_filter")) ==
          std::set<std::string>{"net.ipv4.conf.IFACE.rp_filter"});
    CHECK(catalog::named("*").size() == catalog::all().size() + catalog::topics().size());
    CHECK(catalog::named("").empty());
    CHECK(catalog::named("no_such_thing").empty());
}

TEST_CASE("every everyday word means something that exists")
{
    for (const char* word : {"ring",      "coalesce",   "queues",   "channels", "rss",    "rps",       "rfs",
                             "xps",       "bql",        "qdisc",    "bbr",      "cubic",  "conntrack", "notrack",
                             "keepalive", "irqbalance", "governor", "nofile",   "ulimit", "bigtcp"}) {
        CAPTURE(word);
        CHECK_FALSE(catalog::named(word).empty());
    }
}

TEST_CASE("a misspelt name is answered with the nearest ones")
{
    CHECK(catalog::near_names("tcp_rmen").front() == "net.ipv4.tcp_rmem");
    CHECK(catalog::near_names("net.core.somaxcon").front() == "net.core.somaxconn");
    CHECK(catalog::near_names("ListenOverflow").front() == "TcpExtListenOverflows");
    CHECK(catalog::near_names("NO_SOCKETS").front() == "NO_SOCKET");
    CHECK(catalog::near_names("completely.different.thing").empty());
    CHECK(catalog::near_names("tcp_rmen", 1).size() == 1);
}

TEST_CASE("a search wants every word, and names weigh more than sentences")
{
    const auto hits = catalog::search("keepalive probes");
    REQUIRE_FALSE(hits.empty());
    CHECK(catalog::name_of(hits.front().known) == "net.ipv4.tcp_keepalive_probes");
    for (std::size_t i = 1; i < hits.size(); ++i)
        CHECK(hits[i - 1].score >= hits[i].score);
    CHECK(catalog::search("keepalive xyzzy").empty());
    CHECK(catalog::search("").empty());
    CHECK(catalog::search("KEEPALIVE").size() == catalog::search("keepalive").size());
}

TEST_CASE("defaults that the kernel computes follow the memory, within their limits")
{
    const Bytes page{4096};
    CHECK(catalog::machine_default("net.ipv4.tcp_rmem", {6, 18, 0}, Bytes{16ULL << 30}, page) ==
          "4096 131072 33554432");
    CHECK(catalog::machine_default("net.ipv4.tcp_rmem", {5, 15, 0}, Bytes{16ULL << 30}, page) == "4096 131072 6291456");
    CHECK(catalog::machine_default("net.ipv4.tcp_rmem", {4, 19, 0}, Bytes{16ULL << 30}, page) == "4096 87380 6291456");
    CHECK(catalog::machine_default("net.ipv4.tcp_wmem", {6, 18, 0}, Bytes{1ULL << 20}, page) == "4096 16384 65536");
    CHECK(catalog::machine_default("net.ipv4.tcp_max_tw_buckets", {6, 18, 0}, Bytes{25'276'514'304}, page) == "131072");
    CHECK(catalog::machine_default("net.ipv4.tcp_mem", {6, 18, 0}, Bytes{1ULL << 30}, page) == "12288 16384 24576");
    CHECK_FALSE(catalog::machine_default("net.core.somaxconn", {6, 18, 0}, Bytes{1ULL << 30}, page));
    CHECK_FALSE(catalog::machine_default("net.ipv4.tcp_mem", {6, 18, 0}, Bytes{0}, page));
}
