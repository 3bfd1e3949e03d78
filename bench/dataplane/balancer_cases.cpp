// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/cases.h"
#include "dataplane/frames.h"
#include "dataplane/katran.h"
#include "dataplane/lb_program.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace netwright::dataplane_bench {
namespace {

using dataplane::LbProgram;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t vips = 256, backends = 64, connections = 1U << 20;
constexpr std::uint32_t many = 65536, endless = 1U << 24; // flows
constexpr std::uint16_t port = 80;

std::uint64_t monotonic()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// All VIPs are those of one pool, as they would be written. (Katran has a ring for each.)
std::string config_text(std::string_view mode, unsigned first_backend)
{
    std::string text =
        fmt::format("{{source: [10.9.0.1, \"2001:db8:9::1\"], pools: {{web: {{mode: {}, backends: [", mode);
    for (unsigned i = 0; i < backends; ++i)
        text += fmt::format("{{address: 10.0.0.{}}}, ", first_backend + i);
    text += "]}}, vips: [";
    for (std::uint32_t vip = 0; vip < vips; ++vip)
        text +=
            fmt::format("{{address: 192.0.2.{0}, port: 80, protocol: tcp, pool: web}}, {{address: \"2001:db8::{0:x}\", "
                        "port: 80, protocol: tcp, pool: web}}, ",
                        vip);
    return text + "]}";
}

Result<LbProgram> balancer(std::string_view mode)
{
    const auto config = TRY(dataplane::parse_lb_config(config_text(mode, 1), "bench"));
    auto program = TRY(LbProgram::load(dataplane::modes_of(config), connections));
    const auto image = TRY(dataplane::make_lb_image(config, nullptr, monotonic()));
    TRY_VOID(program.configure(image));
    return program;
}

// One that has just been reconfigured: a third of the backends is new, so slots have changed hands, and connections of
// those are remembered one by one.
Result<LbProgram> balancer_in_drain(std::string_view mode)
{
    const auto before = TRY(dataplane::parse_lb_config(config_text(mode, 1), "bench"));
    const auto after = TRY(dataplane::parse_lb_config(config_text(mode, 20), "bench"));
    auto program = TRY(LbProgram::load(dataplane::modes_of(before), connections));
    const auto first = TRY(dataplane::make_lb_image(before, nullptr, monotonic()));
    TRY_VOID(program.configure(first));
    const auto second = TRY(dataplane::make_lb_image(after, &first, monotonic()));
    TRY_VOID(program.configure(second));
    return program;
}

// Where Katran is not here, its figure of a machine on which feeding alone took 9.5 ns stands in.
Entrant elsewhere(Entrant peer, double figure)
{
    peer.elsewhere = figure;
    peer.floor_elsewhere = 9.5;
    return peer;
}

enum class Age { Fresh, Aged }; // of the connection table

Entrant katran(const Options& options, const std::string& build, const Feed& feed, double figure, Age age = Age::Fresh)
{
    if (options.peers.katran.empty()) return elsewhere({"katran", nullptr, "not built here (--katran)"}, figure);
    auto loaded = Katran::load(fmt::format("{}/katran_{}.o", options.peers.katran, build), vips, connections);
    if (loaded && age == Age::Aged)
        if (const auto aged = loaded->age(); !aged) return {"katran", nullptr, aged.error().what};
    return elsewhere(entrant("katran", std::move(loaded), feed, options), figure);
}

Feed connection(std::uint8_t flags, std::uint32_t flows)
{
    Feed feed;
    feed.frame = tcp4(flags, port);
    feed.flows = flows;
    feed.vips = flows > 1 ? vips : 1;
    feed.verdict = XDP_TX;
    return feed;
}

void show_ways(const Options& options)
{
    const Feed one = connection(ack, 1), crowd = connection(ack, many);
    show({"IPIP, one connection",
          entrant("IPIP", balancer("ipip"), one, options),
          {{katran(options, "ipip", one, 67), {"G1", 0.75}}}},
         options, one);
    show({"IPIP, 65,536 connections, aged table",
          entrant("IPIP", balancer("ipip"), crowd, options),
          {{katran(options, "ipip", crowd, 410, Age::Aged), {"G2", 0.30}}}},
         options, crowd);
    show({"IPIP, 65,536 connections, fresh table",
          entrant("IPIP", balancer("ipip"), crowd, options),
          {{katran(options, "ipip", crowd, 140), {"G2", 0.75}}}},
         options, crowd);
    show({"IPIP, 65,536 connections, slots just changed",
          entrant("IPIP", balancer_in_drain("ipip"), crowd, options),
          {{katran(options, "ipip", crowd, 140), {"G2", 0.75}}}},
         options, crowd);
    show({"GUE, one connection",
          entrant("GUE", balancer("gue"), one, options),
          {{katran(options, "gue", one, 107), {"G3", 0.55}},
           {entrant("netwright's IPIP", balancer("ipip"), one, options), {"G3", 1.10}}}},
         options, one);
    Feed six;
    six.frame = tcp6(ack, port);
    six.verdict = XDP_TX;
    show({"IPv6 in IPv4, one connection",
          entrant("IPIP", balancer("ipip"), six, options),
          {{katran(options, "ipip", six, 62), {"G1", 0.75}}}},
         options, six);
}

void show_load(const Options& options)
{
    const Feed flood = connection(syn, endless);
    show({"SYN flood, 16 M sources",
          entrant("IPIP", balancer("ipip"), flood, options),
          {{katran(options, "ipip", flood, 115), {"G4", 0.75}},
           {katran(options, "unguarded", flood, 890), {"G4", 0.12}}}},
         options, flood);
    show({"SYN flood, slots just changed",
          entrant("IPIP", balancer_in_drain("ipip"), flood, options),
          {{katran(options, "ipip", flood, 115), {"G4", 0.75}},
           {katran(options, "unguarded", flood, 890), {"G4", 0.12}}}},
         options, flood);
    const Feed crowd = connection(ack, many);
    const Entrant glb = elsewhere({"GLB (no table)", nullptr, "not built here"}, 67);
    show({"GUE, 65,536 connections", entrant("GUE", balancer("gue"), crowd, options), {{glb, {"G5", 0.85}}}}, options,
         crowd);
    Feed other = connection(ack, 1);
    other.frame = tcp4(ack, 81);
    other.verdict = XDP_PASS;
    show({"not to a VIP: passed",
          entrant("IPIP", balancer("ipip"), other, options),
          {{katran(options, "ipip", other, 25), {"G6", 0.90}}}},
         options, other);
}

} // namespace

void show_balancer(const Options& options)
{
    show_ways(options);
    show_load(options);
    const Entrant crowd = entrant("IPIP", balancer("ipip"), connection(ack, many), options);
    show_connection(options, crowd.once ? crowd.once() : fail(Error::Kind::Absent, crowd.trouble));
}

} // namespace netwright::dataplane_bench
