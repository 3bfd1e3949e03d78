// SPDX-License-Identifier: GPL-2.0-or-later
// Reading, checking, writing and comparing tunables over a tree that stands in for /proc and /sys.
#include "model/tunable_kinds.h"
#include "tunable/tree.h"
#include "tunable/tunable_kind.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using netwright::test::Tree;

namespace {

Tunable tunable_of(const char* text) { return *parse_tunable(text); }

std::string shown(kernel::Kernel& kernel, const char* text)
{
    const auto value = tunable::read(kernel, tunable_of(text));
    if (!value) return std::string(to_text(value.error().kind));
    return *value ? to_text(**value) : "nothing";
}

Result<void> set(kernel::Kernel& kernel, const char* tunable, const char* value)
{
    const Tunable where = tunable_of(tunable);
    const Value to = TRY(parse_value(where, value));
    TRY_VOID(tunable::check(kernel, where, to));
    return tunable::write(kernel, where, to);
}

} // namespace

TEST_CASE("what is written to a tunable is read back")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    REQUIRE(set(kernel, "sysctl/net.core.somaxconn", "8192"));
    REQUIRE(set(kernel, "sysctl/net.ipv4.tcp_rmem", "4096 131072 33554432"));
    REQUIRE(set(kernel, "link/eth0/mtu", "9000"));
    REQUIRE(set(kernel, "queue/eth0/rx-0/rps_cpus", "0-2"));
    REQUIRE(set(kernel, "sysctl/net.ipv4.conf.eth0/100.rp_filter", "2"));
    CHECK(shown(kernel, "sysctl/net.core.somaxconn") == "8192");
    CHECK(shown(kernel, "sysctl/net.ipv4.tcp_rmem") == "4096 131072 33554432");
    CHECK(shown(kernel, "link/eth0/mtu") == "9000");
    CHECK(shown(kernel, "queue/eth0/rx-0/rps_cpus") == "list:0-2");
    CHECK(tree.text("proc/sys/net/ipv4/tcp_rmem") == "4096\t131072\t33554432\n");
    CHECK(tree.text("sys/class/net/eth0/queues/rx-0/rps_cpus") == "7\n");
    CHECK(tree.text("proc/sys/net/ipv4/conf/eth0.100/rp_filter") == "2\n");
}

TEST_CASE("a shorter value leaves nothing of a longer one behind")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    REQUIRE(set(kernel, "sysctl/net.core.somaxconn", "1"));
    CHECK(tree.text("proc/sys/net/core/somaxconn") == "1\n");
}

TEST_CASE("a sysctl that holds nothing reads as nothing and can be emptied again")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    CHECK(shown(kernel, "sysctl/net.ipv4.ip_local_reserved_ports") == "nothing");
    REQUIRE(set(kernel, "sysctl/net.ipv4.ip_local_reserved_ports", "8080-8090"));
    CHECK(shown(kernel, "sysctl/net.ipv4.ip_local_reserved_ports") == "8080-8090");
    REQUIRE(tunable::clear(kernel, tunable_of("sysctl/net.ipv4.ip_local_reserved_ports")));
    CHECK(tree.text("proc/sys/net/ipv4/ip_local_reserved_ports") == "\n");
}

TEST_CASE("what does not exist is absent")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    for (const char* absent : {"sysctl/net.core.nothing_here", "link/eth7/mtu", "queue/eth7/rx-0/rps_cpus",
                               "queue/eth0/rx-9/rps_cpus", "queue/eth0/tx-0/xps_rxqs"}) {
        CAPTURE(absent);
        CHECK(shown(kernel, absent) == "absent");
        const auto refused = set(kernel, absent, "1280");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == Error::Kind::Absent);
        CHECK(refused.error().what.find('\n') == std::string::npos);
    }
}

TEST_CASE("a sysctl key made by hand cannot lead out of /proc/sys")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    for (const char* key : {"net.ipv4.//.//.//.etc.passwd", "..", "net..ipv4", "", "net", "net.ipv4.", ".net.core.x",
                            "net./.somaxconn", "net.core.somax conn", "net.core.so\nmaxconn"}) {
        CAPTURE(key);
        const auto read = tunable::read(kernel, SysctlKey{key});
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == Error::Kind::Rejected);
        CHECK(tunable::write(kernel, SysctlKey{key}, Value{std::int64_t{1}}).error().kind == Error::Kind::Rejected);
    }
    CHECK(tree.text("etc/passwd") == "root\n");
}

