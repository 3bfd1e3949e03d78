// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement hygiene(std::string_view id, const HostBuilder& host, const Intent& intent = {})
{
    return ask(hygiene_rules(), id, host.build(), intent);
}

} // namespace

TEST_CASE("16 MiB for every socket go back to the kernel's default, openly, and name the file")
{
    const auto host = HostBuilder()
                          .sysctl("net.core.rmem_default", "16777216")
                          .file("/etc/sysctl.d/99-recipe.conf", "net.core.rmem_default", "16777216");
    const Finding finding = only(hygiene("socket-defaults-huge", host));
    CHECK(proposed(finding, "net.core.rmem_default") == "212992");
    CHECK(finding.side_effects.find("LOWERS") != std::string::npos);
    CHECK(finding.evidence.at(1).source == "/etc/sysctl.d/99-recipe.conf line 1");
    CHECK(content(hygiene("socket-defaults-huge", HostBuilder())));
    CHECK(not_judged(hygiene("socket-defaults-huge", HostBuilder().without("net.core.rmem_default")),
                     Error::Kind::Absent));
}

TEST_CASE("tcp_mem in bytes goes back to what the kernel computes in pages")
{
    const auto host = HostBuilder().sysctl("net.ipv4.tcp_mem", "8388608 8388608 16777216000");
    CHECK(proposed(only(hygiene("socket-memory-in-bytes", host)), "net.ipv4.tcp_mem") == "196608 262144 393216");
    CHECK(content(hygiene("socket-memory-in-bytes", HostBuilder())));
    CHECK(content(hygiene("socket-memory-in-bytes", HostBuilder().without("net.ipv4.tcp_mem"))));
}

TEST_CASE("lowered connection limits are raised to what the kernel computes from RAM")
{
    const Finding finding =
        only(hygiene("connection-limits-lowered", HostBuilder().sysctl("net.ipv4.tcp_max_tw_buckets", "5000")));
    CHECK(proposed(finding, "net.ipv4.tcp_max_tw_buckets") == "65536");
    CHECK(
        only(hygiene("connection-limits-lowered", HostBuilder().sysctl("net.ipv4.tcp_max_orphans", "1000"))).subject ==
        "net.ipv4.tcp_max_orphans");
    CHECK(
        content(hygiene("connection-limits-lowered", HostBuilder().sysctl("net.ipv4.tcp_max_tw_buckets", "2000000"))));
}

TEST_CASE("a recipe's old tcp_rmem default is raised, its larger maximum kept")
{
    const auto host = HostBuilder().sysctl("net.ipv4.tcp_rmem", "4096 87380 16777216");
    CHECK(proposed(only(hygiene("below-kernel-default", host)), "net.ipv4.tcp_rmem") == "4096 131072 16777216");
    CHECK(content(hygiene("below-kernel-default", host, intent_of(Workload::IdleConnections))));
    CHECK(content(hygiene("below-kernel-default", HostBuilder())));
}

TEST_CASE("before 4.20 the kernel itself started at 87380")
{
    const auto host = HostBuilder({4, 19, 0}).sysctl("net.ipv4.tcp_rmem", "4096 87380 6291456");
    CHECK(content(hygiene("below-kernel-default", host)));
}

TEST_CASE("on 6.18 a maximum of 6 MiB counts only when a file here pins it")
{
    auto host = HostBuilder({6, 18, 0}).sysctl("net.ipv4.tcp_rmem", "4096 131072 6291456");
    CHECK(content(hygiene("below-kernel-default", host)));
    host.file("/etc/sysctl.d/99-recipe.conf", "net.ipv4.tcp_rmem", "4096 131072 6291456");
    CHECK(proposed(only(hygiene("below-kernel-default", host)), "net.ipv4.tcp_rmem") == "4096 131072 33554432");
}

TEST_CASE("on a small host the kernel's own maximum is smaller, and no finding")
{
    auto host = HostBuilder()
                    .sysctl("net.ipv4.tcp_rmem", "4096 131072 4100000")
                    .sysctl("net.ipv4.tcp_wmem", "4096 16384 3900000");
    host.snapshot.memory->total = 512_MiB;
    CHECK(content(hygiene("below-kernel-default", host)));
}

