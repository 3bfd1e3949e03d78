// SPDX-License-Identifier: GPL-2.0-or-later
#include "catalog/catalog.h"

#include <doctest/doctest.h>

using namespace netwright;
using Numbers = std::vector<std::int64_t>;

namespace {

Result<void> check(const char* key, Value value) { return catalog::check(SysctlKey{key}, value); }

struct Case {
    const char* key;
    Value value;
    const char* part; // of the reason
};

} // namespace

TEST_CASE("values the kernel accepts but that make no sense are refused, with key, value, limit and reason")
{
    const Case cases[] = {
        {"net.ipv4.tcp_fin_timeout", -5, "least sensible value, 1 s"},
        {"net.ipv4.tcp_fin_timeout", Numbers{1, 2}, "1 number is needed, 2 given"},
        {"net.ipv4.tcp_fin_timeout", std::string("soon"), "a number is needed"},
        {"net.ipv4.tcp_syncookies", 3, "greatest sensible value, 2"},
        {"net.ipv4.tcp_sack", 2, "greatest sensible value, 1"},
        {"net.ipv4.tcp_rmem", Numbers{4096, 131072, 87380}, "default 131072 is above the maximum 87380"},
        {"net.ipv4.tcp_rmem", Numbers{200000, 131072, 6291456}, "minimum 200000 is above the default 131072"},
        {"net.ipv4.tcp_rmem", Numbers{4096, 131072}, "3 numbers are needed, 2 given"},
        {"net.ipv4.tcp_rmem", 4096, "3 numbers are needed, 1 given"},
        {"net.ipv4.tcp_rmem", Numbers{4096, 131072, 1LL << 31}, "element 3, 2147483648, is above"},
        {"net.ipv4.tcp_wmem", Numbers{4096, 16384, 0}, "element 3, 0, is below"},
        {"net.ipv4.tcp_mem", Numbers{1, 3, 2}, "is above"},
        {"net.ipv4.tcp_mem", Numbers{1, 2, 16LL << 30}, "looks like bytes"},
        {"net.ipv4.udp_mem", Numbers{1, 2, 16LL << 30}, "pages"},
        {"net.ipv4.ip_local_port_range", Numbers{60999, 32768}, "below the high end"},
        {"net.ipv4.ip_local_port_range", Numbers{32768, 32768}, "below the high end"},
        {"net.ipv4.ip_local_port_range", Numbers{1024, 70000}, "65535 ports"},
        {"net.ipv4.ip_local_reserved_ports", std::string("8080,"), "no port"},
        {"net.ipv4.ip_local_reserved_ports", std::string("90-80"), "backwards"},
        {"net.ipv4.ip_local_reserved_ports", std::string("65530-65536"), "65535"},
        {"net.ipv4.tcp_congestion_control", std::string("bbr;reboot"), "a name"},
        {"net.ipv4.tcp_congestion_control", std::string("sixteen_letters_"), "a name"},
        {"net.ipv4.tcp_congestion_control", std::string(""), "a name"},
        {"net.ipv4.tcp_allowed_congestion_control", std::string(" "), "names"},
        {"net.core.default_qdisc", std::string("fq codel"), "a name"},
        {"net.core.netdev_budget_usecs", 0, "2 us"},
        {"net.core.netdev_max_backlog", -1, "1 packets"},
        {"net.core.flow_limit_table_len", 5000, "power of two"},
        {"net.core.somaxconn", 0, "1 connections"},
        {"net.core.rps_default_mask", std::string("xyz"), "mask"},
        {"net.ipv4.tcp_fastopen", 8, "bits"},
        {"net.ipv4.tcp_keepalive_probes", 0, "SO_KEEPALIVE"},
        {"net.ipv4.tcp_available_congestion_control", std::string("bbr"), "only be read"},
        {"net.ipv4.conf.eth0/1.rp_filter", 3, "greatest sensible value, 2"},
        {"net.ipv4.tcp_congestion_control", std::string("cubic\nx"), "control character"},
    };
    for (const Case& one : cases) {
        CAPTURE(one.key);
        CAPTURE(one.part);
        const auto result = check(one.key, one.value);
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == Error::Kind::Rejected);
        CHECK(result.error().what.starts_with(one.key));
        CAPTURE(result.error().what);
        CHECK(result.error().what.find(one.part) != std::string::npos);
    }
}

TEST_CASE("sensible values pass")
{
    CHECK(check("net.core.somaxconn", 4096));
    CHECK(check("net.ipv4.tcp_rmem", Numbers{4096, 131072, 125829120}));
    CHECK(check("net.ipv4.tcp_rmem", Numbers{4096, 4096, 4096}));
    CHECK(check("net.ipv4.tcp_mem", Numbers{287898, 383867, 575796}));
    CHECK(check("net.ipv4.ip_local_port_range", Numbers{10240, 65535}));
    CHECK(check("net.ipv4.ip_local_reserved_ports", std::string("")));
    CHECK(check("net.ipv4.ip_local_reserved_ports", std::string("8080,30000-32767")));
    CHECK(check("net.ipv4.ip_local_reserved_ports", 8080)); // a single port reads as a number
    CHECK(check("net.ipv4.tcp_congestion_control", std::string("bbr")));
    CHECK(check("net.ipv4.tcp_allowed_congestion_control", std::string("reno cubic bbr")));
    CHECK(check("net.ipv4.ping_group_range", Numbers{1, 0})); // nobody
    CHECK(check("net.ipv4.tcp_fastopen", 0x603));
    CHECK(check("net.ipv4.tcp_notsent_lowat", 4294967295));
    CHECK(check("net.core.rps_default_mask", std::string("ff,ffffffff")));
    CHECK(check("net.core.rps_default_mask", 3));
    CHECK(check("net.ipv6.conf.default.router_solicitations", -1));
}

