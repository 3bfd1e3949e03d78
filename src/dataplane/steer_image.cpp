// SPDX-License-Identifier: GPL-2.0-or-later
// From a steering policy to tables.
#include "dataplane/steer_image.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::dataplane {
namespace {

constexpr std::uint64_t bit(std::size_t number) { return std::uint64_t{1} << number; }

void allow_protocols(SteerImage& image, const SteerClass& one, std::uint64_t mine)
{
    const bool ports = !one.source_ports.empty() || !one.destination_ports.empty();
    for (unsigned value = 0; value < STEER_PROTOCOLS; ++value) {
        const auto protocol = static_cast<std::uint8_t>(value & 255);
        if (one.family && (*one.family == 6) != (value >= 256)) continue;
        if (ports && protocol != 6 && protocol != 17) continue;
        if (one.protocols.empty() || std::ranges::find(one.protocols, protocol) != one.protocols.end())
            image.by_protocol[value] |= mine;
    }
}

// No condition: any port, and none.
void allow_ports(std::vector<std::uint64_t>& table, const std::vector<Range>& ranges, std::uint64_t mine)
{
    const std::vector<Range> all{{0, STEER_NO_PORT}};
    for (const Range& range : ranges.empty() ? all : ranges)
        for (std::uint32_t port = range.first; port <= range.last; ++port)
            table[port] |= mine;
}

// A packet is found under its longest prefix alone: that one allows what the shorter ones around it allow.
std::map<Prefix, std::uint64_t> prefix_table(const SteerPolicy& policy, std::vector<Prefix> SteerClass::* field,
                                             std::uint64_t& any)
{
    std::map<Prefix, std::uint64_t> table;
    for (const SteerClass& one : policy.classes)
        for (const Prefix& prefix : one.*field)
            table.emplace(prefix, 0);
    for (std::size_t number = 0; number < policy.classes.size(); ++number) {
        const auto& prefixes = policy.classes[number].*field;
        if (prefixes.empty()) any |= bit(number);
        for (auto& [longest, classes] : table)
            for (const Prefix& prefix : prefixes)
                if (prefix.length <= longest.length && prefix.holds(longest.ipv6, longest.address))
                    classes |= bit(number);
    }
    for (auto& [longest, classes] : table)
        classes |= any;
    return table;
}

// Both in 2^-16 of their unit, as the program reckons.
void put_limit(steer_class& row, const SteerLimit& limit)
{
    const double nanoseconds_a_byte = 8e9 / static_cast<double>(limit.rate.bits_per_second);
    row.cost = std::max<std::uint64_t>(static_cast<std::uint64_t>(nanoseconds_a_byte * 65536), 1);
    row.burst = static_cast<std::uint64_t>(nanoseconds_a_byte * static_cast<double>(limit.burst.count));
}

steer_class row_of(const SteerClass& one, const SteerCounters& counters, const SteerPlaces& places)
{
    steer_class row{};
    row.counter = counters.at(one.name);
    const auto set = [&](steer_set what, const auto& value, std::uint32_t& place) {
        if (!value) return;
        row.sets |= what;
        place = *value;
    };
    set(SET_PRIORITY, one.priority, row.priority);
    set(SET_QUEUE, one.queue, row.queue);
    set(SET_DSCP, one.dscp, row.dscp);
    if (one.mark) {
        row.sets |= SET_MARK;
        row.mark = one.mark->value;
        row.mark_mask = one.mark->mask;
    }
    row.way = one.redirect.way;
    if (row.way != STEER_STAY) row.interface = places.interfaces.at(one.redirect.interface);
    if (one.payload) {
        row.payload_at = one.payload->at;
        row.payload_length = static_cast<std::uint32_t>(one.payload->bytes.size());
        std::ranges::copy(one.payload->bytes, row.payload);
    }
    if (one.limit) put_limit(row, *one.limit);
    return row;
}

void add_class(SteerImage& image, const SteerClass& one, std::uint64_t mine)
{
    (one.side == TcSide::Ingress ? image.ingress : image.egress) |= mine;
    image.uses_ports |= !one.source_ports.empty() || !one.destination_ports.empty();
    image.uses_dscp |= one.dscps.any();
    image.uses_payload |= one.payload.has_value();
    image.uses_limits |= one.limit.has_value();
    allow_protocols(image, one, mine);
    allow_ports(image.by_source_port, one.source_ports, mine);
    allow_ports(image.by_destination_port, one.destination_ports, mine);
    for (std::size_t dscp = 0; dscp < image.by_dscp.size(); ++dscp)
        if (one.dscps.none() || one.dscps.test(dscp)) image.by_dscp[dscp] |= mine;
}

} // namespace

Result<SteerCounters> steer_counters(const SteerPolicy& policy, const SteerCounters& before)
{
    SteerCounters counters;
    std::array<bool, STEER_COUNTERS> taken{};
    for (const SteerClass& one : policy.classes)
        if (const auto known = before.find(one.name); known != before.end()) {
            counters.insert(*known);
            taken.at(known->second) = true;
        }
    std::uint32_t next = STEER_NAMED;
    for (const SteerClass& one : policy.classes) {
        if (counters.contains(one.name)) continue;
        while (next < STEER_COUNTERS && taken.at(next))
            ++next;
        if (next == STEER_COUNTERS) return fail(Error::Kind::Rejected, "more classes than there are counters");
        counters.emplace(one.name, next++);
    }
    return counters;
}

Result<SteerImage> make_steer_image(const SteerPolicy& policy, const SteerCounters& counters, const SteerPlaces& places)
{
    SteerImage image;
    image.by_protocol.resize(STEER_PROTOCOLS);
    image.by_dscp.resize(STEER_DSCPS);
    image.by_source_port.resize(STEER_PORTS);
    image.by_destination_port.resize(STEER_PORTS);
    for (std::size_t number = 0; number < policy.classes.size(); ++number) {
        const SteerClass& one = policy.classes[number];
        add_class(image, one, bit(number));
        image.classes.push_back(row_of(one, counters, places));
        if (one.cgroup.empty())
            image.any_cgroup |= bit(number);
        else
            image.cgroups[places.cgroups.at(one.cgroup)] |= bit(number);
    }
    image.sources = prefix_table(policy, &SteerClass::from, image.any_source);
    image.targets = prefix_table(policy, &SteerClass::to, image.any_destination);
    if (image.sources.size() > STEER_PREFIXES || image.targets.size() > STEER_PREFIXES)
        return fail(Error::Kind::Rejected,
                    fmt::format("more than {} different prefixes under 'from', or under 'to'", +STEER_PREFIXES));
    return image;
}

} // namespace netwright::dataplane
