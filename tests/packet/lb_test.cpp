// SPDX-License-Identifier: GPL-2.0-or-later
// The loaded load balancer against the reference, byte for byte; and what happens to connections when it changes.
#include <doctest/doctest.h>
#include <sched.h>

#include <atomic>
#include <numeric>
#include <thread>

#include "../dataplane/lb_reference.h"
#include "aim.h"
#include "lb_desk.h"
#include "packet_maker.h"

using namespace netwright;
using namespace netwright::dataplane;
using namespace netwright::test;

namespace {

const std::string everything = R"(
source: [10.200.0.0/16, "2001:db8:f::/64"]
mtu: 1300
gue_port: 6081
icmp_rate: 1000000
quic_config: 3
hash_key: 00112233445566778899aabbccddeeff
pools:
  quic:
    backends:
      - {address: 10.6.0.1, quic_id: 1}
      - {address: "2001:db8:6::2", quic_id: 65535}
      - {address: 10.6.0.3, quic_id: 770, weight: 0}
      - {address: 10.6.0.4}
  near:
    mode: layer2
    backends: [{address: 10.4.0.1, mac: "02:00:00:00:04:01"}, {address: "2001:db8:4::2", mac: "02:00:00:00:04:02"}]
  far:
    mode: gue
    backends: [{address: 10.5.0.1}, {address: "2001:db8:5::1"}]
  web: {backends: [{address: 10.3.0.1, weight: 3}, {address: 10.3.0.2}, {address: "2001:db8:3::3"}]}
  dns: {backends: [{address: 10.3.1.1}, {address: "2001:db8:3::1"}, {address: "2001:db8:3::2", weight: 0}]}
  small: {backends: [{address: 10.3.0.1}]}
  gone: {backends: [{address: 10.3.0.9, weight: 0}]}
vips:
  - {address: 10.0.0.1, port: [80, 443, 65535], protocol: tcp, pool: web}
  - {address: 10.0.0.1, port: [53, 123], protocol: udp, pool: dns}
  - {address: 10.1.0.1, port: [22, 80], protocol: tcp, pool: web, affinity: source}
  - {address: 10.1.0.1, port: 53, protocol: udp, pool: dns}
  - {address: 10.1.0.1, port: 1024, protocol: udp, pool: small}
  - {address: 10.2.0.1, port: [53, 80, 1024], protocol: [tcp, udp], pool: gone}
  - {address: "2001:db8::1", port: [80, 443, 65535, 22], protocol: tcp, pool: web}
  - {address: 10.2.0.0, port: [53, 80, 443], protocol: udp, pool: quic, affinity: quic}
  - {address: "2001:db8::5", port: [22, 53, 80, 123, 443, 1024, 65535], protocol: udp, pool: quic, affinity: quic}
  - {address: 10.0.0.2, port: [22, 80, 443], protocol: tcp, pool: near}
  - {address: 10.0.0.2, port: [53, 123, 1024], protocol: udp, pool: near, affinity: source}
  - {address: 10.0.255.1, port: [22, 80, 443], protocol: tcp, pool: far}
  - {address: 10.0.255.1, port: [53, 123], protocol: udp, pool: far}
  - {address: "2001:db8::3", port: [22, 53, 80, 443], protocol: [tcp, udp], pool: near}
  - {address: "2001:db8::4", port: [22, 53, 80, 443], protocol: [tcp, udp], pool: far}
  - {address: "2001:db8::2", port: [53, 123, 1024, 65535], protocol: [tcp, udp], pool: dns, affinity: source}
)";

} // namespace

TEST_CASE("before its first configuration it passes everything")
{
    const Desk desk;
    CHECK(desk.run(tcp(1, syn)).action == XDP_PASS);
}

