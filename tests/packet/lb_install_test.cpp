// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lb as people use it: a client, a router, a balancer and two backends in namespaces of their own, with TCP
// connections that must stay where they are.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <deque>
#include <fstream>
#include <thread>

#include "lb_network.h"

using namespace netwright::test;
using netwright::Fd;

TEST_CASE("connections reach both backends, keep theirs when the other drains, and new ones follow the weights")
{
    const Network network;
    const Backend a("a"), b("b");
    network.apply(1, 1);
    as_client([&] {
        std::vector<Fd> connections;
        std::string before;
        for (int i = 0; i < 200; ++i) {
            connections.push_back(connected());
            before += who(connections.back());
        }
        CHECK(before.find('-') == std::string::npos);
        CHECK(std::count(before.begin(), before.end(), 'a') > 50);
        CHECK(std::count(before.begin(), before.end(), 'b') > 50);

        network.apply(0, 1);
        std::string after;
        for (const Fd& connection : connections)
            after += who(connection);
        CHECK(after == before);
        unsigned elsewhere = 0;
        for (int i = 0; i < 100; ++i)
            elsewhere += who(connected()) != 'b';
        CHECK(elsewhere == 0);
    });
    const auto view = network.told("show");
    CHECK(view["generation"] == 2);
    CHECK(view["draining_seconds"].get<double>() > 3000);
    REQUIRE(view["shares"].size() == 2);
    CHECK(view["shares"][0]["owns"] == 0.0);
    CHECK(view["shares"][0]["keeps"].get<double>() > 0.4);
    CHECK(view["shares"][1]["owns"].get<double>() > 0.999);
    const auto stats = network.told("stats");
    CHECK(stats["vip"]["192.0.2.1:80/tcp"]["packets"].get<int>() > 1000);
    CHECK(stats["backend"]["10.3.1.2"]["packets"].get<int>() > 200);
    CHECK(stats["dropped"]["no-backend"]["packets"] == 0);
    CHECK(network.lb("stats --prometheus").out.find("netwright_lb_backend_packets_total{backend=\"10.3.1.2\"} ") !=
          std::string::npos);
}

TEST_CASE("every way to a backend carries connections, and a reload changes it under them")
{
    const Network network;
    network.direct_links();
    const Backend a("a"), b("b");
    std::vector<Fd> connections;
    std::string before, after;
    for (const char* mode : {"ipip", "gue", "layer2", "gue", "ipip"}) {
        network.apply(1, 1, mode, "10.4");
        as_client([&] {
            for (int i = 0; i < 20; ++i) {
                connections.push_back(connected());
                before += who(connections.back());
            }
            for (const Fd& connection : connections)
                after += who(connection);
        });
        CHECK(after == before);
        after.clear();
    }
    CHECK(before.find('-') == std::string::npos);
    CHECK(before.find('a') != std::string::npos);
    CHECK(before.find('b') != std::string::npos);
    const auto dropped = network.told("stats")["dropped"];
    for (const auto& [reason, count] : dropped.items())
        CHECK_MESSAGE(count["packets"] == 0, reason);
}

TEST_CASE("path MTU discovery works in both directions")
{
    const Network network;
    const Backend a("a"), b("b");
    network.apply(1, 1);
    // Towards the backend whole frames leave no room for the outer header: the balancer says so to the client.
    for (const std::string number : {"1", "2"})
        support::must("ip -n " + space(number == "1" ? "a" : "b") + " route replace default via 10.3." + number + ".1");
    // Towards the client the router says so to the VIP, and the balancer knows to whom that goes.
    support::must("ip route replace 10.1.0.0/24 dev r-client mtu lock 1300");
    as_client([&] {
        for (int i = 0; i < 4; ++i) {
            const Fd connection = connected();
            CHECK(answers_to(connection, "L", bulk) == bulk);
            CHECK(answers_to(connection, std::string(8000, '.'), 8000) == 8000);
        }
    });
    CHECK(network.told("stats")["dropped"]["too-big"]["packets"].get<int>() > 0);
}