TEST_CASE("what a 32-bit kernel would have chosen is not known, and not judged")
{
    for (const char* machine : {"i686", "armv7l", "mips"}) {
        CAPTURE(machine);
        auto host = HostBuilder().sysctl("net.core.rmem_max", "163840").sysctl("net.ipv4.tcp_max_orphans", "4096");
        host.snapshot.kernel.architecture = machine;
        CHECK(not_judged(hygiene("below-kernel-default", host), Error::Kind::Unsupported));
        CHECK(not_judged(hygiene("connection-limits-lowered", host), Error::Kind::Unsupported));
    }
    for (const char* machine : {"x86_64", "aarch64", "s390x", "ppc64le", "riscv64"}) {
        CAPTURE(machine);
        auto host = HostBuilder().sysctl("net.core.rmem_max", "163840");
        host.snapshot.kernel.architecture = machine;
        CHECK(only(hygiene("below-kernel-default", host)).subject == "net.core.rmem_max");
    }
}

TEST_CASE("a dead tcp_adv_win_scale names the line that sets it, or that none does")
{
    auto host = HostBuilder().sysctl("net.ipv4.tcp_adv_win_scale", "-2");
    CHECK(only(hygiene("adv-win-scale", host)).advice.at(0) == "no file read here sets it; whatever does may stop");
    host.file("/etc/sysctl.d/50-old.conf", "net.ipv4.tcp_adv_win_scale", "-2");
    CHECK(only(hygiene("adv-win-scale", host)).advice.at(0) == "remove line 1 of /etc/sysctl.d/50-old.conf");
}

TEST_CASE("tcp_tw_recycle, where it still exists and is on, is critical")
{
    const Finding finding =
        only(hygiene("tcp-tw-recycle", HostBuilder({4, 9, 0}).sysctl("net.ipv4.tcp_tw_recycle", "1")));
    CHECK(finding.severity == Severity::Critical);
    CHECK(proposed(finding, "net.ipv4.tcp_tw_recycle") == "0");
    CHECK(content(hygiene("tcp-tw-recycle", HostBuilder())));
    CHECK(content(hygiene("tcp-tw-recycle", HostBuilder({4, 9, 0}).sysctl("net.ipv4.tcp_tw_recycle", "0"))));
}

TEST_CASE("absurd reserves and queues are advised against but never lowered")
{
    const Finding backlog =
        only(hygiene("netdev-backlog-huge", HostBuilder().sysctl("net.core.netdev_max_backlog", "250000")));
    CHECK(backlog.remedy.empty());
    CHECK(content(hygiene("netdev-backlog-huge", HostBuilder().sysctl("net.core.netdev_max_backlog", "10000"))));
    const Finding reserve = only(hygiene("min-free-huge", HostBuilder().sysctl("vm.min_free_kbytes", "4194304")));
    CHECK(reserve.remedy.empty());
    CHECK(content(hygiene("min-free-huge", HostBuilder())));
}

TEST_CASE("tcp_adv_win_scale is dead on 6.12 and harmful on 6.1")
{
    CHECK(only(hygiene("adv-win-scale", HostBuilder().sysctl("net.ipv4.tcp_adv_win_scale", "-2"))).severity ==
          Severity::Info);
    const Finding finding =
        only(hygiene("adv-win-scale", HostBuilder({6, 1, 0}).sysctl("net.ipv4.tcp_adv_win_scale", "-2")));
    CHECK(finding.severity == Severity::Low);
    CHECK(proposed(finding, "net.ipv4.tcp_adv_win_scale") == "1");
    CHECK(content(hygiene("adv-win-scale", HostBuilder())));
}

TEST_CASE("a port range from 1024 is an info")
{
    CHECK(
        only(hygiene("port-range-low", HostBuilder().sysctl("net.ipv4.ip_local_port_range", "1024 65535"))).severity ==
        Severity::Info);
    CHECK(content(hygiene("port-range-low", HostBuilder())));
}

TEST_CASE("TCP connections that start with megabytes are put back to a small start, the maximum kept")
{
    const Finding finding =
        only(hygiene("tcp-defaults-huge", HostBuilder().sysctl("net.ipv4.tcp_wmem", "4096 16777216 33554432")));
    CHECK(proposed(finding, "net.ipv4.tcp_wmem") == "4096 16384 33554432");
    CHECK(content(hygiene("tcp-defaults-huge", HostBuilder())));
}

TEST_CASE("a running tuned is said openly")
{
    CHECK(only(hygiene("tuned-also-sets", HostBuilder().service("tuned"))).severity == Severity::Info);
    CHECK(content(hygiene("tuned-also-sets", HostBuilder())));
    HostBuilder blind;
    blind.snapshot.services = fail(Error::Kind::Refused, "read /proc: permission denied");
    CHECK(not_judged(hygiene("tuned-also-sets", blind), Error::Kind::Refused));
}
