// SPDX-License-Identifier: GPL-2.0-or-later
// Asked-for traffic: names, defaults and what makes no sense; and the numbers a measurement tells.
#include "model/measurement_json.h"
#include "model/traffic.h"

#include <doctest/doctest.h>

using namespace netwright;

namespace {

bool is_rejected(Traffic traffic, TrafficLimits limits = {})
{
    const auto result = settled(std::move(traffic), limits);
    return !result && result.error().kind == Error::Kind::Rejected;
}

Traffic of(TrafficKind kind)
{
    Traffic traffic;
    traffic.kind = kind;
    return traffic;
}

} // namespace

TEST_CASE("every workload has a name that reads back, and sensible defaults")
{
    for (const TrafficRow& row : traffic_rows()) {
        CAPTURE(row.name);
        CHECK((parse_traffic_kind(row.name) == Result<TrafficKind>(row.kind)));
        const auto traffic = settled(of(row.kind), {});
        REQUIRE(traffic);
        CHECK(traffic->message > 0);
        CHECK(traffic->response > 0);
        CHECK((settled(*traffic, {}) == traffic)); // settling what is settled changes nothing
    }
    CHECK_FALSE(parse_traffic_kind("tcp-dance"));
}

TEST_CASE("traffic that makes no sense, or is beyond the limits, is rejected")
{
    const auto with = [](TrafficKind kind, auto change) {
        Traffic traffic = of(kind);
        change(traffic);
        return traffic;
    };
    using enum TrafficKind;
    CHECK(is_rejected(with(TcpStream, [](auto& t) { t.flows = 0; })));
    CHECK(is_rejected(with(TcpStream, [](auto& t) { t.flows = 10'001; })));
    CHECK(is_rejected(with(TcpStream, [](auto& t) { t.threads = 65; })));
    CHECK(is_rejected(with(TcpStream, [](auto& t) { t.message = 17U << 20; })));
    CHECK(is_rejected(with(TcpStream, [](auto& t) { t.duration = std::chrono::milliseconds(0); })));
    CHECK(is_rejected(with(TcpStream, [](auto& t) { t.duration = std::chrono::hours(2); })));
    CHECK(is_rejected(with(TcpStream, [](auto& t) { t.offload = true; })));
    CHECK(is_rejected(with(TcpRr, [](auto& t) { t.discard = true; })));
    CHECK(is_rejected(with(TcpRr, [](auto& t) { t.zerocopy = true; })));
    CHECK(is_rejected(with(UdpStream, [](auto& t) { t.congestion = "bbr"; })));
    CHECK(is_rejected(with(UdpStream, [](auto& t) { t.message = 15; })));
    CHECK(is_rejected(with(UdpRr, [](auto& t) { t.response = 8; })));
    CHECK(is_rejected(with(UdpStream, [](auto& t) { t.message = 65'508; })));
    CHECK(is_rejected(with(TcpStream, [](auto& t) { t.congestion = "a-very-long-name"; })));
}

TEST_CASE("a measurement tells what was measured and nothing else")
{
    Measurement stream;
    stream.traffic.kind = TrafficKind::TcpStream;
    CHECK(metrics(stream).empty()); // nothing was measured: no number, not a zero
    stream.server.seconds = 2;
    stream.server.bytes_received = 2'500'000'000;
    stream.client.segments = 1000;
    stream.client.retransmits = 10;
    stream.client.system_s = 1;
    CHECK(metric(stream, "throughput") == 1e10);
    CHECK(metric(stream, "retransmits") == 1.0);
    CHECK(metric(stream, "client-system") == 0.05);
    CHECK_FALSE(metric(stream, "latency-p50"));
    CHECK_FALSE(metric(stream, "loss"));

    Measurement request;
    request.traffic.kind = TrafficKind::TcpRr;
    request.client.seconds = 2;
    request.client.operations = 1000;
    request.client.latency_ns.record(50'000, 1000);
    request.server.user_s = 0.01;
    CHECK(metric(request, "rate") == 500);
    CHECK(*metric(request, "latency-p99") == doctest::Approx(50));
    CHECK(*metric(request, "server-user-each") == doctest::Approx(10));
    CHECK_FALSE(metric(request, "throughput"));
    CHECK(is_metric("latency-p99.99"));
    CHECK_FALSE(is_metric("speed"));
}

TEST_CASE("datagrams that never came are lost")
{
    Measurement datagrams;
    datagrams.traffic.kind = TrafficKind::Pps;
    datagrams.server.seconds = 1;
    datagrams.server.operations = 75;
    datagrams.server.lost = 25;
    CHECK(metric(datagrams, "loss") == 25);
    CHECK(metric(datagrams, "rate") == 75);
}

TEST_CASE("a measurement reads back from its JSON, and other JSON does not")
{
    Measurement made;
    made.traffic.kind = TrafficKind::Mixed;
    made.traffic.duration = std::chrono::milliseconds(1500);
    made.peer = "[::1]:5301";
    made.client.latency_ns.record(123'456);
    made.warnings = {"one"};
    made.steady = true;
    const std::string text = to_json(made);
    CHECK(text.find('\n') == std::string::npos);
    const auto again = measurement_from_json(text);
    REQUIRE(again);
    CHECK(to_json(*again) == text);
    CHECK(again->client.latency_ns == made.client.latency_ns);
    for (const char* other : {"", "[]", "{}", R"({"schema":"1"})", R"({"schema":1})"})
        CHECK_FALSE(measurement_from_json(other));
    const auto newer = measurement_from_json(R"({"schema":2})");
    REQUIRE_FALSE(newer);
    CHECK(newer.error().kind == Error::Kind::Unsupported);
}
