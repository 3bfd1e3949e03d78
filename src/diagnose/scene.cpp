// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a scene.
#include "diagnose/scene.h"

#include "base/text.h"
#include "base/units.h"
#include "model/counter_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace netwright::diagnose {
namespace {

// The words between two separators, one after the other.
std::optional<std::string_view> next_part(std::string_view& rest, char separator)
{
    if (rest.empty()) return std::nullopt;
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

// What most of these drops have in common: the place and the port with most packets.
std::string most_common(const DropCount& most)
{
    std::string text;
    if (!most.protocol.empty()) text += ", " + most.protocol;
    if (most.port != 0) text += fmt::format(" port {}", most.port);
    if (!most.nic.empty()) text += " on " + most.nic;
    if (!most.location.empty()) text += fmt::format(", in {}()", most.location);
    return text;
}

auto identity(const Connection& connection)
{
    return std::tie(connection.local_port, connection.remote_port, connection.remote_address, connection.local_address);
}

template <class T, class Match>
const T* find(const std::vector<T>& list, const Match& match)
{
    const auto found = std::ranges::find_if(list, match);
    return found == list.end() ? nullptr : &*found;
}

} // namespace

double seconds(const Scene& scene) { return std::chrono::duration<double>(scene.now.interval).count(); }

double per_second(const Scene& scene, std::uint64_t events)
{
    const double time = seconds(scene);
    return time > 0 ? static_cast<double>(events) / time : 0;
}

Result<std::uint64_t> growth(const Scene& scene, std::string_view counters)
{
    if (!scene.now.protocols) return std::unexpected(scene.now.protocols.error());
    std::uint64_t sum = 0;
    bool any = false;
    for (std::string_view rest = counters; const auto name = next_part(rest, '+');) {
        const auto counter = scene.now.protocols->at(*name);
        if (!counter) continue;
        any = true;
        sum += counter->growth;
    }
    if (!any) return fail(Error::Kind::Absent, fmt::format("this kernel does not count {}", counters));
    return sum;
}

bool is_among(const DropCount& drop, std::string_view reasons)
{
    std::string_view wanted;
    while (next_word(reasons, wanted)) {
        const std::size_t colon = wanted.find(':'), at = wanted.find('@');
        const bool protocol_fits = colon == std::string_view::npos || drop.protocol == wanted.substr(0, colon);
        const bool place_fits = at == std::string_view::npos || drop.location == wanted.substr(at + 1);
        const std::size_t begin = colon == std::string_view::npos ? 0 : colon + 1;
        if (protocol_fits && place_fits && drop.reason == wanted.substr(begin, at - begin)) return true;
    }
    return false;
}

std::uint64_t dropped(const Scene& scene, std::string_view reasons)
{
    if (!scene.drops) return 0;
    std::uint64_t sum = 0;
    for (const DropCount& drop : scene.drops->drops)
        if (is_among(drop, reasons)) sum += drop.packets;
    return sum;
}

std::string in_time(const Scene& scene, std::uint64_t events)
{
    return fmt::format("{} in {}", grouped(events), duration_text(scene.now.interval));
}

std::vector<Evidence> counter_evidence(const Scene& scene, std::string_view counters)
{
    std::vector<Evidence> evidence;
    if (!scene.now.protocols) return evidence;
    std::string_view group;
    while (next_word(counters, group))
        while (const auto name = next_part(group, '+')) {
            const auto counter = scene.now.protocols->at(*name);
            if (counter && counter->growth > 0)
                evidence.push_back({counter_source(*name), amount(*counter, scene.now.interval)});
        }
    return evidence;
}

std::vector<Evidence> drop_evidence(const Scene& scene, std::string_view reasons)
{
    std::vector<Evidence> evidence;
    if (!scene.drops) return evidence;
    std::map<std::string_view, std::pair<std::uint64_t, const DropCount*>> by_reason; // sum, and its largest part
    for (const DropCount& drop : scene.drops->drops) {
        if (!is_among(drop, reasons)) continue;
        auto& [sum, most] = by_reason[drop.reason];
        sum += drop.packets;
        if (!most || most->packets < drop.packets) most = &drop;
    }
    for (const auto& [reason, found] : by_reason)
        evidence.push_back(
            {fmt::format("drop reason {}", reason), in_time(scene, found.first) + most_common(*found.second)});
    return evidence;
}

Evidence sysctl_seen(const Scene& scene, std::string_view key)
{
    const auto text = scene.now.sysctls.text(key);
    return {fmt::format("sysctl {}", key),
            text ? fmt::format("{}", fmt::join(split_words(*text), " ")) : std::string("not visible here")};
}

std::string socket_words(std::string_view address, std::uint16_t port)
{
    return address.find(':') == std::string_view::npos ? fmt::format("{}:{}", address, port)
                                                       : fmt::format("[{}]:{}", address, port);
}

std::string owner_words(const Result<SocketOwner>& owner)
{
    return owner ? fmt::format("{}, pid {}", owner->command.empty() ? "unnamed" : owner->command, owner->pid) : "";
}

std::string with_owner(std::string socket, const Result<SocketOwner>& owner)
{
    const std::string words = owner_words(owner);
    return words.empty() ? socket : fmt::format("{} ({})", socket, words);
}

std::string connection_words(const Connection& connection)
{
    return with_owner(fmt::format("{} → {}", socket_words(connection.local_address, connection.local_port),
                                  socket_words(connection.remote_address, connection.remote_port)),
                      connection.owner);
}

const Listener* listener_before(const Scene& scene, const Listener& listener)
{
    if (!scene.before.sockets) return nullptr;
    return find(scene.before.sockets->listeners, [&](const Listener& one) {
        return one.inode == listener.inode && one.port == listener.port && one.address == listener.address;
    });
}

const Connection* connection_before(const Scene& scene, const Connection& connection)
{
    if (!scene.before.sockets || !scene.before.sockets->waiting) return nullptr;
    return find(*scene.before.sockets->waiting,
                [&](const Connection& one) { return identity(one) == identity(connection); });
}

const UdpSocket* udp_before(const Scene& scene, const UdpSocket& socket)
{
    if (!scene.before.sockets) return nullptr;
    return find(scene.before.sockets->udp, [&](const UdpSocket& one) { return one.inode == socket.inode; });
}

const Nic* nic_before(const Scene& scene, const Nic& nic)
{
    if (!scene.before.nics) return nullptr;
    return find(*scene.before.nics, [&](const Nic& one) { return one.index == nic.index; });
}

} // namespace netwright::diagnose
