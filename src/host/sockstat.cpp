// SPDX-License-Identifier: GPL-2.0-or-later
// Socket accounts. One line mixes scopes: "inuse", "tw" and FRAG are this namespace's, "orphan", "alloc" and "mem" the
// whole host's (net/ipv4/proc.c sockstat_seq_show()).
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"
#include "host/proc_net.h"

#include <fmt/format.h>

#include <array>

namespace netwright::host {
namespace {

struct Field {
    std::string_view line, name;
    std::uint64_t SockStat::* member;
};

constexpr std::array<Field, 9> fields{{
    {"TCP:", "inuse", &SockStat::tcp_inuse},
    {"TCP:", "orphan", &SockStat::tcp_orphans},
    {"TCP:", "tw", &SockStat::tcp_time_wait},
    {"TCP:", "alloc", &SockStat::tcp_allocated},
    {"TCP:", "mem", &SockStat::tcp_memory_pages},
    {"UDP:", "inuse", &SockStat::udp_inuse},
    {"UDP:", "mem", &SockStat::udp_memory_pages},
    {"FRAG:", "inuse", &SockStat::fragments_inuse},
    {"FRAG:", "memory", &SockStat::fragments_memory},
}};

struct Field6 {
    std::string_view line, name;
    std::optional<std::uint64_t> SockStat::* member;
};

constexpr std::array<Field6, 2> fields6{{
    {"TCP6:", "inuse", &SockStat::tcp6_inuse},
    {"UDP6:", "inuse", &SockStat::udp6_inuse},
}};

// Hands every "<line> <name> <value>" triple to `take`.
template <class Take>
Result<void> each_value(std::string_view text, const Take& take)
{
    std::size_t number = 0;
    for (std::string_view line; next_line(text, line);) {
        ++number;
        std::string_view title, name, value;
        if (!next_word(line, title)) continue;
        while (next_word(line, name)) {
            if (!next_word(line, value)) return malformed_line(number, fmt::format("'{}' has no value", name));
            // Per-CPU sums may dip below zero for a moment, and atomics are printed as %d: that is none.
            const auto count = parse_int(value);
            if (!count) return malformed_line(number, count.error().what);
            take(title, name, *count < 0 ? 0 : static_cast<std::uint64_t>(*count));
        }
    }
    return {};
}

template <class Fields>
auto taker(SockStat& stat, const Fields& known, std::size_t& seen)
{
    return [&](std::string_view title, std::string_view name, std::uint64_t value) {
        for (const auto& field : known) {
            if (field.line != title || field.name != name) continue;
            stat.*field.member = value;
            ++seen;
        }
    };
}

} // namespace

Result<SockStat> parse_sockstat(std::string_view text, std::string_view text6)
{
    SockStat stat;
    std::size_t seen = 0;
    TRY_VOID(each_value(text, taker(stat, fields, seen)));
    if (seen != fields.size()) return fail(Error::Kind::Malformed, "lacks lines that every kernel prints");
    TRY_VOID(each_value(text6, taker(stat, fields6, seen)));
    return stat;
}

Result<SockStat> collect_sockstat(const kernel::Kernel& kernel)
{
    const std::string path = net_path(kernel.files, "sockstat");
    const std::string text = TRY(kernel.files.read(path));
    auto text6 = kernel.files.read(net_path(kernel.files, "sockstat6"));
    if (!text6 && text6.error().kind != Error::Kind::Absent) return std::unexpected(text6.error());
    return in_file(parse_sockstat(text, text6 ? std::string_view(*text6) : ""), kernel.files, path);
}

} // namespace netwright::host
