// SPDX-License-Identifier: GPL-2.0-or-later
// The loaded filter against the reference: every frame gets the same verdict and is counted under the same name.
#include "dataplane/filter_live_control.h"
#include "dataplane/filter_program.h"
#include "dataplane/loaded.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "../dataplane/filter_reference.h"
#include "packet_maker.h"

using namespace netwright;
using namespace netwright::dataplane;

namespace {

FilterPolicy policy_of(std::string_view text)
{
    auto policy = parse_filter_policy(text, "policy.yaml", [](const std::string& path) -> Result<std::string> {
        return fail(Error::Kind::Absent, path);
    });
    REQUIRE_MESSAGE(policy, policy.error().what);
    return *policy;
}

struct Loaded {
    FilterPolicy policy;
    CounterNames names;
    FilterProgram program;
};

Loaded load(const FilterPolicy& policy)
{
    const auto names = name_counters(policy, {});
    REQUIRE(names);
    const auto image = make_image(policy, *names);
    REQUIRE_MESSAGE(image, image.error().what);
    auto program = FilterProgram::load(policy, *image);
    REQUIRE_MESSAGE(program, program.error().what);
    return {policy, *names, *std::move(program)};
}

std::string hex(std::span<const std::uint8_t> frame)
{
    std::string text;
    for (const std::uint8_t byte : frame)
        text += fmt::format("{:02x}", byte);
    return text;
}

struct Tally {
    std::map<std::string, std::uint64_t> packets;
    std::uint64_t bytes = 0;
};

// Every frame's verdict at once, the counters at the end.
void compare(const FilterPolicy& policy, std::uint32_t seed, int frames, const std::vector<LiveEntry>& live = {})
{
    const Loaded loaded = load(policy);
    const LiveTime now = live_now();
    const auto tables = make_live_tables(live, now);
    REQUIRE(tables);
    REQUIRE(put_live_tables(loaded.program.map("live4"), loaded.program.map("live6"), *tables));
    const std::vector<LiveEntry> standing = with_entries(live, {}, now);
    test::PacketMaker maker(seed);
    std::map<std::string, std::uint64_t> expected;
    int differ = 0;
    for (int i = 0; i < frames; ++i) {
        const auto frame = maker.frame();
        const auto wanted = reference::judge(policy, frame, standing);
        const auto got = loaded.program.run(frame);
        REQUIRE_MESSAGE(got, got.error().what);
        ++expected[wanted.counter];
        if ((got->action == XDP_DROP) == wanted.drop) continue;
        if (++differ <= 5) MESSAGE("frame ", hex(frame), " reference: ", wanted.counter, " program: ", got->action);
    }
    CHECK(differ == 0);
    const auto counts = loaded.program.read_counts();
    REQUIRE(counts);
    std::map<std::string, std::uint64_t> counted;
    for (unsigned i = 0; i < COUNT_MOST; ++i)
        if ((*counts)[i].packets) counted[counter_name(i, loaded.names)] = (*counts)[i].packets;
    CHECK(counted == expected);
}

constexpr std::string_view everything = R"(
interfaces: [eth0]
drop_odd: all
lists:
  office: {verdict: pass, prefixes: [10.1.0.0/16, 192.0.2.0/24, 2001:db8:1::/48, 2001:db8::1]}
  bad: {verdict: drop, prefixes: [10.255.0.0/16, 10.1.2.0/24, 203.0.0.0/8, 2001:db8::/32, 10.0.0.0/25, 10.0.0.129]}
  partners: {prefixes: [10.0.0.0/8, 10.0.255.0/26, 192.0.0.0/8, 2020::/16, "2020:d::/32"]}
rules:
  - {name: web, protocol: tcp, to_port: [80, 443], verdict: pass}
  - {name: seen-dns, protocol: udp, to_port: 53, verdict: count}
  - {name: dns-answers, protocol: udp, from_port: 53, length: 60-, verdict: drop}
  - {name: ping, protocol: icmp, icmp_type: 8, verdict: pass}
  - {name: ping6, protocol: icmpv6, icmp_type: [128, 129], verdict: drop}
  - {name: low-ttl, ttl: 0-1, verdict: drop}
  - {name: six-syn, family: 6, flags: "syn,!ack", verdict: drop}
  - {name: from-partners, from: partners, to_port: 1024-, verdict: pass}
  - {name: to-partners, to: partners, verdict: drop}
  - {name: whole-gre, protocol: gre, fragment: false, verdict: drop}
  - {name: pieces, fragment: true, verdict: drop}
)";

} // namespace

