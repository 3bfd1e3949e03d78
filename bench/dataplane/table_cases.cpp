// SPDX-License-Identifier: GPL-2.0-or-later
// What tables cost that no packet pays for: memory, the verifier's work, and the time of a new configuration.
#include "base/median.h"
#include "dataplane/cases.h"
#include "dataplane/katran.h"
#include "dataplane/lb_program.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <vector>

namespace netwright::dataplane_bench {
namespace {

using dataplane::LbProgram;
using Clock = std::chrono::steady_clock;

std::uint64_t monotonic()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// `pools` of `backends` each, a VIP for each pool. `spare`: backends more in the last one.
std::string config_text(unsigned pools, unsigned backends, unsigned spare)
{
    std::string text = "{source: 10.9.0.1, pools: {", vips;
    for (unsigned pool = 0; pool < pools; ++pool) {
        text += fmt::format("p{}: {{backends: [", pool);
        for (unsigned i = 0; i < backends + (pool + 1 == pools ? spare : 0); ++i)
            text += fmt::format("{{address: 10.{}.{}.{}}}, ", 1 + pool / 256, pool % 256, 1 + i);
        text += "]}, ";
        vips += fmt::format("{{address: 192.0.{}.{}, port: 80, protocol: tcp, pool: p{}}}, ", 2 + pool / 256,
                            pool % 256, pool);
    }
    return text + "}, vips: [" + vips + "]}";
}

Result<std::uint64_t> memory_of_inner(const Fd& outer, const bpf_map_info& info)
{
    std::uint64_t sum = 0;
    for (std::uint32_t side = 0; side < info.max_entries; ++side) {
        std::uint32_t id = 0;
        if (bpf_map_lookup_elem(outer.get(), &side, &id) < 0) continue;
        const Fd inner(bpf_map_get_fd_by_id(id));
        if (inner) sum += TRY(memory_of(inner.get()));
    }
    return sum;
}

// All maps that the program uses, and what stands in those of maps.
Result<std::uint64_t> memory_of_program(int program)
{
    std::vector<std::uint32_t> ids(64);
    bpf_prog_info info{};
    info.nr_map_ids = static_cast<std::uint32_t>(ids.size());
    info.map_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(program, &info, &size) < 0)
        return std::unexpected(errno_error("ask the kernel about a BPF program", errno));
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < info.nr_map_ids; ++i) {
        const Fd map(bpf_map_get_fd_by_id(ids[i]));
        bpf_map_info facts{};
        std::uint32_t facts_size = sizeof facts;
        if (!map || bpf_obj_get_info_by_fd(map.get(), &facts, &facts_size) < 0) continue;
        sum += TRY(memory_of(map.get()));
        if (facts.type == BPF_MAP_TYPE_ARRAY_OF_MAPS) sum += TRY(memory_of_inner(map, facts));
    }
    return sum;
}

Result<dataplane::LbImage> image_of(const std::string& text, const dataplane::LbImage* before)
{
    const auto config = TRY(dataplane::parse_lb_config(text, "bench"));
    return dataplane::make_lb_image(config, before, monotonic());
}

void show_figure(const char* number, const std::string& title, double ours, const std::string& unit, double theirs,
                 const std::string& peer, double most)
{
    fmt::print("{:4} {:52} {:7.1f} {}  {:24} {:7.1f} {}  {:6.2f} x  goal {:.2f}: {}\n", number, title, ours, unit, peer,
               theirs, unit, ours / theirs, most, ours / theirs <= most ? "met" : "missed");
}

Result<void> show_memory(const Options& options)
{
    constexpr unsigned pools = 512, backends = 8, connections = 1U << 20;
    auto program = TRY(LbProgram::load(1U << LB_IPIP, connections));
    const auto first = TRY(image_of(config_text(pools, backends, 0), nullptr));
    TRY_VOID(program.configure(first));
    const auto memory = [&] { return memory_of_program(program.program()); };
    const double settled = static_cast<double>(TRY(memory())) / 1e6;
    const auto second = TRY(image_of(config_text(pools, backends, 1), &first));
    TRY_VOID(program.configure(second));
    const double draining = static_cast<double>(TRY(memory())) / 1e6;
    const auto katran = Katran::load(options.peers.katran + "/katran_ipip.o", 256, connections);
    const bool here = katran.has_value();
    const double theirs = here ? static_cast<double>(TRY(katran->memory())) / 1e6 : 403;
    const std::string peer = here ? "katran" : "katran elsewhere";
    show_figure("G17", "memory of 512 VIPs with 8 backends each", settled, "MB", theirs, peer, 0.35);
    show_figure("G17", "the same while a pool drains", draining, "MB", theirs, peer, 0.35);
    return {};
}

Result<void> show_verifier(const Options& options)
{
    const auto program = TRY(LbProgram::load(1U << LB_IPIP | 1U << LB_GUE | 1U << LB_LAYER2 | 1U << LB_QUIC));
    const double ours = TRY(verified_of(program.program()));
    const auto katran = Katran::load(options.peers.katran + "/katran_full.o", 1, 1024);
    const bool here = katran.has_value();
    const double theirs = here ? TRY(katran->verified()) : 573'000;
    show_figure("G19", "instructions the verifier follows, all modes", ours / 1e3, "k ", theirs / 1e3,
                here ? "katran, all features" : "katran elsewhere", 0.15);
    return {};
}

// From the text to packets that see it, with a pool of 65,537 slots.
Result<void> show_swap(const Options& options)
{
    auto program = TRY(LbProgram::load(1U << LB_IPIP));
    auto image = TRY(image_of(config_text(1, 64, 0), nullptr));
    TRY_VOID(program.configure(image));
    std::vector<double> times;
    for (unsigned round = 0; round < options.rounds; ++round) {
        const std::string text = config_text(1, 64, 1 + round % 2);
        const auto begin = Clock::now();
        auto next = TRY(image_of(text, &image));
        TRY_VOID(program.configure(next));
        times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
        image = std::move(next);
    }
    fmt::print("G18  {:52} {:7.1f} ms, median of {}; goal 50 ms: {}\n", "a new configuration, 65,537 slots",
               median(times), times.size(), median(times) <= 50 ? "met" : "missed");
    return {};
}

} // namespace

void show_tables(const Options& options)
{
    const auto show_if = [&](const char* number, Result<void> (*what)(const Options&)) {
        if (!options.only.empty() && options.only != number) return;
        if (const auto shown = what(options); !shown) fmt::print("{:4} {}\n", number, shown.error().what);
        std::fflush(stdout);
    };
    show_if("G17", show_memory);
    show_if("G18", show_swap);
    show_if("G19", show_verifier);
}

} // namespace netwright::dataplane_bench
