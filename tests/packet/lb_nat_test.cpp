// SPDX-License-Identifier: GPL-2.0-or-later
// Translated connections, byte for byte: what reaches the backend, what comes back to the client, and which port a
// connection has for how long.
#include "dataplane/lb_nat.h"

#include <doctest/doctest.h>
#include <linux/bpf.h>
#include <sched.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "lb_desk.h"
#include "support/program.h"
#include "wire.h"

using namespace netwright;
using namespace netwright::dataplane;
using namespace netwright::test;

namespace {

constexpr unsigned fin = 1, syn_flag = 2, rst = 4, ack_flag = 16;

Prefix address(const std::string& text)
{
    const auto prefix = parse_prefix(text);
    REQUIRE(prefix);
    return *prefix;
}

// Backends and clients have link addresses on one virtual link, so that the kernel knows the way to them. BPF programs
// that are run by hand get their packets from the loopback interface.
void enter_network()
{
    static const bool entered = [] {
        if (::unshare(CLONE_NEWNET) != 0) return false;
        for (const char* line :
             {"sysctl -qw net.ipv4.conf.all.forwarding=1 net.ipv6.conf.all.forwarding=1", "ip link set lo up",
              "ip link add nat0 type veth peer name nat1", "ip link set nat0 address 02:00:00:00:00:aa",
              "ip link set nat0 up", "ip link set nat1 up", "ip addr add 10.3.255.1/16 dev nat0",
              "ip -6 addr add 2001:db8:3::ffff/64 dev nat0 nodad", "ip route add 198.51.0.0/16 via 10.3.255.2",
              "ip -6 route add 2001:db8:c::/64 via 2001:db8:3::fffe",
              "ip neigh add 10.3.255.2 lladdr 02:00:00:00:00:cc dev nat0 nud permanent",
              "ip -6 neigh add 2001:db8:3::fffe lladdr 02:00:00:00:00:cc dev nat0 nud permanent"})
            support::must(line);
        for (const char* number : {"1", "2", "3"}) {
            support::must(std::string("ip neigh add 10.3.0.") + number + " lladdr 02:00:00:00:00:0" + number +
                          " dev nat0 nud permanent");
            support::must(std::string("ip -6 neigh add 2001:db8:3::") + number + " lladdr 02:00:00:00:00:0" + number +
                          " dev nat0 nud permanent");
        }
        return true;
    }();
    REQUIRE_MESSAGE(entered, "this test needs root: it makes a namespace of its own");
}

std::string config_text(const std::string& nat, const std::string& backends4, const std::string& more = "")
{
    return "{mode: nat, nat: {" + nat + "}, pools: {web: {backends: [" + backends4 + "]}" + more +
           "}, vips: [{address: 192.0.2.1, port: [80, 443], protocol: tcp, pool: web}, "
           "{address: 192.0.2.1, port: 53, protocol: udp, pool: web}" +
           (more.empty() ? "" : ", {address: \"2001:db8::1\", port: [53, 80], protocol: [tcp, udp], pool: six}") + "]}";
}
const std::string both = config_text("addresses: [10.9.0.1, 10.9.0.2, \"2001:db8:9::1\"], ports: 2000-29999",
                                     "{address: 10.3.0.1}, {address: 10.3.0.2, port: 8080}",
                                     ", six: {backends: [{address: \"2001:db8:3::1\"}, {address: \"2001:db8:3::2\", "
                                     "port: 8080}]}");
const std::string one_backend = "{address: 10.3.0.1}";

Wire from_client(unsigned client, unsigned flags, unsigned port = 80, bool ipv6 = false)
{
    Wire wire;
    wire.source = ipv6 ? address("2001:db8:c::7") : address("198.51.100.7");
    wire.destination = ipv6 ? address("2001:db8::1") : address("192.0.2.1");
    wire.protocol = port == 53 ? 17 : 6;
    wire.source_port = client;
    wire.destination_port = port;
    wire.flags = flags;
    return wire;
}

unsigned big16(const Frame& bytes, std::size_t at) { return bytes.at(at) * 256U + bytes.at(at + 1); }
Prefix address_at(const Frame& bytes, std::size_t at, bool ipv6)
{
    Prefix prefix{ipv6, ipv6 ? 128U : 32U, {}};
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), ipv6 ? 16 : 4, prefix.address.begin());
    return prefix;
}
std::size_t network_of(const Wire& wire) { return 14 + wire.tags.size(); }
std::size_t ports_of(const Wire& wire) { return network_of(wire) + (wire.source.ipv6 ? 40 : 20 + wire.options.size()); }

