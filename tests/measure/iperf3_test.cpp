// SPDX-License-Identifier: GPL-2.0-or-later
// What iperf3 3.12 prints, as a measurement; and what it cannot do.
#include "measure/iperf3.h"

#include <doctest/doctest.h>

#include <string>

using namespace netwright;
using namespace netwright::measure;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view stream_report =
    R"({"start":{"version":"iperf 3.12","tcp_mss_default":1448},"intervals":[)"
    R"({"streams":[{"rtt":9000,"snd_cwnd":144800,"omitted":true}]},)"
    R"({"streams":[{"rtt":48,"snd_cwnd":144800,"omitted":false},{"rtt":52,"snd_cwnd":14480,"omitted":false}]}],)"
    R"("end":{"sum_sent":{"seconds":2.5,"bytes":144800000,"retransmits":1000},)"
    R"("sum_received":{"seconds":2,"bytes":125000000},)"
    R"("cpu_utilization_percent":{"host_user":2,"host_system":40,"remote_user":1,"remote_system":50},)"
    R"("sender_tcp_congestion":"bbr"}})";
constexpr std::string_view datagram_report =
    R"({"start":{"version":"iperf 3.12"},"end":{"streams":[{"udp":{"out_of_order":3}},{"udp":{"out_of_order":4}}],)"
    R"("sum":{"seconds":2,"jitter_ms":0.25,"lost_packets":500,"packets":2500},"sum_sent":{"seconds":2}}})";

Traffic of(TrafficKind kind)
{
    Traffic traffic;
    traffic.kind = kind;
    traffic.duration = 2s;
    return traffic;
}

Error::Kind kind_of(const Result<Measurement>& result)
{
    REQUIRE_FALSE(result);
    return result.error().kind;
}

std::string without(std::string_view text, std::string_view part)
{
    const std::size_t at = text.find(part);
    REQUIRE(at != std::string_view::npos);
    return std::string(text.substr(0, at)) + std::string(text.substr(at + part.size()));
}

} // namespace

TEST_CASE("a stream of iperf3 reads as received throughput, retransmits, round trips and CPU")
{
    const auto measured = measurement_from_iperf3(stream_report, of(TrafficKind::TcpStream));
    REQUIRE(measured);
    CHECK(metric(*measured, "throughput") == doctest::Approx(500e6));
    CHECK(metric(*measured, "retransmits") == doctest::Approx(100.0 * 1000 / 101'000));
    CHECK(measured->client.rtt_us.count() == 2); // not the one while it warmed up
    CHECK(measured->client.cwnd.largest() == 100);
    CHECK(metric(*measured, "server-system") == doctest::Approx(1.0));
    CHECK(measured->client.congestion == "bbr");
    CHECK_FALSE(metric(*measured, "client-softirq")); // not seen is not nothing
    CHECK_FALSE(metric(*measured, "latency-p50"));
}

TEST_CASE("datagrams of iperf3 read as what arrived, was lost, reordered and jittered")
{
    Traffic traffic = of(TrafficKind::UdpStream);
    traffic.message = 1000;
    const auto measured = measurement_from_iperf3(datagram_report, traffic);
    REQUIRE(measured);
    CHECK(metric(*measured, "throughput") == doctest::Approx(8e6));
    CHECK(metric(*measured, "loss") == doctest::Approx(20));
    CHECK(metric(*measured, "jitter") == doctest::Approx(250));
    CHECK(measured->server.reordered == 7);
}

TEST_CASE("errors of iperf3, and numbers that mean nothing, are no measurement")
{
    const Traffic stream = of(TrafficKind::TcpStream), datagrams = of(TrafficKind::UdpStream);
    CHECK(kind_of(measurement_from_iperf3(R"({"end":{},"error":"the server is busy"})", stream)) ==
          Error::Kind::Interrupted);
    for (const char* const text : {"", "iperf3: error", "[]", "{}", R"({"end":[]})", R"({"end":{"sum_sent":5}})"})
        CHECK(kind_of(measurement_from_iperf3(text, stream)) == Error::Kind::Malformed);
    CHECK(kind_of(measurement_from_iperf3(without(stream_report, R"("bytes":125000000)"), stream)) ==
          Error::Kind::Malformed);
    const std::string nothing = without(datagram_report, R"("lost_packets":500,)");
    CHECK(kind_of(measurement_from_iperf3(nothing, datagrams)) == Error::Kind::Malformed);
    const auto with_lost = [](int lost) {
        return R"({"end":{"sum":{"seconds":2,"packets":2500,"lost_packets":)" + std::to_string(lost) + "}}}";
    };
    CHECK(kind_of(measurement_from_iperf3(with_lost(2501), datagrams)) == Error::Kind::Malformed);
    CHECK(kind_of(measurement_from_iperf3(with_lost(-1), datagrams)) == Error::Kind::Malformed);
    CHECK(kind_of(measurement_from_iperf3(with_lost(2500), datagrams)) == Error::Kind::Interrupted);
}

TEST_CASE("what iperf3 cannot do is refused before anything is sent")
{
    const auto refused = [](const Traffic& traffic) {
        const auto settled = settled_for_iperf3(traffic);
        return !settled && settled.error().kind == Error::Kind::Rejected;
    };
    CHECK(settled_for_iperf3(of(TrafficKind::TcpStream))->warm_up == 1s);
    CHECK(settled_for_iperf3(of(TrafficKind::Pps))->warm_up == 0s);
    for (const TrafficKind kind : {TrafficKind::TcpRr, TrafficKind::TcpCrr, TrafficKind::UdpRr, TrafficKind::Connect,
                                   TrafficKind::Idle, TrafficKind::Mixed})
        CHECK(refused(of(kind)));
    Traffic traffic = of(TrafficKind::TcpStream);
    traffic.discard = true;
    CHECK(refused(traffic));
    traffic = of(TrafficKind::TcpStream);
    traffic.duration = 1500ms;
    CHECK(refused(traffic));
    traffic = of(TrafficKind::UdpStream);
    traffic.warm_up = 1s;
    CHECK(refused(traffic));
    traffic = of(TrafficKind::TcpStream);
    traffic.threads = 2;
    CHECK(refused(traffic));
    traffic = of(TrafficKind::TcpStream);
    traffic.flows = 129; // MAX_STREAMS of iperf3
    CHECK(refused(traffic));
}
