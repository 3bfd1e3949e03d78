// SPDX-License-Identifier: GPL-2.0-or-later
// netwright socket on this process's own sockets: which socket takes what, with which options, and back again.
#include "base/fd.h"
#include "dataplane/socket_classic.h"
#include "dataplane/socket_entry.h"
#include "dataplane/socket_tune.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "support/cgroup.h"
#include "support/private_bpffs.h"
#include "support/program.h"

namespace fs = std::filesystem;
using namespace netwright;

namespace {

const std::string us = std::to_string(::getpid());

// A namespace of our own in which 127.0.0.0/8 and fd00:9::/64 are ours, whole.
class Desk {
public:
    Desk()
    {
        support::enter_private_bpffs();
        (void)support::run({"ip", "link", "set", "lo", "up"});
        (void)support::run({"ip", "-6", "route", "replace", "local", "fd00:9::/64", "dev", "lo"});
    }
    ~Desk()
    {
        for (const char* name : {"a", "b"})
            (void)run(std::string("socket off ") + name);
    }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    static support::Output run(const std::string& arguments)
    {
        return support::run({"sh", "-c", std::string(NETWRIGHT_BINARY) + " " + arguments});
    }
    static void must(const std::string& arguments)
    {
        const auto done = run(arguments);
        REQUIRE_MESSAGE(done.status == 0, done.out);
    }
};

sockaddr_in6 place_of(const std::string& address, int port)
{
    sockaddr_in6 place{};
    place.sin6_family = AF_INET6;
    place.sin6_port = htons(static_cast<std::uint16_t>(port));
    const std::string text = address.find(':') == std::string::npos ? "::ffff:" + address : address;
    REQUIRE(::inet_pton(AF_INET6, text.c_str(), &place.sin6_addr) == 1);
    return place;
}

Fd bound(int type, const std::string& address, int port, bool group = false)
{
    Fd socket(::socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (group) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    const auto place = place_of(address, port);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0);
    if (type == SOCK_STREAM) REQUIRE(::listen(socket.get(), 16) == 0);
    return socket;
}

// What connect() says; the connection in `kept` where it is wanted.
int connecting(const std::string& address, int port, Fd* kept = nullptr)
{
    Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto place = place_of(address, port);
    const int code = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0 ? 0 : errno;
    if (kept) *kept = std::move(socket);
    return code;
}

void send_to(const std::string& address, int port, const std::string& data, int from = 0)
{
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (from) {
        const auto source = place_of("127.0.0.1", from);
        REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&source), sizeof source) == 0);
    }
    const auto place = place_of(address, port);
    REQUIRE(::sendto(socket.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&place),
                     sizeof place) == static_cast<ssize_t>(data.size()));
}

// Datagrams waiting in each socket, taken out. Over lo they are there when sendto() returns.
std::vector<int> waiting_in(const std::vector<Fd>& sockets)
{
    std::vector<int> counts;
    for (const Fd& socket : sockets) {
        int& count = counts.emplace_back(0);
        char byte = 0;
        while (::recv(socket.get(), &byte, 1, MSG_DONTWAIT) >= 0)
            ++count;
    }
    return counts;
}

std::string said(const std::string& name)
{
    for (const auto& entry : nlohmann::json::parse(Desk::run("socket list --json").out))
        if (entry["name"] == name) return entry["work"].get<std::string>() + "|" + entry["trouble"].get<std::string>();
    return "";
}

} // namespace

TEST_CASE("one listening socket answers for a prefix and many ports, until it is taken back or closed")
{
    const Desk desk;
    Fd listener = bound(SOCK_STREAM, "::", 7000);
    CHECK(connecting("127.0.0.1", 7001) == ECONNREFUSED);
    Desk::must("socket serve a --pid " + us + " --port 7000 --to 127.9.0.0/16,fd00:9::/64 --ports 1-99,7001");
    CHECK(said("a") == "serve|");
    CHECK(connecting("127.9.1.2", 7001) == 0);
    CHECK(connecting("127.9.255.255", 1) == 0);
    CHECK(connecting("fd00:9::1234", 99) == 0);
    CHECK(connecting("127.9.1.2", 7000) == 0); // its own
    CHECK(connecting("127.9.1.2", 100) == ECONNREFUSED);
    CHECK(connecting("127.10.1.2", 7001) == ECONNREFUSED);
    CHECK(Desk::run("socket serve a --pid " + us + " --port 7000 --ports 5").out.find("there is a 'a' already") !=
          std::string::npos);

    const Fd other = bound(SOCK_DGRAM, "127.0.0.1", 7005);
    Desk::must("socket serve b --pid " + us + " --protocol udp --port 7005 --ports 7006-7010");
    const auto udp = [&] {
        send_to("127.0.0.1", 7008, "x");
        return waiting_in([&] {
            std::vector<Fd> one;
            one.emplace_back(::fcntl(other.get(), F_DUPFD_CLOEXEC, 3));
            return one;
        }())[0];
    };
    CHECK(udp() == 1);
    Desk::must("socket off b");
    CHECK(udp() == 0);

    listener.reset();
    CHECK(said("a").find("the listening socket is closed") != std::string::npos);
    CHECK(connecting("127.9.1.2", 7001) == ECONNREFUSED);
    Desk::must("socket off a");
    CHECK(Desk::run("socket list").out == "no sockets are worked on here\n");
    CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
}