TEST_CASE("the filter and the reference agree on 40,000 generated packets, whatever the policy uses")
{
    FilterPolicy policy = policy_of(everything);
    policy.rules.erase(policy.rules.begin() + 1); // counts beside the verdict; has its own test
    compare(policy, 1, 40000);
}

TEST_CASE("a policy of odd packets alone agrees on 40,000, and one that uses fragments and drops by default")
{
    compare(policy_of("{interfaces: [eth0], drop_odd: all}"), 2, 40000);
    compare(policy_of("{interfaces: [eth0], default: drop, drop_odd: [fragment, malformed]}"), 3, 10000);
    compare(policy_of("{interfaces: [eth0], guards: amplification}"), 11, 5000);
}

TEST_CASE("lists alone, rules alone and no policy at all agree")
{
    FilterPolicy policy = policy_of(everything);
    policy.odd = 0;
    policy.rules.clear();
    compare(policy, 4, 10000);
    policy.lists.clear();
    compare(policy, 5, 2000);
    policy = policy_of(everything);
    policy.lists.clear();
    std::erase_if(policy.rules, [](const FilterRule& rule) {
        return !rule.source_list.empty() || !rule.destination_list.empty() || rule.verdict == Verdict::Count;
    });
    compare(policy, 6, 10000);
}

TEST_CASE("what was blocked and allowed meanwhile agrees, with and without lists and rules, until its time is over")
{
    std::vector<LiveEntry> live;
    const LiveTime now = live_now(), soon = now + 600'000'000'000;
    const auto say = [&](std::string_view prefix, bool allowed, LiveTime until) {
        live.push_back({*parse_prefix(prefix), allowed, until, ""});
    };
    for (const char* prefix : {"10.0.0.0/10", "192.0.0.1", "203.0.2.0/25", "203.0.2.128", "2001:db8::/33", "ff00::/8"})
        say(prefix, false, soon);
    for (const char* prefix : {"10.1.0.0/16", "10.255.1.0/31", "2001:db8:1::/48"})
        say(prefix, true, prefix[3] == '1' ? LIVE_FOREVER : soon);
    for (const char* prefix : {"224.0.0.0/4", "::/3"})
        say(prefix, false, LIVE_FOREVER);
    for (const char* prefix : {"10.128.0.0/9", "192.0.0.0/9", "2001::/16"})
        say(prefix, prefix[0] == '1', now); // over
    live = with_entries({}, live, 0);
    compare(policy_of("{interfaces: [eth0]}"), 8, 10000, live);
    FilterPolicy policy = policy_of(everything);
    policy.rules.erase(policy.rules.begin() + 1);
    compare(policy, 9, 20000, live);
    policy.live = false;
    compare(policy, 10, 2000);
}

TEST_CASE("250 rules, with ports in pieces, agree")
{
    FilterPolicy policy = policy_of("{interfaces: [eth0]}");
    for (unsigned i = 0; i < 250; ++i) {
        FilterRule rule;
        rule.name = fmt::format("rule-{}", i);
        rule.verdict = i % 3 ? Verdict::Drop : Verdict::Pass;
        rule.protocols = {static_cast<std::uint8_t>(i % 2 ? 6 : 17)};
        rule.destination_ports = {{i * 260, i * 260 + 300}};
        if (i % 5 == 0) rule.source_ports = {{0, 1024}};
        policy.rules.push_back(rule);
    }
    compare(policy, 7, 20000);
}

TEST_CASE("a counting rule counts and lets the search go on")
{
    const Loaded loaded = load(policy_of(R"({interfaces: [eth0], rules: [
        {name: all-udp, protocol: udp, verdict: count}, {name: dns, protocol: udp, to_port: 53, verdict: drop}]})"));
    std::vector<std::uint8_t> frame(14 + 20 + 8);
    frame[12] = 8;
    frame[14] = 0x45;
    frame[17] = 28;
    frame[23] = 17;
    frame[26] = 10;
    frame[14 + 20 + 3] = 53;
    frame[14 + 20 + 5] = 8;
    for (int i = 0; i < 3; ++i)
        CHECK(loaded.program.run(frame)->action == XDP_DROP);
    frame[14 + 20 + 3] = 54;
    CHECK(loaded.program.run(frame)->action == XDP_PASS);
    const auto counts = loaded.program.read_counts();
    REQUIRE(counts);
    CHECK((*counts)[loaded.names.at("all-udp")].packets == 4);
    CHECK((*counts)[loaded.names.at("all-udp")].bytes == 4 * frame.size());
    CHECK((*counts)[loaded.names.at("dns")].packets == 3);
    CHECK((*counts)[COUNT_PASSED].packets == 1);
}

