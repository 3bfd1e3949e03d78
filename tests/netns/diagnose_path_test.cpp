// SPDX-License-Identifier: GPL-2.0-or-later
// Faults of devices, queues, firewalls and routes, provoked for real; each must be the first cause that diagnose names.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include "support/packets.h"
#include "support/slow_path.h"

using namespace faults;

TEST_CASE("a shaper that is too slow for UDP")
{
    const Link link;
    link.here.tc("qdisc add dev nw0 root tbf rate 1mbit burst 5kb limit 5kb");
    Watch watch(link.here);
    link.here.in([] { send_datagrams("10.9.0.2", 5000, 500, 1000); });
    const auto first = expect_first(watch.diagnosis(), "qdisc-full");
    CHECK(names_victim(first, "tbf"));
    CHECK(names_victim(first, "nw0"));
    CHECK(first.events > 400);
}

TEST_CASE("a firewall that drops in silence")
{
    const Link link;
    link.there.nft("add table ip t; add chain ip t c { type filter hook input priority 0; }; "
                   "add rule ip t c udp dport 5000 drop");
    Watch watch(link.there);
    link.here.in([] { send_datagrams("10.9.0.2", 5000, 50); });
    std::this_thread::sleep_for(20ms);
    const auto first = expect_first(watch.diagnosis(), "firewall-drop");
    CHECK(first.nature == Nature::Policy);
    CHECK(first.events == 50);
    CHECK(names_victim(first, "udp port 5000"));
}

TEST_CASE("a destination without a route")
{
    const Link link;
    Watch watch(link.here);
    link.here.in([] { send_datagrams("192.0.2.1", 5000, 30); });
    CHECK(expect_first(watch.diagnosis(), "no-route").events == 30);
}

TEST_CASE("TCP through a shaper: its drops are the cause, the retransmissions follow")
{
    const Link link;
    link.here.tc("qdisc add dev nw0 root tbf rate 20mbit burst 5kb limit 20kb");
    const auto pair = connected(link, 8080);
    Watch watch(link.here);
    const Pump pump(pair);
    std::this_thread::sleep_for(300ms);
    const auto diagnosis = watch.diagnosis();
    CHECK(names_victim(expect_first(diagnosis, "qdisc-full"), "nw0"));
    const auto loss = std::ranges::find(diagnosis.causes, "path-loss", &FoundCause::cause);
    if (loss != diagnosis.causes.end()) CHECK(loss->because_of == "qdisc-full");
}

TEST_CASE("a queue in which packets wait long")
{
    const Link link;
    link.here.tc("qdisc add dev nw0 root tbf rate 4mbit burst 5kb limit 4mb");
    std::atomic<bool> stop{false};
    auto sender = link.here.beside([&] {
        const Fd socket = udp(); // whose sends wait while its buffer is in the queue
        const auto to = address("10.9.0.2", 5000);
        const std::vector<char> data(1400);
        while (!stop)
            (void)::sendto(socket.get(), data.data(), data.size(), 0, general(to), sizeof to);
    });
    std::this_thread::sleep_for(50ms);
    Watch watch(link.here);
    std::this_thread::sleep_for(200ms);
    const auto diagnosis = watch.diagnosis({Symptom::Latency});
    stop = true;
    sender.join();
    CHECK(names_victim(expect_first(diagnosis, "qdisc-wait"), "nw0"));
}

TEST_CASE("a firewall that says no")
{
    const Link link;
    link.there.nft("add table ip t; add chain ip t c { type filter hook input priority 0; }; "
                   "add rule ip t c udp dport 5000 reject with icmp admin-prohibited");
    link.there.sysctl("net/ipv4/icmp_ratelimit", "0");
    Watch watch(link.there);
    Packet packet;
    Wire(link).send(packet, 40);
    const auto first = expect_first(watch.diagnosis(), "firewall-reject");
    CHECK(first.nature == Nature::Policy);
    CHECK(first.events == 40);
}

TEST_CASE("packets that connection tracking calls invalid")
{
    const Link link;
    link.there.nft("add table ip t; add chain ip t c { type filter hook input priority 0; }; "
                   "add rule ip t c ct state invalid drop");
    Watch watch(link.there);
    Packet packet;
    packet.protocol = IPPROTO_TCP;
    packet.tcp_flags = 0x03; // SYN and FIN
    Wire(link).send(packet, 30);
    CHECK(expect_first(watch.diagnosis(), "conntrack-invalid").events == 30);
}

TEST_CASE("a source whose way back leads elsewhere")
{
    const Link link;
    link.there.sysctl("net/ipv4/conf/all/rp_filter", "1");
    link.there.ip("route add 192.0.2.0/24 dev lo");
    Watch watch(link.there);
    Packet packet;
    packet.source = "192.0.2.7";
    Wire(link).send(packet, 50);
    CHECK(expect_first(watch.diagnosis(), "rp-filter").events == 50);
}

