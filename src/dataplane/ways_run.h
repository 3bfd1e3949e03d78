// SPDX-License-Identifier: GPL-2.0-or-later
// One way, measured once: in a network namespace made for it, with devices made for it, gone afterwards.
#pragma once

#include "dataplane/ways_generator.h"
#include "model/ways.h"

#include <memory>
#include <span>

namespace netwright::dataplane {

// With two CPUs, the second has what is measured: of programs, what the kernel does beneath them stays with the
// generator, for a program that polls leaves nothing of its CPU.
WayPlaces way_places(std::span<const int> cpus);

// Absent, Unsupported: this way does not exist here, with the reason.
Result<WayRun> run_way(Way way, WayTask task, const WayLoad& load, const WayPlaces& places);

// What a way runs on.
struct WayScene {
    const WaysNetwork& network;
    WaysProgram& program;
    WayTask task;
    const WayPlaces& places;
};

// A way at work. What it attached or started goes with it.
class RunningWay {
public:
    virtual ~RunningWay() = default;
    virtual std::vector<int> threads() const { return {}; } // of its program
    // Packets that it has handled so far, where that can be told while it works.
    virtual Result<std::optional<std::uint64_t>> so_far() = 0;
    virtual Result<std::uint64_t> stop() = 0; // all it has handled
};
Result<std::unique_ptr<RunningWay>> start_stack(const WayScene& scene);
Result<std::unique_ptr<RunningWay>> start_xdp(const WayScene& scene);
Result<std::unique_ptr<RunningWay>> start_af_xdp(const WayScene& scene, Way way);
Result<std::unique_ptr<RunningWay>> start_dpdk(const WayScene& scene, Way way);

// The number of packets of a counter, as nft lists it.
Result<std::uint64_t> parse_nft_counter(std::string_view text);

} // namespace netwright::dataplane