TEST_CASE("a symbolic link in a tree is never followed to a sysctl")
{
    Tree tree;
    tree.link("../../../../etc/passwd", "proc/sys/net/core/trick");
    tree.link("../../etc", "proc/sys/escape");
    kernel::Kernel kernel = tree.kernel();
    CHECK(tunable::write(kernel, SysctlKey{"net.core.trick"}, Value{std::string("x")}).error().kind ==
          Error::Kind::Rejected);
    CHECK(tunable::write(kernel, SysctlKey{"escape.passwd"}, Value{std::string("x")}).error().kind ==
          Error::Kind::Rejected);
    CHECK(tree.text("etc/passwd") == "root\n");
}

TEST_CASE("values that this system cannot take are refused before they are written")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    const auto cpus = set(kernel, "queue/eth0/rx-0/rps_cpus", "0-63");
    REQUIRE_FALSE(cpus);
    CHECK(cpus.error().what == "queue/eth0/rx-0/rps_cpus: CPU 4-63 is not online here (online: 0-3)");
    CHECK_FALSE(set(kernel, "queue/eth0/rx-0/rps_flow_cnt", "2000000000"));
    const Tunable mtu = tunable_of("link/eth0/mtu");
    CHECK_FALSE(tunable::check(kernel, mtu, Value{std::string("large")}));
    CHECK_FALSE(tunable::check(kernel, tunable_of("net.core.somaxconn"), Value{CpuSet{}}));
    CHECK(tunable::check(kernel, tunable_of("net.ipv4.conf"), Value{std::int64_t{1}}).error().kind ==
          Error::Kind::Rejected);
}

TEST_CASE("a read-only sysctl is refused by name")
{
    Tree tree;
    tree.put("proc/sys/net/ipv4/shown_only", "1\n", 0444);
    kernel::Kernel kernel = tree.kernel();
    const auto refused = set(kernel, "net.ipv4.shown_only", "2");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Error::Kind::Refused);
    CHECK(refused.error().what.find("shown_only is read-only") != std::string::npos);
}

TEST_CASE("values are compared by what the kernel makes of them")
{
    struct Row {
        const char *tunable, *a, *b;
        bool same;
    };
    const Row rows[] = {
        {"net.ipv4.tcp_rmem", "4096\t131072\t6291456", "4096 131072 6291456", true},
        {"net.ipv4.tcp_rmem", "4096 131072 6291456", "4096 131072 6291457", false},
        {"net.core.rps_sock_flow_entries", "30000", "32768", true},
        {"net.core.rps_sock_flow_entries", "30000", "65536", false},
        {"net.core.rps_sock_flow_entries", "0", "1", false},
        {"net.netfilter.nf_conntrack_buckets", "65537", "66048", true},
        {"net.ipv4.neigh.eth0.base_reachable_time_ms", "30001", "30004", true},
        {"net.ipv4.neigh.eth0.base_reachable_time_ms", "30000", "30500", false},
        {"net.core.flow_limit_cpu_bitmap", "0000000f", "f", true},
        {"net.ipv4.tcp_allowed_congestion_control", "cubic reno", "reno cubic", true},
        {"net.ipv4.ip_local_reserved_ports", "1,2,3,9", "1-3,9", true},
        {"net.ipv4.ip_local_reserved_ports", "1-3", "1-4", false},
        {"queue/eth0/rx-0/rps_cpus", "3", "0-1", true},
        {"queue/eth0/rx-0/rps_flow_cnt", "1000", "1024", true},
        {"queue/eth0/rx-0/rps_flow_cnt", "0", "1024", false},
        {"link/eth0/mtu", "1500", "1501", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.tunable);
        CAPTURE(row.a);
        CAPTURE(row.b);
        const Tunable tunable = tunable_of(row.tunable);
        const Value a = *parse_value(tunable, row.a), b = *parse_value(tunable, row.b);
        CHECK(tunable::same(tunable, a, b) == row.same);
        CHECK(tunable::same(tunable, b, a) == row.same);
        CHECK(tunable::same(tunable, a, a));
    }
}

TEST_CASE("what the kernel changes beside a key is known")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    const auto others = [&](const char* text) {
        std::string all;
        for (const Tunable& other : tunable::also_changed_by(kernel, tunable_of(text)))
            all += to_text(other) + ' ';
        return all;
    };
    CHECK(others("net.ipv4.conf.all.rp_filter") ==
          "sysctl/net.ipv4.conf.default.rp_filter sysctl/net.ipv4.conf.eth0.rp_filter "
          "sysctl/net.ipv4.conf.eth0/100.rp_filter ");
    CHECK(others("net.ipv4.tcp_congestion_control") == "sysctl/net.ipv4.tcp_allowed_congestion_control ");
    CHECK(others("net.core.somaxconn").empty());
    CHECK(others("link/eth0/mtu") == "sysctl/net.ipv6.conf.eth0.mtu link/eth0.100/mtu ");
}

