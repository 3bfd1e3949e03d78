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

namespace {

void write_nat(const Network& network, int a, int b)
{
    const auto backend = [](const std::string& net, int weight, const std::string& more) {
        return "{address: 10.4." + net + ".2, weight: " + std::to_string(weight) + more + "}";
    };
    std::ofstream(network.directory / "lb.yaml")
        << "{interfaces: [eth0, d-a, d-b], mode: nat, nat: {addresses: 10.9.0.1}, pools: {web: {backends: ["
        << backend("1", a, ", port: 80") << ", " << backend("2", b, ", port: 80") << "]}}, "
        << "vips: [{address: 192.0.2.1, port: [80, 443], protocol: [tcp, udp], pool: web}]}";
}

void apply_nat(const Network& network, int a, int b)
{
    write_nat(network, a, b);
    const auto applied = network.lb("apply lb.yaml");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
}

Fd udp_client()
{
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const timeval patience{2, 0};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const sockaddr_in address = vip();
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
    return socket;
}

} // namespace

TEST_CASE("NAT: connections to backends that know nothing of the balancer live through reloads and drains")
{
    constexpr unsigned wanted = 2000;
    const Network network;
    network.only_links();
    const Backend a("a"), b("b");
    apply_nat(network, 1, 1);
    std::atomic<unsigned> opened = 0, broken = 0;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            move_to("client");
            std::deque<std::pair<Fd, char>> open; // each lives until a hundred others have begun
            while (opened++ < wanted) {
                open.emplace_back(connected(), '-');
                open.back().second = who(open.back().first);
                broken += open.back().second == '-';
                if (open.size() <= 100) continue;
                broken += who(open.front().first) != open.front().second;
                open.pop_front();
            }
            for (const auto& [connection, first] : open)
                broken += who(connection) != first;
        });
    int reloads = 0;
    for (; opened < wanted || reloads < 5; ++reloads)
        apply_nat(network, reloads % 3, (reloads + 1) % 3 + (reloads % 3 == 2 ? 1 : 0));
    for (std::thread& thread : threads)
        thread.join();
    CHECK_MESSAGE(broken == 0, broken.load(), " of ", opened.load(), " in ", reloads, " reloads");
    apply_nat(network, 0, 1);
    as_client([&] {
        for (int i = 0; i < 50; ++i)
            CHECK(who(connected()) == 'b');
        const Fd connection = connected();
        CHECK(answers_to(connection, "L", bulk) == bulk);
        CHECK(answers_to(connection, std::string(8000, '.'), 8000) == 8000);
    });
    const auto stats = network.told("stats");
    CHECK(stats["nat"]["begun"]["packets"].get<unsigned>() >= wanted + 51);
    CHECK(stats["nat"]["answers"]["packets"].get<unsigned>() > wanted * 3);
    for (const auto& [reason, count] : stats["dropped"].items())
        CHECK_MESSAGE(count["packets"] == 0, reason);
    CHECK(network.lb("stats --prometheus").out.find("netwright_lb_nat_packets_total{event=\"begun\"} ") !=
          std::string::npos);
    const auto view = network.told("show");
    REQUIRE(view["nat"].size() == 1);
    CHECK(view["nat"][0]["address"] == "10.9.0.1");
    CHECK(view["nat"][0]["ports"] == 31744);
    CHECK(network.lb("show").out.find("nat address") != std::string::npos);
}

TEST_CASE("NAT: datagrams go and come, and a closed port's answer reaches the client")
{
    const Network network;
    network.only_links();
    apply_nat(network, 0, 1);
    as_client([&] {
        const Fd nobody = udp_client();
        char byte = '?';
        CHECK(::send(nobody.get(), &byte, 1, 0) == 1);
        CHECK(::recv(nobody.get(), &byte, 1, 0) == -1);
        CHECK(errno == ECONNREFUSED); // the ICMP error was translated
    });
    std::atomic<bool> over = false, ready = false;
    std::thread echo([&] {
        move_to("b");
        const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const timeval patience{0, 50'000};
        (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in address = vip(), from{};
        address.sin_addr.s_addr = INADDR_ANY;
        if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) over = true;
        ready = true;
        char byte = 0;
        for (socklen_t size = sizeof from; !over; size = sizeof from)
            if (::recvfrom(socket.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&from), &size) == 1)
                (void)::sendto(socket.get(), &byte, 1, 0, reinterpret_cast<const sockaddr*>(&from), size);
    });
    while (!ready)
        std::this_thread::yield();
    as_client([&] {
        const Fd client = udp_client();
        for (const char letter : std::string("netwright")) {
            char heard = 0;
            CHECK(::send(client.get(), &letter, 1, 0) == 1);
            CHECK(::recv(client.get(), &heard, 1, 0) == 1);
            CHECK(heard == letter);
        }
    });
    over = true;
    echo.join();
    CHECK(network.told("show")["nat"][0]["udp"].get<unsigned>() >= 1);
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