TEST_CASE("packets whose addresses cannot be right")
{
    const Link link;
    Packet packet;
    std::string cause;
    SUBCASE("this host's own address comes from outside")
    {
        packet.source = "10.9.0.2";
        cause = "spoofed-source";
    }
    SUBCASE("a loopback address comes from outside")
    {
        packet.source = "127.0.0.9";
        cause = "martian";
    }
    SUBCASE("an address this host does not have")
    {
        packet.destination = "192.0.2.9";
        cause = "not-our-address";
        link.there.ip("route add 192.0.2.0/24 via 10.9.0.1");
    }
    Watch watch(link.there);
    Wire(link).send(packet, 30);
    CHECK(expect_first(watch.diagnosis(), cause).events == 30);
}

TEST_CASE("a router on which packets end")
{
    const Link link;
    link.there.sysctl("net/ipv4/ip_forward", "1");
    link.there.sysctl("net/ipv4/icmp_ratelimit", "0");
    Packet packet;
    packet.destination = "192.0.2.9";
    std::string cause;
    SUBCASE("because their time to live ran out")
    {
        link.there.ip("route add 192.0.2.0/24 via 10.9.0.1");
        packet.ttl = 1;
        cause = "ttl-expired";
    }
    SUBCASE("because they are larger than the next link")
    {
        link.there.ip("route add 192.0.2.0/24 via 10.9.0.1 mtu lock 600");
        packet.size = 1000;
        packet.fragment = 0x4000; // do not fragment
        cause = "packet-too-big";
    }
    SUBCASE("because there is no route") { cause = "no-route"; }
    Watch watch(link.there);
    Wire(link).send(packet, 30);
    CHECK(expect_first(watch.diagnosis(), cause).events == 30);
}

TEST_CASE("fragments whose rest never comes")
{
    const Link link;
    link.there.sysctl("net/ipv4/ipfrag_time", "1");
    Watch watch(link.there);
    Packet packet;
    packet.fragment = 0x2000; // more fragments
    packet.size = 992;
    Wire(link).send(packet, 20);
    std::this_thread::sleep_for(1300ms);
    CHECK(expect_first(watch.diagnosis(), "fragments-lost").events == 20);
}

TEST_CASE("faulty headers")
{
    const Link link;
    Watch watch(link.there);
    Packet packet;
    packet.good_length = false;
    Wire(link).send(packet, 30);
    CHECK(expect_first(watch.diagnosis(), "ip-header").events == 30);
}

TEST_CASE("a machine on the link that does not answer ARP")
{
    const Link link;
    link.here.sysctl("net/ipv4/neigh/nw0/retrans_time_ms", "20");
    Watch watch(link.here);
    link.here.in([] { send_datagrams("10.9.0.77", 5000, 20); });
    std::this_thread::sleep_for(300ms);
    const auto first = expect_first(watch.diagnosis(), "neighbour-unresolved");
    CHECK(first.events >= 3);
    CHECK(names_victim(first, "port 5000"));
}

// The table is the whole host's: that of IPv6 is filled for a moment, so that its IPv4 neighbours are left in peace.
TEST_CASE("more neighbours than the table holds")
{
    const Link link;
    link.here.sysctl("net/ipv6/conf/all/disable_ipv6", "0");
    link.here.sysctl("net/ipv6/conf/nw0/disable_ipv6", "0");
    link.here.ip("-6 addr add fd09::1/64 dev nw0 nodad");
    Watch watch(link.here);
    link.here.in([] {
        const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        set(socket, SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20); // what waits for an answer must not hold up the rest
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        to.sin6_port = htons(5000);
        check(::inet_pton(AF_INET6, "fd09::", &to.sin6_addr) == 1, "an address");
        for (unsigned i = 2; i < 1400; ++i) {
            to.sin6_addr.s6_addr[14] = static_cast<std::uint8_t>(i >> 8);
            to.sin6_addr.s6_addr[15] = static_cast<std::uint8_t>(i);
            (void)::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
        }
    });
    const auto first = expect_first(watch.diagnosis(), "neighbour-table-full");
    CHECK(names_victim(first, "ipv6"));
    link.here.ip("link set nw0 down"); // and empties it at once
}

