// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lb as people use it: a client, a router, a balancer and two backends in namespaces of their own, with TCP
// connections that must stay where they are.
#include "base/fd.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/private_bpffs.h"
#include "support/program.h"

namespace fs = std::filesystem;
using netwright::Fd;

namespace {

const std::string suffix = std::to_string(::getpid());
std::string space(const std::string& name) { return "nwl-" + name + "-" + suffix; }
std::string inside(const std::string& name) { return "ip netns exec " + space(name) + " "; }
// ip netns exec would hide this test's bpffs.
std::string netwright_in(const std::string& name)
{
    return NETWRIGHT_BINARY + std::string(" --netns ") + space(name) + " ";
}

sockaddr_in vip()
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(80);
    ::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
    return address;
}

// The calling thread, and every socket that it makes, belongs to that namespace from now on.
void move_to(const std::string& name)
{
    const Fd there(::open(("/run/netns/" + space(name)).c_str(), O_RDONLY | O_CLOEXEC));
    if (!there || ::setns(there.get(), CLONE_NEWNET) != 0) throw std::runtime_error("enter " + name);
}

constexpr std::size_t bulk = 30000;

// Answers each byte with its own letter, and 'L' with many of them, on connections that it keeps open.
class Backend {
public:
    explicit Backend(std::string name) : name_(std::move(name)), thread_([this] { serve(); })
    {
        listening_.wait(false);
    }
    ~Backend()
    {
        over_ = true;
        thread_.join();
    }
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;

private:
    void serve()
    {
        move_to(name_);
        const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in address = vip();
        if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener.get(), 1024) != 0)
            throw std::runtime_error("listen in " + name_);
        listening_ = true;
        listening_.notify_one();
        std::vector<Fd> held;
        std::vector<pollfd> polled{{listener.get(), POLLIN, 0}};
        while (!over_) {
            if (::poll(polled.data(), polled.size(), 20) <= 0) continue;
            for (std::size_t i = polled.size(); i-- > 1;)
                if (polled[i].revents && !answer(polled[i].fd)) polled[i].fd = -1; // ignored by poll
            if (polled[0].revents == 0) continue;
            held.emplace_back(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
            polled.push_back({held.back().get(), POLLIN, 0});
        }
    }
    bool answer(int connection) const
    {
        char byte = 0;
        if (::read(connection, &byte, 1) != 1) return false;
        const std::string letters(byte == 'L' ? bulk : 1, name_.back());
        return ::send(connection, letters.data(), letters.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(letters.size());
    }
    std::string name_;
    std::atomic<bool> over_ = false, listening_ = false;
    std::thread thread_;
};

// One end of a connection to the VIP, or none.
Fd connected()
{
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{5, 0};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const sockaddr_in address = vip();
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
    return socket;
}

// The letter of the backend behind a connection; '-' if nobody answers.
char who(const Fd& connection)
{
    char byte = '?';
    if (::send(connection.get(), &byte, 1, MSG_NOSIGNAL) != 1 || ::read(connection.get(), &byte, 1) != 1) return '-';
    return byte;
}

// How many letters come back for this text, within the socket's patience.
std::size_t answers_to(const Fd& connection, const std::string& text, std::size_t wanted)
{
    if (::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) return 0;
    std::string letters(wanted, '-');
    std::size_t had = 0;
    while (had < wanted) {
        const ssize_t more = ::read(connection.get(), letters.data() + had, wanted - had);
        if (more <= 0) break;
        had += static_cast<std::size_t>(more);
    }
    return had;
}

// Runs `work` with the client's sockets.
template <class Work>
void as_client(Work work)
{
    std::thread thread([&] {
        move_to("client");
        work();
    });
    thread.join();
}

// Of what the constructor below made, as far as it came.
struct Tidy {
    fs::path directory = fs::temp_directory_path() / ("netwright-lb-" + suffix);
    Tidy() = default;
    ~Tidy()
    {
        for (const char* name : {"client", "lb", "a", "b"}) {
            (void)support::run({"ip", "link", "del", std::string("r-") + name});
            (void)support::run({"ip", "netns", "del", space(name)});
        }
        std::error_code ignored;
        fs::remove_all(directory, ignored);
        for (const auto& entry : fs::directory_iterator("/sys/fs/bpf/netwright", ignored))
            fs::remove_all(entry.path(), ignored);
    }
    Tidy(const Tidy&) = delete;
    Tidy& operator=(const Tidy&) = delete;
};

