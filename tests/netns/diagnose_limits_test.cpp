// SPDX-License-Identifier: GPL-2.0-or-later
// Faults of limits that a whole host shares, its CPUs among them, reached from within a namespace; each must be the
// first cause that diagnose names.
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/userfaultfd.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <fstream>

#include "support/packets.h"

using namespace faults;

namespace {

std::uint32_t host_limit(const std::string& key)
{
    std::uint32_t limit = 0;
    std::ifstream("/proc/sys/" + key) >> limit;
    return limit;
}

bool found(const Diagnosis& diagnosis, const std::string& cause)
{
    return std::ranges::find(diagnosis.causes, cause, &FoundCause::cause) != diagnosis.causes.end();
}

// Entries of connections that never were, made by ctnetlink. Those that are assured are never evicted.
class ConntrackFiller {
public:
    explicit ConntrackFiller(const Space& space)
    {
        space.in([&] { socket_.reset(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)); });
        check(static_cast<bool>(socket_), "netlink");
    }
    void add(std::uint32_t number, bool assured = true)
    {
        kernel::Request request((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW, NLM_F_CREATE);
        request.header(nfgenmsg{AF_INET, NFNETLINK_V0, 0});
        const std::uint32_t client = htonl(0x0a000000U + number / 50000), server = htonl(0x0b000001U);
        const std::uint16_t client_port = htons(static_cast<std::uint16_t>(1024 + number % 50000)),
                            server_port = htons(53);
        put_tuple(request, CTA_TUPLE_ORIG, client, server, client_port, server_port);
        put_tuple(request, CTA_TUPLE_REPLY, server, client, server_port, client_port);
        request.put_u32(CTA_STATUS, htonl((assured ? IPS_ASSURED : 0) | IPS_SEEN_REPLY | IPS_CONFIRMED));
        request.put_u32(CTA_TIMEOUT, htonl(600));
        const auto bytes = request.bytes();
        batch_.insert(batch_.end(), bytes.begin(), bytes.end());
        if (batch_.size() > 60000) flush();
    }
    void flush()
    {
        (void)::send(socket_.get(), batch_.data(), batch_.size(), 0);
        batch_.clear();
        std::array<char, 8192> answers;
        while (::recv(socket_.get(), answers.data(), answers.size(), MSG_DONTWAIT) > 0) {
        } // "no room" at the end
    }

private:
    static void put_tuple(kernel::Request& request, std::uint16_t type, std::uint32_t source, std::uint32_t destination,
                          std::uint16_t source_port, std::uint16_t destination_port)
    {
        const auto tuple = request.begin(type);
        const auto addresses = request.begin(CTA_TUPLE_IP);
        request.put_u32(CTA_IP_V4_SRC, source).put_u32(CTA_IP_V4_DST, destination);
        request.end(addresses);
        const auto ports = request.begin(CTA_TUPLE_PROTO);
        request.put_u8(CTA_PROTO_NUM, IPPROTO_UDP)
            .put_u16(CTA_PROTO_SRC_PORT, source_port)
            .put_u16(CTA_PROTO_DST_PORT, destination_port);
        request.end(ports);
        request.end(tuple);
    }
    Fd socket_;
    std::vector<std::byte> batch_;
};

// A link whose far end tracks connections. The limit is the whole host's and is left alone; the entries are its own.
struct Tracked {
    Link link;
    std::uint32_t limit = host_limit("net/netfilter/nf_conntrack_max");
    Tracked()
    {
        link.there.nft("add table ip t; add chain ip t c { type filter hook input priority 0; }; "
                       "add rule ip t c ct state established accept");
    }
    bool can_be_filled() const
    {
        if (limit != 0 && limit <= 600'000) return true;
        MESSAGE("skipped: a connection tracking table of ", limit, " is too large to fill in a test");
        return false;
    }
};

} // namespace

TEST_CASE("connection tracking without room for new connections")
{
    const Tracked tracked;
    if (!tracked.can_be_filled()) return;
    ConntrackFiller filler(tracked.link.there);
    for (std::uint32_t i = 0; i < tracked.limit + 10; ++i)
        filler.add(i);
    filler.flush();
    Watch watch(tracked.link.there);
    Packet packet;
    Wire(tracked.link).send(packet, 40);
    const auto diagnosis = watch.diagnosis();
    CHECK(expect_first(diagnosis, "conntrack-full").events == 40);
    CHECK_FALSE(found(diagnosis, "firewall-drop"));
}

TEST_CASE("connection tracking that throws out young connections to make room")
{
    constexpr std::uint32_t many = 20'000; // more than the kernel collects by itself above 95 %
    const Tracked tracked;
    if (!tracked.can_be_filled()) return;
    ConntrackFiller filler(tracked.link.there);
    for (std::uint32_t i = 0; i < tracked.limit; ++i)
        filler.add(i, i % 4 != 0);
    filler.flush();
    Watch watch(tracked.link.there);
    for (std::uint32_t i = 0; i < many; ++i)
        filler.add(tracked.limit + i, false);
    filler.flush();
    Packet packet;
    Wire(tracked.link).send(packet, 40);
    CHECK(expect_first(watch.diagnosis({Symptom::Resets}), "conntrack-evicts").events >= 40);
}

TEST_CASE("a translation rule with one port for many connections")
{
    const Link link;
    link.here.nft("add table ip n; add chain ip n p { type nat hook postrouting priority 100; }; "
                  "add rule ip n p udp dport 5000 snat to 10.9.0.1:40000");
    Watch watch(link.here);
    link.here.in([] {
        for (int i = 0; i < 20; ++i) // a socket and so a connection each
            send_datagrams("10.9.0.2", 5000, 1);
    });
    const auto diagnosis = watch.diagnosis();
    CHECK(expect_first(diagnosis, "conntrack-race").events == 19);
    CHECK_FALSE(found(diagnosis, "conntrack-full")); // although the kernel counts these drops there too
    CHECK_FALSE(found(diagnosis, "firewall-drop"));
}

namespace {

// A connection that never was, closed: it goes on trying to deliver its end to a peer that does not answer.
void leave_orphan(std::uint16_t port)
{
    const Fd socket = tcp();
    set(socket, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON); // connect() makes it established without a handshake
    check(connect_to(socket, "10.9.0.2", port) == 0, "a connection in repair");
    set(socket, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
}

} // namespace

TEST_CASE("closed connections that cannot deliver what is left, up to half of what the host allows")
{
    // The limit is the whole host's and is neither changed nor reached: beyond it others would suffer.
    const std::uint32_t limit = host_limit("net/ipv4/tcp_max_orphans");
    if (limit == 0 || limit > 300'000) {
        MESSAGE("skipped: ", limit, " orphans are too many for a test");
        return;
    }
    const Link link;
    link.there.nft("add table ip t; add chain ip t c { type filter hook prerouting priority -300; }; "
                   "add rule ip t c ip protocol tcp drop");
    link.here.sysctl("net/ipv4/ip_local_port_range", "1024 65535");
    link.here.ip("route add 10.9.0.2 dev nw0 rtt 20s"); // so that nothing is sent again while we look
    Watch watch(Place("/proc/self/ns/net"));            // the limit is not visible in other namespaces
    link.here.in([&] {
        for (std::uint32_t i = 0; i < limit / 2 + 100; ++i)
            leave_orphan(static_cast<std::uint16_t>(9000 + i % 8));
    });
    const auto diagnosis = watch.diagnosis({Symptom::Resets});
    (void)support::run({"sh", "-c", "ip netns exec " + link.here.name + " ss -K -t state fin-wait-1 >/dev/null"});
    const auto first = expect_first(diagnosis, "orphans");
    CHECK(first.evidence[0].value.find("of " + std::to_string(limit)) != std::string::npos);
}

namespace {

// Memory nobody brings in: who copies into it waits there, holding what it holds, until the object ends.
class Swamp {
public:
    Swamp()
    {
        userfault_.reset(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)));
        uffdio_api api{};
        api.api = UFFD_API;
        if (!userfault_ || ::ioctl(userfault_.get(), UFFDIO_API, &api) != 0) return;
        page_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        uffdio_register range{};
        range.range = {reinterpret_cast<std::uintptr_t>(page_), size};
        range.mode = UFFDIO_REGISTER_MODE_MISSING;
        there_ = page_ != MAP_FAILED && ::ioctl(userfault_.get(), UFFDIO_REGISTER, &range) == 0;
    }
    ~Swamp()
    {
        drain();
        if (page_ != MAP_FAILED) ::munmap(page_, size);
    }
    Swamp(const Swamp&) = delete;
    Swamp& operator=(const Swamp&) = delete;
    bool there() const { return there_; }
    void* page() const { return page_; }
    void drain() { userfault_.reset(); } // whoever waits finds zeros and goes on
    static constexpr std::size_t size = 4096;

private:
    Fd userfault_;
    void* page_ = MAP_FAILED;
    bool there_ = false;
};

std::uint16_t local_port(const Fd& socket)
{
    sockaddr_in at{};
    socklen_t length = sizeof at;
    check(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &length) == 0, "the local port");
    return ntohs(at.sin_port);
}

