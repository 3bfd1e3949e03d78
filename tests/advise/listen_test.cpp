// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement listen(std::string_view id, const HostBuilder& host, const Intent& intent = {})
{
    return ask(listen_rules(), id, host.build(), intent);
}

Intent with_rate(std::uint64_t rate, bool given = true)
{
    Intent intent = intent_of(Workload::WebServer);
    intent.connection_rate = Answer<std::uint64_t>{rate, given, "--connection-rate"};
    return intent;
}

} // namespace

TEST_CASE("an accept queue that overflows while we look is high and names port and program")
{
    const auto host = HostBuilder().listener(443, 129, 128, 4000).counter("TcpExtListenOverflows", 4000, 27);
    const Finding finding = only(listen("listen-queue-overflow", host));
    CHECK(finding.severity == Severity::High);
    CHECK(finding.confidence == Confidence::Measured);
    CHECK(finding.subject == "0.0.0.0:443");
    CHECK(finding.title == "The accept queue of :443 (nginx) overflows");
    CHECK(finding.remedy.empty()); // somaxconn is already 4096: the program's own backlog is the limit
    CHECK(finding.advice.at(0).find("4096") != std::string::npos);
}

TEST_CASE("an overflow at somaxconn raises somaxconn too")
{
    const auto host = HostBuilder()
                          .sysctl("net.core.somaxconn", "128")
                          .listener(443, 129, 128, 4000)
                          .counter("TcpExtListenOverflows", 4000, 27);
    CHECK(proposed(only(listen("listen-queue-overflow", host)), "net.core.somaxconn") == "4096");
    CHECK(proposed(only(listen("listen-queue-overflow", host, with_rate(40000))), "net.core.somaxconn") == "8192");
}

TEST_CASE("drops since the listener was made are never high")
{
    const auto host = HostBuilder().listener(443, 0, 4096, 4000).counter("TcpExtListenOverflows", 4000);
    const Finding finding = only(listen("listen-queue-overflow", host));
    CHECK(finding.severity == Severity::Medium);
    CHECK(finding.confidence == Confidence::SinceBoot);
}

TEST_CASE("an overflow that may be another listener's is not put on this one")
{
    const auto host =
        HostBuilder().listener(443, 0, 128, 3).listener(80, 200, 128, 900).counter("TcpExtListenOverflows", 903, 27);
    const Judgement judgement = listen("listen-queue-overflow", host);
    REQUIRE(judgement.findings.size() == 2);
    CHECK(judgement.findings[0].subject == "0.0.0.0:80");
    CHECK(judgement.findings[0].severity == Severity::High);
    CHECK(judgement.findings[1].severity == Severity::Low);
}

TEST_CASE("a listener without drops, or whose drops were no overflow, gives no finding")
{
    CHECK(content(listen("listen-queue-overflow", HostBuilder().counter("TcpExtListenOverflows", 4000, 27))));
    CHECK(content(listen("listen-queue-overflow", HostBuilder().listener(443, 0, 128, 5))));
}

TEST_CASE("without the overflow counter a dropping listener is not judged")
{
    HostBuilder host;
    host.sockets.listeners.clear();
    host.listener(443, 0, 128, 5).without("TcpExtListenOverflows");
    CHECK(not_judged(listen("listen-queue-overflow", host), Error::Kind::Absent));
}

TEST_CASE("an accept queue at four fifths is a finding, a short queue of one is not")
{
    const Finding finding = only(listen("listen-queue-near-full", HostBuilder().listener(443, 410, 511)));
    CHECK(finding.severity == Severity::Medium);
    CHECK(only(listen("listen-queue-near-full", HostBuilder().listener(443, 512, 511))).severity == Severity::High);
    CHECK(content(listen("listen-queue-near-full", HostBuilder().listener(443, 400, 511))));
    CHECK(content(listen("listen-queue-near-full", HostBuilder().listener(3000, 1, 1))));
}

TEST_CASE("a backlog below what the given rate needs is the program's to raise")
{
    const auto host = HostBuilder().listener(443, 0, 511);
    const Judgement judgement = listen("listen-backlog-small", host, with_rate(10000));
    REQUIRE(judgement.findings.size() == 2); // sshd's 128 too
    CHECK(judgement.findings[1].title == ":443 (nginx) asks for a backlog of 511: short for 10,000 connections/s");
    CHECK(judgement.findings[1].remedy.empty());
    CHECK(content(listen("listen-backlog-small", host)));
    CHECK(listen("listen-backlog-small", host, with_rate(10000, false)).findings.at(0).severity == Severity::Info);
    HostBuilder local;
    local.sockets.listeners.clear();
    local.listener(6379, 0, 511, 0, "redis").sockets.listeners[0].address = "127.0.0.1";
    CHECK(content(listen("listen-backlog-small", local, with_rate(10000))));
}

