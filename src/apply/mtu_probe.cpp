// SPDX-License-Identifier: GPL-2.0-or-later
// Witnesses of a path, before and after.
#include "apply/mtu_probe.h"

#include "kernel/path_probe.h"
#include "tunable/route_message.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>
#include <linux/neighbour.h>
#include <net/if.h>

#include <algorithm>

namespace netwright::apply {
namespace {

using Verdict = kernel::PathAnswer::Verdict;

constexpr std::size_t most_neighbours = 6;
constexpr int patient_tries = 10; // some drivers take the link down for seconds
constexpr unsigned known_states = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;

std::optional<std::int64_t> number_of(const std::optional<Value>& value)
{
    const auto* number = value ? std::get_if<std::int64_t>(&*value) : nullptr;
    return number ? std::optional(*number) : std::nullopt;
}

// Each address once, IPv4 before IPv6.
void add(std::vector<std::string>& addresses, const IpPrefix& address)
{
    std::string text = address_text(address);
    if (std::ranges::find(addresses, text) == addresses.end()) addresses.push_back(std::move(text));
}

bool leads_through(const tunable::RouteMessage& route, unsigned interface)
{
    return route.interface == interface && route.attributes.contains(RTA_GATEWAY) && route.head.rtm_type == RTN_UNICAST;
}

Result<void> add_gateways(kernel::Kernel& kernel, unsigned interface, std::vector<std::string>& addresses)
{
    for (const bool ipv6 : {false, true})
        for (const auto& route : TRY(tunable::routes_in(*kernel.netlink, ipv6, RT_TABLE_MAIN)))
            if (leads_through(route, interface))
                if (const auto gateway = ip_address_of(route.attributes.at(RTA_GATEWAY))) add(addresses, *gateway);
    return {};
}

Result<void> add_neighbours(kernel::Kernel& kernel, unsigned interface, std::vector<std::string>& addresses)
{
    kernel::Request question(RTM_GETNEIGH, NLM_F_DUMP);
    question.header(ndmsg{});
    const std::size_t most = addresses.size() + most_neighbours;
    return kernel.netlink->ask(NETLINK_ROUTE, question, [&](const nlmsghdr& message) {
        const auto head = kernel::fixed_part<ndmsg>(message);
        const bool known = head && static_cast<unsigned>(head->ndm_ifindex) == interface &&
                           (head->ndm_state & known_states) != 0 && head->ndm_type == RTN_UNICAST;
        if (!known || addresses.size() >= most) return;
        kernel::each_attribute(message, sizeof *head, [&](std::uint16_t type, std::span<const std::byte> payload) {
            if (const auto address = ip_address_of(payload); type == NDA_DST && address) add(addresses, *address);
        });
    });
}

Result<std::vector<std::string>> candidates(kernel::Kernel& kernel, const MtuRaise& raise,
                                            const WitnessOptions& options)
{
    if (!options.named.empty()) return options.named;
    const unsigned interface = ::if_nametoindex(raise.nic.c_str());
    std::vector<std::string> addresses, gateways;
    TRY_VOID(add_gateways(kernel, interface, gateways));
    if (!options.neighbours_only) addresses = gateways;
    TRY_VOID(add_neighbours(kernel, interface, addresses));
    if (options.neighbours_only)
        std::erase_if(addresses, [&](const auto& one) { return std::ranges::find(gateways, one) != gateways.end(); });
    return addresses;
}

Result<kernel::PathAnswer> hear(const MtuWitness& witness, std::uint32_t packet, int tries)
{
    const IpPrefix address = TRY(parse_ip_prefix(witness.address));
    if (!address.is_host())
        return fail(Error::Kind::Rejected, fmt::format("--probe {}: name a single address", witness.address));
    return kernel::ask_path({.destination = address, .nic = witness.raise.nic, .packet = packet, .tries = tries});
}

std::unexpected<Error> nobody(const MtuRaise& raise)
{
    return fail(Error::Kind::Rejected,
                fmt::format("nobody beyond {} answers, so nobody could tell whether the path carries packets of {} "
                            "bytes: name somebody who answers pings with --probe ADDRESS, or say --no-probe",
                            raise.nic, raise.to));
}

} // namespace

std::vector<MtuRaise> mtu_raises(const Plan& plan)
{
    std::vector<MtuRaise> raises;
    for (const Change& change : plan.changes) {
        const auto* link = std::get_if<LinkSetting>(&change.tunable);
        const auto from = number_of(change.from), to = number_of(change.to);
        if (link && link->what == LinkSetting::What::Mtu && link->nic != "lo" && from && to && *from < *to)
            raises.push_back({link->nic, static_cast<std::uint32_t>(*from), static_cast<std::uint32_t>(*to)});
    }
    return raises;
}

Result<std::vector<MtuWitness>> hear_witnesses(kernel::Kernel& kernel, const std::vector<MtuRaise>& raises,
                                               const WitnessOptions& options)
{
    std::vector<MtuWitness> heard;
    for (const MtuRaise& raise : raises) {
        const std::size_t before = heard.size();
        for (const std::string& address : TRY(candidates(kernel, raise, options))) {
            const MtuWitness witness{raise, address};
            const auto answer = hear(witness, raise.from, 3);
            if (!answer && answer.error().kind != Error::Kind::Absent) return std::unexpected(answer.error());
            if (answer && answer->verdict == Verdict::Carried)
                heard.push_back(witness);
            else if (!options.named.empty())
                return fail(
                    Error::Kind::Rejected,
                    fmt::format("--probe {}: it does not answer packets of {} bytes through {}, so it could not "
                                "tell about larger ones",
                                address, raise.from, raise.nic));
        }
        if (heard.size() == before && !options.neighbours_only) return nobody(raise);
    }
    return heard;
}

Result<void> hear_again(const std::vector<MtuWitness>& witnesses)
{
    for (const MtuWitness& witness : witnesses) {
        const auto answer = TRY(hear(witness, witness.raise.to, patient_tries));
        if (answer.verdict == Verdict::Carried) continue;
        const std::string who = answer.verdict == Verdict::Silent
                                    ? "nothing came back"
                                    : fmt::format("{} carries {} bytes", answer.hop.empty() ? "a hop" : answer.hop,
                                                  answer.mtu == 0 ? "fewer" : fmt::format("{}", answer.mtu));
        return fail(Error::Kind::Mismatch,
                    fmt::format("the path through {} to {} does not carry packets of {} bytes ({}). To have the larger "
                                "MTU for direct neighbours only, add --route-mtu: routes through gateways stay at {}",
                                witness.raise.nic, witness.address, witness.raise.to, who, witness.raise.from));
    }
    return {};
}

Result<std::vector<Change>> hold_routes(kernel::Kernel& kernel, const std::vector<MtuRaise>& raises)
{
    std::vector<Change> held;
    for (const MtuRaise& raise : raises) {
        const unsigned interface = ::if_nametoindex(raise.nic.c_str());
        for (const bool ipv6 : {false, true})
            for (const auto& route : TRY(tunable::routes_in(*kernel.netlink, ipv6, RT_TABLE_MAIN))) {
                if (!leads_through(route, interface) || route.metrics.contains(RTAX_MTU)) continue;
                Change change;
                RouteSetting setting{to_text(route.destination), raise.nic, RouteSetting::main_table, {}, "mtu"};
                if (route.priority != 0) setting.priority = route.priority;
                change.tunable = std::move(setting);
                change.to = std::int64_t{raise.from};
                change.why = fmt::format("the way through the gateway stays at {} bytes", raise.from);
                held.push_back(std::move(change));
            }
    }
    return held;
}

} // namespace netwright::apply