// What the program made of a client's packet: read from its frame are own address and port, and which backend it is.
struct Sent {
    Wire wire; // what it should be, with those
    bool right = false;
    std::uint32_t action = 0;
};
Sent send(const Desk& desk, const Wire& wire)
{
    const Handled handled = desk.run(wire.frame());
    Sent sent{wire, false, handled.action};
    if (handled.action != XDP_REDIRECT) return sent;
    const bool ipv6 = wire.source.ipv6;
    const std::size_t network = network_of(wire), ports = ports_of(wire);
    sent.wire.source = address_at(handled.frame, network + (ipv6 ? 8 : 12), ipv6);
    sent.wire.source_port = big16(handled.frame, ports);
    sent.wire.destination = address_at(handled.frame, network + (ipv6 ? 24 : 16), ipv6);
    const unsigned number = sent.wire.destination.address.at(ipv6 ? 15 : 3);
    const auto known = desk.image().numbers.find(sent.wire.destination);
    const unsigned port = known == desk.image().numbers.end() ? 0 : desk.image().backends[known->second].port;
    sent.wire.destination_port = port ? port : wire.destination_port;
    sent.wire.ttl = wire.ttl - 1;
    sent.wire.to.back() = static_cast<std::uint8_t>(number);
    sent.wire.from = {2, 0, 0, 0, 0, 0xaa};
    sent.right = handled.frame == sent.wire.frame();
    return sent;
}

// The backend's packet in return, and what the client should get of it.
Wire answer_to(const Wire& at_backend, unsigned flags)
{
    Wire wire = at_backend;
    std::swap(wire.source, wire.destination);
    std::swap(wire.source_port, wire.destination_port);
    std::swap(wire.to, wire.from);
    wire.flags = flags;
    wire.ttl = 60;
    return wire;
}
Wire at_client(const Wire& from_backend, const Wire& asked)
{
    Wire wire = from_backend;
    wire.source = asked.destination, wire.source_port = asked.destination_port;
    wire.destination = asked.source, wire.destination_port = asked.source_port;
    wire.ttl = from_backend.ttl - 1;
    wire.to = {2, 0, 0, 0, 0, 0xcc};
    wire.from = {2, 0, 0, 0, 0, 0xaa};
    return wire;
}

bool answers(const Desk& desk, const Wire& asked, const Wire& at_backend, unsigned flags)
{
    const Wire answer = answer_to(at_backend, flags);
    const Handled handled = desk.run(answer.frame());
    return handled.action == XDP_REDIRECT && handled.frame == at_client(answer, asked).frame();
}

// An ICMP error from `router` to a packet's sender, which quotes `size` bytes of it.
Wire error_about(const Wire& packet, const std::string& router, std::size_t size)
{
    Wire error;
    error.source = address(router);
    error.destination = packet.source;
    error.protocol = packet.source.ipv6 ? 58 : 1;
    error.ttl = 50;
    Frame quote = packet.packet();
    quote.resize(std::min(quote.size(), size));
    Wire::put(error.payload, packet.source.ipv6 ? 0x0200'0000'0000'0514 : 0x0304'0000'0000'0514, 8);
    error.payload.insert(error.payload.end(), quote.begin(), quote.end());
    return error;
}

unsigned port_of(const Desk& desk, const Wire& wire)
{
    const Sent sent = send(desk, wire);
    return sent.action == XDP_REDIRECT ? sent.wire.source_port : 0;
}

// A connection of whom both sides were heard.
Sent opened(const Desk& desk, unsigned client, unsigned port = 80)
{
    const Wire first = from_client(client, syn_flag, port);
    Sent sent = send(desk, first);
    if (sent.action != XDP_REDIRECT) return sent;
    CHECK(answers(desk, first, sent.wire, syn_flag | ack_flag));
    return send(desk, from_client(client, ack_flag, port));
}

} // namespace

