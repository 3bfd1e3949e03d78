// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement files(std::string_view id, const HostBuilder& host) { return ask(sysctl_file_rules(), id, host.build()); }

constexpr auto ours = "/etc/sysctl.d/50-ours.conf";
constexpr auto theirs = "/etc/sysctl.d/99-recipe.conf";

} // namespace

TEST_CASE("a dead key is named with its file and line")
{
    const Finding finding = only(files("sysctl-dead-key", HostBuilder().file(theirs, "net.ipv4.tcp_tw_recycle", "1")));
    CHECK(finding.evidence.at(0).source == "/etc/sysctl.d/99-recipe.conf line 1");
    CHECK(content(files("sysctl-dead-key", HostBuilder().file(theirs, "net.ipv4.tcp_tw_reuse", "1"))));
    CHECK(content(files("sysctl-dead-key", HostBuilder({3, 10, 0}).file(theirs, "net.ipv4.tcp_tw_recycle", "1"))));
}

TEST_CASE("lines that set nothing are shown with their numbers, the first eight")
{
    auto host = HostBuilder().file(ours, "net.core.somaxconn", "4096").file(theirs, "net.core.somaxconn", "4096");
    CHECK(content(files("sysctl-malformed-line", host)));
    host.files[1].problems = std::vector<SysctlProblem>{{3, "has no '='"}};
    const Finding finding = only(files("sysctl-malformed-line", host));
    CHECK(finding.title == "/etc/sysctl.d/99-recipe.conf holds a line that sets nothing");
    CHECK(finding.evidence == std::vector<Evidence>{{"/etc/sysctl.d/99-recipe.conf line 3", "has no '='"}});
    host.files[1].problems = std::vector<SysctlProblem>(40, {1, "has no '='"});
    CHECK(only(files("sysctl-malformed-line", host)).evidence.size() == 8);
}

TEST_CASE("a later file that takes an earlier one back is found, equal values and distribution files are not")
{
    const std::string key = "net.core.somaxconn";
    const Finding finding =
        only(files("sysctl-overridden", HostBuilder().file(ours, key, "8192").file(theirs, key, "128")));
    CHECK(finding.subject == key);
    CHECK(finding.evidence.size() == 2);
    CHECK(content(files("sysctl-overridden", HostBuilder()
                                                 .file(ours, "net.ipv4.tcp_rmem", "4096 131072 1")
                                                 .file(theirs, "net.ipv4.tcp_rmem", "4096\t131072\t1"))));
    CHECK(
        content(files("sysctl-overridden",
                      HostBuilder().file("/usr/lib/sysctl.d/50-default.conf", key, "128").file(theirs, key, "8192"))));
}

TEST_CASE("a running value that differs from the file that wins is drift")
{
    const std::string key = "net.core.somaxconn";
    const Finding finding = only(files("sysctl-drift", HostBuilder().file(ours, key, "128").file(theirs, key, "8192")));
    CHECK(finding.evidence.at(1).source.find("99-recipe") != std::string::npos);
    CHECK(content(files("sysctl-drift", HostBuilder().file(ours, key, "128").file(theirs, key, "4096"))));
    CHECK(content(files("sysctl-drift", HostBuilder().file(ours, "net.ipv4.tcp_rmem", "4096 131072 6291456"))));
}

TEST_CASE("what has nothing to do with the network may drift")
{
    CHECK(content(files("sysctl-drift",
                        HostBuilder().sysctl("kernel.pid_max", "32768").file(theirs, "kernel.pid_max", "4194304"))));
}

TEST_CASE("a key that the kernel at hand still knows is not called dead")
{
    CHECK(content(files("sysctl-dead-key", HostBuilder({3, 10, 0}).file(theirs, "net.ipv4.tcp_tw_recycle", "1"))));
}

TEST_CASE("the host's files say nothing about another namespace")
{
    auto host = HostBuilder().file(theirs, "net.core.somaxconn", "8192").file(theirs, "net.ipv4.tcp_nosuch", "1");
    host.snapshot.surroundings.network_namespace = "net:[4026532201]";
    CHECK(content(files("sysctl-drift", host)));
    CHECK(content(files("sysctl-unknown-key", host)));
}

TEST_CASE("lines that only procps reads do not hold at boot")
{
    const auto host = HostBuilder().file("/etc/sysctl.conf", "net.core.somaxconn", "8192", "procps");
    CHECK(only(files("sysctl-file-unread", host)).subject == "net.core.somaxconn");
    CHECK(content(files("sysctl-drift", host)));
    CHECK(content(
        files("sysctl-file-unread", HostBuilder().file("/etc/sysctl.conf", "net.core.somaxconn", "4096", "procps"))));
}

TEST_CASE("a misspelt key is found, one of an interface or a '-' line is not")
{
    CHECK(only(files("sysctl-unknown-key", HostBuilder().file(theirs, "net.core.somaxcon", "1"))).subject ==
          "net.core.somaxcon");
    CHECK(content(files("sysctl-unknown-key", HostBuilder().file(theirs, "net.ipv4.conf.wg0.rp_filter", "2"))));
    auto forgiving = HostBuilder().file(theirs, "net.core.somaxcon", "1");
    forgiving.files[0].settings->front().ignore_failure = true;
    CHECK(content(files("sysctl-unknown-key", forgiving)));
}

TEST_CASE("tcp_max_syn_backlog beside cookies is only a promise")
{
    auto host = HostBuilder().file(theirs, "net.ipv4.tcp_max_syn_backlog", "16384");
    CHECK(only(files("sysctl-no-effect", host)).severity == Severity::Info);
    host.sysctl("net.ipv4.tcp_syncookies", "0");
    CHECK(content(files("sysctl-no-effect", host)));
}

TEST_CASE("an algorithm the kernel does not have is named")
{
    CHECK(
        only(files("congestion-control-unknown", HostBuilder().file(theirs, "net.ipv4.tcp_congestion_control", "bbr2")))
            .severity == Severity::Medium);
    CHECK(content(
        files("congestion-control-unknown", HostBuilder().file(theirs, "net.ipv4.tcp_congestion_control", "bbr"))));
    CHECK(content(files("congestion-control-unknown", HostBuilder())));
}

TEST_CASE("files that could not be looked for leave every rule about them without judgement")
{
    Snapshot host = HostBuilder().build();
    host.sysctl_files = fail(Error::Kind::Refused, "read /etc/sysctl.d: permission denied");
    for (const Rule& rule : sysctl_file_rules()) {
        CAPTURE(std::string(rule.id));
        CHECK(not_judged(ask(sysctl_file_rules(), rule.id, host), Error::Kind::Refused));
    }
}
