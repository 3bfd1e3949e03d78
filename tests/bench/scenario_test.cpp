// SPDX-License-Identifier: GPL-2.0-or-later
// Scenarios as written: what is there, and what is refused.
#include "model/tunable.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "outcome/configuration.h"
#include "outcome/scenario.h"

using namespace netwright;
using namespace netwright::outcome;

namespace {

const std::string data = NETWRIGHT_SOURCE_DIR "/bench/outcome/";

std::string read(const std::string& file)
{
    std::ifstream in(data + file);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string with(const std::string& rest)
{
    return "scenarios:\n  - {name: one, about: words, path: {hops: [{rtt: 1ms}]}, intent: {workload: bulk}, "
           "late: 1ms, " +
           rest + "}\n";
}

std::string complaint(const std::string& yaml)
{
    const auto scenarios = scenarios_from_yaml(yaml, "s.yaml");
    return scenarios ? "" : scenarios.error().what;
}

} // namespace

TEST_CASE("the scenarios that are shipped can be read, some where defaults hurt and some where they are right")
{
    const auto scenarios = scenarios_from_yaml(read("scenarios.yaml"), "scenarios.yaml");
    REQUIRE_MESSAGE(scenarios, (scenarios ? std::string() : scenarios.error().what));
    CHECK(std::ranges::count(*scenarios, true, &Scenario::defaults_hurt) >= 5);
    CHECK(std::ranges::count(*scenarios, false, &Scenario::defaults_hurt) >= 2);
    for (const Scenario& scenario : *scenarios) {
        CAPTURE(scenario.name);
        CHECK(scenario.intent.workload.given);
        CHECK(scenario.late.count() > 0);
    }
}

TEST_CASE("a scenario holds its path, its intent and its traffic")
{
    const auto scenarios = scenarios_from_yaml(read("scenarios.yaml"), "scenarios.yaml");
    REQUIRE(scenarios);
    const auto lossy = std::ranges::find(*scenarios, std::string("lossy-bulk"), &Scenario::name);
    REQUIRE(lossy != scenarios->end());
    CHECK(lossy->path.hops.front().there.rate == 200_Mbit);
    CHECK(lossy->path.hops.front().back.delay == std::chrono::milliseconds(50));
    CHECK(lossy->path.hops.front().there.loss == doctest::Approx(0.005));
    CHECK(lossy->intent.loss->value == doctest::Approx(0.005));
    CHECK(lossy->intent.welcome == Risk::Medium);
    CHECK(lossy->traffic.kind == TrafficKind::TcpStream);
    CHECK(lossy->traffic.duration == std::chrono::seconds(6));
    const auto burst = std::ranges::find(*scenarios, std::string("accept-burst"), &Scenario::name);
    REQUIRE(burst != scenarios->end());
    REQUIRE(burst->burst);
    CHECK(burst->burst->connections == 8000);
    CHECK(burst->burst->pause == std::chrono::milliseconds(500));
}

TEST_CASE("what makes no sense in a scenario is refused with its place")
{
    const std::string traffic = "traffic: {workload: tcp-stream, duration: 1s}, metric: throughput";
    CHECK(complaint(with(traffic + ", defaults: hurt")).empty());
    CHECK(complaint(with(traffic + ", defaults: bad")).find("s.yaml:2:") == 0);
    CHECK(complaint(with("metric: throughput, defaults: hurt")).find("either traffic or burst") != std::string::npos);
    CHECK(complaint(with("traffic: {workload: tcp-stream, duration: 1s}, metric: beauty, defaults: hurt"))
              .find("metric beauty") != std::string::npos);
    CHECK(complaint(with("burst: {connections: 0, within: 1s, pause: 1s}, metric: answered-p99, defaults: hurt"))
              .find("no connections") != std::string::npos);
    CHECK_FALSE(
        complaint(with("traffic: {workload: tcp-stream, duration: 0s}, metric: throughput, defaults: hurt")).empty());
    CHECK_FALSE(complaint("scenarios: 3").empty());
    CHECK_FALSE(complaint("").empty());
    CHECK_FALSE(complaint(with(traffic + ", defaults: hurt, colour: red")).empty());
}

TEST_CASE("a scenario that stands twice is refused")
{
    const std::string one = with("traffic: {workload: tcp-stream, duration: 1s}, metric: throughput, defaults: hurt");
    CHECK(complaint(one + one.substr(one.find('\n') + 1)).find("one is there twice") != std::string::npos);
}

TEST_CASE("the configurations that are shipped can be read, and only the sysctls of a network are in them")
{
    for (const char* file :
         {"kernel-defaults.conf", "recipe.conf", "tuned-network-throughput.conf", "tuned-network-latency.conf"}) {
        CAPTURE(file);
        const auto configuration = configuration_from_conf(read(file), file, file);
        REQUIRE_MESSAGE(configuration, (configuration ? std::string() : configuration.error().what));
        CHECK_FALSE(configuration->left.empty());
        CHECK(configuration->left == configuration->right);
        for (const Change& change : configuration->left)
            CHECK_MESSAGE(belongs_to_namespace(change.tunable), to_text(change.tunable));
    }
}

TEST_CASE("a configuration's line that is no setting is refused with its number")
{
    const auto broken = configuration_from_conf("# words\nnet.ipv4.tcp_sack = 1\nnonsense\n", "x.conf", "x");
    REQUIRE_FALSE(broken);
    CHECK(broken.error().kind == Error::Kind::Malformed);
    CHECK(broken.error().what.find("x.conf:3:") == 0);
}

TEST_CASE("a configuration tells which congestion control it sets, if it does")
{
    const auto with_it = configuration_from_conf("net.ipv4.tcp_congestion_control = bbr\n", "x.conf", "x");
    const auto without = configuration_from_conf("net.ipv4.tcp_sack = 1\n", "y.conf", "y");
    REQUIRE(with_it);
    REQUIRE(without);
    CHECK(congestion_of(*with_it) == "bbr");
    CHECK(congestion_of(*without).empty());
}

TEST_CASE("what the whole host shares does not belong to a namespace")
{
    CHECK(belongs_to_namespace(*parse_tunable("net.ipv4.tcp_rmem")));
    CHECK(belongs_to_namespace(*parse_tunable("route/default/initcwnd")));
    CHECK_FALSE(belongs_to_namespace(*parse_tunable("vm.swappiness")));
    CHECK_FALSE(belongs_to_namespace(*parse_tunable("kernel.numa_balancing")));
    CHECK_FALSE(belongs_to_namespace(*parse_tunable("cpu/0/governor")));
}