TEST_CASE("10,000 connections live through reloads")
{
    constexpr unsigned wanted = 10'000, clients = 4;
    const Network network;
    const Backend a("a"), b("b");
    network.apply(1, 1);
    std::atomic<unsigned> opened = 0, broken = 0;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < clients; ++i)
        threads.emplace_back([&] {
            move_to("client");
            std::deque<std::pair<Fd, char>> open; // each lives until a hundred others have begun
            while (opened++ < wanted) {
                Fd connection = connected();
                const char first = who(connection);
                broken += first == '-';
                open.emplace_back(std::move(connection), first);
                if (open.size() <= 100) continue;
                broken += who(open.front().first) != open.front().second;
                open.pop_front();
            }
            for (const auto& [connection, first] : open)
                broken += who(connection) != first;
        });
    int reloads = 0;
    for (; opened < wanted || reloads < 10; ++reloads)
        network.apply(reloads % 3, (reloads + 1) % 3 + (reloads % 3 == 2 ? 1 : 0));
    for (std::thread& thread : threads)
        thread.join();
    CHECK_MESSAGE(broken == 0, broken.load(), " of ", opened.load(), " in ", reloads, " reloads");
    CHECK(network.told("show")["generation"] == reloads + 1);
}

TEST_CASE("bad configurations change nothing, and off leaves nothing behind")
{
    const Network network;
    const Backend a("a"), b("b");
    CHECK(network.lb("show").out == "no balancer runs here\n");
    CHECK(network.lb("stats").status == 1);
    std::ofstream(network.directory / "nowhere.yaml")
        << "{source: 10.200.0.1, pools: {web: {backends: [{address: 10.3.1.2}]}}, "
           "vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]}";
    std::ofstream(network.directory / "absent.yaml")
        << "{interfaces: [eth0, eth7], source: 10.200.0.1, pools: {web: {backends: [{address: 10.3.1.2}]}}, "
           "vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]}";
    auto refused = network.lb("apply nowhere.yaml");
    CHECK(refused.status != 0);
    CHECK(refused.out.find("interfaces: [eth0]") != std::string::npos);
    refused = network.lb("apply absent.yaml");
    CHECK(refused.status == 1);
    CHECK(refused.out.find("no interface eth7") != std::string::npos);
    CHECK(support::must("ip -n " + space("lb") + " link show eth0").find("xdp") == std::string::npos);

    support::must(inside("lb") + "sysctl -qw net.ipv4.conf.eth0.forwarding=0");
    std::ofstream(network.directory / "blind.yaml")
        << "{interfaces: [eth0], mode: layer2, pools: {web: {backends: [{address: 10.3.1.2}]}}, "
           "vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]}";
    CHECK(network.lb("apply blind.yaml").out.find("sysctl -w net/ipv4/conf/eth0/forwarding=1") != std::string::npos);

    network.apply(1, 1);
    CHECK(network.lb("apply absent.yaml").status == 1);
    CHECK(network.told("show")["generation"] == 1);
    as_client([&] { CHECK(who(connected()) != '-'); });
    CHECK(network.lb("off").out == "removed\n");
    CHECK(support::must("ip -n " + space("lb") + " link show eth0").find("xdp") == std::string::npos);
    CHECK(network.lb("off").out == "no balancer runs here\n");
}

TEST_CASE("a backend takes off only what a balancer sent, and says what it did")
{
    const Network network;
    const Backend a("a"), b("b");
    network.apply(1, 0);
    as_client([&] { CHECK(who(connected()) == 'a'); });
    const auto told = [&] { return support::must(netwright_in("a") + "lb decap"); };
    CHECK(told().find("from          10.200.0.0/16") != std::string::npos);
    CHECK(told().find("decapsulated  0 packets") == std::string::npos);
    support::must(netwright_in("a") + "lb decap eth0 --from 10.201.0.0/16");
    as_client([&] { CHECK_FALSE(connected(1)); });
    CHECK(told().find("left alone    0 packets") == std::string::npos);
    CHECK(support::run(support::words(netwright_in("a") + "lb decap eth0")).out.find("--from") != std::string::npos);
    support::must(netwright_in("a") + "lb decap --off");
    CHECK(told() == "nothing is decapsulated here\n");
}