TEST_CASE("somaxconn below the kernel's default is raised to it, and to what a rate needs")
{
    const auto host = HostBuilder().sysctl("net.core.somaxconn", "128");
    CHECK(proposed(only(listen("somaxconn-small", host)), "net.core.somaxconn") == "4096");
    const Finding demanded = only(listen("somaxconn-small", HostBuilder(), with_rate(50000)));
    CHECK(demanded.severity == Severity::Medium);
    CHECK(proposed(demanded, "net.core.somaxconn") == "16384");
    CHECK(content(listen("somaxconn-small", HostBuilder().sysctl("net.core.somaxconn", "65535"), with_rate(50000))));
    CHECK(content(listen("somaxconn-small", HostBuilder())));
    CHECK(not_judged(listen("somaxconn-small", HostBuilder().without("net.core.somaxconn")), Error::Kind::Absent));
}

TEST_CASE("the 128 that kernels before 5.4 give everybody is a convention, a smaller one was set by somebody")
{
    const auto confidence = [](KernelVersion version, const char* value) {
        return only(listen("somaxconn-small", HostBuilder(version).sysctl("net.core.somaxconn", value))).confidence;
    };
    CHECK(confidence({4, 19, 0}, "128") == Confidence::Convention);
    CHECK(confidence({4, 19, 0}, "64") == Confidence::Derived);
    CHECK(confidence({5, 10, 0}, "128") == Confidence::Derived);
    const auto old = HostBuilder({4, 19, 0}).sysctl("net.core.somaxconn", "128");
    CHECK(only(listen("somaxconn-small", old, with_rate(50000))).confidence == Confidence::Derived);
}

TEST_CASE("SYNs dropped without cookies ask for cookies")
{
    const auto host = HostBuilder().sysctl("net.ipv4.tcp_syncookies", "0").counter("TcpExtTCPReqQFullDrop", 90, 12);
    const Finding finding = only(listen("syn-drops-without-cookies", host));
    CHECK(finding.severity == Severity::High);
    CHECK(proposed(finding, "net.ipv4.tcp_syncookies") == "1");
    const auto once = HostBuilder().sysctl("net.ipv4.tcp_syncookies", "0").counter("TcpExtTCPReqQFullDrop", 90);
    CHECK(only(listen("syn-drops-without-cookies", once)).severity == Severity::Low);
    CHECK(content(listen("syn-drops-without-cookies", HostBuilder().counter("TcpExtTCPReqQFullDrop", 90, 12))));
}

TEST_CASE("cookies that come back are clients, cookies that do not are a flood")
{
    const auto busy = HostBuilder().counter("TcpExtSyncookiesSent", 900, 100).counter("TcpExtSyncookiesRecv", 800, 95);
    CHECK(only(listen("syn-cookies-sent", busy)).title.find("real clients") != std::string::npos);
    const auto flood =
        HostBuilder().counter("TcpExtSyncookiesSent", 900000, 100000).counter("TcpExtSyncookiesRecv", 80, 5);
    const Finding finding = only(listen("syn-cookies-sent", flood));
    CHECK(finding.title.find("flood") != std::string::npos);
    CHECK(finding.remedy.empty());
    CHECK(content(listen("syn-cookies-sent", HostBuilder().counter("TcpExtSyncookiesSent", 20))));
    CHECK(content(
        listen("syn-cookies-sent",
               HostBuilder().counter("TcpExtSyncookiesSent", 900, 100).sysctl("net.ipv4.tcp_syncookies", "2"))));
}

TEST_CASE("drops that full queues do not explain are told apart")
{
    const auto host = HostBuilder().counter("TcpExtListenDrops", 500, 40).counter("TcpExtListenOverflows", 100, 10);
    CHECK(only(listen("listen-drops-elsewhere", host)).severity == Severity::Low);
    CHECK(
        content(listen("listen-drops-elsewhere",
                       HostBuilder().counter("TcpExtListenDrops", 500, 10).counter("TcpExtListenOverflows", 100, 10))));
    CHECK(content(listen("listen-drops-elsewhere", HostBuilder().counter("TcpExtListenDrops", 500))));
}

TEST_CASE("resetting clients on overflow is put back to the default")
{
    const auto host = HostBuilder().sysctl("net.ipv4.tcp_abort_on_overflow", "1");
    const Finding finding = only(listen("abort-on-overflow", host));
    CHECK(finding.severity == Severity::Low);
    CHECK(proposed(finding, "net.ipv4.tcp_abort_on_overflow") == "0");
    CHECK(content(listen("abort-on-overflow", HostBuilder())));
}

TEST_CASE("tcp_max_syn_backlog matters only while cookies are off")
{
    auto host = HostBuilder().listener(443, 0, 4096);
    CHECK(content(listen("syn-backlog-short", host)));
    host.sysctl("net.ipv4.tcp_syncookies", "0");
    const Finding finding = only(listen("syn-backlog-short", host));
    CHECK(finding.remedy.empty()); // syncookies-off proposes the cure, and then this limit does not count
    CHECK(finding.advice.at(0).find("tcp_max_syn_backlog=4096") != std::string::npos);
    host.sysctl("net.ipv4.tcp_max_syn_backlog", "8192");
    CHECK(content(listen("syn-backlog-short", host)));
}
