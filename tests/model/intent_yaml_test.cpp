// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/intent_yaml.h"

#include <doctest/doctest.h>

#include <tuple>

using namespace netwright;
using namespace std::chrono_literals;

TEST_CASE("netwright.yaml says what a host is for, and each answer says where it stood")
{
    const auto intent = intent_from_yaml("# our web tier\nworkload: web-server\nbandwidth: 10Gbit\nrtt: 50ms\n"
                                         "connections: 20000\nconnection_rate: 500\nloss: 0.1%\nrisk: medium\n"
                                         "protect:\n  - net.ipv4.conf.*\n  - link/eth0/mtu\n",
                                         "netwright.yaml");
    REQUIRE(intent);
    CHECK(intent->workload == Answer<Workload>{Workload::WebServer, true, "netwright.yaml line 2"});
    CHECK(*intent->bandwidth == Answer<BitRate>{10_Gbit, true, "netwright.yaml line 3"});
    CHECK(*intent->rtt == Answer<Nanoseconds>{50ms, true, "netwright.yaml line 4"});
    CHECK(intent->connections->value == 20'000);
    CHECK(intent->connection_rate->value == 500);
    CHECK(intent->loss->value == doctest::Approx(0.001));
    CHECK(intent->welcome == Risk::Medium);
    CHECK(intent->protect == std::vector<std::string>{"net.ipv4.conf.*", "link/eth0/mtu"});
}

TEST_CASE("an empty netwright.yaml says nothing")
{
    const auto intent = intent_from_yaml("# nothing yet\n", "netwright.yaml");
    REQUIRE(intent);
    CHECK(*intent == Intent{});
}

TEST_CASE("a mistake in netwright.yaml is named with its place and the way out")
{
    const std::vector<std::tuple<const char*, const char*, const char*>> mistakes{
        {"workload: webserver\n", "n.yaml:1:11: ", "did you mean web-server?"},
        {"rtt: 50ms\nbandwith: 10Gbit\n", "n.yaml:2:11: ", "did you mean bandwidth?"},
        {"rtt: 50\n", "n.yaml:1:6: ", "the unit is missing"},
        {"bandwidth: 0Gbit\n", "n.yaml:1:12: ", "out of range"},
        {"bandwidth: 10\n", "n.yaml:1:12: ", "the unit is missing"},
        {"bandwidth: 1bit\n", "n.yaml:1:12: ", "no network has it"},
        {"rtt: 2h\n", "n.yaml:1:6: ", "no path has it"},
        {"bandwidth: [1, 2]\n", "n.yaml:1:12: ", "one word or text is expected"},
        {"connections: -1\n", "n.yaml:1:14: ", "a whole number is expected"},
        {"connections: 18446744073709551616\n", "n.yaml:1:14: ", "a whole number is expected"},
        {"loss: 2\n", "n.yaml:1:7: ", "from 0 to 1"},
        {"loss: nan\n", "n.yaml:1:7: ", "from 0 to 1"},
        {"loss: 101%\n", "n.yaml:1:7: ", "from 0% to 100%"},
        {"risk: hihg\n", "n.yaml:1:7: ", "did you mean high?"},
        {"protect: net.*\n", "n.yaml:1:10: ", "a list is expected"},
        {"protect: [[a]]\n", "n.yaml:1:11: ", "one word or text is expected"},
        {"- workload\n", "n.yaml:1:1: ", "fields are expected"},
        {"web-server\n", "n.yaml:1:1: ", "fields are expected"},
        {"rtt: 1ms\nrtt: 2ms\n", "n.yaml:2:1: ", "stands here twice"},
        {"rtt:\n", "n.yaml:", "one word or text is expected"},
    };
    for (const auto& [text, place, words] : mistakes) {
        CAPTURE(text);
        const auto intent = intent_from_yaml(text, "n.yaml");
        REQUIRE_FALSE(intent);
        CAPTURE(intent.error().what);
        CHECK(intent.error().kind == Error::Kind::Malformed);
        CHECK(intent.error().what.starts_with(place));
        CHECK(intent.error().what.find(words) != std::string::npos);
        CHECK(intent.error().what.find('\n') == std::string::npos);
    }
}

TEST_CASE("hostile words of a file stay one short line of the error")
{
    const std::string long_word(100'000, 'x');
    const std::vector<std::string> texts{"\"a\\nb\\e[2J\": 1\n", "workload: \"x\\ny\"\n", "rtt: " + long_word,
                                         long_word + ": 1", "? |\n  c\n"};
    for (const std::string& text : texts) {
        const auto intent = intent_from_yaml(text, "n.yaml");
        REQUIRE_FALSE(intent);
        CAPTURE(intent.error().what);
        CHECK(intent.error().what.find_first_of("\n\x1b") == std::string::npos);
        CHECK(intent.error().what.size() < 500);
    }
}

TEST_CASE("what a person gave survives writing and reading; what was inferred stands as a comment")
{
    Intent intent;
    intent.workload = {Workload::Bulk, true, "--workload"};
    intent.bandwidth = Answer<BitRate>{BitRate{1'234'567'891}, true, "--bandwidth"};
    intent.rtt = Answer<Nanoseconds>{38'123us, false, "90th percentile\nof 412 connections"};
    intent.loss = Answer<double>{0.1 + 0.2, true, "--loss"};
    intent.welcome = Risk::High;
    intent.protect = {"net.*", "a, b", "- odd"};
    const auto again = intent_from_yaml(to_yaml(intent), "n.yaml");
    REQUIRE(again);
    CHECK(again->workload.value == Workload::Bulk);
    CHECK(again->bandwidth->value == intent.bandwidth->value);
    CHECK_FALSE(again->rtt);
    CHECK(again->loss->value == intent.loss->value);
    CHECK(again->welcome == intent.welcome);
    CHECK(again->protect == intent.protect);
}

TEST_CASE("several workloads on one host are read in their order, and written so that they read back")
{
    const auto intent = intent_from_yaml("workload: web-server, database\nstall: 20ms\ndatagram_rate: 9\n", "n.yaml");
    REQUIRE(intent);
    CHECK(intent->workload.value == Workload::WebServer);
    CHECK(intent->beside == std::vector{Workload::Database});
    CHECK(serves(*intent, Workload::Database));
    CHECK_FALSE(serves(*intent, Workload::Game));
    CHECK(workloads_text(*intent) == "web-server, database");
    CHECK(intent->stall->value == std::chrono::milliseconds{20});
    CHECK(intent->datagram_rate->value == 9);
    const auto again = intent_from_yaml(to_yaml(*intent), "again.yaml");
    REQUIRE(again);
    CHECK(workloads(*again) == workloads(*intent));
    CHECK(again->stall->value == intent->stall->value);
    for (const char* wrong :
         {"workload: web-server, web-server\n", "workload: web-server,\n", "workload: proxy, prox\n"})
        CHECK_FALSE(intent_from_yaml(wrong, "n.yaml"));
}
