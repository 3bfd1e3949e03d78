// SPDX-License-Identifier: GPL-2.0-or-later
// Services without connection tracking: a table of our own in nftables, which nobody else's rules know of.
//
// The two chains stand before conntrack (priority raw). Requests to an address of this host and their answers are not
// tracked, on lo in both chains; what is forwarded stays tracked, for it may be translated. The ports stand in two
// sets, so that adding one is one element.
#include "base/text.h"
#include "kernel/nftables.h"
#include "tunable/kinds.h"
#include "tunable/notrack_ruleset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace netwright::tunable {
namespace {

constexpr std::string_view table = "inet netwright_notrack";

// Adding what is there changes nothing; the chains are filled anew.
constexpr std::string_view frame = R"(add table {0}
add set {0} tcp_ports {{ type inet_service; }}
add set {0} udp_ports {{ type inet_service; }}
add chain {0} incoming {{ type filter hook prerouting priority raw; policy accept; }}
add chain {0} outgoing {{ type filter hook output priority raw; policy accept; }}
flush chain {0} incoming
flush chain {0} outgoing
add rule {0} incoming fib daddr type local tcp dport @tcp_ports notrack
add rule {0} incoming fib daddr type local udp dport @udp_ports notrack
add rule {0} outgoing tcp sport @tcp_ports notrack
add rule {0} outgoing udp sport @udp_ports notrack
add rule {0} outgoing oif "lo" tcp dport @tcp_ports notrack
add rule {0} outgoing oif "lo" udp dport @udp_ports notrack
)";

std::unexpected<Error> refuse(const NotrackPort& port, std::string_view why, Error::Kind kind)
{
    return fail(kind, fmt::format("{}: {}", to_text(Tunable{port}), why));
}

// The elements of a set as nft prints it: "elements = { 80, 443 }", over several lines when there are many.
std::vector<std::uint16_t> parse_elements(std::string_view text)
{
    std::vector<std::uint16_t> ports;
    const std::size_t start = text.find("elements = {");
    if (start == std::string_view::npos) return ports;
    text = text.substr(start + 12);
    for (const std::string_view word : split(text.substr(0, text.find('}')), ','))
        if (const auto port = parse_unsigned(trim(word)); port && *port <= 65535)
            ports.push_back(static_cast<std::uint16_t>(*port));
    return ports;
}

Result<std::vector<std::uint16_t>> ports_of(kernel::Nftables& nft, std::string_view protocol)
{
    const auto listed = nft.run(fmt::format("list set {} {}_ports", table, protocol));
    if (!listed && listed.error().kind == Error::Kind::Absent) return std::vector<std::uint16_t>{};
    if (!listed) return std::unexpected(listed.error());
    return parse_elements(*listed);
}

Result<kernel::Nftables> library(const kernel::Kernel& kernel)
{
    if (!kernel.files.is_live()) return fail(Error::Kind::Unsupported, "a captured tree answers no nftables");
    return kernel::Nftables::open();
}

// The library prints and holds the host's namespace, which is the calling thread's.
Result<bool> is_on(kernel::Nftables& nft, const NotrackPort& port)
{
    const auto ports = TRY(ports_of(nft, port.protocol));
    return std::ranges::find(ports, port.port) != ports.end();
}

Result<void> add(kernel::Nftables& nft, const NotrackPort& port)
{
    TRY_VOID(nft.run(fmt::format(fmt::runtime(frame), table) +
                     fmt::format("add element {} {}_ports {{ {} }}\n", table, port.protocol, port.port)));
    return {};
}

// The last port takes the table with it.
Result<void> remove(kernel::Nftables& nft, const NotrackPort& port)
{
    if (!TRY(is_on(nft, port))) return {};
    const std::size_t tcp = TRY(ports_of(nft, "tcp")).size(), udp = TRY(ports_of(nft, "udp")).size();
    TRY_VOID(nft.run(tcp + udp == 1
                         ? fmt::format("delete table {}\n", table)
                         : fmt::format("delete element {} {}_ports {{ {} }}\n", table, port.protocol, port.port)));
    return {};
}

struct NotrackKind : KindDefaults<NotrackPort> {
    static Present read(kernel::Kernel& kernel, const NotrackPort& port)
    {
        auto nft = TRY(library(kernel));
        return Value{TRY(is_on(nft, port)) ? std::string("on") : std::string("off")};
    }

    static Result<void> check(kernel::Kernel& kernel, const NotrackPort& port, const Value& value)
    {
        auto nft = TRY(library(kernel));
        const std::string text = to_text(value);
        if (text == "off") return {};
        if (text != "on") return refuse(port, "is on or off", Error::Kind::Rejected);
        const auto conflicts = notrack_conflicts(TRY(nft.run("list ruleset\n")), port);
        if (conflicts.empty()) return {};
        return refuse(port, fmt::format("{}: change that rule first", fmt::join(conflicts, "; ")),
                      Error::Kind::Rejected);
    }

    static Result<void> write(kernel::Kernel& kernel, const NotrackPort& port, const Value& value)
    {
        auto nft = TRY(library(kernel));
        const auto done = to_text(value) == "on" ? add(nft, port) : remove(nft, port);
        if (!done) return refuse(port, done.error().what, done.error().kind);
        return {};
    }

    static std::string consequence(const NotrackPort& port, const Value& value)
    {
        if (to_text(value) != "on") return {};
        return fmt::format("{}: without tracking, rules with ct state, ct mark, ct count or limits on connections see "
                           "none of these packets, \"established, related\" lets no answer in, NAT and port forwarding "
                           "pass them over, conntrack -L and its events do not show them, and connections that are "
                           "open now stay in its table until they time out",
                           to_text(Tunable{port}));
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        auto nft = library(kernel);
        if (!nft) return found; // without the library there is no such tunable
        for (const char* protocol : {"tcp", "udp"}) {
            const auto ports = ports_of(*nft, protocol);
            if (!ports) return found; // no rights, no nftables in the kernel
            for (const std::uint16_t port : *ports)
                found.push_back({NotrackPort{protocol, port}, std::optional<Value>(std::string("on"))});
        }
        return found;
    }

    static std::string undo_command(const NotrackPort& port, const std::optional<Value>& from)
    {
        return fmt::format("nft {} element {} {}_ports '{{ {} }}'", from && to_text(*from) == "on" ? "add" : "delete",
                           table, port.protocol, port.port);
    }
};

} // namespace

constexpr Kind notrack_kind = kind_of<NotrackKind>("notrack", "nftables, table inet netwright_notrack");

} // namespace netwright::tunable
