// SPDX-License-Identifier: GPL-2.0-or-later
// What a packet costs in the filter, beside a program that does nothing but drop: BPF_PROG_TEST_RUN with a million
// repeats, median of seven. Figures are comparable within one run only, and one frame repeated finds its tables in the
// cache: a flood from many sources pays for memory on top.
#include "dataplane/filter_program.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cstdio>
#include <random>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

using Frame = std::vector<std::uint8_t>;
constexpr unsigned rounds = 7, repeats = 1'000'000;

Frame udp_frame(std::uint32_t source, std::uint16_t port)
{
    Frame frame(64);
    frame[12] = 0x08;
    frame[14] = 0x45;
    frame[17] = 50;
    frame[22] = 64;
    frame[23] = 17;
    for (unsigned i = 0; i < 4; ++i)
        frame[26 + i] = static_cast<std::uint8_t>(source >> (24 - 8 * i));
    frame[30] = 10;
    frame[34] = 4;
    frame[36] = static_cast<std::uint8_t>(port >> 8);
    frame[37] = static_cast<std::uint8_t>(port);
    frame[39] = 30;
    return frame;
}

unsigned median(std::vector<unsigned> times)
{
    std::ranges::sort(times);
    return times[times.size() / 2];
}

unsigned time_of(int program, const Frame& frame)
{
    std::vector<unsigned> times;
    for (unsigned i = 0; i < rounds; ++i) {
        LIBBPF_OPTS(bpf_test_run_opts, options);
        options.data_in = frame.data();
        options.data_size_in = static_cast<__u32>(frame.size());
        options.repeat = repeats;
        if (bpf_prog_test_run_opts(program, &options) < 0) std::perror("BPF_PROG_TEST_RUN"), std::exit(1);
        times.push_back(options.duration);
    }
    return median(std::move(times));
}

unsigned floor_of(const Frame& frame)
{
    const std::array<bpf_insn, 2> drop{bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_DROP},
                                       bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    const Fd program(bpf_prog_load(BPF_PROG_TYPE_XDP, "drop", "GPL", drop.data(), drop.size(), nullptr));
    if (!program) std::perror("load a program (run as root)"), std::exit(1);
    return time_of(program.get(), frame);
}

void measure(std::string_view what, const FilterPolicy& policy, const Frame& frame, unsigned floor)
{
    const auto names = name_counters(policy, {});
    const auto image = names ? make_image(policy, *names) : std::unexpected(names.error());
    const auto program = image ? FilterProgram::load(policy, *image) : std::unexpected(image.error());
    if (!program) {
        fmt::print("{:44} {}\n", what, program.error().what);
        return;
    }
    const unsigned time = time_of(program->program(), frame);
    fmt::print("{:44} {:4} ns   {:.2f} x the bare drop\n", what, time, static_cast<double>(time) / floor);
}

PrefixList random_addresses(std::size_t count)
{
    std::mt19937 random(1);
    PrefixList list{"blocked", Verdict::Drop, {}, 0};
    while (list.prefixes.size() < count) {
        const auto a = static_cast<std::uint32_t>(random());
        if (a >> 24 == 8) continue; // the frames that miss come from there
        Prefix prefix{false, 32, {}};
        for (unsigned i = 0; i < 4; ++i)
            prefix.address.at(i) = static_cast<std::uint8_t>(a >> (24 - 8 * i));
        list.prefixes.push_back(prefix);
    }
    return list;
}

std::uint32_t number(const Prefix& prefix)
{
    const auto& a = prefix.address;
    return std::uint32_t{a[0]} << 24 | std::uint32_t{a[1]} << 16 | std::uint32_t{a[2]} << 8 | a[3];
}

void add_rules(FilterPolicy& policy, unsigned count)
{
    while (policy.rules.size() < count) {
        FilterRule rule;
        rule.name = fmt::format("rule-{}", policy.rules.size());
        rule.protocols = {17};
        const auto port = static_cast<std::uint32_t>(6000 + policy.rules.size());
        rule.destination_ports = {{port, port}};
        policy.rules.push_back(rule);
    }
}

} // namespace

int main()
{
    const Frame miss = udp_frame(0x08080808, 5000);
    const unsigned floor = std::max(floor_of(miss), 1U);
    fmt::print("{:44} {:4} ns\n", "bare XDP_DROP", floor);
    FilterPolicy policy;
    policy.interfaces = {"none"};
    measure("headers read and counted", policy, miss, floor);
    policy.odd = (1U << ODD_FRAGMENT) - 1;
    measure("+ all odd kinds", policy, miss, floor);
    for (const std::size_t entries : {std::size_t{1000}, std::size_t{100'000}, std::size_t{1'000'000}}) {
        policy.lists = {random_addresses(entries)};
        measure(fmt::format("+ {} addresses blocked, a miss", entries), policy, miss, floor);
        const Frame hit = udp_frame(number(policy.lists[0].prefixes[entries / 2]), 5000);
        measure(fmt::format("+ {} addresses blocked, a hit", entries), policy, hit, floor);
    }
    policy.lists = {random_addresses(100'000)};
    for (const unsigned rules : {1U, 10U, 100U, 256U}) {
        policy.rules.clear();
        add_rules(policy, rules);
        measure(fmt::format("+ 100000 addresses, {} rules, none matches", rules), policy, miss, floor);
    }
    policy.rules.clear();
    policy.rules.push_back(FilterRule{});
    policy.rules[0].name = "limit";
    policy.rules[0].verdict = Verdict::Limit;
    policy.rules[0].limit = RateLimit{};
    policy.rules[0].limit->rate = policy.rules[0].limit->burst = 1'000'000'000;
    measure("+ 100000 addresses, a limit by source", policy, miss, floor);
}