TEST_CASE("packets of generated connections go to the backend and come back, to the byte, and errors about them, too")
{
    enter_network();
    Desk desk;
    desk.configure(config_of(both));
    std::mt19937 random(41);
    std::set<std::pair<Prefix, unsigned>> used[2];
    std::map<Prefix, int> shares, own;
    unsigned wrong = 0, twice = 0, outside = 0, wrong_answers = 0, wrong_errors = 0;
    for (unsigned i = 0; i < 6000; ++i) {
        const bool ipv6 = i % 2, udp = i % 3 == 0;
        Wire wire = from_client(1 + i, syn_flag, udp ? 53 : 80, ipv6);
        wire.source.address.at(ipv6 ? 14 : 2) = static_cast<std::uint8_t>(random());
        wire.payload.resize(random() % 4 == 0 ? random() % 1000 : random() % 9);
        std::ranges::generate(wire.payload, [&] { return static_cast<std::uint8_t>(random()); });
        wire.summed = ipv6 || random() % 8 != 0;
        if (!ipv6 && random() % 8 == 0) wire.options.assign(4 * (random() % 11), 1);
        if (random() % 4 == 0) wire.tags = {0x81, 0, 0, 7};
        wire.ttl = static_cast<unsigned>(2 + random() % 254);
        const Sent sent = send(desk, wire);
        wrong += !sent.right;
        twice += !used[udp].emplace(sent.wire.source, sent.wire.source_port).second;
        outside += sent.wire.source_port < 2000 || sent.wire.source_port > 29999;
        ++shares[sent.wire.destination], ++own[sent.wire.source];
        const Wire answer = answer_to(sent.wire, syn_flag | ack_flag);
        const Wire arrives = at_client(answer, wire);
        wrong_answers += !answers(desk, wire, sent.wire, syn_flag | ack_flag);

        const std::size_t fixed = ipv6 ? 40 : 20 + wire.options.size();
        const std::size_t quoted = fixed + 8 + (random() % 2 ? 0 : random() % 16 * 4);
        Wire error = error_about(sent.wire, ipv6 ? "2001:db8:3::77" : "10.3.0.77", quoted); // about what went forth
        Wire translated = error_about(wire, ipv6 ? "2001:db8::1" : "192.0.2.1", quoted);
        Wire quoted_wire = wire;
        quoted_wire.ttl = wire.ttl - 1;
        translated.payload = error_about(quoted_wire, "10.3.0.77", quoted).payload;
        translated.ttl = error.ttl - 1;
        translated.to = {2, 0, 0, 0, 0, 0xcc}, translated.from = {2, 0, 0, 0, 0, 0xaa};
        Handled handled = desk.run(error.frame());
        wrong_errors += handled.action != XDP_REDIRECT || handled.frame != translated.frame();

        error = error_about(arrives, ipv6 ? "2001:db8:c::99" : "198.51.100.99", quoted); // about what came back
        Wire answered = answer;
        answered.ttl = arrives.ttl;
        translated = error_about(answered, "10.3.0.77", quoted);
        translated.source = sent.wire.source;
        translated.ttl = error.ttl - 1;
        translated.to = sent.wire.to, translated.from = {2, 0, 0, 0, 0, 0xaa};
        handled = desk.run(error.frame());
        wrong_errors += handled.action != XDP_REDIRECT || handled.frame != translated.frame();
    }
    CHECK(wrong == 0);
    CHECK(twice == 0);
    CHECK(outside == 0);
    CHECK(wrong_answers == 0);
    CHECK(wrong_errors == 0);
    CHECK(shares.size() == 4);
    CHECK(own.size() == 3);
    CHECK(std::ranges::all_of(shares, [](const auto& share) { return share.second > 1000; }));
    CHECK(desk.counted(LB_COUNT_NAT_BEGUN).packets == 6000);
    CHECK(desk.counted(LB_COUNT_NAT_BACK).packets == 12000);
    CHECK(desk.counted(LB_DROP_NAT_FULL).packets == 0);
}

TEST_CASE("a connection keeps its port until it is closed; a SYN after that begins another")
{
    enter_network();
    Desk desk;
    desk.configure(config_of(both));
    const Sent sent = opened(desk, 7);
    REQUIRE(sent.right);
    const unsigned port = sent.wire.source_port;
    CHECK(port_of(desk, from_client(7, ack_flag)) == port);
    CHECK(port_of(desk, from_client(7, syn_flag)) == port); // an open connection's backend knows what to say
    CHECK(port_of(desk, from_client(7, fin | ack_flag)) == port);
    CHECK(port_of(desk, from_client(7, syn_flag)) == port);
    CHECK(answers(desk, from_client(7, 0), sent.wire, fin | ack_flag));
    CHECK(port_of(desk, from_client(7, ack_flag)) == port);
    CHECK(answers(desk, from_client(7, 0), sent.wire, ack_flag));
    CHECK(desk.counted(LB_COUNT_NAT_BEGUN).packets == 1);
    CHECK(port_of(desk, from_client(7, syn_flag)) != port);
    CHECK(desk.counted(LB_COUNT_NAT_BEGUN).packets == 2);
    CHECK(desk.run(answer_to(sent.wire, ack_flag).frame()).action == XDP_PASS); // its port is nobody's now

    const Sent other = opened(desk, 8);
    CHECK(answers(desk, from_client(8, 0), other.wire, rst));
    CHECK(port_of(desk, from_client(8, syn_flag)) != other.wire.source_port);
}

