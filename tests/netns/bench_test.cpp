// SPDX-License-Identifier: GPL-2.0-or-later
// Test traffic in a namespace of its own: every workload end to end, and everything that can go wrong on the way.
#include "measure/channel.h"
#include "measure/client.h"
#include "model/measurement_json.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>

#include <optional>
#include <thread>

#include "netns/private_namespace.h"
#include "support/program.h"

using namespace netwright;
using namespace netwright::measure;
using namespace std::chrono_literals;

namespace {

void enter()
{
    static const bool ready = [] {
        test::enter_private_namespace();
        support::must("ip link set lo up");
        support::must("ip address add 10.9.9.9/32 dev lo");
        return true;
    }();
    REQUIRE(ready);
}

// A server in a thread; ends with the object.
class Host {
public:
    explicit Host(ServerOptions options = {})
    {
        options.port = 0;
        auto opened = Server::open(std::move(options));
        REQUIRE(opened);
        server_.emplace(std::move(*opened));
        thread_ = std::thread([this] { (void)server_->serve(ended_); });
    }
    ~Host() { end(); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    void end()
    {
        ended_ = true;
        if (thread_.joinable()) thread_.join();
    }
    ClientOptions reached(const std::string& host = "127.0.0.1") const
    {
        ClientOptions options;
        options.host = host;
        options.port = server_->port();
        return options;
    }

private:
    std::atomic<bool> ended_{false};
    std::optional<Server> server_;
    std::thread thread_;
};

Traffic short_traffic(TrafficKind kind)
{
    Traffic traffic;
    traffic.kind = kind;
    traffic.duration = 200ms;
    traffic.warm_up = 0ms;
    if (kind == TrafficKind::Idle) traffic.flows = 50;
    return traffic;
}

Channel connect_channel(const ClientOptions& options)
{
    const auto address = resolve(options.host, options.port);
    REQUIRE(address);
    auto socket = connect_to(*address, Clock::now() + 5s);
    REQUIRE(socket);
    return Channel(std::move(*socket), largest_frame);
}

std::string refusal_of(Channel& channel)
{
    const auto answer = channel.receive(Clock::now() + 5s);
    REQUIRE(answer);
    REQUIRE(std::holds_alternative<Refusal>(*answer));
    return std::get<Refusal>(*answer).why;
}

Error error_of(const Result<Measurement>& result)
{
    REQUIRE_FALSE(result);
    return result.error();
}

} // namespace

TEST_CASE("every workload runs end to end and tells its numbers")
{
    enter();
    const Host host;
    for (const TrafficRow& row : traffic_rows())
        for (const std::uint32_t flows : {1U, 5U}) {
            CAPTURE(row.name);
            CAPTURE(flows);
            Traffic traffic = short_traffic(row.kind);
            if (row.kind != TrafficKind::Idle) traffic.flows = flows;
            traffic.threads = 2;
            const auto measured = run_traffic(host.reached(), traffic);
            if (!measured) MESSAGE(measured.error().what);
            REQUIRE(measured);
            CHECK_FALSE(metrics(*measured).empty());
            CHECK(metric(*measured, "latency-p50").has_value() == row.has_latency);
            if (row.counts_bits) CHECK(metric(*measured, "throughput").value_or(0) > 0);
            if (!row.counts_bits) CHECK(metric(*measured, "rate").value_or(0) > 0);
            CHECK(measured->client.failures == 0);
            CHECK(measured->server.seconds > 0.15);
        }
}

TEST_CASE("a response that is larger than a send buffer comes whole")
{
    enter();
    const Host host;
    Traffic traffic = short_traffic(TrafficKind::TcpCrr);
    traffic.message = 100;
    traffic.response = 8'000'000;
    traffic.duration = 500ms;
    const auto measured = run_traffic(host.reached(), traffic);
    REQUIRE(measured);
    CHECK(measured->client.operations > 0);
    CHECK(measured->client.failures == 0);
}

TEST_CASE("options reach the sockets, and are named in the result")
{
    enter();
    const Host host;
    Traffic stream = short_traffic(TrafficKind::TcpStream);
    stream.congestion = "cubic";
    stream.zerocopy = true;
    stream.discard = true;
    stream.tos = 0x10;
    const auto streamed = run_traffic(host.reached(), stream);
    REQUIRE(streamed);
    CHECK(streamed->client.congestion == "cubic");
    CHECK(streamed->labels.size() == 3); // discard, zerocopy, loopback
    CHECK(streamed->client.segments > 0);

    Traffic datagrams = short_traffic(TrafficKind::UdpStream);
    datagrams.offload = true;
    datagrams.rate = 50'000'000;
    const auto offloaded = run_traffic(host.reached(), datagrams);
    REQUIRE(offloaded);
    CHECK(offloaded->server.operations > 0);
    CHECK(offloaded->server.bytes_received == offloaded->server.operations * 1448);
    CHECK_FALSE(offloaded->server.variation_ns.empty());

    stream.congestion = "no-such-control";
    CHECK(error_of(run_traffic(host.reached(), stream)).what.find("no-such-control") != std::string::npos);
}

TEST_CASE("a schedule is kept by requests of one and of many connections")
{
    enter();
    const Host host;
    for (const std::uint32_t flows : {1U, 4U}) {
        Traffic traffic = short_traffic(TrafficKind::TcpRr);
        traffic.flows = flows;
        traffic.threads = 1;
        traffic.rate = 200;
        traffic.duration = 500ms;
        const auto measured = run_traffic(host.reached(), traffic);
        REQUIRE(measured);
        CHECK(measured->client.operations > 0);
        CHECK(measured->client.operations <= 400); // a schedule is never overtaken by more than it has missed
    }
}

TEST_CASE("a server that goes away in mid-run is an error, and so is a client")
{
    enter();
    for (const TrafficKind kind : {TrafficKind::TcpStream, TrafficKind::TcpRr, TrafficKind::UdpStream}) {
        CAPTURE(to_text(kind));
        auto host = std::make_unique<Host>();
        Traffic traffic = short_traffic(kind);
        traffic.duration = 60s;
        ClientOptions options = host->reached();
        std::atomic<bool> measuring{false};
        options.progress = [&](const Progress& progress) { measuring = progress.measuring; };
        std::optional<Result<Measurement>> result;
        std::thread client([&] { result = run_traffic(options, traffic); });
        while (!measuring)
            std::this_thread::sleep_for(10ms);
        host->end();
        client.join();
        CHECK(error_of(*result).what != "");
    }
    const Host host;
    std::atomic<bool> cancelled{true};
    ClientOptions options = host.reached();
    options.cancelled = &cancelled;
    CHECK(error_of(run_traffic(options, short_traffic(TrafficKind::TcpRr))).kind == Error::Kind::Interrupted);
    // The server is free again, soon after.
    Result<Measurement> after = fail(Error::Kind::Busy, "");
    for (int i = 0; i < 100 && !after; ++i) {
        after = run_traffic(host.reached(), short_traffic(TrafficKind::TcpRr));
        std::this_thread::sleep_for(20ms);
    }
    CHECK(after);
}

TEST_CASE("another version, nonsense and silence are refused with words")
{
    enter();
    const Host host;
    {
        Channel channel = connect_channel(host.reached());
        REQUIRE(channel.send(Hello{99, "9.9", "ab"}, Clock::now() + 5s));
        CHECK(refusal_of(channel).find("protocol 99") != std::string::npos);
    }
    {
        Channel channel = connect_channel(host.reached());
        const std::string nonsense = "GET / HTTP/1.0\r\n\r\n";
        REQUIRE(::send(channel.socket().get(), nonsense.data(), nonsense.size(), 0) > 0);
        CHECK(refusal_of(channel).find("no message") != std::string::npos);
    }
    {
        Channel channel = connect_channel(host.reached());
        REQUIRE(channel.send(Mark{}, Clock::now() + 5s));
        CHECK(refusal_of(channel).find("out of turn") != std::string::npos);
    }
}

TEST_CASE("a server of another version is told apart by the client")
{
    enter();
    const auto listener = listen_at(*resolve("127.0.0.1", 0), 1);
    REQUIRE(listener);
    std::thread server([&] {
        (void)wait_for(*listener, POLLIN, Clock::now() + 5s, "");
        Channel channel(Fd(::accept(listener->get(), nullptr, nullptr)), largest_frame);
        (void)channel.receive(Clock::now() + 5s);
        (void)channel.send(Welcome{2, "9.9", "", "ab", false, ""}, Clock::now() + 5s);
        (void)channel.receive(Clock::now() + 5s);
    });
    ClientOptions options;
    options.port = local_of(*listener)->port();
    const auto measured = run_traffic(options, short_traffic(TrafficKind::TcpRr));
    server.join();
    CHECK(error_of(measured).kind == Error::Kind::Unsupported);
}

TEST_CASE("a port nobody listens at is refused")
{
    enter();
    ClientOptions options;
    options.port = 1;
    CHECK(error_of(run_traffic(options, short_traffic(TrafficKind::TcpRr))).what.find("refused") != std::string::npos);
}

TEST_CASE("beyond loopback a token is needed, by both ends and the right one")
{
    enter();
    ServerOptions open;
    open.bind = "10.9.9.9";
    open.port = 0;
    const auto without = Server::open(open);
    REQUIRE_FALSE(without);
    CHECK(without.error().what.find("token") != std::string::npos);

    open.token = "secret";
    const Host host(open);
    ClientOptions options = host.reached("10.9.9.9");
    CHECK(error_of(run_traffic(options, short_traffic(TrafficKind::TcpRr))).what.find("wants a token") !=
          std::string::npos);
    options.token = "wrong";
    CHECK(error_of(run_traffic(options, short_traffic(TrafficKind::TcpRr))).what.find("token") != std::string::npos);
    options.token = "secret";
    CHECK(run_traffic(options, short_traffic(TrafficKind::TcpRr)));
    // Somebody who skips his own check is stopped by the server's.
    Channel channel = connect_channel(options);
    REQUIRE(channel.send(Hello{protocol_version, "", "ab"}, Clock::now() + 5s));
    REQUIRE(channel.expect<Welcome>(Clock::now() + 5s));
    REQUIRE(channel.send(Ask{short_traffic(TrafficKind::TcpRr), "00"}, Clock::now() + 5s));
    CHECK(refusal_of(channel).find("token") != std::string::npos);
}

TEST_CASE("what is beyond the server's limits is refused, and one test runs at a time")
{
    enter();
    ServerOptions limited;
    limited.limits.flows = 2;
    const Host host(limited);
    Traffic traffic = short_traffic(TrafficKind::TcpRr);
    traffic.flows = 3;
    CHECK(error_of(run_traffic(host.reached(), traffic)).kind == Error::Kind::Rejected);

    traffic.flows = 1;
    traffic.duration = 60s;
    std::atomic<bool> measuring{false}, cancelled{false};
    ClientOptions options = host.reached();
    options.progress = [&](const Progress& progress) { measuring = progress.measuring; };
    options.cancelled = &cancelled;
    std::thread first([&] { (void)run_traffic(options, traffic); });
    while (!measuring)
        std::this_thread::sleep_for(10ms);
    CHECK(error_of(run_traffic(host.reached(), short_traffic(TrafficKind::TcpRr))).what.find("another test") !=
          std::string::npos);
    cancelled = true;
    first.join();
}

TEST_CASE("a test in which nothing comes through has no result")
{
    enter();
    const Host host;
    Traffic traffic = short_traffic(TrafficKind::UdpStream);
    traffic.rate = 1448 * 8; // one datagram a second: the first goes before the server counts, the next after the end
    traffic.duration = 100ms;
    traffic.warm_up = 100ms;
    CHECK(error_of(run_traffic(host.reached(), traffic)).what.find("nothing came through") != std::string::npos);
}

TEST_CASE("the program itself: both ends, formats, and what is typed wrong")
{
    enter();
    const std::string program = NETWRIGHT_BINARY;
    const auto json = support::must_json(program + " bench tcp-rr -t 100ms --warm-up 0 --json");
    CHECK(json["metrics"]["rate"]["value"].get<double>() > 0);
    CHECK(support::must(program + " bench tcp-stream -t 100ms --warm-up 0 --format csv")
              .find("tcp-stream,throughput,bit/s,") != std::string::npos);
    for (const char* wrong : {" bench", " bench tcp-dance", " bench tcp-rr --rate 0", " bench tcp-rr -t 5",
                              " bench udp-stream --congestion bbr", " bench server --bind 10.9.9.9 --port 0"}) {
        CAPTURE(wrong);
        const auto output = support::run(support::words(program + wrong));
        CHECK(output.status == 2);
        CHECK(output.out.starts_with("netwright: "));
    }
    CHECK(support::run(support::words(program + " bench tcp-rr 127.0.0.1 --port 1")).status == 1);
}

TEST_CASE("an iperf3 server that is already there can be measured against")
{
    enter();
    const std::jthread server([] { (void)support::run({"timeout", "20", "iperf3", "-s", "-1", "-p", "5209"}); });
    const std::string bench = std::string(NETWRIGHT_BINARY) + " bench tcp-stream 127.0.0.1 --iperf3 -t 1s --port ";
    support::Output output;
    for (int i = 0; i < 50 && output.status != 0; ++i) { // until it listens
        if (i > 0) std::this_thread::sleep_for(100ms);
        output = support::run(support::words(bench + "5209 --rate 80Mbit --warm-up 0 --json"));
    }
    REQUIRE_MESSAGE(output.status == 0, output.out);
    const auto measured = measurement_from_json(output.out);
    REQUIRE(measured);
    CHECK(metric(*measured, "throughput") == doctest::Approx(80e6).epsilon(0.2));
    CHECK(measured->peer == "127.0.0.1:5209");
    const auto nobody = support::run(support::words(bench + "1"));
    CHECK(nobody.status == 1);
    CHECK(nobody.out.find("iperf3") != std::string::npos);
    CHECK(nobody.out.find("refused") != std::string::npos);
    CHECK(support::run(support::words(bench + "5209 --threads 2")).status == 2);
}
