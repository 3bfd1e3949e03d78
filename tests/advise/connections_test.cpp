// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement connections(std::string_view id, const HostBuilder& host, const Intent& intent = {})
{
    return ask(connection_rules(), id, host.build(), intent);
}

HostBuilder with_process(std::uint64_t open, std::uint64_t soft)
{
    HostBuilder host;
    ProcessLimits process;
    process.pid = 4711;
    process.command = "nginx";
    process.open_files = open;
    process.nofile_soft = soft;
    host.snapshot.listening_processes = std::vector{process};
    return host;
}

} // namespace

TEST_CASE("late keepalive is a convention of workloads that keep connections, with values below a middlebox's timeout")
{
    const Finding finding = only(connections("keepalive-late", HostBuilder(), intent_of(Workload::Database)));
    CHECK(finding.confidence == Confidence::Convention);
    CHECK(finding.title == "A dead peer is noticed after 7,875 s at the earliest");
    CHECK(proposed(finding, "net.ipv4.tcp_keepalive_time") == "120");
    CHECK(proposed(finding, "net.ipv4.tcp_keepalive_intvl") == "10");
    CHECK(proposed(finding, "net.ipv4.tcp_keepalive_probes") == "6");
    CHECK(content(connections("keepalive-late", HostBuilder())));
    CHECK(content(connections("keepalive-late", HostBuilder(), intent_of(Workload::Gateway))));
    CHECK(content(connections("keepalive-late", HostBuilder().sysctl("net.ipv4.tcp_keepalive_time", "300"),
                              intent_of(Workload::Database))));
    CHECK(not_judged(connections("keepalive-late", HostBuilder().without("net.ipv4.tcp_keepalive_time")),
                     Error::Kind::Absent));
}

TEST_CASE("hasty keepalive is only ever slowed down")
{
    const auto host = HostBuilder()
                          .sysctl("net.ipv4.tcp_keepalive_time", "5")
                          .sysctl("net.ipv4.tcp_keepalive_intvl", "1")
                          .sysctl("net.ipv4.tcp_keepalive_probes", "3");
    const Finding finding = only(connections("keepalive-hasty", host));
    CHECK(proposed(finding, "net.ipv4.tcp_keepalive_time") == "60");
    CHECK(proposed(finding, "net.ipv4.tcp_keepalive_intvl") == "10");
    CHECK(proposed(finding, "net.ipv4.tcp_keepalive_probes").empty());
    CHECK(content(connections("keepalive-hasty", HostBuilder())));
}

TEST_CASE("too few retries are raised to the least that is safe")
{
    const Finding finding = only(connections("retries-few", HostBuilder().sysctl("net.ipv4.tcp_retries2", "3")));
    CHECK(finding.subject == "net.ipv4.tcp_retries2");
    CHECK(proposed(finding, "net.ipv4.tcp_retries2") == "8");
    CHECK(content(connections("retries-few", HostBuilder().sysctl("net.ipv4.tcp_retries2", "8"))));
}

TEST_CASE("a negative tcp_fin_timeout is nonsense, 15 s are not")
{
    CHECK(proposed(only(connections("fin-timeout-nonsense", HostBuilder().sysctl("net.ipv4.tcp_fin_timeout", "-5"))),
                   "net.ipv4.tcp_fin_timeout") == "60");
    CHECK(content(connections("fin-timeout-nonsense", HostBuilder().sysctl("net.ipv4.tcp_fin_timeout", "15"))));
}

TEST_CASE("orphans near their limit raise it within a sixteenth of RAM")
{
    auto host = HostBuilder().sysctl("net.ipv4.tcp_max_orphans", "8192");
    host.snapshot.sockstat->tcp_orphans = 8000;
    const Finding finding = only(connections("orphans-near-limit", host));
    CHECK(proposed(finding, "net.ipv4.tcp_max_orphans") == "16384");
    host.snapshot.memory->total = 4096_MiB;
    CHECK(only(connections("orphans-near-limit", host)).remedy.empty());
    CHECK(content(connections("orphans-near-limit", HostBuilder())));
    CHECK(not_judged(connections("orphans-near-limit", HostBuilder().without("net.ipv4.tcp_max_orphans")),
                     Error::Kind::Absent));
}

TEST_CASE("connections that wait to be closed are the program's fault")
{
    HostBuilder host;
    host.sockets.tcp_states = {{"established", 900}, {"close-wait", 400}};
    CHECK(only(connections("close-wait-piling", host)).remedy.empty());
    host.sockets.tcp_states = {{"established", 90000}, {"close-wait", 400}};
    CHECK(content(connections("close-wait-piling", host)));
}

TEST_CASE("a process near its descriptor limit is named")
{
    const Finding finding = only(connections("descriptors-near-limit", with_process(1000, 1024)));
    CHECK(finding.severity == Severity::High);
    CHECK(finding.subject == "nginx (4711)");
    CHECK(only(connections("descriptors-near-limit", with_process(850, 1024))).severity == Severity::Medium);
    CHECK(content(connections("descriptors-near-limit", with_process(100, 1024))));
    auto foreign = with_process(1, 1);
    foreign.snapshot.listening_processes->front().open_files =
        fail(Error::Kind::Refused, "read /proc/4711/fd: permission denied");
    CHECK(not_judged(connections("descriptors-near-limit", foreign), Error::Kind::Refused));
}

TEST_CASE("descriptors must suffice for the connections that were asked for")
{
    Intent intent = intent_of(Workload::Proxy);
    intent.connections = Answer<std::uint64_t>{10000, true, "--connections"};
    const Finding finding = only(connections("descriptors-short", with_process(10, 1024), intent));
    CHECK(finding.advice.at(0).find("LimitNOFILE=22512") != std::string::npos);
    CHECK(content(connections("descriptors-short", with_process(10, 65536), intent)));
    CHECK(content(connections("descriptors-short", with_process(10, 1024))));
}

TEST_CASE("a nearly full table of open files is doubled")
{
    auto host = HostBuilder().sysctl("fs.file-max", "100000");
    host.snapshot.files = FileTable{90000, 100000};
    CHECK(proposed(only(connections("file-table-near-limit", host)), "fs.file-max") == "200000");
    CHECK(content(connections("file-table-near-limit", HostBuilder())));
}