TEST_CASE("new connections get their options by peer and port, on either side; others stay as they were")
{
    const Desk desk;
    if (support::cgroup_mount().empty()) {
        MESSAGE("skipped: cgroup2 is not mounted");
        return;
    }
    const support::Cgroup group("nwt-socket-" + us); // nobody else's connections are touched
    const auto option = [](const Fd& socket, int level, int name) {
        int value = -1;
        socklen_t size = sizeof value;
        return ::getsockopt(socket.get(), level, name, &value, &size) == 0 ? value : -1;
    };
    const auto window = [](const Fd& socket) {
        tcp_info info{};
        socklen_t size = sizeof info;
        return ::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_snd_cwnd : 0;
    };
    {
        const Fd listener = bound(SOCK_STREAM, "::", 7100);
        Desk::must(
            "socket tune a initial-window=37 pacing=80Mbit user-timeout=5s priority=5 --to 127.9.0.0/16 --cgroup " +
            group.name());
        group.enter();
        Fd near, far;
        REQUIRE(connecting("127.9.0.1", 7100, &near) == 0);
        REQUIRE(connecting("127.8.0.1", 7100, &far) == 0);
        CHECK(window(near) == 37);
        CHECK(option(near, SOL_SOCKET, SO_MAX_PACING_RATE) == 10'000'000);
        CHECK(option(near, SOL_SOCKET, SO_PRIORITY) == 5);
        CHECK(option(near, IPPROTO_TCP, TCP_USER_TIMEOUT) == 5000);
        CHECK(window(far) == 10);
        CHECK(option(far, SOL_SOCKET, SO_MAX_PACING_RATE) == -1);
        CHECK(Desk::run("socket list").out.find("(1 connection)") != std::string::npos);
        Desk::must("socket off a");

        const Fd inner = bound(SOCK_STREAM, "::", 7101); // made in the cgroup, so it belongs to it
        Desk::must("socket tune a initial-window=41 --ports 7101 --cgroup " + group.name());
        Fd client;
        REQUIRE(connecting("::1", 7101, &client) == 0);
        const Fd accepted(::accept4(inner.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(accepted);
        CHECK(window(client) == 41);
        CHECK(window(accepted) == 41);
        Desk::must("socket off a");
        REQUIRE(connecting("::1", 7101, &client) == 0);
        CHECK(window(client) == 10);
    }
    Desk::must("socket tune b mark=7 --cgroup " + group.name());
    group.leave();
    CHECK(group.remove());
    for (int i = 0; i < 100 && said("b") == "tune|"; ++i)
        ::usleep(20'000); // the kernel lets a removed cgroup's programs go at leisure
    CHECK(said("b").find("its cgroup is gone") != std::string::npos);
    Desk::must("socket off b");
}

TEST_CASE("a group's socket is chosen by the byte of QUIC's connection ID, in long headers and in short ones")
{
    const Desk desk;
    std::vector<Fd> group;
    for (int i = 0; i < 4; ++i)
        group.push_back(bound(SOCK_DGRAM, "::", 7200, true));
    Desk::must("socket spread a --pid " + us + " --protocol udp --port 7200 --by connection-id --at 2");
    CHECK(said("a") == "spread|");
    for (int member = 0; member < 4; ++member) {
        const std::string id = std::string("\x11\x22", 2) + static_cast<char>(member + 40) + std::string(5, '\x33');
        for (int i = 0; i < 8; ++i) {
            send_to("127.0.0.1", 7200, std::string("\x40", 1) + id + "payload"); // ports differ, the ID does not
            send_to("::1", 7200, std::string("\xc0\0\0\0\x01\x08", 6) + id + "payload");
        }
        std::vector<int> wanted(4, 0);
        wanted[static_cast<std::size_t>(member)] = 16;
        CHECK(waiting_in(group) == wanted);
    }
    Desk::must("socket off a");
    for (int i = 0; i < 64; ++i)
        send_to("127.0.0.1", 7200, std::string("\x40\x11\x22\x28", 4));
    CHECK(waiting_in(group)[0] < 64); // by the hash of addresses and ports again
}

TEST_CASE("a group's socket is chosen by CPU")
{
    const Desk desk;
    std::vector<Fd> group;
    for (int i = 0; i < 2; ++i)
        group.push_back(bound(SOCK_DGRAM, "::", 7300, true));
    Desk::must("socket spread a --pid " + us + " --protocol udp --port 7300");
    cpu_set_t allowed;
    REQUIRE(::sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    for (unsigned cpu = 0; cpu < 2; ++cpu) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
        for (int i = 0; i < 16; ++i)
            send_to("127.0.0.1", 7300, "x");
        std::vector<int> wanted(2, 0);
        wanted[cpu] = 16;
        CHECK(waiting_in(group) == wanted);
    }
    REQUIRE(::sched_setaffinity(0, sizeof allowed, &allowed) == 0);
    const Fd alone = bound(SOCK_DGRAM, "::", 7301);
    CHECK(Desk::run("socket spread b --pid " + us + " --protocol udp --port 7301").out.find("SO_REUSEPORT") !=
          std::string::npos);
}

TEST_CASE("sockets take only what a tcpdump expression matches")
{
    if (const auto compiled = dataplane::compile_filter("udp", false);
        !compiled && compiled.error().kind == Error::Kind::Unsupported) {
        MESSAGE("skipped: ", compiled.error().what);
        return;
    }
    const Desk desk;
    std::vector<Fd> sockets;
    sockets.push_back(bound(SOCK_DGRAM, "::", 7400));
    const auto taken = [&](int from, const std::string& data) {
        send_to("127.0.0.1", 7400, data, from);
        return waiting_in(sockets)[0];
    };
    CHECK(taken(7501, "x") == 1);
    Desk::must("socket filter a 'udp src port 7500 and udp[8] = 0x41' --protocol udp --port 7400 --pid " + us);
    CHECK(said("a") == "filter|");
    CHECK(taken(7500, "A") == 1);
    CHECK(taken(7500, "B") == 0);
    CHECK(taken(7501, "A") == 0);
    Desk::must("socket off a");
    CHECK(taken(7501, "x") == 1);

    const Fd packets(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(0x0800)));
    REQUIRE(packets);
    Desk::must("socket filter a 'udp dst port 7400 and greater 100' --packets --pid " + us);
    std::vector<Fd> seen;
    seen.emplace_back(::fcntl(packets.get(), F_DUPFD_CLOEXEC, 3));
    (void)waiting_in(seen);
    CHECK(taken(7501, "x") == 1);
    CHECK(waiting_in(seen)[0] == 0);
    CHECK(taken(7501, std::string(100, 'x')) == 1);
    CHECK(waiting_in(seen)[0] >= 1); // out of lo, and into it

    const auto wrong = Desk::run("socket filter b 'udp prot 5' --protocol udp --port 7400 --pid " + us);
    CHECK(wrong.status == 1);
    CHECK(wrong.out.find("udp prot 5") != std::string::npos);
    CHECK(said("b") == "");
}

TEST_CASE("what cannot be done says why in one line, and leaves nothing behind")
{
    const Desk desk;
    const auto says = [](const std::string& arguments, const std::string& what, int status = 1) {
        const auto refused = Desk::run("socket " + arguments);
        CHECK(refused.status == status);
        CHECK_MESSAGE(refused.out.find(what) != std::string::npos, refused.out);
        CHECK(std::count(refused.out.begin(), refused.out.end(), '\n') == 1);
    };
    says("serve a --pid 999999999 --port 1 --ports 2", "process 999999999");
    says("serve a --pid " + us + " --port 1 --ports 2", "has no listening TCP socket on port 1");
    says("serve a --pid " + us + " --port 1", "name addresses, ports or both");
    says("serve a/b --pid " + us + " --port 1 --ports 2", "a/b");
    says("spread a --pid " + us + " --port 1", "has no socket of port 1");
    says("spread a --pid " + us + " --port 1 --by connection-id", "QUIC");
    says("spread a --pid " + us + " --port 1 --by cpus", "cpu");
    says("tune a window=3", "initial-window");
    says("tune a initial-window=0", "1 to 10000");
    says("tune a initial-window=10 --cgroup nwt-none", "no cgroup nwt-none");
    says("tune a initial-window=10 --to 10.0.0.1/8", "10.0.0.0/8");
    says("filter a udp --pid " + us, "--port PORT");
    says("off a", "there is no 'a'");
    CHECK(Desk::run("socket list").out == "no sockets are worked on here\n");
    const auto absent =
        support::run({"unshare", "-m", "sh", "-c",
                      std::string("umount -a -t cgroup2; exec " NETWRIGHT_BINARY " socket tune a mark=1")});
    CHECK(absent.status == 1);
    CHECK(absent.out.find("mount -t cgroup2") != std::string::npos);
}

TEST_CASE("a note about sockets reads back the same")
{
    const dataplane::SocketEntry entry{
        "a", dataplane::SocketWork::Filter, "process 3's sockets take only: udp", 3, {4, 5}};
    CHECK((dataplane::parse_socket_entry(to_text(entry)) == Result<dataplane::SocketEntry>(entry)));
    CHECK_FALSE(dataplane::parse_socket_entry("work sing\n"));
    CHECK_FALSE(dataplane::parse_socket_entry("color blue\n"));
}