// A BPF program that gives back one number.
Fd program_that_says(bpf_prog_type type, int verdict)
{
    const bpf_insn code[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    Fd program(bpf_prog_load(type, "verdict", "GPL", code, 2, nullptr));
    check(static_cast<bool>(program), "load a BPF program");
    return program;
}

TEST_CASE("programs in the way that drop")
{
    const Link link;
    std::string cause = "xdp-drop";
    const auto attach_xdp = [&](unsigned flags) {
        const Fd program = program_that_says(BPF_PROG_TYPE_XDP, XDP_DROP);
        link.there.in([&] {
            check(bpf_xdp_attach(static_cast<int>(::if_nametoindex("nw1")), program.get(), flags, nullptr) == 0,
                  "attach XDP");
        });
    };
    SUBCASE("generic XDP") { attach_xdp(XDP_FLAGS_SKB_MODE); }
    SUBCASE("XDP in the driver") { attach_xdp(XDP_FLAGS_DRV_MODE); }
    SUBCASE("tc")
    {
        cause = "tc-drop";
        const Fd program = program_that_says(BPF_PROG_TYPE_SCHED_CLS, 2); // TC_ACT_SHOT
        link.there.in([&] {
            bpf_tc_hook hook{};
            hook.sz = sizeof hook;
            hook.ifindex = static_cast<int>(::if_nametoindex("nw1"));
            hook.attach_point = BPF_TC_INGRESS;
            bpf_tc_opts options{};
            options.sz = sizeof options;
            options.prog_fd = program.get();
            check(bpf_tc_hook_create(&hook) == 0 && bpf_tc_attach(&hook, &options) == 0, "attach to tc");
        });
    }
    Watch watch(link.there);
    Packet packet;
    Wire(link).send(packet, 40);
    const auto first = expect_first(watch.diagnosis(), cause);
    CHECK(first.events == 40);
    CHECK(first.nature == Nature::Policy);
    CHECK(names_victim(first, "nw1"));
}

TEST_CASE("a tun device whose program does not read")
{
    const Host host;
    const Fd tun = open_tun(host, "tun0");
    host.ip("addr add 10.8.0.1/24 dev tun0");
    host.ip("link set tun0 up txqueuelen 50");
    Watch watch(host);
    host.in([] { send_datagrams("10.8.0.2", 5000, 300); });
    const auto first = expect_first(watch.diagnosis(), "tap-queue-full");
    CHECK(names_victim(first, "tun0"));
    CHECK(first.events >= 240);
}

TEST_CASE("links that go")
{
    const Link link;
    Watch watch(link.here);
    SUBCASE("down")
    {
        link.there.ip("link set nw1 down");
        CHECK(names_victim(expect_first(watch.diagnosis(), "carrier-lost"), "nw0"));
    }
    SUBCASE("down and up and down")
    {
        for (const char* state : {"down", "up", "down", "up"})
            link.there.ip(std::string("link set nw1 ") + state);
        CHECK(names_victim(expect_first(watch.diagnosis(), "link-flaps"), "nw0"));
    }
}

TEST_CASE("a CPU that does not keep up with what another hands over")
{
    const Link link;
    if (std::thread::hardware_concurrency() < 2) {
        MESSAGE("skipped: one CPU hands nothing over");
        return;
    }
    // Thousands of rules for each packet keep CPU 1 busy; the sender runs on CPU 0.
    std::string rules = "add table ip t; add chain ip t c { type filter hook prerouting priority -300; }; ";
    for (int i = 0; i < 3000; ++i)
        rules += "add rule ip t c udp dport " + std::to_string(10000 + i) + " accept; ";
    link.there.nft(rules);
    CHECK(support::run(support::words(std::string(NETWRIGHT_BINARY) + " --netns " + link.there.name +
                                      " --state-dir /tmp/" + link.there.name +
                                      " set queue/nw1/rx-0/rps_cpus list:1 --yes --keep"))
              .status == 0);
    Watch watch(link.there);
    link.here.in([] {
        cpu_set_t first;
        CPU_ZERO(&first);
        CPU_SET(0, &first);
        check(::sched_setaffinity(0, sizeof first, &first) == 0, "affinity");
        const Fd socket = udp();
        set(socket, SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20); // packets in the backlog are still the sender's
        const auto to = address("10.9.0.2", 5000);
        for (const auto end = Clock::now() + 700ms; Clock::now() < end;)
            for (int i = 0; i < 1000; ++i)
                (void)::sendto(socket.get(), "x", 1, 0, general(to), sizeof to);
    });
    const auto first = expect_first(watch.diagnosis(), "backlog-full");
    CHECK(first.layer == Layer::Softirq);
}

TEST_CASE("drops that hurt nobody are no fault")
{
    const Link link;
    const Wire wire(link);
    Watch watch(link.there);
    for (int i = 0; i < 30; ++i) {
        wire.send(Octets(60), 0x88cc); // LLDP
        wire.send_to({2, 0, 0, 0, 0, 9}, packet_bytes({}));
    }
    std::this_thread::sleep_for(20ms);
    const auto diagnosis = watch.diagnosis();
    INFO(words_of(diagnosis));
    CHECK(diagnosis.causes.empty());
    for (const char* reason : {"OTHERHOST", "UNHANDLED_PROTO"}) {
        const auto found = std::ranges::find(diagnosis.quiet, reason, &QuietDrop::reason);
        REQUIRE(found != diagnosis.quiet.end());
        CHECK(found->packets == 30);
        CHECK_FALSE(found->meaning.empty());
    }
}
