// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/tunable.h"
#include "model/tunable_kinds.h"

#include <doctest/doctest.h>

using namespace netwright;

TEST_CASE("every kind of address reads back from its text")
{
    for (const char* text : {"sysctl/net.ipv4.tcp_rmem", "sysctl/net.ipv4.conf.eth0/100.rp_filter",
                             "sysctl/vm.swappiness", "link/eth0/mtu", "link/br-1a2b/txqueuelen",
                             "queue/eth0/rx-0/rps_cpus", "queue/eth0/rx-12/rps_flow_cnt", "queue/eth0/tx-3/xps_cpus",
                             "queue/eth0/tx-0/xps_rxqs", "link/eth0/gro_ipv4_max_size", "nic/eth0/ring/rx-jumbo"}) {
        CAPTURE(text);
        const auto tunable = parse_tunable(text);
        REQUIRE(tunable);
        CHECK(to_text(*tunable) == text);
    }
}

TEST_CASE("sysctl keys are taken as people type them")
{
    CHECK(to_text(parse_tunable("net.core.somaxconn").value()) == "sysctl/net.core.somaxconn");
    CHECK(to_text(parse_tunable("net/ipv4/conf/eth0.100/rp_filter").value()) ==
          "sysctl/net.ipv4.conf.eth0/100.rp_filter");
}

TEST_CASE("an address can never name a file outside its kind")
{
    for (const char* text : {"",
                             "sysctl/",
                             "sysctl/net",
                             "sysctl/net.ipv4.../../../x",
                             "sysctl/net..tcp_rmem",
                             "sysctl/net.ipv4.",
                             "sysctl/.net.ipv4",
                             "sysctl/net/../../etc/passwd",
                             "sysctl/net/./x",
                             "sysctl/net.ipv4.tcp rmem",
                             "sysctl/net.ipv4.x\n",
                             "link/eth0",
                             "link//mtu",
                             "link/../mtu",
                             "link/eth0/../mtu",
                             "link/averyveryverylongname/mtu",
                             "link/eth0/speed",
                             "queue/eth0/rx-0/xps_cpus",
                             "queue/eth0/tx-0/rps_cpus",
                             "queue/eth0/rx-/rps_cpus",
                             "queue/eth0/rx-01/rps_cpus",
                             "queue/eth0/rx-../rps_cpus",
                             "nic/eth0",
                             "nic/eth0/ring",
                             "nic/eth0/ring/rx/0",
                             "nic/eth0/ring/../rx",
                             "nic/../ring/rx",
                             "nic/eth0/*/rx",
                             "nic/eth0/carrier/up",
                             "/proc/sys/net/core/somaxconn"}) {
        CAPTURE(text);
        const auto tunable = parse_tunable(text);
        REQUIRE_FALSE(tunable);
        CHECK(tunable.error().kind == Error::Kind::Rejected);
    }
}

TEST_CASE("values are compared by meaning, so blanks do not matter")
{
    const Tunable rmem = SysctlKey{"net.ipv4.tcp_rmem"};
    CHECK(parse_value(rmem, "4096\t131072\t33554432\n").value() == parse_value(rmem, "4096 131072  33554432").value());
    CHECK(parse_value(rmem, "4096").value() == Value{std::int64_t{4096}});
    CHECK(parse_value(SysctlKey{"net.ipv4.tcp_congestion_control"}, "bbr\n").value() == Value{std::string{"bbr"}});
    CHECK(parse_value(SysctlKey{"net.ipv4.tcp_fin_timeout"}, "-5").value() == Value{std::int64_t{-5}});
}

TEST_CASE("a number that would not be printed back the same stays text")
{
    const Tunable key = SysctlKey{"net.ipv4.x"};
    for (const char* text : {"007", "+7", "99999999999999999999", "0x10", "-0x1", "30000-32767"})
        CHECK(parse_value(key, text).value() == Value{std::string{text}});
}

TEST_CASE("CPU sets may be typed as lists or masks, and sysfs prints masks")
{
    const Tunable rps = QueueSetting{"eth0", "rx-0", QueueSetting::What::RpsCpus};
    const Value both = parse_value(rps, "list:0-1").value();
    CHECK(parse_value(rps, "3").value() == both);
    CHECK(parse_value(rps, "0-1").value() == both);
    CHECK(parse_value(rps, "mask:00000000,00000003").value() == both);
    CHECK(to_text(both) == "list:0-1");
    CHECK(parse_value(rps, to_text(both)).value() == both);
    CHECK(parse_value(rps, "0").value() == Value{CpuSet{}});
    CHECK_FALSE(parse_value(rps, "eth0"));
    CHECK_FALSE(parse_value(rps, "list:0-99999"));
}

