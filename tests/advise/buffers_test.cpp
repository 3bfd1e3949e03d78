// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement buffers(std::string_view id, const HostBuilder& host, const Intent& intent = {})
{
    return ask(buffer_rules(), id, host.build(), intent);
}

HostBuilder limited(std::uint64_t busy_us, std::uint64_t by_peer_us, std::uint64_t by_us_us)
{
    HostBuilder host;
    ConnectionGroup group;
    group.congestion_control = "cubic";
    group.connections = 40;
    group.busy_us = busy_us;
    group.rwnd_limited_us = by_peer_us;
    group.sndbuf_limited_us = by_us_us;
    host.sockets.established = {group};
    return host;
}

constexpr auto web = Workload::WebServer;

} // namespace

TEST_CASE("10 Gbit/s over 50 ms needs buffers of 120 MiB, twice 62.5 MB, min and default untouched")
{
    const Intent intent = intent_of(web, 10_Gbit, 50ms);
    const Finding receive = only(buffers("tcp-receive-buffer-below-bdp", HostBuilder(), intent));
    CHECK(receive.severity == Severity::Medium);
    CHECK(receive.confidence == Confidence::Derived);
    CHECK(receive.why.find("62.5 MB") != std::string::npos);
    REQUIRE(receive.remedy.size() == 1);
    CHECK(receive.remedy[0].why.find("62.5 MB") != std::string::npos);
    CHECK(receive.remedy[0].risk == Risk::Low); // or a plan with the default --risk low would leave it out
    CHECK(proposed(receive, "net.ipv4.tcp_rmem") == "4096 131072 125829120");
    const Finding send = only(buffers("tcp-send-buffer-below-bdp", HostBuilder(), intent));
    CHECK(proposed(send, "net.ipv4.tcp_wmem") == "4096 16384 125829120");
}

TEST_CASE("on a LAN the default buffers are right")
{
    const Intent lan = intent_of(Workload::Database, 10_Gbit, 500us);
    CHECK(content(buffers("tcp-receive-buffer-below-bdp", HostBuilder(), lan)));
    CHECK(content(buffers("tcp-send-buffer-below-bdp", HostBuilder(), lan)));
}

TEST_CASE("larger buffers than needed are left alone: nothing is ever lowered")
{
    const auto host = HostBuilder().sysctl("net.ipv4.tcp_rmem", "4096 131072 536870912");
    CHECK(content(buffers("tcp-receive-buffer-below-bdp", host, intent_of(web, 10_Gbit, 50ms))));
}

TEST_CASE("without a path there is nothing to compare with")
{
    CHECK(content(buffers("tcp-receive-buffer-below-bdp", HostBuilder(), intent_of(web))));
}

TEST_CASE("an inferred path is an info without a change")
{
    Intent intent = intent_of(web, 10_Gbit, 50ms);
    intent.rtt->given = false;
    const Finding finding = only(buffers("tcp-receive-buffer-below-bdp", HostBuilder(), intent));
    CHECK(finding.severity == Severity::Info);
    CHECK(finding.remedy.empty());
}

TEST_CASE("routers and UDP services have no use for TCP buffers")
{
    CHECK(content(buffers("tcp-receive-buffer-below-bdp", HostBuilder(), intent_of(Workload::Gateway, 10_Gbit, 50ms))));
    CHECK(content(buffers("tcp-send-buffer-below-bdp", HostBuilder(), intent_of(Workload::Game, 10_Gbit, 50ms))));
}

TEST_CASE("a lossy path asks for five products on the receiving side and four on the sending one")
{
    Intent intent = intent_of(web, 1_Gbit, 100ms);
    intent.loss = Answer<double>{0.01, true, "--loss"};
    CHECK(proposed(only(buffers("tcp-receive-buffer-below-bdp", HostBuilder(), intent)), "net.ipv4.tcp_rmem") ==
          "4096 131072 62914560");
    CHECK(proposed(only(buffers("tcp-send-buffer-below-bdp", HostBuilder(), intent)), "net.ipv4.tcp_wmem") ==
          "4096 16384 50331648");
}

TEST_CASE("a small host gets no more than tcp_mem affords, and is told so")
{
    const auto host = HostBuilder().sysctl("net.ipv4.tcp_mem", "11000 15000 22000"); // 86 MiB
    const Finding finding = only(buffers("tcp-receive-buffer-below-bdp", host, intent_of(web, 10_Gbit, 50ms)));
    CHECK(proposed(finding, "net.ipv4.tcp_rmem") == "4096 131072 44040192"); // 42 MiB
    CHECK(finding.advice.at(0).find("memory allows only") != std::string::npos);
}

TEST_CASE("a path beyond all reason is capped at 256 MiB")
{
    const Intent intent = intent_of(web, 100_Gbit, 300ms);
    CHECK(proposed(only(buffers("tcp-send-buffer-below-bdp", HostBuilder(), intent)), "net.ipv4.tcp_wmem") ==
          "4096 16384 268435456");
}

