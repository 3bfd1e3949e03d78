// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses of settings and the values they take, as text: from a text to the file that knows its kind.
#include "model/tunable.h"

#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

using Kinds = std::vector<const AddressKind*>;

Kinds all_kinds()
{
    Kinds kinds{&sysctl_address, &link_address, &queue_address};
    std::ranges::copy(nic_addresses(), std::back_inserter(kinds));
    kinds.insert(kinds.end(), {&qdisc_address, &route_address, &rule_address, &table_address, &notrack_address,
                               &mptcp_address, &congestion_address});
    kinds.insert(kinds.end(), {&irq_address, &cpu_address, &service_address, &xdp_address, &tc_address});
    return kinds;
}

// "sysctl/, link/, queue/ or nic/"
std::string prefixes()
{
    std::vector<std::string> words;
    for (const AddressKind* kind : address_kinds())
        if (words.empty() || words.back() != fmt::format("{}/", kind->prefix()))
            words.push_back(fmt::format("{}/", kind->prefix()));
    const std::string last = words.back();
    words.pop_back();
    return fmt::format("{} or {}", fmt::join(words, ", "), last);
}

template <class... Cases>
struct Overload : Cases... {
    using Cases::operator()...;
};

} // namespace

bool AddressKind::is(const Tunable& tunable) const
{
    if (tunable.index() != alternative) return false;
    const auto* path = std::get_if<PacketPath>(&tunable);
    if (path) return (path->what == PacketPath::What::Steering) == (prefix() == "tc");
    const auto* nic = std::get_if<NicSetting>(&tunable);
    return !nic || glob_match(group(), nic->group);
}

std::span<const AddressKind* const> address_kinds()
{
    static const Kinds kinds = all_kinds();
    return kinds;
}

const AddressKind& address_kind(const Tunable& tunable)
{
    const auto kinds = address_kinds();
    const auto kind = std::ranges::find_if(kinds, [&](const AddressKind* one) { return one->is(tunable); });
    ENSURE(kind != kinds.end()); // tests/model/tunable_test.cpp holds every alternative against the list
    return **kind;
}

std::string to_text(const Tunable& tunable) { return address_kind(tunable).text(tunable); }

Result<Tunable> parse_tunable(std::string_view text)
{
    const AddressText address{text, split(text, '/')};
    for (const AddressKind* kind : address_kinds()) // the first of a prefix parses for all of it
        if (address.parts.size() > 1 && address.parts.front() == kind->prefix()) return kind->parse(address);
    for (const std::string_view root : {"net", "fs", "vm", "kernel"}) // as sysctl(8) takes them
        if (text.starts_with(root) && text.size() > root.size() &&
            (text[root.size()] == '.' || text[root.size()] == '/')) {
            const std::string full = fmt::format("sysctl/{}", text);
            return sysctl_address.parse({full, split(full, '/')});
        }
    return refuse_address(text, fmt::format("it starts with {} (see: netwright list)", prefixes()));
}

std::string to_text(const Value& value)
{
    return std::visit(
        Overload{[](std::int64_t number) { return fmt::format("{}", number); },
                 [](const std::vector<std::int64_t>& numbers) { return fmt::format("{}", fmt::join(numbers, " ")); },
                 [](const CpuSet& set) { return "list:" + set.list(); }, [](const std::string& text) { return text; }},
        value);
}

Result<Value> parse_value(const Tunable& tunable, std::string_view text)
{
    if (text.size() > 65536)
        return fail(Error::Kind::Malformed,
                    fmt::format("{}: a value of {} bytes is too long", to_text(tunable), text.size()));
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' && !is_blank(c); }))
        return fail(Error::Kind::Malformed, fmt::format("{}: the value holds control characters", to_text(tunable)));
    return address_kind(tunable).value(tunable, text);
}

Persistence natural_persistence(const Tunable& tunable) { return address_kind(tunable).persistence(tunable); }

std::string_view interface_of(const Tunable& tunable)
{
    return std::visit(
        [](const auto& one) -> std::string_view {
            if constexpr (requires { one.nic; })
                return one.nic;
            else
                return {};
        },
        tunable);
}

bool matches(const Tunable& tunable, std::string_view glob)
{
    const std::string text = to_text(tunable);
    if (glob_match(glob, text)) return true;
    const auto* key = std::get_if<SysctlKey>(&tunable); // "net.ipv4.*" without the prefix is what people write
    return key && glob_match(glob, key->name);
}

std::unexpected<Error> refuse_address(std::string_view whole, std::string_view why)
{
    return fail(Error::Kind::Rejected, fmt::format("'{}' is no tunable: {}", whole.substr(0, 128), why));
}

bool plain_characters(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; });
}

bool valid_interface(std::string_view name)
{
    return !name.empty() && name.size() <= 15 && name != "." && name != ".." && plain_characters(name) &&
           name.find_first_of("/:") == std::string_view::npos;
}

Result<Value> count_value(std::string_view whole, std::string_view text)
{
    const auto number = parse_int(trim(text));
    if (!number || *number < 0)
        return fail(Error::Kind::Malformed,
                    fmt::format("{}: '{}' is not a number of at least 0", whole, text.substr(0, 64)));
    return *number;
}

Result<Value> switch_value(std::string_view whole, std::string_view text)
{
    text = trim(text);
    if (text == "on" || text == "1") return Value{std::string("on")};
    if (text == "off" || text == "0") return Value{std::string("off")};
    return fail(Error::Kind::Malformed, fmt::format("{}: '{}' is neither on nor off", whole, text.substr(0, 64)));
}

Result<Value> cpu_list_value(std::string_view text)
{
    text = trim(text);
    if (text.starts_with("mask:")) return TRY(CpuSet::parse_mask(text.substr(5)));
    return TRY(CpuSet::parse_list(text.starts_with("list:") ? text.substr(5) : text));
}

Result<Value> cpu_value(std::string_view text)
{
    text = trim(text);
    if (text.starts_with("list:")) return TRY(CpuSet::parse_list(text.substr(5)));
    if (text.starts_with("mask:")) return TRY(CpuSet::parse_mask(text.substr(5)));
    if (text.find('-') != std::string_view::npos) return TRY(CpuSet::parse_list(text));
    return TRY(CpuSet::parse_mask(text)); // the form sysfs prints
}

} // namespace netwright
