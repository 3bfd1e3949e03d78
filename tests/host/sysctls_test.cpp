// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/collect.h"
#include "host/fixture.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace netwright;
using namespace netwright::host;

TEST_CASE("every net key is read, and those of other trees that matter; a dot in a name becomes a slash")
{
    Tree tree;
    tree.file("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t33554432\n")
        .file("proc/sys/net/ipv4/conf/eth0.100/rp_filter", "2\n")
        .file("proc/sys/net/core/empty", "")
        .file("proc/sys/net/ipv4/lines", "a\nb\n")
        .file("proc/sys/vm/swappiness", "60\n")
        .file("proc/sys/vm/laptop_mode", "0\n")
        .file("proc/sys/fs/inotify/max_user_watches", "8192\n")
        .file("proc/sys/fs/binfmt_misc/register", "x\n")
        .file("proc/sys/kernel/sched_domain/cpu0/flags", "1\n")
        .file("proc/sys/kernel/sched_latency_ns", "6000000\n");
    const SysctlTable sysctls = collect_sysctls(tree.kernel());
    std::vector<std::string> keys;
    for (const SysctlValue& value : sysctls.all())
        keys.push_back(value.key);
    CHECK(keys == std::vector<std::string>{"fs.inotify.max_user_watches", "kernel.sched_latency_ns", "net.core.empty",
                                           "net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.lines", "net.ipv4.tcp_rmem",
                                           "vm.swappiness"});
    CHECK(sysctls.text("net.ipv4.tcp_rmem").value() == "4096\t131072\t33554432");
    CHECK(sysctls.text("net.core.empty").value().empty());
    CHECK(sysctls.text("net.ipv4.lines").value() == "a\nb");
}

TEST_CASE("a value longer than the buffer is read whole")
{
    Tree tree;
    const std::string ports(70'000, '7');
    tree.file("proc/sys/net/ipv4/ip_local_reserved_ports", ports + "\n");
    CHECK(collect_sysctls(tree.kernel()).text("net.ipv4.ip_local_reserved_ports").value() == ports);
}

TEST_CASE("links in a captured tree lead nowhere, neither out of it nor in circles")
{
    const SysctlTable sysctls = collect_sysctls(captured_host("hostile"));
    CHECK_FALSE(sysctls.find("net.ipv4.passwd"));
    CHECK_FALSE(sysctls.find("net.loop.ipv4.tcp_rmem"));
    CHECK(sysctls.number("net.ipv4.tcp_rmem").value() == 4096);
    CHECK(sysctls.numbers("net.ipv4.tcp_rmem").error().kind == Error::Kind::Malformed);
    CHECK(sysctls.text("net.ipv4.conf.eth0/100.rp_filter").value() == "1");
}

TEST_CASE("a tree that holds no sysctl gives an empty table") { CHECK(collect_sysctls(Tree().kernel()).all().empty()); }

TEST_CASE("keys that can only be written say so")
{
    const auto kernel = kernel::Kernel::live();
    if (!kernel.files.exists("proc/sys/net/ipv4/route/flush")) return; // not in every kernel
    const SysctlTable sysctls = collect_sysctls(kernel);
    const auto flush = sysctls.text("net.ipv4.route.flush");
    REQUIRE_FALSE(flush);
    CHECK(flush.error().kind == Error::Kind::Refused);
    CHECK(flush.error().what == "/proc/sys/net/ipv4/route/flush can only be written");
}

TEST_CASE("a secret that was never set is absent, which is normal")
{
    const auto kernel = kernel::Kernel::live();
    const auto direct = kernel.files.read("proc/sys/net/ipv6/conf/lo/stable_secret");
    if (direct || direct.error().code != EIO) return; // set here, no rights, or no IPv6
    CHECK(collect_sysctls(kernel).text("net.ipv6.conf.lo.stable_secret").error().kind == Error::Kind::Absent);
}