TEST_CASE("a packet to a VIP leaves with the outer header that the standards want, and is counted twice")
{
    Desk desk;
    desk.configure(config_of(pool_of({{1, 1}})));
    const Frame frame = tcp(4660, syn);
    Frame expected{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
    for (const unsigned byte :
         {0x45U, 0x12U, 0U, 60U, 0U, 0U, 0x40U, 0U, 64U, 4U, 0x26U, 0xa2U, 10U, 9U, 0U, 1U, 10U, 0U, 0U, 1U})
        expected.push_back(static_cast<std::uint8_t>(byte));
    expected.insert(expected.end(), frame.begin() + 14, frame.end());
    expected[42] = 62; // a hop less, and the checksum a half more
    expected[44] = 1;
    const Handled balanced = desk.run(frame);
    CHECK(balanced.action == XDP_TX);
    CHECK(balanced.frame == expected);
    CHECK(desk.counted(LB_COUNT_VIPS).packets == 1);
    CHECK(desk.counted(LB_COUNT_BACKENDS).packets == 1);
    CHECK(desk.counted(LB_COUNT_BACKENDS).bytes == frame.size());
    CHECK(desk.run(tcp(4660, syn, 81)).action == XDP_PASS); // no VIP
    CHECK(desk.counted(LB_COUNT_VIPS).packets == 1);
}

TEST_CASE("program and reference agree on 100,000 generated packets, to the byte, and every one is accounted for")
{
    const LbConfig config = config_of(everything);
    Desk desk;
    desk.configure(config);
    const reference::Balancer balancer(config);
    test::PacketMaker maker(11);
    std::mt19937 random(12);
    std::map<std::string, std::uint64_t> expected;
    const Frame drained{10, 6, 0, 3}; // gets connections by their IDs alone
    int differ = 0, answers = 0, errors = 0, by_id = 0;
    for (int i = 0; i < 100'000; ++i) {
        Frame frame = i % 4 ? maker.frame() : test::icmp_error(config, random);
        if (i % 4) test::aim(frame, config, random);
        if (i % 4 == 2) test::identify(frame, config, random);
        if (i % 16 == 1) test::lengthen(frame, 400 + random() % 1000);
        const auto wanted = balancer.balance(frame);
        const Handled got = desk.run(frame);
        ++expected[!wanted.why.empty() ? wanted.why : wanted.action == XDP_TX ? "sent" : "passed"];
        answers += wanted.action == XDP_TX && !wanted.why.empty();
        by_id += wanted.why.empty() && std::ranges::search(wanted.frame, drained).begin() != wanted.frame.end();
        errors += i % 4 == 0 && wanted.action == XDP_TX;
        if (got.action == wanted.action && (got.action == XDP_DROP || got.frame == wanted.frame)) continue;
        if (++differ <= 5) MESSAGE("packet ", i, ": ", got.action, " instead of ", wanted.action, " ", wanted.why);
    }
    CHECK(differ == 0);
    for (const char* kind : {"sent", "passed", "malformed", "fragment", "no backend", "ttl", "too big"})
        CHECK_MESSAGE(expected[kind] > 100, kind);
    CHECK(answers > 400);
    CHECK(errors > 1000);
    CHECK(by_id > 5);
    CHECK(desk.counted(LB_DROP_TOO_BIG).packets == expected["too big"]);
    CHECK(desk.counted(LB_DROP_MALFORMED).packets == expected["malformed"]);
    CHECK(desk.counted(LB_DROP_FRAGMENT).packets == expected["fragment"]);
    CHECK(desk.counted(LB_DROP_NO_BACKEND).packets == expected["no backend"]);
    CHECK(desk.counted(LB_DROP_TTL).packets == expected["ttl"]);
    std::uint64_t vips = 0, backends = 0;
    for (const auto& [name, counter] : desk.image().counters)
        vips += desk.counted(counter).packets;
    for (const auto& [address, number] : desk.image().numbers)
        backends += desk.counted(LB_COUNT_BACKENDS + number).packets;
    CHECK(backends == expected["sent"]);
    CHECK(vips == 100'000 - expected["passed"]);
}

TEST_CASE(
    "what is too big for the way to the backend is answered if it must not be fragmented, and what just fits is sent")
{
    Desk desk;
    desk.configure(config_of(pool_of({{1, 1}})));
    const auto sized = [](unsigned length, unsigned fragment_bits) {
        Frame frame = tcp(1, ack);
        frame.resize(14 + length);
        frame[16] = static_cast<std::uint8_t>(length >> 8);
        frame[17] = static_cast<std::uint8_t>(length);
        frame[20] = static_cast<std::uint8_t>(fragment_bits);
        return frame;
    };
    const Frame large = sized(1481, 0x40);
    CHECK(desk.backend(sized(1480, 0x40)) == 1);
    CHECK(desk.run(sized(1481, 0)).action == XDP_DROP);
    const Handled answer = desk.run(large);
    REQUIRE(answer.action == XDP_TX);
    REQUIRE(answer.frame.size() == 14 + 20 + 8 + 504);
    CHECK(Frame(answer.frame.begin() + 26, answer.frame.begin() + 34) == Frame{192, 0, 2, 1, 198, 51, 100, 7});
    CHECK(Frame(answer.frame.begin() + 34, answer.frame.begin() + 36) == Frame{3, 4});
    CHECK(Frame(answer.frame.begin() + 38, answer.frame.begin() + 42) == Frame{0, 0, 1480 >> 8, 1480 & 255});
    CHECK(std::equal(answer.frame.begin() + 42, answer.frame.end(), large.begin() + 14));
    CHECK(desk.counted(LB_DROP_TOO_BIG).packets == 2);
    CHECK(desk.counted(LB_COUNT_BACKENDS).packets == 1);
}

TEST_CASE("a QUIC connection goes where its ID says, from any address and through any change")
{
    const auto pool = [](const std::string& backends) {
        return config_of("{source: 10.9.0.1, quic_config: 2, pools: {web: {backends: [" + backends +
                         "]}}, vips: [{address: 192.0.2.1, port: 443, protocol: udp, pool: web, affinity: quic}]}");
    };
    const auto packet = [](unsigned client, unsigned first, unsigned config, unsigned server) {
        Frame frame = tcp(client, 0, 443);
        frame[23] = 17;
        frame[39] = 20; // UDP's length
        frame[42] = static_cast<std::uint8_t>(first);
        frame[43] = static_cast<std::uint8_t>(config << 5);
        frame[44] = static_cast<std::uint8_t>(server >> 8);
        frame[45] = static_cast<std::uint8_t>(server);
        return frame;
    };
    const std::string one = "{address: 10.0.0.1, quic_id: 258", two = "{address: 10.0.0.2, quic_id: 7}";
    Desk desk;
    desk.configure(pool(one + "}," + two));
    std::map<unsigned, int> by_hash;
    for (unsigned client = 1; client <= 200; ++client) {
        REQUIRE(desk.backend(packet(client, 0x40, 2, 258)) == 1);
        REQUIRE(desk.backend(packet(client, 0x7f, 2, 7)) == 2);
        const unsigned hashed = desk.backend(packet(client, 0xc0, 2, 258)); // a long header
        ++by_hash[hashed];
        REQUIRE(desk.backend(packet(client, 0x40, 3, 258)) == hashed); // another configuration
        REQUIRE(desk.backend(packet(client, 0x40, 2, 259)) == hashed); // nobody's
    }
    CHECK(by_hash.size() == 2);
    desk.configure(pool(one + ", weight: 0}," + two));
    CHECK(desk.backend(packet(9, 0x40, 2, 258)) == 1);
    desk.configure(pool(two)); // gone: the hash decides
    CHECK(desk.backend(packet(9, 0x40, 2, 258)) == 2);
}

TEST_CASE("a CPU sends as many errors a second as it may")
{
    Desk desk;
    LbConfig config = config_of(pool_of({{1, 1}}));
    config.icmp_rate = 0;
    desk.configure(config);
    Frame brief = tcp(1, ack);
    brief[22] = 1;
    CHECK(desk.run(brief).action == XDP_DROP);
    config.icmp_rate = 3;
    desk.configure(config);
    int answered = 0;
    for (int i = 0; i < 100; ++i)
        answered += desk.run(brief).action == XDP_TX;
    CHECK(answered >= 3);
    CHECK(answered <= 3 * 2 * static_cast<int>(possible_cpus())); // a second may end in between
    CHECK(desk.counted(LB_DROP_TTL).packets == 101);
}

TEST_CASE("an error about a connection that stayed with its backend goes there, too")
{
    Desk desk;
    desk.configure(config_of(pool_of({{1, 1}})));
    REQUIRE(desk.backend(tcp(7, ack)) == 1);
    desk.configure(config_of(pool_of({{1, 0}, {2, 1}})));
    const auto error = [](unsigned client) { // a router cannot send on what the VIP's backend sent to the client
        Frame frame{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 56, 0, 0, 0x40, 0, 60, 1, 0, 0};
        for (const unsigned byte : {203U, 0U, 113U, 9U, 192U, 0U, 2U, 1U, 3U, 4U, 0U, 0U, 0U, 0U, 5U, 0U})
            frame.push_back(static_cast<std::uint8_t>(byte));
        for (const unsigned byte :
             {0x45U, 0U, 5U,   0xdcU, 0U,   0U, 0x40U, 0U,  60U,         6U,           0U, 0U, 192U, 0U,
              2U,    1U, 198U, 51U,   100U, 7U, 0U,    80U, client >> 8, client & 255, 0U, 0U, 0U,   1U})
            frame.push_back(static_cast<std::uint8_t>(byte));
        return frame;
    };
    CHECK(desk.backend(error(7)) == 1);
    REQUIRE(desk.backend(tcp(8, syn)) == 2);
    CHECK(desk.backend(error(8)) == 2);
    Frame foreign = error(7);
    foreign[57] = 2; // it quotes what another address sent
    CHECK(desk.run(foreign).action == XDP_PASS);
}

TEST_CASE("when a backend drains and others come, no connection moves, and new ones go where they belong")
{
    const std::string first = pool_of({{1, 1}, {2, 1}, {3, 1}, {4, 1}});
    const std::string second = pool_of({{1, 0}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}});
    Desk desk;
    desk.configure(config_of(first));
    std::map<unsigned, unsigned> had;
    for (unsigned client = 1; client <= 2000; ++client)
        had[client] = desk.backend(tcp(client, ack));
    desk.configure(config_of(second));
    const reference::Balancer owners(config_of(second));
    unsigned moved = 0, wrong = 0, lost = 0;
    for (const auto& [client, backend] : had)
        moved += desk.backend(tcp(client, ack)) != backend;
    for (unsigned client = 2001; client <= 6000; ++client) {
        had[client] = desk.backend(tcp(client, syn));
        wrong += had[client] != owners.balance(tcp(client, syn)).frame.at(33);
    }
    for (const auto& [client, backend] : had)
        lost += desk.backend(tcp(client, ack)) != backend;
    CHECK(moved == 0);
    CHECK(wrong == 0);
    CHECK(lost == 0);

    // Back again within the drain time: what began in between stays where it began.
    desk.configure(config_of(first));
    for (const auto& [client, backend] : had)
        lost += backend <= 4 && desk.backend(tcp(client, ack)) != backend;
    CHECK(lost == 0);
}

TEST_CASE("a connection stays with its backend when its packets come in on another CPU")
{
    cpu_set_t before;
    REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    std::vector<cpu_set_t> cpus; // of one CPU each
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &before)) continue;
        CPU_ZERO(&cpus.emplace_back());
        CPU_SET(cpu, &cpus.back());
    }
    if (cpus.size() < 2) MESSAGE("with one CPU this shows nothing");
    auto move_on = [&, at = std::size_t{0}]() mutable {
        REQUIRE(::sched_setaffinity(0, sizeof(cpu_set_t), &cpus[at++ % cpus.size()]) == 0);
    };
    Desk desk;
    desk.configure(config_of(pool_of({{1, 1}, {2, 1}})));
    desk.configure(config_of(pool_of({{1, 1}, {2, 0}, {3, 1}})));
    std::map<unsigned, unsigned> had;
    for (unsigned client = 1; client <= 1000; ++client)
        had[client] = desk.backend(tcp(client, syn));
    unsigned moved = 0;
    for (int look = 0; look < 2; ++look) {
        move_on();
        for (const auto& [client, backend] : had)
            moved += desk.backend(tcp(client, ack)) != backend;
    }
    (void)::sched_setaffinity(0, sizeof before, &before);
    CHECK(moved == 0);
}

