// SPDX-License-Identifier: GPL-2.0-or-later
// What a packet costs in the filter and the load balancer, beside Katran, bpfilter, xdp-filter, the kernel's SYN proxy,
// nftables, and what one would write first: the same packets, in one run, in turns.
#include "dataplane/cases.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

using namespace netwright;
using namespace netwright::dataplane_bench;

namespace {

// Network and bpffs of our own: what peers pin and what is listened to end with us.
Result<void> go_apart()
{
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return std::unexpected(errno_error("make namespaces", errno));
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) != 0)
        return std::unexpected(errno_error("mount a bpffs", errno));
    return {};
}

// The last CPU: the first has the machine's other work.
void stay_on_one_cpu()
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    int last = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(static_cast<unsigned>(cpu), &allowed)) last = cpu;
    CPU_ZERO(&allowed);
    CPU_SET(static_cast<unsigned>(last), &allowed);
    (void)::sched_setaffinity(0, sizeof allowed, &allowed);
}

} // namespace

namespace netwright::dataplane_bench {

std::string wrong_verdict(std::uint32_t verdict)
{
    return fmt::format("it answered with XDP verdict {} instead of doing the work", verdict);
}

void show(Race race, const Options& options, const Feed& feed)
{
    std::erase_if(race.peers,
                  [&](const auto& peer) { return !options.only.empty() && peer.second.number != options.only; });
    if (race.peers.empty()) return;
    Pace pace{options.rounds, nullptr};
    auto floor = Feeder::load(feed, -1);
    if (floor)
        pace.floor = [&] { return floor->run(options.packets); };
    else
        race.ours.trouble = floor.error().what;
    fmt::print("{}", text_of(race.title, run_race(race, pace)));
    std::fflush(stdout);
}

} // namespace netwright::dataplane_bench

int main(int count, char** words)
{
    CLI::App app{"What a packet costs in the filter and the load balancer, beside peers that are named."};
    Options options;
    bool no_balancer = false, no_filter = false, no_floods = false;
    app.add_option("--katran", options.peers.katran, "directory of katran_ipip.o, katran_gue.o, katran_unguarded.o");
    app.add_option("--bpfilter", options.peers.bpfilter, "bpfilter's bfcli");
    app.add_option("--synproxy", options.peers.synproxy, "xdp_synproxy.o, of the kernel's selftests");
    app.add_option("--xdp-filter", options.peers.xdp_filter, "directory of xdp-filter's objects");
    app.add_option("--rounds", options.rounds, "how often each is timed")->check(CLI::Range(1U, 1000U));
    app.add_option("--packets", options.packets, "in each run")->check(CLI::Range(1U, 100'000'000U));
    app.add_option("--only", options.only, "one goal: G7");
    app.add_flag("--no-balancer", no_balancer);
    app.add_flag("--no-filter", no_filter);
    app.add_flag("--no-floods", no_floods);
    CLI11_PARSE(app, count, words);
    if (const auto apart = go_apart(); !apart) {
        fmt::print(stderr, "dataplane: {} (run as root)\n", apart.error().what);
        return EXIT_FAILURE;
    }
    stay_on_one_cpu();
    fmt::print(
        "Nanoseconds a packet with what feeding costs, medians of {} rounds of {} packets; ratios are of one round "
        "each, with quartiles.\n* a figure of another machine, by what feeding costs here and there\n",
        options.rounds, options.packets);
    if (!no_balancer) {
        show_balancer(options);
        show_tables(options);
    }
    if (!no_filter) show_filter(options);
    if (!no_floods) show_floods(options);
    return EXIT_SUCCESS;
}