TEST_CASE("when all ports are taken, connections that are not open give way, and open ones do not")
{
    enter_network();
    Desk desk;
    desk.configure(config_of(config_text("addresses: 10.9.0.1, ports: 3000-3003", one_backend)));
    std::set<unsigned> open;
    for (unsigned client = 1; open.size() < 3 && client < 50; ++client)
        if (const Sent sent = opened(desk, client); sent.right) open.insert(sent.wire.source_port);
    REQUIRE(open.size() == 3);
    for (unsigned client = 1000; client < 1100; ++client) { // of 16 looks one sees the fourth port, nearly always
        const unsigned port = port_of(desk, from_client(client, syn_flag));
        CHECK_FALSE(open.contains(port));
    }
    CHECK(desk.counted(LB_COUNT_NAT_PUSHED).packets > 50);
    for (unsigned client = 2000; open.size() < 4 && client < 2050; ++client)
        if (const Sent sent = opened(desk, client); sent.right) open.insert(sent.wire.source_port);
    REQUIRE(open == std::set<unsigned>{3000, 3001, 3002, 3003});
    const auto full = desk.counted(LB_DROP_NAT_FULL).packets;
    CHECK(send(desk, from_client(3000, syn_flag)).action == XDP_DROP);
    CHECK(desk.counted(LB_DROP_NAT_FULL).packets == full + 1);
    CHECK(send(desk, from_client(3000, 0, 53)).action == XDP_REDIRECT); // UDP's ports are others
    const auto uses = desk.program().nat_entries(0);
    REQUIRE(uses);
    const LbNatUse use = count_nat(*uses, desk.image().settings.nat, 0, monotonic());
    CHECK(use.address == "10.9.0.1");
    CHECK(use.ports == 4);
    CHECK(use.tcp == 4);
    CHECK(use.udp == 1);
}

TEST_CASE("a reset that nobody believes does not cost a connection its port")
{
    enter_network();
    Desk desk;
    desk.configure(config_of(config_text("addresses: 10.9.0.1, ports: 3000-3001", one_backend)));
    const Sent first = opened(desk, 1);
    REQUIRE(first.right);
    CHECK(send(desk, from_client(1, rst)).right);
    CHECK(send(desk, from_client(1, ack_flag)).wire.source_port == first.wire.source_port); // it goes on
    for (unsigned client = 100; client < 200; ++client)
        CHECK(port_of(desk, from_client(client, syn_flag)) != first.wire.source_port);
    CHECK(send(desk, from_client(1, ack_flag)).wire.source_port == first.wire.source_port);
}

TEST_CASE("a port whose connection has been idle for too long is given to another")
{
    enter_network();
    LbConfig config = config_of(config_text("addresses: 10.9.0.1, ports: 3000-3001", one_backend));
    config.nat->tcp_idle = Nanoseconds(0); // until the clock's next tick but one
    Desk desk;
    desk.configure(config);
    std::set<unsigned> open;
    for (unsigned client = 1; open.size() < 2 && client < 50; ++client)
        if (const Sent sent = opened(desk, client); sent.right) open.insert(sent.wire.source_port);
    REQUIRE(open == std::set<unsigned>{3000, 3001});
    std::this_thread::sleep_for(std::chrono::milliseconds(2300));
    CHECK(opened(desk, 100).right);
    CHECK(opened(desk, 101).right);
    CHECK(desk.counted(LB_COUNT_NAT_PUSHED).packets == 0);
}