TEST_CASE("a client that uses its port again begins anew, with the backend of now")
{
    Desk desk;
    desk.configure(config_of(pool_of({{1, 1}})));
    REQUIRE(desk.backend(tcp(7, ack)) == 1);
    desk.configure(config_of(pool_of({{1, 0}, {2, 1}})));
    CHECK(desk.backend(tcp(7, ack)) == 1);
    CHECK(desk.backend(tcp(7, syn)) == 2);
    CHECK(desk.backend(tcp(7, ack)) == 2);
}

TEST_CASE("a SYN that is repeated goes where the first went, also when its slot has another owner by then")
{
    Desk desk;
    desk.configure(config_of(pool_of({{1, 1}})));
    desk.configure(config_of(pool_of({{1, 0}, {2, 1}})));
    REQUIRE(desk.backend(tcp(7, syn)) == 2);
    desk.configure(config_of(pool_of({{1, 0}, {2, 0}, {3, 1}})));
    CHECK(desk.backend(tcp(7, syn)) == 2);
    CHECK(desk.backend(tcp(7, ack)) == 2);
    CHECK(desk.backend(tcp(8, syn)) == 3);
}

TEST_CASE("two connections that begin on two CPUs at once and in one place of the table are both known")
{
    constexpr std::uint32_t sets = 1U << 13;
    const std::string settled = pool_of({{1, 1}, {2, 1}});
    LbConfig config = config_of(pool_of({{1, 1}, {2, 0}, {3, 1}}));
    Desk desk(sets * LB_WAYS);
    desk.configure(config_of(settled));
    desk.configure(config);
    const reference::Balancer owners(config);
    std::map<std::uint64_t, std::vector<unsigned>> places; // clients whose entries go to the same way of a set
    for (unsigned client = 1; client < 60000; ++client) {
        const std::uint64_t hash = owners.hash(tcp(client, syn));
        places[(hash >> 32) % sets * LB_WAYS + hash % LB_WAYS].push_back(client);
    }
    std::map<std::uint64_t, std::array<unsigned, 2>> of_set;
    for (const auto& [place, clients] : places)
        if (clients.size() >= 2) of_set[place / LB_WAYS] = {clients[0], clients[1]};
    std::vector<std::array<unsigned, 2>> pairs;
    for (const auto& [set, pair] : of_set)
        pairs.push_back(pair);
    REQUIRE(pairs.size() > 5000);
    std::atomic<std::size_t> ready = 0;
    std::atomic<unsigned> lost = 0;
    const auto begin = [&](std::size_t which) {
        for (std::size_t round = 0; round < pairs.size(); ++round) {
            const unsigned client = pairs[round].at(which);
            for (++ready; ready < 2 * (round + 1);)
                ;
            const unsigned had = desk.backend(tcp(client, syn));
            lost += desk.backend(tcp(client, ack)) != had;
        }
    };
    std::thread other(begin, 1);
    begin(0);
    other.join();
    CHECK_MESSAGE(lost == 0, lost.load(), " of ", 2 * pairs.size());
}