TEST_CASE("buffers that cannot be read are not judged")
{
    const Intent intent = intent_of(web, 10_Gbit, 50ms);
    CHECK(not_judged(buffers("tcp-receive-buffer-below-bdp", HostBuilder().without("net.ipv4.tcp_rmem"), intent),
                     Error::Kind::Absent));
    CHECK(not_judged(
        buffers("tcp-receive-buffer-below-bdp", HostBuilder().sysctl("net.ipv4.tcp_rmem", "4096 131072"), intent),
        Error::Kind::Malformed));
    CHECK(not_judged(buffers("tcp-receive-buffer-below-bdp", HostBuilder().sysctl("net.ipv4.tcp_mem", "1 2"), intent),
                     Error::Kind::Malformed));
}

TEST_CASE("a child namespace that hides tcp_mem is planned for by the host's memory")
{
    const auto hidden = HostBuilder().without("net.ipv4.tcp_mem"); // 16 GiB / 16 / 2 = 512 MiB for four connections
    const Finding finding = only(buffers("tcp-receive-buffer-below-bdp", hidden, intent_of(web, 10_Gbit, 50ms)));
    CHECK(proposed(finding, "net.ipv4.tcp_rmem") == "4096 131072 125829120");
    HostBuilder small = hidden;
    small.snapshot.memory = Memory{512_MiB, 256_MiB, 4_KiB, 2_MiB, 0};
    CHECK(proposed(only(buffers("tcp-send-buffer-below-bdp", small, intent_of(web, 10_Gbit, 50ms))),
                   "net.ipv4.tcp_wmem") == "4096 16384 16777216");
}

TEST_CASE("connections limited by their send buffers are measured, and sized when the path is known")
{
    const auto host = limited(60'000'000, 0, 30'000'000);
    const Finding finding = only(buffers("tcp-send-buffer-limited", host));
    CHECK(finding.confidence == Confidence::Measured);
    CHECK(finding.remedy.empty());
    const Finding sized = only(buffers("tcp-send-buffer-limited", host, intent_of(web, 10_Gbit, 50ms)));
    CHECK(proposed(sized, "net.ipv4.tcp_wmem") == "4096 16384 125829120");
    CHECK(content(buffers("tcp-send-buffer-limited", limited(60'000'000, 0, 3'000'000))));
    CHECK(content(buffers("tcp-send-buffer-limited", limited(500'000, 0, 400'000))));
}

TEST_CASE("peers' windows are the peers' business")
{
    const Finding finding = only(buffers("tcp-peer-window-limited", limited(60'000'000, 30'000'000, 0)));
    CHECK(finding.remedy.empty());
    CHECK(content(buffers("tcp-peer-window-limited", limited(60'000'000, 10'000'000, 0))));
}

TEST_CASE("sockets that could not be listed leave the window rules without judgement")
{
    Snapshot host = HostBuilder().build();
    host.sockets = fail(Error::Kind::Refused, "sock_diag: permission denied");
    CHECK(not_judged(ask(buffer_rules(), "tcp-send-buffer-limited", host), Error::Kind::Refused));
    CHECK(not_judged(ask(buffer_rules(), "tcp-peer-window-limited", host), Error::Kind::Refused));
}

TEST_CASE("a slow reader needs closed windows and full queues")
{
    HostBuilder host = limited(0, 0, 0);
    host.counter("TcpExtTCPToZeroWindowAdv", 90, 12);
    CHECK(content(buffers("tcp-slow-reader", host)));
    host.sockets.established[0].receive_buffer_full = 3;
    CHECK(only(buffers("tcp-slow-reader", host)).remedy.empty());
    host.counter("TcpExtTCPToZeroWindowAdv", 90);
    CHECK(content(buffers("tcp-slow-reader", host)));
}

TEST_CASE("autotuning and window scaling switched off are put back")
{
    CHECK(proposed(only(buffers("tcp-autotuning-off", HostBuilder().sysctl("net.ipv4.tcp_moderate_rcvbuf", "0"))),
                   "net.ipv4.tcp_moderate_rcvbuf") == "1");
    CHECK(content(buffers("tcp-autotuning-off", HostBuilder())));
    const Finding scaling =
        only(buffers("tcp-window-scaling-off", HostBuilder().sysctl("net.ipv4.tcp_window_scaling", "0")));
    CHECK(proposed(scaling, "net.ipv4.tcp_window_scaling") == "1");
    CHECK(content(buffers("tcp-window-scaling-off", HostBuilder())));
}

TEST_CASE("a maximum below the default is raised to it")
{
    const auto host = HostBuilder().sysctl("net.ipv4.tcp_rmem", "4096 131072 65536");
    CHECK(proposed(only(buffers("tcp-buffer-order", host)), "net.ipv4.tcp_rmem") == "4096 131072 131072");
    CHECK(content(buffers("tcp-buffer-order", HostBuilder())));
}
