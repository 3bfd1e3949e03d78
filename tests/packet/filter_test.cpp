// SPDX-License-Identifier: GPL-2.0-or-later
// The loaded filter against the reference: every frame gets the same verdict and is counted under the same name.
#include "dataplane/filter_live_control.h"
#include "dataplane/filter_program.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <fstream>
#include <iterator>

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

TEST_CASE("a dry run passes what it counts as dropped")
{
    const Loaded loaded = load(policy_of(R"({interfaces: [eth0], dry_run: true, default: drop})"));
    std::vector<std::uint8_t> frame(64);
    frame[12] = 8;
    CHECK(loaded.program.run(frame)->action == XDP_PASS);
    CHECK((*loaded.program.read_counts())[COUNT_DEFAULT_DROP].packets == 1);
}
