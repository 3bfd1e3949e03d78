// SPDX-License-Identifier: GPL-2.0-or-later
// What of a plan touches the way of one connection.
#include "plan/session.h"

#include "base/ip_prefix.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::plan {
namespace {

using Threat = std::optional<std::string>;

struct GroupThreat {
    std::string_view group, threat;
};
constexpr std::array nic_groups{
    GroupThreat{"ring", "most drivers take the link down to change a ring"},
    GroupThreat{"queues", "most drivers take the link down to change queues"},
    GroupThreat{"speed", "the link is negotiated anew, and may not come up"},
    GroupThreat{"pause", "the link may be negotiated anew"},
    GroupThreat{"eee", "the link is negotiated anew"},
    GroupThreat{"private-flag", "drivers reset the device for many flags"},
    GroupThreat{"vfs", "the driver may reset the device"},
    GroupThreat{"ntuple", "a rule may lead or drop packets of this connection"},
};

bool on_the_way(const Session& session, std::string_view nic)
{
    return std::ranges::find(session.nics, nic) != session.nics.end();
}

bool takes_in(std::string_view prefix, const std::string& address)
{
    const auto network = parse_ip_prefix(prefix), host = parse_ip_prefix(address);
    return network && host && network->contains(*host);
}

struct Judge {
    const Session& session;
    const Change& change;

    Threat operator()(const LinkSetting& link) const
    {
        if (link.what != LinkSetting::What::Mtu || !on_the_way(session, link.nic)) return std::nullopt;
        return "packets that a hop does not carry are lost, and some drivers take the link down";
    }

    Threat operator()(const NicSetting& nic) const
    {
        const auto group = std::ranges::find(nic_groups, nic.group, &GroupThreat::group);
        if (group == nic_groups.end() || !on_the_way(session, nic.nic)) return std::nullopt;
        return std::string(group->threat);
    }

    Threat operator()(const QdiscPlace& place) const
    {
        if (!on_the_way(session, place.nic)) return std::nullopt;
        return "what is queued is dropped, and a shaper may hold everything back";
    }

    Threat operator()(const RouteSetting& route) const
    {
        const bool its =
            takes_in(route.destination, session.peer) && (route.nic.empty() || on_the_way(session, route.nic));
        if (!its) return std::nullopt;
        return "the route to you is replaced by one with another metric";
    }

    // A rule leads packets elsewhere if it takes this host's end of the connection, or everything.
    Threat operator()(const RuleSlot& rule) const
    {
        if (rule.is_ipv6 != (session.peer.find(':') != std::string::npos)) return std::nullopt;
        for (const auto& value : {change.from, change.to}) {
            if (!value || to_text(*value).empty()) continue;
            if (concerns(to_text(*value))) return "your packets may be routed by another table";
        }
        return std::nullopt;
    }

    template <class Other>
    Threat operator()(const Other&) const
    {
        return std::nullopt;
    }

    bool concerns(const std::string& rule) const
    {
        std::string_view rest = rule, word, value;
        while (next_word(rest, word) && next_word(rest, value)) {
            if (word == "from" && !takes_in(value, session.local)) return false;
            if (word == "to" && !takes_in(value, session.peer)) return false;
        }
        return true;
    }
};

} // namespace

std::optional<Session> parse_ssh_connection(std::string_view text)
{
    const auto words = split_words(text);
    if (words.size() != 4) return std::nullopt;
    // "::ffff:192.0.2.7" is an IPv4 peer of a socket that takes both; "fe80::1%eth0" has its interface behind it.
    const auto plain = [](std::string_view address) {
        address = address.substr(0, address.find('%'));
        const bool both = address.starts_with("::ffff:") && address.find('.') != std::string_view::npos;
        return std::string(both ? address.substr(7) : address);
    };
    Session session{plain(words[0]), plain(words[2]), {}};
    if (!parse_ip_prefix(session.peer) || !parse_ip_prefix(session.local)) return std::nullopt;
    return session;
}

std::vector<std::string> interruptions(const std::vector<Change>& changes, const Session& session)
{
    std::vector<std::string> found;
    for (const Change& change : changes) {
        Threat threat = std::visit(Judge{session, change}, change.tunable);
        if (!threat && change.interrupts && on_the_way(session, interface_of(change.tunable)))
            threat = "it stops traffic for a moment";
        if (threat) found.push_back(fmt::format("{}: {}", to_text(change.tunable), *threat));
    }
    return found;
}

} // namespace netwright::plan