TEST_CASE("the list holds each tunable of the tree once, sorted, and nothing read-only")
{
    Tree tree;
    tree.put("proc/sys/net/ipv4/tcp_available_congestion_control", "reno cubic\n", 0444);
    kernel::Kernel kernel = tree.kernel();
    const auto all = tunable::list(kernel);
    REQUIRE(all);
    std::vector<std::string> texts;
    for (const Tunable& tunable : *all)
        texts.push_back(to_text(tunable));
    CHECK(std::ranges::is_sorted(texts));
    CHECK(std::ranges::adjacent_find(texts) == texts.end());
    for (const char* there : {"sysctl/net.core.somaxconn", "sysctl/net.ipv4.conf.eth0/100.rp_filter", "link/eth0/mtu",
                              "queue/eth0/rx-0/rps_cpus", "sysctl/fs.file-max"})
        CHECK(std::ranges::count(texts, there) == 1);
    CHECK(std::ranges::count(texts, "sysctl/net.ipv4.tcp_available_congestion_control") == 0);
    CHECK(std::ranges::count(texts, "sysctl/kernel.hostname") == 0);
}

TEST_CASE("every kind of address has somebody who sets it, and the other way round")
{
    std::vector<std::string_view> addresses, kinds;
    for (const AddressKind* kind : address_kinds())
        addresses.push_back(kind->name);
    for (const auto& [name, source] : tunable::sources()) {
        kinds.push_back(name);
        CHECK_FALSE(source.empty());
    }
    std::ranges::sort(addresses);
    std::ranges::sort(kinds);
    CHECK(addresses == kinds);
}

TEST_CASE("the way back can be typed into a shell")
{
    const auto command = [](const char* text, const char* from) {
        const Tunable tunable = tunable_of(text);
        return tunable::undo_command(tunable, *parse_value(tunable, from));
    };
    CHECK(command("net.ipv4.tcp_rmem", "4096 131072 6291456") ==
          "printf '%s\\n' '4096\t131072\t6291456' > '/proc/sys/net/ipv4/tcp_rmem'");
    CHECK(command("link/eth0/mtu", "1500") == "ip link set dev 'eth0' mtu 1500");
    CHECK(command("link/eth0/threaded", "on") == "printf '%s\\n' '1' > '/sys/class/net/eth0/threaded'");
    CHECK(command("queue/eth0/rx-0/rps_cpus", "0-1") ==
          "printf '%s\\n' '3' > '/sys/class/net/eth0/queues/rx-0/rps_cpus'");
    CHECK(command("nic/eth0/ring/rx", "512") == "ethtool -G 'eth0' 'rx' '512'");
    CHECK(command("nic/a'b/ring/rx", "512") == "ethtool -G 'a'\\''b' 'rx' '512'");
}

TEST_CASE("what a captured tree does not hold is said to be that")
{
    Tree tree;
    tree.put("sys/class/net/eth0/threaded", "0\n");
    kernel::Kernel kernel = tree.kernel();
    CHECK(shown(kernel, "link/eth0/threaded") == "off");
    REQUIRE(set(kernel, "link/eth0/threaded", "on"));
    CHECK(tree.text("sys/class/net/eth0/threaded") == "1\n");
    CHECK(shown(kernel, "link/eth0/gso_max_size") == "unsupported");
    CHECK(shown(kernel, "nic/eth0/ring/rx") == "unsupported");
    CHECK(shown(kernel, "link/eth0/napi_defer_hard_irqs") == "absent");
}

TEST_CASE("a ring that its driver rounded up is the ring that was asked for")
{
    const Tunable ring = NicSetting{"eth0", "ring", "rx"};
    const auto same = [&](std::int64_t a, std::int64_t b) { return tunable::same(ring, Value{a}, Value{b}); };
    CHECK(same(101, 104));   // e1000e
    CHECK(same(2048, 2112)); // vmxnet3 with jumbo frames
    CHECK(same(1000, 1024)); // mlx5
    CHECK_FALSE(same(256, 512));
    CHECK_FALSE(same(256, 320));
    CHECK_FALSE(same(1024, 1025));
    CHECK_FALSE(same(0, 8));
    CHECK_FALSE(same(-1, 7));
}