// The router is this process's namespace.
class Network {
    Tidy tidy_;

public:
    const fs::path& directory = tidy_.directory;
    Network()
    {
        support::enter_private_bpffs();
        fs::create_directories(directory);
        for (const char* setting :
             {"net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"})
            support::must("sysctl -qw " + std::string(setting));
        connect("client", "10.1.0");
        connect("lb", "10.2.0");
        for (const char* backend : {"a", "b"}) {
            connect(backend, std::string("10.3.") + (backend[0] == 'a' ? "1" : "2"));
            support::must(inside(backend) + "ip addr add 192.0.2.1/32 dev lo");
            // Room for the outer header: what the client sends is balanced, and so is at most this large.
            support::must(inside(backend) + "ip route replace default via " +
                          (backend[0] == 'a' ? "10.3.1.1" : "10.3.2.1") + " advmss 1400");
            support::must(netwright_in(backend) + "lb decap eth0 --from 10.200.0.0/16");
        }
        // A veth wakes its peer for what XDP sends back only if that has an XDP program too (veth_xdp_flush in
        // drivers/net/veth.c): this one lets everything pass.
        support::must(NETWRIGHT_BINARY + std::string(" lb decap r-lb --from 203.0.113.1"));
        support::must("ip route add 192.0.2.1/32 via 10.2.0.2");
    }
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    support::Output lb(const std::string& arguments) const
    {
        return support::run({"sh", "-c", "cd " + directory.string() + " && " + netwright_in("lb") + "lb " + arguments});
    }
    // Of both backends, with these weights; `net` is 10.3 or that of direct_links().
    void apply(int a, int b, const std::string& mode = "ipip", const std::string& net = "10.3") const
    {
        std::ofstream(directory / "lb.yaml")
            << "{interfaces: [eth0], mode: " << mode
            << ", source: 10.200.0.0/16, pools: {web: {backends: [{address: " << net << ".1.2, weight: " << a
            << "}, {address: " << net << ".2.2, weight: " << b
            << "}]}}, vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]}";
        const auto applied = lb("apply lb.yaml");
        REQUIRE_MESSAGE(applied.status == 0, applied.out);
    }
    // A link from the balancer to each backend, whose address on it is also reached through the router.
    static void direct_links()
    {
        support::must(inside("lb") + "sysctl -qw net.ipv4.conf.eth0.forwarding=1"); // or it looks up no routes
        for (const std::string name : {"a", "b"}) {
            const std::string number = name == "a" ? "1" : "2", net = "10.4." + number;
            support::must("ip link add d-" + name + " netns " + space("lb") + " type veth peer name eth1 netns " +
                          space(name));
            support::must("ip -n " + space("lb") + " addr add " + net + ".1/24 dev d-" + name);
            support::must("ip -n " + space(name) + " addr add " + net + ".2/24 dev eth1");
            support::must("ip -n " + space("lb") + " link set d-" + name + " up");
            support::must("ip -n " + space(name) + " link set eth1 up");
            support::must(netwright_in(name) + "lb decap eth0 eth1 --from 10.200.0.0/16"); // for veth's sake, as above
            support::must("ip route add " + net + ".2/32 via 10.3." + number + ".2");
            support::must(inside("lb") + "ping -c 1 -W 2 " + net + ".2"); // the kernel learns the link address
        }
    }
    nlohmann::json told(const std::string& what) const
    {
        const auto output = lb(what + " --json");
        REQUIRE_MESSAGE(output.status == 0, output.out);
        return nlohmann::json::parse(output.out);
    }

private:
    static void connect(const std::string& name, const std::string& net)
    {
        support::must("ip netns add " + space(name));
        support::must("ip link add r-" + name + " type veth peer name eth0 netns " + space(name));
        support::must("ip addr add " + net + ".1/24 dev r-" + name);
        support::must("ip link set r-" + name + " up");
        // What XDP sees of a virtual link is what a wire would carry: whole checksums, one packet at a time.
        support::must("ethtool -K r-" + name + " tx off");
        const std::string there = "ip -n " + space(name) + " ";
        support::must(inside(name) + "ethtool -K eth0 tx off");
        support::must(inside(name) + "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0");
        support::must(inside(name) + "sysctl -qw net.ipv4.conf.eth0.rp_filter=0");
        for (const std::string& line : {std::string("link set lo up"), std::string("link set eth0 up"),
                                        "addr add " + net + ".2/24 dev eth0", "route add default via " + net + ".1"})
            support::must(there + line);
    }
};

} // namespace

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

TEST_CASE("reloads under load break no connection")
{
    const Network network;
    const Backend a("a"), b("b");
    network.apply(1, 1);
    std::atomic<bool> over = false;
    std::atomic<unsigned> opened = 0, broken = 0;
    std::thread client([&] {
        move_to("client");
        while (!over) {
            const Fd connection = connected();
            const char first = who(connection);
            bool whole = first != '-';
            for (int i = 0; i < 20 && whole; ++i) { // its slot may change hands meanwhile
                whole = who(connection) == first;
                std::this_thread::sleep_for(std::chrono::microseconds(100));
            }
            broken += !whole;
            ++opened;
        }
    });
    for (int i = 0; i < 30; ++i)
        network.apply(i % 3, (i + 1) % 3 + (i % 3 == 2 ? 1 : 0));
    over = true;
    client.join();
    CHECK(opened > 50);
    CHECK_MESSAGE(broken == 0, broken.load(), " of ", opened.load());
    CHECK(network.told("show")["generation"] == 31);
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
    as_client([&] { CHECK_FALSE(connected()); });
    CHECK(told().find("left alone    0 packets") == std::string::npos);
    CHECK(support::run(support::words(netwright_in("a") + "lb decap eth0")).out.find("--from") != std::string::npos);
    support::must(netwright_in("a") + "lb decap --off");
    CHECK(told() == "nothing is decapsulated here\n");
}