TEST_CASE("when the drain time is over, or the backend is removed, its connections go to the owner")
{
    Desk desk;
    desk.configure(config_of(pool_of({{1, 1}, {2, 1}})));
    LbConfig drained = config_of(pool_of({{1, 0}, {2, 1}}));
    drained.drain = std::chrono::milliseconds(1);
    desk.configure(drained);
    std::this_thread::sleep_for(std::chrono::milliseconds(50)); // the clock that the program reads ticks every 1 to 10
    for (unsigned client = 1; client <= 200; ++client)
        REQUIRE(desk.backend(tcp(client, ack)) == 2);

    Desk other;
    other.configure(config_of(pool_of({{1, 1}, {2, 1}})));
    other.configure(config_of(pool_of({{2, 1}, {3, 1}})));
    const reference::Balancer before(config_of(pool_of({{1, 1}, {2, 1}})));
    const reference::Balancer owners(config_of(pool_of({{2, 1}, {3, 1}})));
    for (unsigned client = 1; client <= 500; ++client) {
        const unsigned had = before.balance(tcp(client, ack)).frame.at(33);
        const unsigned owner = owners.balance(tcp(client, ack)).frame.at(33);
        REQUIRE(other.backend(tcp(client, ack)) == (had == 1 ? owner : 2));
    }
}

