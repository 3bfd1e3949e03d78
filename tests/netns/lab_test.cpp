// SPDX-License-Identifier: GPL-2.0-or-later
// Labs with real namespaces and devices: up, measured, down; torn down whatever ends their keeper; experiments in them.
#include "lab/lab.h"
#include "lab/probe.h"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/program.h"

using namespace netwright;
using namespace netwright::lab;
namespace fs = std::filesystem;

namespace {

const std::string program = NETWRIGHT_BINARY;
const std::string name = "t" + std::to_string(::getpid() % 1'000'000);

PathSettings path_of(const char* yaml)
{
    auto path = path_from_yaml(yaml, "test");
    REQUIRE(path);
    return *std::move(path);
}

bool exists(const std::string& space) { return fs::exists("/run/netns/" + space); }

support::Output run(const std::string& arguments) { return support::run(support::words(program + " " + arguments)); }

} // namespace

TEST_CASE("a lab goes up, carries packets with its delay, and leaves nothing when it goes down")
{
    const auto lab = up(name, path_of("hops: [{rate: 100Mbit, rtt: 20ms}]"), Life::WithOwner);
    REQUIRE_MESSAGE(lab, (lab ? std::string() : lab.error().what));
    CHECK(exists(lab->left()));
    CHECK_FALSE(up(name, path_of("hops: [{rtt: 1ms}]"), Life::WithOwner)); // it is there already
    const auto ping =
        support::run({"ip", "netns", "exec", lab->left(), program, "bench", "tcp-rr", right_address, "--port", "1"});
    CHECK(ping.out.find("refused") != std::string::npos); // the other end answered
    const auto report = down(name);
    REQUIRE(report);
    CHECK(report->passed > 0);
    CHECK(report->lost == 0);
    CHECK_FALSE(exists(lab->left()));
    CHECK_FALSE(exists(lab->right()));
    CHECK_FALSE(down(name));
}