TEST_CASE("a limit lets its burst through for each source, and drops what is beyond")
{
    const Loaded loaded = load(policy_of(R"({interfaces: [eth0], rules: [
        {name: per-source, protocol: udp, limit: {rate: 10/s, burst: 20, per: source}}]})"));
    std::vector<std::uint8_t> frame(14 + 20 + 8);
    frame[12] = 8;
    frame[14] = 0x45;
    frame[17] = 28;
    frame[23] = 17;
    frame[26] = 10;
    frame[14 + 20 + 5] = 8;
    for (unsigned source = 1; source < 200; ++source) {
        frame[29] = static_cast<std::uint8_t>(source);
        int through = 0;
        for (int i = 0; i < 40; ++i)
            through += loaded.program.run(frame)->action == XDP_PASS;
        // One more for every tenth of a second that 40 runs may take on a busy machine.
        CHECK(through >= 20);
        CHECK(through <= 25);
    }
}

namespace {

// From 10.0.0.2:40000, or the same in IPv6, to port 80 of 127.0.0.1 or ::1; with an MSS and `options` bytes more.
std::vector<std::uint8_t> syn_frame(bool ipv6, std::size_t options, unsigned tags = 0)
{
    std::vector<std::uint8_t> frame{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    const auto put = [&](std::initializer_list<std::uint8_t> bytes) { frame.insert(frame.end(), bytes); };
    for (unsigned tag = 0; tag < tags; ++tag)
        put({0x81, 0, 0, 7});
    const auto size = static_cast<std::uint8_t>(20 + options);
    if (ipv6) {
        put({0x86, 0xdd, 0x60, 0, 0, 0, 0, size, 6, 64, 0xfd});
        frame.resize(frame.size() + 14);
        put({2});
        frame.resize(frame.size() + 15);
        put({1});
    } else {
        put({8, 0,   0x45, 0, 0, static_cast<std::uint8_t>(20 + size), 0, 9, 0, 0, 64, 6, 0, 0, 10, 0, 0,
             2, 127, 0,    0, 1});
    }
    put({0x9c, 0x40, 0,    80, 0, 0, 0x12, 0xff, 0, 0, 0, 0, static_cast<std::uint8_t>(size / 4 << 4),
         2,    0xff, 0xff, 0,  0, 0, 0});
    if (options >= 4) put({2, 4, 5, 0xb4});
    for (std::size_t i = 4; i < options; ++i)
        put({1});
    return frame;
}

// The ones' complement sum over bytes, folded; a region that carries its checksum sums up to 0xffff.
unsigned ones_sum(std::span<const std::uint8_t> bytes, unsigned sum = 0)
{
    for (std::size_t i = 0; i < bytes.size(); ++i)
        sum += i % 2 ? bytes[i] : bytes[i] * 256U;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

void check_answer(std::span<const std::uint8_t> syn, std::span<const std::uint8_t> got, bool ipv6, std::size_t network,
                  bool option)
{
    REQUIRE(got.size() == syn.size()); // what is behind the answer is padding
    const auto part = [](std::span<const std::uint8_t> of, std::size_t at, std::size_t size) {
        const auto cut = of.subspan(at, size);
        return std::vector(cut.begin(), cut.end());
    };
    CHECK(part(got, 0, 6) == part(syn, 6, 6));
    CHECK(part(got, 6, 6) == part(syn, 0, 6));
    CHECK(part(got, 12, network - 12) == part(syn, 12, network - 12)); // tags and type
    const std::size_t address = network + (ipv6 ? 8 : 12), width = ipv6 ? 16 : 4, tcp = network + (ipv6 ? 40 : 20);
    CHECK(part(got, address, width) == part(syn, address + width, width));
    CHECK(part(got, address + width, width) == part(syn, address, width));
    const std::size_t size = option ? 24 : 20;
    if (ipv6)
        CHECK(part(got, network, 8) ==
              std::vector<std::uint8_t>{0x60, 0, 0, 0, 0, static_cast<std::uint8_t>(size), 6, 64});
    else
        CHECK(part(got, network, 10) ==
              std::vector<std::uint8_t>{0x45, 0, 0, static_cast<std::uint8_t>(20 + size), 0, 0, 0x40, 0, 64, 6});
    if (!ipv6) CHECK(ones_sum(got.subspan(network, 20)) == 0xffff);
    CHECK(part(got, tcp, 4) == std::vector<std::uint8_t>{0, 80, 0x9c, 0x40});
    CHECK(part(got, tcp + 8, 4) == std::vector<std::uint8_t>{0, 0, 0x13, 0}); // the SYN's sequence number + 1
    CHECK(got[tcp + 12] == size / 4 << 4);
    CHECK(got[tcp + 13] == 0x12);            // SYN and ACK
    CHECK((got[tcp + 14] || got[tcp + 15])); // a window, for with none the client may say nothing
    const unsigned mss = ipv6 ? 1440 : 1460;
    if (option)
        CHECK(part(got, tcp + 20, 4) ==
              std::vector<std::uint8_t>{2, 4, static_cast<std::uint8_t>(mss >> 8), static_cast<std::uint8_t>(mss)});
    const unsigned pseudo = ones_sum(got.subspan(address, 2 * width), static_cast<unsigned>(6 + size));
    CHECK(ones_sum(got.subspan(tcp, size), pseudo) == 0xffff);
}

void answers_with_cookies()
{
    REQUIRE(::unshare(CLONE_NEWNET) == 0); // of this thread
    REQUIRE(system("ip link set lo up && sysctl -qw net.ipv4.tcp_syncookies=2") == 0);
    const Fd listener(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(80);
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 16) == 0);

    const Loaded loaded = load(policy_of("{interfaces: [eth0], syn_cookies: [80, 8000-8010], rules: [{name: new, "
                                         "protocol: tcp, flags: \"syn,!ack\", verdict: count}]}"));
    const auto run = [&](const std::vector<std::uint8_t>& frame) {
        auto handled = run_frame(loaded.program.program(), frame);
        REQUIRE(handled);
        return *handled;
    };
    unsigned answered = 0;
    for (const bool ipv6 : {false, true})
        for (const std::size_t options : {0U, 4U, 20U, 40U})
            for (const unsigned tags : {0U, 1U, 2U}) {
                const auto syn = syn_frame(ipv6, options, tags);
                const auto got = run(syn);
                INFO("ipv6 ", ipv6, " options ", options, " tags ", tags);
                REQUIRE(got.action == XDP_TX);
                check_answer(syn, got.frame, ipv6, 14 + 4 * tags, options > 0);
                ++answered;
            }
    const auto left_alone = [&](std::vector<std::uint8_t> frame) {
        const auto got = run(frame);
        return got.action == XDP_PASS && got.frame == frame;
    };
    auto frame = syn_frame(false, 4);
    frame[14 + 20 + 13] = 16; // an ACK
    CHECK(left_alone(frame));
    frame = syn_frame(false, 4);
    frame[14 + 20 + 3] = 81; // not named
    CHECK(left_alone(frame));
    frame[14 + 20 + 2] = 8000 >> 8;
    frame[14 + 20 + 3] = 8000 & 255; // named, but nobody listens: the kernel's RST
    CHECK(left_alone(frame));
    frame = syn_frame(false, 4);
    frame.push_back('x'); // data on the SYN
    frame[17] = static_cast<std::uint8_t>(frame[17] + 1);
    CHECK(left_alone(frame));
    frame = syn_frame(false, 4);
    frame[20] = 0x20; // a fragment
    CHECK(left_alone(frame));
    const auto counts = loaded.program.read_counts();
    REQUIRE(counts);
    CHECK((*counts)[COUNT_COOKIES].packets == answered);
    CHECK((*counts)[COUNT_PASSED].packets == answered + 5); // every packet has one verdict, answered or not

    REQUIRE(system("sysctl -qw net.ipv4.tcp_syncookies=1") == 0); // the queue is not full: the kernel's turn
    CHECK(left_alone(syn_frame(false, 4)));
    CHECK(left_alone(syn_frame(true, 4)));
}

} // namespace

TEST_CASE("a SYN to a named port is answered as the kernel would answer it, and everything else left alone")
{
    bool ended = false; // a failed REQUIRE throws
    std::thread([&] {
        try {
            answers_with_cookies();
            ended = true;
        } catch (...) {
        }
    }).join();
    CHECK(ended);
}

TEST_CASE("a dry run passes what it counts as dropped")
{
    const Loaded loaded = load(policy_of(R"({interfaces: [eth0], dry_run: true, default: drop})"));
    std::vector<std::uint8_t> frame(64);
    frame[12] = 8;
    CHECK(loaded.program.run(frame)->action == XDP_PASS);
    CHECK((*loaded.program.read_counts())[COUNT_DEFAULT_DROP].packets == 1);
}