TEST_CASE("hostile values are refused")
{
    CHECK_FALSE(parse_value(SysctlKey{"net.ipv4.x"}, std::string(70000, '1')));
    CHECK_FALSE(parse_value(SysctlKey{"net.ipv4.x"}, "bbr\x1b[2J"));
    CHECK_FALSE(parse_value(LinkSetting{"eth0", LinkSetting::What::Mtu}, "-1"));
    CHECK_FALSE(parse_value(LinkSetting{"eth0", LinkSetting::What::Mtu}, "1500 x"));
}

TEST_CASE("globs select tunables with or without the kind")
{
    const Tunable rmem = SysctlKey{"net.ipv4.tcp_rmem"};
    CHECK(matches(rmem, "sysctl/net.ipv4.*"));
    CHECK(matches(rmem, "net.ipv4.tcp_?mem"));
    CHECK_FALSE(matches(rmem, "net.ipv6.*"));
    CHECK_FALSE(matches(Tunable{LinkSetting{"eth0", LinkSetting::What::Mtu}}, "net.*"));
}

TEST_CASE("every kind describes itself, and its example is an address of it")
{
    for (const AddressKind* kind : address_kinds()) {
        CAPTURE(kind->name);
        CHECK(kind->form.starts_with(kind->prefix()));
        CHECK_FALSE(kind->help.empty());
        const auto example = parse_tunable(kind->example);
        REQUIRE(example);
        CHECK(&address_kind(*example) == kind);
        CHECK(to_text(*example) == kind->example);
    }
}

TEST_CASE("what is no address is answered with every prefix there is")
{
    const auto refused = parse_tunable("eth0/mtu");
    REQUIRE_FALSE(refused);
    for (const AddressKind* kind : address_kinds()) {
        CAPTURE(kind->name);
        CHECK(refused.error().what.find(std::string(kind->prefix()) + "/") != std::string::npos);
    }
}

TEST_CASE("switches are on or off, and 1 and 0 are taken for them")
{
    const Tunable threaded = LinkSetting{"eth0", LinkSetting::What::Threaded};
    CHECK(parse_value(threaded, "1\n").value() == Value{std::string("on")});
    CHECK(parse_value(threaded, "off").value() == Value{std::string("off")});
    CHECK_FALSE(parse_value(threaded, "yes"));
    CHECK_FALSE(parse_value(threaded, "2"));
}

TEST_CASE("ethtool's names for offloads mean the kernel's, where they mean one")
{
    CHECK(to_text(parse_tunable("nic/eth0/offload/tso").value()) == "nic/eth0/offload/tx-tcp-segmentation");
    CHECK(to_text(parse_tunable("nic/eth0/offload/generic-receive-offload").value()) == "nic/eth0/offload/rx-gro");
    CHECK(to_text(parse_tunable("nic/eth0/offload/tx-udp-segmentation").value()) ==
          "nic/eth0/offload/tx-udp-segmentation");
    const auto several = parse_tunable("nic/eth0/offload/tx");
    REQUIRE_FALSE(several);
    CHECK(several.error().what.find("tx-checksum-ipv4") != std::string::npos);
}

TEST_CASE("a speed is auto or a number with its duplex; virtual functions have plain numbers")
{
    const Tunable speed = *parse_tunable("nic/eth0/speed");
    CHECK(parse_value(speed, " 10000/full ").value() == Value{std::string("10000/full")});
    CHECK(parse_value(speed, "auto").value() == Value{std::string("auto")});
    for (const char* wrong : {"", "fast", "10000", "10000/", "/full", "0/full", "10000/both", "-1/full"})
        CHECK_FALSE(parse_value(speed, wrong));
    CHECK(parse_tunable("nic/eth0/vf-12/max-tx-rate"));
    for (const char* wrong : {"nic/eth0/vf-/trust", "nic/eth0/vf-01/trust", "nic/eth0/vf-x/trust",
                              "nic/eth0/vf-*/trust", "nic/eth0/vf-0", "nic/eth0/speed/x", "nic/eth0/vfs/2"})
        CHECK_FALSE(parse_tunable(wrong));
}

TEST_CASE("an address knows its interface, if it has one")
{
    CHECK(interface_of(*parse_tunable("nic/eth0/ring/rx")) == "eth0");
    CHECK(interface_of(*parse_tunable("queue/eth1/rx-0/rps_cpus")) == "eth1");
    CHECK(interface_of(*parse_tunable("net.core.somaxconn")).empty());
}
