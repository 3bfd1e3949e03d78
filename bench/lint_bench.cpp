// SPDX-License-Identifier: GPL-2.0-or-later
// How long lint takes over 10,000 lines: a file of sound settings, one where every line is wrong, one of unknown keys.
#include "lint/lint.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>

namespace {

using namespace netwright;

constexpr int lines = 10'000;

std::string sound()
{
    std::string text;
    for (int i = 0; i < lines; ++i)
        text += fmt::format("net.ipv4.conf.eth{}.arp_ignore = 1\n", i);
    return text;
}

std::string wrong()
{
    constexpr std::array bad{"net.ipv4.tcp_rmem = 4096 87380 6291456",
                             "net.core.somaxconn = 128",
                             "net.ipv4.tcp_tw_recycle = 1",
                             "net.ipv4.tcp_timestamps = 0",
                             "net.core.rmem_max = 64M",
                             "net.netfilter.nf_conntrack_max = 99999999"};
    std::string text;
    for (int i = 0; i < lines; ++i)
        text += fmt::format("{}\n", bad[static_cast<std::size_t>(i) % bad.size()]);
    return text;
}

std::string unknown()
{
    std::string text;
    for (int i = 0; i < lines; ++i)
        text += fmt::format("net.ipv4.tcp_rmen{} = 1\n", i);
    return text;
}

void run(benchmark::State& state, std::string (*make)())
{
    const std::vector<SourceText> sources{{"bench.conf", make(), {}, false}};
    lint::Target target;
    target.kernel = {6, 18, 0};
    std::size_t found = 0;
    for (auto _ : state)
        found = lint::lint(sources, target).size();
    state.counters["diagnostics"] = static_cast<double>(found);
}

} // namespace

BENCHMARK_CAPTURE(run, sound, sound)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run, wrong, wrong)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run, unknown, unknown)->Unit(benchmark::kMillisecond);
BENCHMARK_MAIN();
