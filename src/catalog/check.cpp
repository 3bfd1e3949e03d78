// SPDX-License-Identifier: GPL-2.0-or-later
// Would this value make sense? The kernel accepts much that does not: a tcp_rmem whose maximum is below its default, a
// negative tcp_fin_timeout, tcp_mem in bytes. First the type and the bounds of the catalogue, then the special rows.
#include "base/text.h"
#include "catalog/catalog.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>

namespace netwright::catalog {
namespace {

using Numbers = std::vector<std::int64_t>;

// A value under test: its address as people type it, its text, its numbers where it has any.
struct Candidate {
    std::string name;
    std::string text;
    Numbers numbers;
};

std::string text_of(const Value& value)
{
    struct Text {
        std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
        std::string operator()(const Numbers& numbers) const { return fmt::format("{}", fmt::join(numbers, " ")); }
        std::string operator()(const CpuSet& cpus) const { return cpus.mask(); }
        std::string operator()(const std::string& text) const { return text; }
    };
    return std::visit(Text{}, value);
}

Numbers numbers_of(const Value& value)
{
    if (const auto* number = std::get_if<std::int64_t>(&value)) return {*number};
    if (const auto* list = std::get_if<Numbers>(&value)) return *list;
    return {};
}

Result<void> reject(const Candidate& candidate, std::string_view reason)
{
    std::string shown = candidate.text.substr(0, 64);
    if (candidate.name.ends_with("_key") || candidate.name.ends_with("_secret")) shown = "(secret)"; // never printed
    return fail(Error::Kind::Rejected, fmt::format("{} = {}: {}", candidate.name, shown, reason));
}

std::string with_unit(std::int64_t number, std::string_view unit)
{
    return unit.empty() ? fmt::format("{}", number) : fmt::format("{} {}", number, unit);
}

Result<void> check_bound(const Candidate& candidate, const Parameter& parameter, std::size_t index)
{
    if (parameter.bounds.empty()) return {};
    const Bound& bound = parameter.bounds[std::min(index, parameter.bounds.size() - 1)];
    const std::int64_t number = candidate.numbers[index];
    const std::string which =
        candidate.numbers.size() > 1 ? fmt::format("element {}, {}, is", index + 1, number) : std::string("it is");
    if (bound.least && number < *bound.least)
        return reject(candidate, fmt::format("{} below the least sensible value, {}", which,
                                             with_unit(*bound.least, parameter.unit)));
    if (bound.most && number > *bound.most)
        return reject(candidate, fmt::format("{} above the greatest sensible value, {}", which,
                                             with_unit(*bound.most, parameter.unit)));
    return {};
}

Result<void> check_numbers(const Candidate& candidate, const Parameter& parameter)
{
    const bool list = parameter.type == Type::IntegerList;
    if (candidate.numbers.empty())
        return reject(candidate, list ? "numbers are needed, without quotes" : "a number is needed, without quotes");
    const std::size_t wanted = list ? parameter.bounds.size() : 1;
    if ((!list || wanted > 1) && candidate.numbers.size() != wanted)
        return reject(candidate, fmt::format("{} number{} needed, {} given", wanted, wanted == 1 ? " is" : "s are",
                                             candidate.numbers.size()));
    for (std::size_t i = 0; i < candidate.numbers.size(); ++i)
        TRY_VOID(check_bound(candidate, parameter, i));
    return {};
}

Result<void> check_text(const Candidate& candidate, const Parameter&)
{
    // A sysctl takes one line; the kernel stops at the first newline and would keep half of the value.
    for (const char c : candidate.text)
        if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return reject(candidate, "holds a control character");
    return {};
}

Result<void> check_mask(const Candidate& candidate, const Parameter&)
{
    if (!CpuSet::parse_mask(candidate.text)) return reject(candidate, "a hexadecimal CPU mask is needed, such as ff");
    return {};
}

// "8080,30000-32767", as proc_do_large_bitmap reads it (kernel/sysctl.c).
Result<void> check_port_ranges(const Candidate& candidate, const Parameter&)
{
    if (trim(candidate.text).empty()) return {};
    for (const std::string_view range : split(trim(candidate.text), ',')) {
        const std::size_t dash = range.find('-');
        const auto low = parse_unsigned(range.substr(0, dash));
        const auto high = dash == std::string_view::npos ? low : parse_unsigned(range.substr(dash + 1));
        if (!low || !high)
            return reject(candidate, fmt::format("'{}' is no port and no range such as 8080-8090", range));
        if (*low > *high) return reject(candidate, fmt::format("'{}' runs backwards", range));
        if (*high > 65535) return reject(candidate, fmt::format("'{}' ends above 65535", range));
    }
    return {};
}

struct TypeCheck {
    Type type;
    Result<void> (*check)(const Candidate&, const Parameter&);
};
constexpr std::array type_checks{
    TypeCheck{Type::Boolean, check_numbers},     TypeCheck{Type::Integer, check_numbers},
    TypeCheck{Type::IntegerList, check_numbers}, TypeCheck{Type::Text, check_text},
    TypeCheck{Type::CpuMask, check_mask},        TypeCheck{Type::PortRanges, check_port_ranges},
};

// --- what bounds cannot say, one function a reason, one row a key ---

Result<void> ascending(const Candidate& candidate)
{
    constexpr std::array<std::string_view, 3> names{"minimum", "default", "maximum"};
    for (std::size_t i = 1; i < candidate.numbers.size(); ++i)
        if (candidate.numbers[i - 1] > candidate.numbers[i])
            return reject(candidate,
                          fmt::format("the {} {} is above the {} {}; the kernel would accept that, and the "
                                      "smaller one would win",
                                      names[i - 1], candidate.numbers[i - 1], names[i], candidate.numbers[i]));
    return {};
}

// 2^32 pages of 4 KiB are 16 TiB of socket memory: bytes were meant. With the host's memory known, see check() below.
Result<void> pages_not_bytes(const Candidate& candidate)
{
    TRY_VOID(ascending(candidate));
    if (candidate.numbers.back() > std::int64_t{1} << 32)
        return reject(candidate,
                      "this key counts pages of memory, and so many are more than 16 TiB; it looks like bytes");
    return {};
}

Result<void> port_range(const Candidate& candidate)
{
    if (candidate.numbers[0] < candidate.numbers[1]) return {};
    return reject(candidate, "the low end must be below the high end, or no port is left for connect()");
}

// TCP_CA_NAME_MAX and IFNAMSIZ are 16 with the final zero (include/net/tcp.h, include/net/sch_generic.h).
bool is_module_name(std::string_view name)
{
    return !name.empty() && name.size() < 16 &&
           std::ranges::all_of(
               name,
               [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-';
               });
}

Result<void> one_name(const Candidate& candidate)
{
    if (is_module_name(candidate.text)) return {};
    return reject(candidate, "a name of at most 15 letters, digits, '_' and '-' is needed, such as cubic or fq");
}

Result<void> names(const Candidate& candidate)
{
    const auto words = split_words(candidate.text);
    if (!words.empty() && std::ranges::all_of(words, is_module_name)) return {};
    return reject(candidate, "a list of names separated by blanks is needed, such as 'reno cubic'");
}

Result<void> power_of_two_or_zero(const Candidate& candidate)
{
    const std::int64_t number = candidate.numbers[0];
    if (number >= 0 && std::popcount(static_cast<std::uint64_t>(number)) <= 1) return {};
    return reject(candidate, "the kernel takes only a power of two here");
}

Result<void> fastopen_bits(const Candidate& candidate)
{
    constexpr std::int64_t known = 0x607; // TFO_* in include/net/tcp.h
    if ((candidate.numbers[0] & ~known) == 0) return {};
    return reject(candidate, "only the bits 1 (client), 2 (server), 4, 0x200 and 0x400 mean anything");
}

Result<void> quiet_probes(const Candidate& candidate)
{
    if (candidate.numbers[0] != 0) return {};
    return reject(candidate, "without a probe a connection is reset as soon as it has been idle; to have no keepalive, "
                             "the program leaves SO_KEEPALIVE off");
}

struct SpecialCheck {
    std::string_view key;
    Result<void> (*check)(const Candidate&);
};
constexpr std::array special_checks{
    SpecialCheck{"net.core.default_qdisc", one_name},
    SpecialCheck{"net.core.flow_limit_table_len", power_of_two_or_zero},
    SpecialCheck{"net.ipv4.ip_local_port_range", port_range},
    SpecialCheck{"net.ipv4.tcp_allowed_congestion_control", names},
    SpecialCheck{"net.ipv4.tcp_congestion_control", one_name},
    SpecialCheck{"net.ipv4.tcp_fastopen", fastopen_bits},
    SpecialCheck{"net.ipv4.tcp_keepalive_probes", quiet_probes},
    SpecialCheck{"net.ipv4.tcp_mem", pages_not_bytes},
    SpecialCheck{"net.ipv4.tcp_rmem", ascending},
    SpecialCheck{"net.ipv4.tcp_wmem", ascending},
    SpecialCheck{"net.ipv4.udp_mem", pages_not_bytes},
    SpecialCheck{"net.mptcp.scheduler", one_name},
};

Result<void> check_entry(const Parameter& parameter, const Candidate& candidate)
{
    if (parameter.policy == Policy::ReadOnly) return reject(candidate, "it can only be read");
    for (const TypeCheck& row : type_checks)
        if (row.type == parameter.type) TRY_VOID(row.check(candidate, parameter));
    for (const SpecialCheck& row : special_checks)
        if (row.key == parameter.key) TRY_VOID(row.check(candidate));
    return {};
}

// Links and queues know what kind of value they take; the loopback device alone has an MTU of 65536.
Result<void> check_kind(const LinkSetting& link, const Value& value, const Candidate& candidate)
{
    if (link.what == LinkSetting::What::Threaded) return {};
    if (!std::holds_alternative<std::int64_t>(value)) return reject(candidate, "a number is needed");
    if (link.what == LinkSetting::What::Mtu && candidate.numbers[0] > 65535 && link.nic != "lo")
        return reject(candidate, "it is above the greatest MTU an interface can have, 65535 bytes");
    return {};
}

Result<void> check_kind(const QueueSetting& queue, const Value& value, const Candidate& candidate)
{
    const bool count = queue.what == QueueSetting::What::RpsFlowCount;
    if (count && !std::holds_alternative<std::int64_t>(value)) return reject(candidate, "a number is needed");
    if (!count && !std::holds_alternative<CpuSet>(value))
        return reject(candidate, "a set is needed, such as 0-3 or mask:f");
    const bool receive = queue.what == QueueSetting::What::RpsCpus || count;
    if (!queue.queue.starts_with(receive ? "rx-" : "tx-"))
        return reject(candidate,
                      receive ? "only receive queues (rx-N) have it" : "only transmit queues (tx-N) have it");
    return {};
}

// Sysctls have entries; of what the catalogue does not describe, the tunable's own kind knows the limits.
template <class Other>
Result<void> check_kind(const Other&, const Value&, const Candidate&)
{
    return {};
}

struct Name {
    std::string operator()(const SysctlKey& sysctl) const { return sysctl.name; }
    std::string operator()(const LinkSetting& link) const
    {
        return fmt::format("{} of {}", to_text(link.what), link.nic);
    }
    std::string operator()(const QueueSetting& queue) const
    {
        const Parameter* parameter = find(Tunable{queue});
        ENSURE(parameter);
        return fmt::format("{} of {} {}", parameter->key.substr(parameter->key.find('.') + 1), queue.nic, queue.queue);
    }
    template <class Other>
    std::string operator()(const Other& other) const
    {
        return to_text(Tunable{other});
    }
};

std::string name_of(const Tunable& tunable) { return std::visit(Name{}, tunable); }

Candidate candidate_of(const Tunable& tunable, const Value& value)
{
    return {name_of(tunable), text_of(value), numbers_of(value)};
}

bool counts_pages(const Tunable& tunable)
{
    const Parameter* parameter = find(tunable);
    return parameter && parameter->unit == "pages" && parameter->type == Type::IntegerList;
}

} // namespace

Result<void> check(const Tunable& tunable, const Value& value)
{
    const Candidate candidate = candidate_of(tunable, value);
    TRY_VOID(std::visit([&](const auto& kind) { return check_kind(kind, value, candidate); }, tunable));
    const Parameter* parameter = find(tunable);
    return parameter ? check_entry(*parameter, candidate) : Result<void>{};
}

Result<void> check(const Tunable& tunable, const Value& value, Bytes memory, Bytes page)
{
    TRY_VOID(check(tunable, value));
    if (!counts_pages(tunable) || page.count == 0) return {};
    const Candidate candidate = candidate_of(tunable, value);
    if (static_cast<std::uint64_t>(candidate.numbers.back()) <= memory.count / page.count / 2) return {};
    return reject(candidate, fmt::format("the maximum counts pages of {} bytes, and so many are more than half of this "
                                         "host's {}; was it meant in bytes?",
                                         page.count, to_text(memory)));
}

} // namespace netwright::catalog