TEST_CASE("what the table remembers of a backend that is removed later is forgotten")
{
    Desk desk;
    desk.configure(config_of(pool_of({{1, 1}, {2, 1}})));
    desk.configure(config_of(pool_of({{1, 0}, {2, 1}, {3, 1}})));
    std::map<unsigned, unsigned> had;
    for (unsigned client = 1; client <= 500; ++client)
        had[client] = desk.backend(tcp(client, ack));
    desk.configure(config_of(pool_of({{2, 1}, {3, 1}})));
    const reference::Balancer owners(config_of(pool_of({{2, 1}, {3, 1}})));
    unsigned cut_over = 0;
    for (const auto& [client, backend] : had) {
        const unsigned owner = owners.balance(tcp(client, ack)).frame.at(33);
        REQUIRE(desk.backend(tcp(client, ack)) == (backend == 1 ? owner : backend));
        cut_over += backend == 1;
    }
    CHECK(cut_over > 100);
}

TEST_CASE("a flood of SYNs while backends change pushes no established connection out of a small table")
{
    Desk desk(512);
    desk.configure(config_of(pool_of({{1, 1}})));
    desk.configure(config_of(pool_of({{1, 0}, {2, 1}, {3, 1}})));
    std::map<unsigned, unsigned> had;
    for (unsigned client = 1; client <= 100; ++client) {
        had[client] = desk.backend(tcp(client, syn));
        REQUIRE(desk.backend(tcp(client, ack)) == had[client]);
    }
    for (unsigned client = 1000; client < 21000; ++client)
        (void)desk.run(tcp(client, syn));
    unsigned moved = 0;
    for (const auto& [client, backend] : had)
        moved += desk.backend(tcp(client, ack)) != backend;
    CHECK(moved == 0);
}

TEST_CASE("while configurations are swapped every packet sees the one or the other")
{
    const LbConfig one = config_of(pool_of({{1, 1}})), two = config_of(pool_of({{2, 1}}));
    Desk desk;
    desk.configure(one);
    std::atomic<bool> done = false;
    std::map<unsigned, unsigned> seen;
    std::thread sender([&] {
        for (unsigned client = 1; !done || client < 100; client = client % 60000 + 1)
            ++seen[desk.backend(tcp(client, syn))];
    });
    for (int i = 0; i < 20; ++i)
        desk.configure(i % 2 ? one : two);
    done = true;
    sender.join();
    CHECK(seen.size() == 2);
    CHECK(seen[1] > 0);
    CHECK(seen[2] > 0);
}