// A segment of this connection, as its client would send it.
Packet segment_of(const Connected& pair, std::uint16_t port)
{
    Packet segment;
    segment.protocol = IPPROTO_TCP;
    segment.tcp_flags = 0x18; // PSH and ACK
    segment.source_port = local_port(pair.client);
    segment.destination_port = port;
    segment.data = 100;
    return segment;
}

void send_again(const Wire& wire, const Packet& packet, int times)
{
    const Octets bytes = packet_bytes(packet);
    for (int i = 0; i < times; ++i)
        wire.send(bytes);
    std::this_thread::sleep_for(20ms);
}

} // namespace

TEST_CASE("a program that holds its socket locked while segments come")
{
    Swamp swamp;
    if (!swamp.there()) {
        MESSAGE("skipped: this kernel or user has no userfaultfd");
        return;
    }
    const Link link;
    const auto pair = connected(link, 8094, {}, [](const Fd& socket) { set(socket, SOL_SOCKET, SO_RCVBUF, 5000); });
    REQUIRE(::send(pair.client.get(), "hello", 5, 0) == 5);
    std::this_thread::sleep_for(10ms);
    Watch watch(link.there);
    std::thread reader([&] { (void)::recv(pair.server.get(), swamp.page(), Swamp::size, 0); });
    std::this_thread::sleep_for(50ms); // it is inside the call now, with the socket
    send_again(Wire(link), segment_of(pair, 8094), 2000);
    swamp.drain();
    reader.join();
    CHECK(expect_first(watch.diagnosis(), "socket-backlog-full").events > 500);
}

