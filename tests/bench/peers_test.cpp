// SPDX-License-Identifier: GPL-2.0-or-later
// What peers print, how they are called, and the table.
#include <doctest/doctest.h>

#include <algorithm>

#include "peers/contest.h"
#include "peers/peer.h"
#include "peers/program.h"

using namespace netwright;
using namespace netwright::peers;

TEST_CASE("what iperf3 received is read from its JSON")
{
    const auto stream = read_iperf3_stream(R"({"end": {"sum_received": {"bits_per_second": 19.1e9}}})");
    REQUIRE(stream);
    CHECK(*stream == Figures{{"throughput", 19.1e9}});
    const auto datagrams = read_iperf3_datagrams(
        R"({"end": {"sum": {"packets": 1000, "lost_packets": 100, "seconds": 3, "bits_per_second": 1}}})");
    REQUIRE(datagrams);
    CHECK(*datagrams == Figures{{"rate", 300}});
}

TEST_CASE("output of iperf3 that holds no result gives none")
{
    CHECK_FALSE(read_iperf3_stream("iperf3: command not found"));
    CHECK_FALSE(read_iperf3_stream("{}"));
    CHECK_FALSE(read_iperf3_stream(R"({"end": {"sum_received": {"bits_per_second": "many"}}})"));
    CHECK_FALSE(read_iperf3_datagrams(R"({"end": {"sum": {"packets": 1, "lost_packets": 0, "seconds": 0}}})"));
    CHECK_FALSE(read_iperf3_datagrams(R"({"end": {"sum": {"packets": 5, "lost_packets": 9, "seconds": 1}}})"));
    const auto refused = read_iperf3_stream(R"({"error": "unable to connect"})");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.find("unable to connect") != std::string::npos);
}

TEST_CASE("sockperf's median and its answered messages are read")
{
    const auto figures = read_sockperf("sockperf: [Total Run] RunTime=1.100 sec; Warm up time=400 msec\n"
                                       "sockperf: ========= Printing statistics for Server No: 0\n"
                                       "sockperf: [Valid Duration] RunTime=0.500 sec; SentMessages=7001; "
                                       "ReceivedMessages=7000\n"
                                       "sockperf: ---> percentile 99.000 =   95.300\n"
                                       "sockperf: ---> percentile 50.000 =   68.123\n");
    REQUIRE(figures);
    CHECK(*figures == Figures{{"latency-p50", 68.123}, {"rate", 14000}});
    CHECK_FALSE(read_sockperf("sockperf: ERROR: connection refused"));
    CHECK_FALSE(read_sockperf("---> percentile 50.000 = 68"));
}

TEST_CASE("netperf's and neper's numbers come in our units")
{
    const auto stream = read_netperf_stream("18500.25\n");
    REQUIRE(stream);
    CHECK(stream->front().value == doctest::Approx(18.50025e9));
    const auto requests = read_netperf_requests("16900.5,69\n");
    REQUIRE(requests);
    CHECK(*requests == Figures{{"rate", 16900.5}, {"latency-p50", 69}});
    CHECK_FALSE(read_netperf_requests("16900.5\n"));
    CHECK_FALSE(read_netperf_stream("establish control: are you sure there is a netserver?\n"));
    const auto neper = read_neper_requests("num_transactions=5\nthroughput=17500.00\nlatency_p50=0.000068\n");
    REQUIRE(neper);
    CHECK(neper->at(0).value == 17500);
    CHECK(neper->at(1).value == doctest::Approx(68));
    const auto gigabits = read_neper_stream("throughput_units=Gbit/s\nthroughput=18.7\n");
    REQUIRE(gigabits);
    CHECK(gigabits->front().value == doctest::Approx(18.7e9));
    const auto received = read_neper_stream("throughput_opt=Mb\nlocal_throughput=0\nremote_throughput=90012174122\n");
    REQUIRE(received);
    CHECK(received->front().value == 90012174122);
    CHECK_FALSE(read_neper_stream("local_throughput=0\nremote_throughput=0\n"));
    CHECK_FALSE(read_neper_stream("throughput_units=parsec\nthroughput=18.7\n"));
    CHECK_FALSE(read_neper_requests(""));
}

TEST_CASE("every kind of work has a peer, and its metrics are those of the engine")
{
    for (const Work& work : works(5)) {
        CAPTURE(to_text(work.traffic.kind));
        CHECK(settled(work.traffic, TrafficLimits{}));
        CHECK(std::ranges::count(peer_rows(), work.traffic.kind, &Peer::kind) >= 1);
        CHECK_FALSE(work.metrics.empty());
    }
}

TEST_CASE("a command line is filled in word by word")
{
    CHECK(command_of("iperf3 -c HOST -t SECONDS", "10.0.0.2", 5) ==
          std::vector<std::string>{"iperf3", "-c", "10.0.0.2", "-t", "5"});
    CHECK(is_installed("sh", "/nowhere:/bin:/usr/bin"));
    CHECK_FALSE(is_installed("sh", "/nowhere"));
    CHECK_FALSE(is_installed("sh", ""));
}

TEST_CASE("a program's words and its failures come back")
{
    const auto patience = std::chrono::seconds(10);
    const auto said = run({"sh", "-c", "echo out; echo err >&2"}, "", patience);
    REQUIRE(said);
    CHECK(said->find("out") != std::string::npos);
    CHECK(said->find("err") != std::string::npos);
    const auto failed = run({"sh", "-c", "echo first; echo why; exit 3"}, "", patience);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().what == "why");
    CHECK_FALSE(run({"no-such-program-here"}, "", patience));
    CHECK_FALSE(run({"sleep", "60"}, "", std::chrono::milliseconds(20)));
    CHECK_FALSE(run({"true"}, "no-such-namespace", patience));
}

TEST_CASE("the table sets netwright against each, and names who is missing")
{
    const auto runs = [](double around) {
        std::vector<Figures> all;
        for (int i = 0; i < 5; ++i)
            all.push_back({{"latency-p50", around + i * 0.01}, {"rate", 1e6 / around}});
        return all;
    };
    const std::vector<Contestant> contestants{
        {"netwright", runs(60), ""}, {"sockperf", runs(66), ""}, {"netperf", {}, "refused"}};
    const auto rows = compare(contestants, "latency-p50", 0.05);
    REQUIRE(rows.size() == 2);
    CHECK(rows[1].median == doctest::Approx(66.02));
    CHECK(rows[1].verdict.outcome == Outcome::Better);
    CHECK(rows[1].verdict.effect.estimate == doctest::Approx(60.0 / 66 - 1).epsilon(0.01));
    CHECK(compare({}, "rate", 0.05).empty());
    Work work;
    work.traffic.kind = TrafficKind::TcpRr;
    work.metrics = {"latency-p50", "rate"};
    const std::string text = contest_text(work, contestants, {"neper not installed"}, 0.05);
    CHECK(text.find("netwright / sockperf: 0.909 x") != std::string::npos);
    CHECK(text.find("netperf: runs are missing: refused") != std::string::npos);
    CHECK(text.find("neper not installed") != std::string::npos);
}
