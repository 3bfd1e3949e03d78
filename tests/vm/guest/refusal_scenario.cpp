// SPDX-License-Identifier: GPL-2.0-or-later
// Inside the virtual machine: values that netwright refuses, values that only the driver refuses, and what this kernel
// does not have.
#include "guest/guest.h"

using guest::netwright;
using guest::shown;

namespace {

constexpr const char* rest = "sysctl -n net.core.somaxconn && cat /sys/class/net/vnet0/mtu"
                             " && ethtool -g vnet0 | grep ^RX:";

} // namespace

TEST_SUITE_BEGIN("short");

TEST_CASE("a driver that refuses a value: what was written before is undone, and the driver is named")
{
    const std::string before = shown(rest);
    // virtio takes ring sizes that are powers of two (drivers/virtio/virtio_ring.c); nothing tells beforehand.
    guest::write_plan(
        {{"sysctl/net.core.somaxconn", "5000"}, {"link/vnet0/mtu", "1400"}, {"nic/vnet0/ring/rx", "100"}});
    const auto applied = netwright("apply /tmp/plan.yaml --yes --keep");
    CHECK(applied.status == 1);
    CHECK_MESSAGE(applied.out.find("nic/vnet0/ring/rx to 100") != std::string::npos, applied.out);
    CHECK_MESSAGE(applied.out.find("everything was put back") != std::string::npos, applied.out);
    CHECK(shown(rest) == before);
    const std::string status = netwright("status").out;
    CHECK_MESSAGE(status.find("No transaction is open") != std::string::npos, status);
}

TEST_CASE("a value beyond what the device can do is refused before the first write, with the limit")
{
    const std::string before = shown(rest);
    guest::write_plan({{"sysctl/net.core.somaxconn", "5000"}, {"nic/vnet0/ring/rx", "1024"}});
    const auto applied = netwright("apply /tmp/plan.yaml --yes --keep");
    CHECK(applied.status == 1);
    CHECK_MESSAGE(applied.out.find("at most 256") != std::string::npos, applied.out);
    CHECK(shown(rest) == before);
    const auto mtu = netwright("set link/vmxnet0/mtu 9500 --yes --keep");
    CHECK(mtu.status == 2); // known without asking the kernel to try
    CHECK_MESSAGE(mtu.out.find("60 to 9000") != std::string::npos, mtu.out);
    const auto speed = netwright("set nic/intel0/speed 10000/full --yes --keep");
    CHECK(speed.status == 2);
    CHECK_MESSAGE(speed.out.find("1000/full") != std::string::npos, speed.out);
}

TEST_CASE("what this kernel or driver does not have is said, and not failed on")
{
    const bool old_kernel = shown("uname -r").starts_with("6.1.");
    const auto plb = netwright("get sysctl/net.ipv4.tcp_plb_enabled"); // came with 6.2
    CHECK((plb.status == 0) == !old_kernel);
    if (old_kernel) CHECK_MESSAGE(plb.out.find("no such sysctl in this kernel") != std::string::npos, plb.out);
    const auto big_tcp = netwright("get link/vnet0/gso_ipv4_max_size"); // came with 6.3
    CHECK((big_tcp.status == 0) == !old_kernel);
    if (old_kernel) CHECK_MESSAGE(big_tcp.out.find("it came with Linux 6.3") != std::string::npos, big_tcp.out);
    const auto functions = netwright("set nic/intel0/vfs 2 --yes --keep");
    CHECK(functions.status != 0);
    CHECK_MESSAGE(functions.out.find("nic/intel0/vfs") != std::string::npos, functions.out);
    const auto mini = netwright("set nic/vnet0/ring/rx-mini 64 --yes --keep");
    CHECK(mini.status == 1);
    CHECK_MESSAGE(mini.out.find("no such setting") != std::string::npos, mini.out);
}

TEST_SUITE_END();