TEST_CASE("a killed keeper leaves an orphan, which the next use of the lab removes")
{
    const auto lab = up(name, path_of("hops: [{rtt: 1ms}]"), Life::UntilDown);
    REQUIRE(lab);
    ::kill(lab->keeper, SIGKILL);
    for (int i = 0; i < 500 && fs::exists("/proc/" + std::to_string(lab->keeper) + "/fd/0"); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    int status = 0;
    ::waitpid(lab->keeper, &status, 0);
    CHECK(exists(lab->left()));
    const auto removed = remove_orphans();
    CHECK(std::ranges::find(removed, name) != removed.end());
    CHECK_FALSE(exists(lab->left()));
    CHECK_FALSE(exists(lab->right()));
    CHECK(up(name, path_of("hops: [{rtt: 1ms}]"), Life::WithOwner)); // the name is free
    CHECK(down(name));
}

TEST_CASE("a path's round trip, loss and black hole are seen by traffic")
{
    const auto json = support::must_json(program + " lab run udp-rr --rtt 20ms -t 300ms --warm-up 0 --json");
    CHECK(json["client"]["latency_ns"]["smallest"].get<double>() >= 20e6);
    const auto lossy = support::must_json(program + " lab run udp-stream --rtt 2ms --loss 20% --traffic-rate 20Mbit "
                                                    "-t 500ms --warm-up 0 --json");
    CHECK(lossy["metrics"]["loss"]["value"].get<double>() > 8);
    CHECK(lossy["metrics"]["loss"]["value"].get<double>() < 35);
    const auto stuck = run("lab run udp-stream --rtt 2ms --black-hole 1000 --traffic-rate 5Mbit -t 200ms --warm-up 0");
    CHECK(stuck.status == 1);
    CHECK(stuck.out.find("nothing came through") != std::string::npos);
    const auto bulk =
        support::must_json(program + " lab run tcp-stream --rate 50Mbit --rtt 4ms --loss 0.1% -t 500ms --json");
    CHECK(bulk["metrics"]["throughput"]["value"].get<double>() > 1e6);
    CHECK(bulk["metrics"]["throughput"]["value"].get<double>() < 55e6);
    for (const Lab& lab : list())
        CHECK_FALSE(lab.name.starts_with("run-" + std::to_string(::getpid()))); // all taken down
}

TEST_CASE("probes see the path's delay and not how late programs wake up")
{
    const auto lab =
        up(name, path_of("hops: [{rate: 100Mbit, delay: 10ms, back: {rate: 100Mbit, delay: 3ms}}]"), Life::WithOwner);
    REQUIRE(lab);
    for (const auto& [heading, asked_ns] : {std::pair{Heading::There, 10e6}, {Heading::Back, 3e6}}) {
        const auto seen = probe(*lab, heading, 200, std::chrono::microseconds(500), std::chrono::seconds(1));
        REQUIRE_MESSAGE(seen, (seen ? std::string() : seen.error().what));
        CHECK(seen->sent + seen->disturbed == 200);
        CHECK(seen->delay_ns.count() == seen->sent);
        CHECK(static_cast<double>(seen->delay_ns.smallest()) >= asked_ns);
        CHECK(static_cast<double>(seen->delay_ns.quantile(0.5)) <= asked_ns + 1e6);
    }
    CHECK(down(name));
}

TEST_CASE("IPv6 crosses a lab as IPv4 does, in joined packets too")
{
    if (!fs::exists("/proc/sys/net/ipv6")) {
        MESSAGE("skipped: this host has no IPv6");
        return;
    }
    const auto bulk = support::must_json(program + " lab run tcp-stream --ipv6 --rate 50Mbit --rtt 4ms --loss 0.1% "
                                                   "-t 500ms --json");
    CHECK(bulk["peer"].get<std::string>().starts_with("[fd9c:51ab:20e7::2]"));
    CHECK(bulk["metrics"]["throughput"]["value"].get<double>() > 1e6);
    CHECK(bulk["metrics"]["throughput"]["value"].get<double>() < 55e6);
    const auto pings = support::must_json(program + " lab run udp-rr --ipv6 --rtt 20ms -t 300ms --warm-up 0 --json");
    CHECK(pings["client"]["latency_ns"]["smallest"].get<double>() >= 20e6);
}

TEST_CASE("an experiment in a lab shows what a small buffer costs")
{
    const fs::path directory = fs::temp_directory_path() / name;
    fs::create_directories(directory);
    const std::string plan = (directory / "plan.yaml").string();
    // netwright's own plan of this host, with the changes replaced: a receive window of 16 KiB over 20 ms.
    const auto made = run("plan --workload bulk --seconds 0 -o " + plan);
    if (made.status != 0) MESSAGE(made.out);
    REQUIRE(made.status == 0);
    std::ifstream in(plan);
    std::string text(std::istreambuf_iterator<char>(in), {});
    text = text.substr(0, text.find("\nchanges:")) +
           "\nchanges:\n"
           "  - tunable: sysctl/net.ipv4.tcp_rmem\n    from: [4096, 131072, 33554432]\n    to: [4096, 16384, 16384]\n"
           "    why: lower, to see it\n    because: []\n    risk: low\n    reach: namespace\n    interrupts: false\n   "
           " persistence: none\nleft_out: []\nadvice: []\n";
    std::ofstream(plan) << text;
    const auto tried =
        run("experiment " + plan + " --bench tcp-stream --rtt 20ms --rate 100Mbit -t 300ms --warm-up 200ms --pairs 12");
    CAPTURE(tried.out);
    CHECK(tried.status == 0);
    CHECK(tried.out.find("the plan harms: throughput is worse") != std::string::npos);
    fs::remove_all(directory);
}

TEST_CASE("what is typed wrong is told in one line")
{
    for (const char* wrong :
         {"lab up x --rate fast", "lab run tcp-stream --loss 200%", "lab run tcp-dance --rtt 1ms",
          "experiment x.yaml --bench tcp-rr --pairs 0", "experiment x.yaml --bench tcp-rr --guard nonsense"}) {
        CAPTURE(wrong);
        const auto output = run(wrong);
        CHECK(output.status == 2);
        CHECK(output.out.starts_with("netwright: "));
    }
    CHECK(run("lab down no-such-lab").status == 1);
    CHECK(run("lab up UPPER --rtt 1ms").status == 1);
}