TEST_CASE("what the catalogue does not know is left to the kernel")
{
    CHECK(check("net.core.from_the_future", std::string("anything")));
}

TEST_CASE("a secret is never printed")
{
    const auto result = check("net.ipv4.tcp_fastopen_key", std::string("dead-beef\nx"));
    REQUIRE_FALSE(result);
    CHECK(result.error().what.find("dead") == std::string::npos);
}

TEST_CASE("with the memory known, tcp_mem in bytes shows as more than half of it")
{
    const Tunable tcp_mem = SysctlKey{"net.ipv4.tcp_mem"};
    const Bytes memory{24ULL << 30}, page = 4_KiB;
    CHECK(catalog::check(tcp_mem, Numbers{287898, 383867, 575796}, memory, page));
    const auto bytes = catalog::check(tcp_mem, Numbers{8388608, 12582912, 16777216}, memory, page);
    REQUIRE_FALSE(bytes);
    CHECK(bytes.error().what.find("meant in bytes") != std::string::npos);
    CHECK_FALSE(catalog::check(tcp_mem, Numbers{3, 2, 1}, memory, page));
    CHECK(catalog::check(SysctlKey{"net.core.rmem_max"}, 2147483647, memory, page)); // bytes, not pages
    CHECK(catalog::check(tcp_mem, Numbers{1, 2, 3}, memory, Bytes{0}));
}

TEST_CASE("an MTU lies between 68 and 65535; only loopback has 65536")
{
    const auto mtu = [](const char* nic, Value value) {
        return catalog::check(LinkSetting{nic, LinkSetting::What::Mtu}, value);
    };
    CHECK(mtu("eth0", 1500));
    CHECK(mtu("eth0", 68));
    CHECK(mtu("lo", 65536));
    CHECK_FALSE(mtu("eth0", 67));
    CHECK_FALSE(mtu("eth0", 65536));
    CHECK_FALSE(mtu("lo", 65537));
    CHECK_FALSE(mtu("eth0", std::string("large")));
    CHECK(mtu("eth0", 67).error().what.starts_with("mtu of eth0 = 67: "));
    const Tunable length = LinkSetting{"eth0", LinkSetting::What::TxQueueLength};
    CHECK(catalog::check(length, 1000));
    CHECK_FALSE(catalog::check(length, -1));
    CHECK_FALSE(catalog::check(length, 2'000'000));
}

TEST_CASE("queue settings take sets, except for the count of flows, and sit on queues of their direction")
{
    const auto cpus = CpuSet::parse_list("0-3");
    REQUIRE(cpus);
    using What = QueueSetting::What;
    CHECK(catalog::check(QueueSetting{"eth0", "rx-0", What::RpsCpus}, *cpus));
    CHECK(catalog::check(QueueSetting{"eth0", "rx-0", What::RpsCpus}, CpuSet{})); // off
    CHECK_FALSE(catalog::check(QueueSetting{"eth0", "tx-0", What::RpsCpus}, *cpus));
    CHECK_FALSE(catalog::check(QueueSetting{"eth0", "rx-0", What::XpsCpus}, *cpus));
    CHECK_FALSE(catalog::check(QueueSetting{"eth0", "rx-0", What::RpsCpus}, 3));
    CHECK(catalog::check(QueueSetting{"eth0", "tx-1", What::XpsRxQueues}, *cpus));
    const Tunable flows = QueueSetting{"eth0", "rx-0", What::RpsFlowCount};
    CHECK(catalog::check(flows, 4096));
    CHECK_FALSE(catalog::check(flows, (1 << 20) + 1));
    CHECK_FALSE(catalog::check(flows, *cpus));
}

TEST_CASE("accepted values may still earn a remark")
{
    const Tunable flows = QueueSetting{"eth0", "rx-0", QueueSetting::What::RpsFlowCount};
    CHECK(catalog::remarks(flows, 4096).empty());
    REQUIRE(catalog::remarks(flows, 5000).size() == 1);
    CHECK(catalog::remarks(flows, 5000)[0].find("8192") != std::string::npos);
    CHECK(catalog::remarks(flows, 0).empty());
    const Tunable ports = SysctlKey{"net.ipv4.ip_local_port_range"};
    CHECK(catalog::remarks(ports, Numbers{32768, 60999}).empty());
    CHECK(catalog::remarks(ports, Numbers{10000, 65000}).size() == 1);
    CHECK(catalog::remarks(LinkSetting{"eth0", LinkSetting::What::Mtu}, 1200).size() == 1);
    CHECK(catalog::remarks(LinkSetting{"eth0", LinkSetting::What::Mtu}, 1280).empty());
    CHECK(catalog::remarks(LinkSetting{"eth0", LinkSetting::What::TxQueueLength}, 0).size() == 1);
    CHECK(catalog::remarks(SysctlKey{"net.core.no_such_key"}, 1).empty());
    CHECK(catalog::remarks(ports, std::string("x")).empty());
}