TEST_CASE("segments whose timestamps lie in the past")
{
    const Link link;
    const auto pair = connected(link, 8095);
    std::uint32_t now = 0; // what the client writes into its segments
    socklen_t length = sizeof now;
    REQUIRE(::getsockopt(pair.client.get(), IPPROTO_TCP, TCP_TIMESTAMP, &now, &length) == 0);
    Packet old = segment_of(pair, 8095);
    old.timestamp = now - 1'000'000;
    Watch watch(link.there);
    send_again(Wire(link), old, 30);
    CHECK(expect_first(watch.diagnosis(), "old-timestamps").events == 30);
}

TEST_CASE("one CPU that does all the network work, and never within its budget")
{
    if (std::thread::hardware_concurrency() < 2) {
        MESSAGE("skipped: with one CPU there is no other to compare with");
        return;
    }
    // 24,000 rules for each packet: a batch of 64 takes longer than net.core.netdev_budget_usecs.
    const Link link;
    std::string rules = "add table ip t; add chain ip t many; ";
    for (int i = 0; i < 3000; ++i)
        rules += "add rule ip t many udp dport " + std::to_string(10000 + i) + " accept; ";
    rules += "add chain ip t c { type filter hook prerouting priority -300; }; ";
    for (int i = 0; i < 8; ++i)
        rules += "add rule ip t c jump many; ";
    link.there.nft(rules + "add rule ip t c drop");
    support::must("ip netns exec " + link.here.name + " ethtool -K nw0 tx-udp-segmentation off");
    // From before the first look to after the last one: what is measured is a CPU that never had time.
    std::atomic<bool> over = false, sending = false, preferred = true;
    std::thread load([&] {
        link.here.in([&] {
            cpu_set_t first;
            CPU_ZERO(&first);
            CPU_SET(0, &first);
            check(::sched_setaffinity(0, sizeof first, &first) == 0, "affinity");
            const sched_param before_others{1}; // so that other programs do not share it
            preferred = ::sched_setscheduler(0, SCHED_FIFO, &before_others) == 0;
            const Fd socket = udp();
            set(socket, IPPROTO_UDP, UDP_SEGMENT, 100);
            const auto to = address("10.9.0.2", 5000);
            const std::vector<char> batch(64 * 100);
            for (sending = true; preferred && !over;)
                (void)::sendto(socket.get(), batch.data(), batch.size(), 0, general(to), sizeof to);
        });
    });
    while (!sending)
        std::this_thread::sleep_for(1ms);
    Watch watch(link.there);
    std::this_thread::sleep_for(1200ms);
    const auto diagnosis = watch.everything({Symptom::Cpu});
    over = true;
    load.join();
    if (!preferred) {
        MESSAGE("skipped: this user may not take a CPU from other programs");
        return;
    }
    INFO(words_of(diagnosis));
    CHECK(names_victim(expect_first(diagnosis, "one-cpu-full"), "CPU 0"));
    CHECK(found(diagnosis, "softirq-budget"));
}
