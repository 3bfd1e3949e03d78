// SPDX-License-Identifier: GPL-2.0-or-later
// What most causes share: counting, and proposing a sysctl.
#include "diagnose/cause.h"

#include "base/text.h"
#include "catalog/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

namespace netwright::diagnose {
namespace {

constexpr std::size_t most_ports = 3;
constexpr std::uint64_t few_percent = 5; // of the connections: clients that go away early are everyday life

// The largest sum; an error only if none of them can be read.
Result<std::uint64_t> largest(const Scene& scene, std::string_view counters)
{
    Result<std::uint64_t> most = fail(Error::Kind::Absent, "no counter");
    std::string_view group;
    while (next_word(counters, group)) {
        const auto sum = growth(scene, group);
        if (sum)
            most = std::max(most.value_or(0), *sum);
        else if (!most)
            most = std::unexpected(sum.error());
    }
    return most;
}

// Where most of the drops happened: the port, or the interface.
std::string place_of(const Scene& scene, std::string_view reasons)
{
    if (!scene.drops) return "";
    for (const DropCount& drop : scene.drops->drops) { // most packets first
        if (!is_among(drop, reasons)) continue;
        if (drop.port != 0) return fmt::format("{} port {}", drop.protocol, drop.port);
        if (!drop.nic.empty()) return drop.nic;
    }
    return "";
}

// From inside another namespace a value of the whole host can be seen, but not set.
bool settable_here(const Scene& scene, Reach reach)
{
    const auto& space = scene.now.surroundings.network_namespace;
    return (space && *space == "init") || (reach != Reach::Host && reach != Reach::HostNew);
}

} // namespace

Sighting counted(const Scene& scene, const Cause& cause)
{
    Sighting sighting;
    sighting.events = std::max(largest(scene, cause.counters).value_or(0), dropped(scene, cause.reasons));
    sighting.evidence = counter_evidence(scene, cause.counters);
    std::ranges::move(drop_evidence(scene, cause.reasons), std::back_inserter(sighting.evidence));
    sighting.victim = place_of(scene, cause.reasons);
    return sighting;
}

Sightings count_events(const Scene& scene, const Cause& cause)
{
    const auto events = largest(scene, cause.counters);
    if (!events && (cause.reasons.empty() || !scene.drops))
        return std::unexpected(cause.reasons.empty() ? events.error() : scene.drops.error());
    Sighting sighting = counted(scene, cause);
    if (sighting.events < cause.least) return std::vector<Sighting>{};
    return std::vector{std::move(sighting)};
}

Sightings count_by_port(const Scene& scene, const Cause& cause)
{
    if (!scene.drops) return count_events(scene, cause);
    std::map<std::uint16_t, std::uint64_t> ports;
    for (const DropCount& drop : scene.drops->drops)
        if (is_among(drop, cause.reasons)) ports[drop.port] += drop.packets;
    std::vector<Sighting> seen;
    for (const auto& [port, packets] : ports) {
        if (packets < cause.least) continue;
        Sighting sighting = counted(scene, cause);
        sighting.events = packets;
        sighting.victim = port == 0 ? "" : fmt::format("port {}", port);
        seen.push_back(std::move(sighting));
    }
    std::ranges::stable_sort(seen, std::ranges::greater{}, &Sighting::events);
    if (seen.size() > most_ports) seen.resize(most_ports);
    return seen;
}

Sightings count_against_opens(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    const std::uint64_t opened = growth(scene, "TcpActiveOpens+TcpPassiveOpens").value_or(0);
    if (!seen.empty() && seen[0].events * 100 < opened * few_percent) seen.clear();
    return seen;
}

std::vector<Change> set_sysctl(const Scene& scene, const Cause& cause, std::string_view key, std::int64_t to,
                               std::string why)
{
    Change change;
    change.tunable = SysctlKey{std::string(key)};
    const auto from = scene.now.sysctls.number(key);
    change.reach = catalog::reach_of(change.tunable);
    if (!from || *from == to || !settable_here(scene, change.reach)) return {};
    change.from = Value(*from);
    change.to = Value(to);
    change.because.emplace_back(cause.id);
    change.why = std::move(why);
    change.risk = catalog::risk_of(change.tunable);
    change.persistence = Persistence::SysctlFile;
    return {std::move(change)};
}

std::vector<Change> raise_sysctl(const Scene& scene, const Cause& cause, std::string_view key, std::int64_t least,
                                 std::string why)
{
    const auto from = scene.now.sysctls.number(key);
    if (from && *from >= least) return {};
    return set_sysctl(scene, cause, key, least, std::move(why));
}

} // namespace netwright::diagnose
