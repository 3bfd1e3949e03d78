// SPDX-License-Identifier: GPL-2.0-or-later
// A client, a router, a balancer and two backends in namespaces of their own.
#pragma once

#include "base/fd.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "support/private_bpffs.h"
#include "support/program.h"

namespace netwright::test {

namespace fs = std::filesystem;

inline const std::string suffix = std::to_string(::getpid());
inline std::string space(const std::string& name) { return "nwl-" + name + "-" + suffix; }
inline std::string inside(const std::string& name) { return "ip netns exec " + space(name) + " "; }
// ip netns exec would hide this test's bpffs.
inline std::string netwright_in(const std::string& name)
{
    return NETWRIGHT_BINARY + std::string(" --state-dir /tmp/netwright-lb-") + suffix + "/state --netns " +
           space(name) + " ";
}

inline sockaddr_in vip()
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(80);
    ::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
    return address;
}

// The calling thread, and every socket that it makes, belongs to that namespace from now on.
inline void move_to(const std::string& name)
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
        // Descriptors of its own: a program that another thread starts inherits all of its threads' for a moment, and
        // what is held open so is still polled under a number that another thread's socket has by then.
        if (::close_range(3, ~0U, CLOSE_RANGE_UNSHARE) != 0) throw std::runtime_error("unshare descriptors");
        move_to(name_);
        const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const int yes = 1;
        sockaddr_in address = vip();
        address.sin_addr.s_addr = INADDR_ANY; // checks ask at its own address
        (void)::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener.get(), 4096) != 0)
            throw std::runtime_error("listen in " + name_);
        const Fd polled(::epoll_create1(EPOLL_CLOEXEC));
        std::map<int, Fd> held;
        const auto watch = [&](int descriptor) {
            epoll_event event{EPOLLIN, {.fd = descriptor}};
            (void)::epoll_ctl(polled.get(), EPOLL_CTL_ADD, descriptor, &event);
        };
        watch(listener.get());
        listening_ = true;
        listening_.notify_one();
        std::array<epoll_event, 64> events{};
        while (!over_) {
            const int count = ::epoll_wait(polled.get(), events.data(), static_cast<int>(events.size()), 20);
            for (int i = 0; i < count; ++i) {
                const int ready = events.at(static_cast<std::size_t>(i)).data.fd;
                if (ready != listener.get()) {
                    if (!answer(ready)) held.erase(ready);
                    continue;
                }
                for (Fd fresh; (fresh = Fd(::accept4(ready, nullptr, nullptr, SOCK_CLOEXEC)));) {
                    watch(fresh.get());
                    const int number = fresh.get();
                    held[number] = std::move(fresh);
                }
            }
        }
    }
    bool answer(int connection) const
    {
        char byte = 0;
        if (::recv(connection, &byte, 1, 0) != 1) return false;
        const std::string letters(byte == 'L' ? bulk : 1, name_.back());
        return ::send(connection, letters.data(), letters.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(letters.size());
    }
    std::string name_;
    std::atomic<bool> over_ = false, listening_ = false;
    std::thread thread_;
};

// One end of a connection to the VIP, or none.
inline Fd connected(int seconds = 5)
{
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{seconds, 0};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const sockaddr_in address = vip();
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
    return socket;
}

// The letter of the backend behind a connection; '-' if nobody answers.
inline char who(const Fd& connection)
{
    char byte = '?';
    if (::send(connection.get(), &byte, 1, MSG_NOSIGNAL) != 1 || ::read(connection.get(), &byte, 1) != 1) return '-';
    return byte;
}

// How many letters come back for this text, within the socket's patience.
inline std::size_t answers_to(const Fd& connection, const std::string& text, std::size_t wanted)
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
        for (const char* name : {"client", "lb", "lb2", "a", "b"}) {
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
        write(a, b, mode, net);
        const auto applied = lb("apply lb.yaml");
        REQUIRE_MESSAGE(applied.status == 0, applied.out);
    }
    // `more`: fields of the pool; `all`: of everything.
    void write(int a, int b, const std::string& mode = "ipip", const std::string& net = "10.3",
               const std::string& more = "", const std::string& all = "") const
    {
        std::ofstream(directory / "lb.yaml")
            << "{interfaces: [eth0], mode: " << mode << ", source: 10.200.0.0/16" << all << ", pools: {web: {" << more
            << "backends: [{address: " << net << ".1.2, weight: " << a << "}, {address: " << net
            << ".2.2, weight: " << b << "}]}}, vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]}";
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
    // Backends of which the links alone are left: no VIP, no tunnel, no way anywhere but to the balancer's own address.
    static void only_links()
    {
        direct_links();
        support::must(inside("lb") + "sysctl -qw net.ipv4.conf.all.forwarding=1");
        support::must("ip -n " + space("lb") + " addr add 10.9.0.1/32 dev lo");
        for (const std::string name : {"a", "b"}) {
            const std::string there = "ip -n " + space(name) + " ",
                              net = "10.4." + std::string(name == "a" ? "1" : "2");
            support::must(inside(name) + "ethtool -K eth1 tx off"); // whole checksums, as below
            support::must(there + "addr del 192.0.2.1/32 dev lo");
            support::must(there + "link set eth0 down");
            support::must(there + "route add 10.9.0.1/32 via " + net + ".1");
            support::must(there + "neigh replace " + net + ".1 lladdr " + link_address("lb", "d-" + name) +
                          " dev eth1");
        }
    }
    static std::string link_address(const std::string& name, const std::string& interface)
    {
        const std::string text = support::must("ip -n " + space(name) + " -o link show " + interface);
        return text.substr(text.find("link/ether ") + 11, 17);
    }
    nlohmann::json told(const std::string& what) const
    {
        const auto output = lb(what + " --json");
        REQUIRE_MESSAGE(output.status == 0, output.out);
        return nlohmann::json::parse(output.out);
    }
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

} // namespace netwright::test
