// SPDX-License-Identifier: GPL-2.0-or-later
// What is measured: the packet path beside the programs that others use for the same, each with the ratio aimed at.
#pragma once

#include "base/error.h"
#include "dataplane/feeder.h"
#include "dataplane/race.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace netwright::dataplane_bench {

struct Peers {
    std::string katran;   // directory of katran_ipip.o, katran_gue.o and katran_unguarded.o; "": not here
    std::string bpfilter; // the program bfcli; "": not here
    std::string synproxy; // xdp_synproxy.o, of the kernel's selftests; "": not here
    std::string xdp_filter = "/usr/lib/x86_64-linux-gnu/bpf"; // directory of xdpfilt_alw_ip.o (Debian's xdp-tools)
};

struct Options {
    Peers peers;
    unsigned rounds = 9;
    std::uint32_t packets = 1'000'000; // in one run
    std::string only;                  // the goal's number, "": all
};

// Each prints its rows as soon as they are there.
void show_balancer(const Options& options);
void show_tables(const Options& options);
// `packet`: nanoseconds of one in the balancer.
void show_connection(const Options& options, const Result<double>& packet);
void show_filter(const Options& options);
void show_floods(const Options& options);

// Runs and prints those of the race's rows that were asked for.
void show(Race race, const Options& options, const Feed& feed);

std::string wrong_verdict(std::uint32_t verdict); // a program that does not do the work is no rival

// `program` (with a member program()) under this traffic.
template <class Program>
Entrant entrant(std::string name, Result<Program> program, const Feed& feed, const Options& options)
{
    Entrant made{std::move(name), nullptr};
    if (!program) {
        made.trouble = program.error().what;
        return made;
    }
    auto feeder = Feeder::load(feed, program->program());
    if (!feeder) {
        made.trouble = feeder.error().what;
        return made;
    }
    if (const auto verdict = feeder->verdict(); !verdict || *verdict != feed.verdict) {
        made.trouble = verdict ? wrong_verdict(*verdict) : verdict.error().what;
        return made;
    }
    // The program is held as long as it is run.
    auto held = std::make_shared<std::pair<Program, Feeder>>(*std::move(program), *std::move(feeder));
    made.once = [held, packets = options.packets] { return held->second.run(packets); };
    return made;
}

} // namespace netwright::dataplane_bench
