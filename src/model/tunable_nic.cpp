// SPDX-License-Identifier: GPL-2.0-or-later
// "nic/eth0/ring/rx": what a driver lets be set, in groups. Each group is a row here and a kind of its own; who sets it
// is src/tunable/nic_<group>.cpp.
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

struct Group {
    AddressKind kind;       // its name holds the group: "nic/ring"
    std::string_view names; // "rx tx": these; "*": whatever the driver has; "": the group is one setting
};

Result<NicSetting> parse(const AddressText& address);

std::string text_of(const NicSetting& nic)
{
    return fmt::format("nic/{}/{}{}{}", nic.nic, nic.group, nic.name.empty() ? "" : "/", nic.name);
}

Result<Value> count(const NicSetting& nic, std::string_view text) { return count_value(text_of(nic), text); }

template <auto value, auto persistence>
constexpr AddressKind group(std::string_view name, std::string_view form, std::string_view help,
                            std::string_view example)
{
    return TypedAddressKind<NicSetting>::of<parse, text_of, value, persistence>(name, form, help, example);
}

Persistence link_file(const NicSetting&) { return Persistence::LinkFile; }

constexpr std::array groups{
    Group{group<count, link_file>("nic/ring", "nic/INTERFACE/ring/rx|rx-mini|rx-jumbo|tx",
                                  "descriptors of a ring, up to what the device takes", "nic/eth0/ring/rx"),
          "rx rx-mini rx-jumbo tx"},
};

std::string group_words()
{
    std::vector<std::string_view> words;
    for (const Group& row : groups)
        words.push_back(row.kind.group());
    return fmt::format("{}", fmt::join(words, ", "));
}

// Slashes separate parts, so there is none in a name, and a name is no path: drivers are asked by netlink.
bool valid_name(std::string_view names, std::string_view name)
{
    if (names == "*") return !name.empty() && name.size() <= 64 && plain_characters(name);
    const auto known = split_words(names);
    return std::ranges::find(known, name) != known.end();
}

Result<NicSetting> parse(const AddressText& address)
{
    const auto& parts = address.parts;
    if (parts.size() < 3 || parts.size() > 4 || !valid_interface(parts[1]))
        return refuse_address(address.whole, "write nic/INTERFACE/ring/rx");
    const auto row =
        std::ranges::find_if(groups, [&](const Group& one) { return glob_match(one.kind.group(), parts[2]); });
    if (row == groups.end()) return refuse_address(address.whole, fmt::format("a NIC has {}", group_words()));
    const std::string_view name = parts.size() == 4 ? parts[3] : "";
    const bool right = row->names.empty() ? parts.size() == 3 : valid_name(row->names, name);
    if (!right) return refuse_address(address.whole, fmt::format("write {}", row->kind.form));
    return NicSetting{std::string(parts[1]), std::string(parts[2]), std::string(name)};
}

} // namespace

std::vector<const AddressKind*> nic_addresses()
{
    std::vector<const AddressKind*> kinds;
    for (const Group& row : groups)
        kinds.push_back(&row.kind);
    return kinds;
}

} // namespace netwright
