// SPDX-License-Identifier: GPL-2.0-or-later
// Packets that are really taken in by an interface, and dropped: by XDP before anything is made of them, or behind.
#include "dataplane/arena.h"
#include "dataplane/cases.h"
#include "dataplane/filter_cases.h"
#include "dataplane/frames.h"
#include "dataplane/loaded.h"
#include "dataplane/xdp_link.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

namespace netwright::dataplane_bench {
namespace {

using dataplane::FilterProgram;

constexpr std::uint32_t packets = 500'000; // the slowest takes a second for them

// The feeder hands packets to `program`; to the kernel where that is -1.
struct Place {
    Arena arena;
    Feeder feeder;
    std::shared_ptr<void> held; // what is to live as long
};

Entrant entrant_of(std::string name, Result<Arena> arena, Result<Feeder> feeder, std::shared_ptr<void> held = nullptr)
{
    Entrant made{std::move(name), nullptr};
    if (!arena || !feeder) {
        made.trouble = !arena ? arena.error().what : feeder.error().what;
        return made;
    }
    auto place = std::make_shared<Place>(*std::move(arena), *std::move(feeder), std::move(held));
    made.once = [place] {
        return place->arena.inside([&](unsigned interface) { return place->feeder.flood(packets, interface); });
    };
    return made;
}

template <class Program>
Entrant by_program(std::string name, Result<Program> program, const Feed& feed)
{
    if (!program) return {std::move(name), nullptr, program.error().what};
    auto held = std::make_shared<Program>(*std::move(program));
    auto feeder = Feeder::load(feed, held->program());
    return entrant_of(std::move(name), Arena::make(""), std::move(feeder), held);
}

Entrant by_rules(std::string name, const std::string& ruleset, const Feed& feed)
{
    return entrant_of(std::move(name), Arena::make(ruleset), Feeder::load(feed, -1));
}

// XDP behind the allocation of a buffer.
Entrant by_generic(const Feed& feed)
{
    auto arena = Arena::make("");
    auto program = load_policy(blocking(listed_networks()));
    if (!arena || !program) return {"XDP generic", nullptr, !arena ? arena.error().what : program.error().what};
    auto held = std::make_shared<std::pair<FilterProgram, Result<dataplane::XdpLink>>>(
        *std::move(program), fail(Error::Kind::Absent, "not attached"));
    const auto attached = arena->inside([&](unsigned) -> Result<double> {
        held->second = dataplane::XdpLink::attach("flood0", held->first.program(), true);
        if (!held->second) return std::unexpected(held->second.error());
        return 0;
    });
    if (!attached) return {"XDP generic", nullptr, attached.error().what};
    return entrant_of("XDP generic", std::move(arena), Feeder::load(feed, -1), held);
}

std::string elements()
{
    std::string text;
    for (const std::uint32_t source : listed_sources())
        text += fmt::format("{}{}.{}.{}.{}", text.empty() ? "" : ", ", source >> 24, source >> 16 & 255,
                            source >> 8 & 255, source & 255);
    return text;
}

std::string set_ruleset(std::string_view flags, std::string_view hook, std::string_view before)
{
    return fmt::format("table ip flood {{\n  set blocked {{ type ipv4_addr; {} elements = {{ {} }} }}\n"
                       "  chain in {{ type filter hook {}; {} ip saddr @blocked drop; }}\n}}\n",
                       flags, elements(), hook, before);
}

} // namespace

void show_floods(const Options& options)
{
    Feed feed;
    feed.frame = udp4(5000);
    feed.flows = listed;
    feed.top = inside;
    const auto ours = [&] { return by_program("netwright", load_policy(blocking(listed_networks())), feed); };
    if (options.only.empty() || options.only == "G13") {
        const std::string early = "prerouting priority -300";
        show({"flood from 100,000 listed sources",
              ours(),
              {{by_rules("nft hash set", set_ruleset("", early, ""), feed), {"G13", 0.20}},
               {by_rules("nft interval set", set_ruleset("flags interval;", early, ""), feed), {"G13", 1.0 / 15}},
               {by_rules("nft input, conntrack", set_ruleset("", "input priority 0", "ct state invalid drop;"), feed),
                {"G13", 0.20}}}},
             options, feed);
    }
    if (options.only.empty() || options.only == "G14")
        show({"flood from 100,000 listed sources",
              ours(),
              {{by_program("bare XDP_DROP", Plain::load(PlainKind::DropAll), feed), {"G14", 1.25}},
               {by_generic(feed), {"G14", 0.5}}}},
             options, feed);
}

} // namespace netwright::dataplane_bench