TEST_CASE("connections stay with their backend through every reload, unless it or their address is removed")
{
    enter_network();
    const auto config = [](const std::string& addresses, const std::string& backends) {
        return config_of(config_text("addresses: [" + addresses + "]", backends));
    };
    Desk desk;
    desk.configure(config("10.9.0.1", "{address: 10.3.0.1}, {address: 10.3.0.2}"));
    std::map<unsigned, Wire> had;
    for (unsigned client = 1; client <= 400; ++client)
        had.emplace(client, opened(desk, client).wire);
    const auto moved = [&](unsigned number, std::size_t least) {
        std::size_t count = 0, of = 0;
        for (const auto& [client, wire] : had) {
            if (wire.destination.address[3] != number) continue;
            const Sent sent = send(desk, from_client(client, ack_flag));
            count += sent.wire.source_port != wire.source_port || sent.wire.destination != wire.destination;
            ++of;
        }
        CHECK(of >= least);
        return count;
    };
    desk.configure(config("10.9.0.2, 10.9.0.1", "{address: 10.3.0.1, weight: 0}, {address: 10.3.0.2}"));
    CHECK(moved(1, 100) == 0);
    CHECK(moved(2, 100) == 0);
    std::set<Prefix> own;
    for (unsigned client = 1001; client <= 1100; ++client) {
        const Sent sent = opened(desk, client);
        CHECK(sent.wire.destination == address("10.3.0.2"));
        own.insert(sent.wire.source);
    }
    CHECK(own == std::set{address("10.9.0.1"), address("10.9.0.2")});
    desk.configure(config("10.9.0.1", "{address: 10.3.0.1, weight: 0}, {address: 10.3.0.2, weight: 0}"));
    CHECK(moved(1, 100) == 0); // all drain
    CHECK(send(desk, from_client(5000, syn_flag)).action == XDP_DROP);
    desk.configure(config("10.9.0.1", "{address: 10.3.0.2}"));
    CHECK(moved(1, 100) > 100);
    CHECK(moved(2, 100) == 0);
    desk.configure(config("10.9.0.3", "{address: 10.3.0.2}"));
    CHECK(moved(2, 100) > 100);
    CHECK(desk.run(answer_to(had.at(1), ack_flag).frame()).action == XDP_PASS);
}

TEST_CASE("what cannot be translated is dropped and counted, and what is of no connection is left to the stack")
{
    enter_network();
    Desk desk;
    desk.configure(config_of(both));
    const Sent sent = opened(desk, 7);
    Wire piece = from_client(7, ack_flag);
    piece.fragment = 0x2000;
    CHECK(desk.run(piece.frame()).action == XDP_DROP);
    piece = answer_to(sent.wire, ack_flag);
    piece.fragment = 0x2000;
    CHECK(desk.run(piece.frame()).action == XDP_DROP);
    CHECK(desk.counted(LB_DROP_FRAGMENT).packets == 2);

    Wire last = from_client(7, ack_flag);
    last.ttl = 1;
    CHECK(desk.run(last.frame()).action == XDP_TX); // the client is told
    last = answer_to(sent.wire, ack_flag);
    last.ttl = 1;
    CHECK(desk.run(last.frame()).action == XDP_TX);
    CHECK(desk.counted(LB_DROP_TTL).packets == 2);

    Wire foreign = answer_to(sent.wire, ack_flag);
    ++foreign.source_port;
    CHECK(desk.run(foreign.frame()).action == XDP_PASS);
    foreign = answer_to(sent.wire, ack_flag);
    foreign.source = address("10.3.0.3");
    CHECK(desk.run(foreign.frame()).action == XDP_PASS);
    foreign = answer_to(sent.wire, ack_flag);
    foreign.destination_port = 22;
    CHECK(desk.run(foreign.frame()).action == XDP_PASS);
    const Wire unknown = error_about(answer_to(from_client(99, ack_flag), ack_flag), "198.51.100.99", 28);
    CHECK(desk.run(unknown.frame()).action == XDP_PASS);
    CHECK(desk.counted(LB_COUNT_NAT_BEGUN).packets == 1);

    support::must("ip neigh del 10.3.0.1 dev nat0");
    support::must("ip neigh del 10.3.0.2 dev nat0");
    CHECK(desk.run(from_client(7, ack_flag).frame()).action == XDP_DROP);
    CHECK(desk.counted(LB_DROP_NO_WAY).packets == 1);
    for (const char* number : {"1", "2"})
        support::must(std::string("ip neigh add 10.3.0.") + number + " lladdr 02:00:00:00:00:0" + number +
                      " dev nat0 nud permanent");
}

TEST_CASE("CPUs that begin connections at once give no port to two of them, and one connection no two ports")
{
    enter_network();
    constexpr unsigned clients = 3000;
    Desk desk;
    desk.configure(config_of(config_text("addresses: 10.9.0.1, ports: 1024-65535", one_backend)));
    std::array<std::vector<unsigned>, 2> ports;
    const auto begin = [&](std::size_t which) {
        for (unsigned client = 1; client <= clients; ++client)
            ports.at(which).push_back(port_of(desk, from_client(client, syn_flag)));
    };
    std::thread other(begin, 1);
    begin(0);
    other.join();
    CHECK(ports[0] == ports[1]);
    std::set<unsigned> distinct(ports[0].begin(), ports[0].end());
    CHECK(distinct.size() == clients);
    CHECK_FALSE(distinct.contains(0));
    CHECK(desk.counted(LB_COUNT_NAT_BEGUN).packets == clients);
}
