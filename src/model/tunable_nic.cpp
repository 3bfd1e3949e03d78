// SPDX-License-Identifier: GPL-2.0-or-later
// "nic/eth0/ring/rx": what a driver lets be set, in groups. Each group is a row here and a kind of its own; who sets it
// is src/tunable/nic_<group>.cpp.
#include "base/text.h"
#include "model/link_file_keys.h"
#include "model/rss_words.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

struct Group {
    AddressKind kind; // its name holds the group: "nic/ring"
    // "rx tx": these; "*": whatever the driver has; "#": a number; "": the group is one setting
    std::string_view names;
};

Result<NicSetting> parse(const AddressText& address);

std::string text_of(const NicSetting& nic)
{
    return fmt::format("nic/{}/{}{}{}", nic.nic, nic.group, nic.name.empty() ? "" : "/", nic.name);
}

// ---- values ----

Result<Value> count(const NicSetting& nic, std::string_view text) { return count_value(text_of(nic), text); }
Result<Value> switched(const NicSetting& nic, std::string_view text) { return switch_value(text_of(nic), text); }

// Timers and counts are numbers, all else in these groups is a switch.
Result<Value> coalesce_value(const NicSetting& nic, std::string_view text)
{
    const bool on_off = nic.name.starts_with("adaptive-") || nic.name.starts_with("cqe-mode-");
    return on_off ? switched(nic, text) : count(nic, text);
}

Result<Value> eee_value(const NicSetting& nic, std::string_view text)
{
    return nic.name == "tx-timer" ? count(nic, text) : switched(nic, text);
}

Result<Value> vf_value(const NicSetting& nic, std::string_view text)
{
    return nic.name == "max-tx-rate" ? count(nic, text) : switched(nic, text);
}

Result<Value> speed_value(const NicSetting& nic, std::string_view text)
{
    text = trim(text);
    if (text == "auto") return Value{std::string(text)};
    const std::size_t slash = text.find('/');
    const auto speed = parse_unsigned(text.substr(0, slash));
    const std::string_view duplex = slash == std::string_view::npos ? "" : text.substr(slash + 1);
    if (!speed || *speed == 0 || *speed > 0x7fffffff || (duplex != "full" && duplex != "half"))
        return fail(Error::Kind::Malformed,
                    fmt::format("{}: '{}' is neither auto nor a speed in Mbit/s with its duplex, such as 10000/full",
                                text_of(nic), text.substr(0, 64)));
    return Value{fmt::format("{}/{}", *speed, duplex)};
}

constexpr std::string_view rss_fields = "fields-";

// Keys, functions and letters stand for themselves; src/tunable/nic_rss.cpp takes them apart.
Result<Value> hashing(const NicSetting& nic, std::string_view text)
{
    if (nic.name == "indirection") return parse_indirection(text);
    if (nic.name == "key") {
        const auto key = TRY(parse_rss_key(text));
        return rss_key_text(std::as_bytes(std::span(key)));
    }
    if (nic.name.starts_with(rss_fields)) return hash_field_letters(TRY(parse_hash_fields(text)));
    return rss_function_name(TRY(parse_rss_function(trim(text))));
}

// src/kernel/flow_rule.cpp takes it apart.
Result<Value> flow_rule(const NicSetting& nic, std::string_view text)
{
    text = trim(text);
    if (!text.empty() && !text.starts_with("flow-type ") && !text.starts_with("raw "))
        return fail(Error::Kind::Malformed,
                    fmt::format("{}: '{}' is no flow rule: write flow-type tcp4 dst-port 80 action 2", text_of(nic),
                                text.substr(0, 64)));
    return fmt::format("{}", fmt::join(split_words(text), " "));
}

Persistence persistence_of(const NicSetting& nic)
{
    return has_link_file_key(nic) ? Persistence::LinkFile : Persistence::BootUnit;
}

// ---- the groups ----

template <auto value>
constexpr AddressKind group(std::string_view name, std::string_view form, std::string_view help,
                            std::string_view example)
{
    return TypedAddressKind<NicSetting>::of<parse, text_of, value, persistence_of>(name, form, help, example);
}

constexpr std::array groups{
    Group{group<switched>("nic/offload", "nic/INTERFACE/offload/FEATURE",
                          "an offload, by the kernel's name or ethtool's short one: on or off",
                          "nic/eth0/offload/tx-tcp-segmentation"),
          "*"},
    Group{group<count>("nic/ring", "nic/INTERFACE/ring/rx|rx-mini|rx-jumbo|tx",
                       "descriptors of a ring, up to what the device takes", "nic/eth0/ring/rx"),
          "rx rx-mini rx-jumbo tx"},
    Group{group<count>("nic/queues", "nic/INTERFACE/queues/combined|rx|tx|other", "queues, up to what the device takes",
                       "nic/eth0/queues/combined"),
          "combined rx tx other"},
    Group{group<coalesce_value>("nic/coalesce", "nic/INTERFACE/coalesce/WORD",
                                "interrupt coalescing, in the words of ethtool -C: microseconds, frames, on or off",
                                "nic/eth0/coalesce/rx-usecs"),
          "adaptive-rx adaptive-tx rx-usecs rx-frames rx-usecs-irq rx-frames-irq tx-usecs tx-frames tx-usecs-irq "
          "tx-frames-irq stats-block-usecs pkt-rate-low rx-usecs-low rx-frames-low tx-usecs-low tx-frames-low "
          "pkt-rate-high rx-usecs-high rx-frames-high tx-usecs-high tx-frames-high sample-interval cqe-mode-rx "
          "cqe-mode-tx"},
    Group{group<switched>("nic/pause", "nic/INTERFACE/pause/autoneg|rx|tx", "pause frames: on or off",
                          "nic/eth0/pause/rx"),
          "autoneg rx tx"},
    Group{group<switched>("nic/private-flag", "nic/INTERFACE/private-flag/NAME",
                          "a switch of the driver's own, by its own name: on or off",
                          "nic/eth0/private-flag/legacy-rx"),
          "*"},
    Group{group<eee_value>("nic/eee", "nic/INTERFACE/eee/enabled|tx-lpi|tx-timer",
                           "Energy-Efficient Ethernet: on or off, the timer in microseconds", "nic/eth0/eee/enabled"),
          "enabled tx-lpi tx-timer"},
    Group{group<speed_value>("nic/speed", "nic/INTERFACE/speed", "the link's speed: auto, or fixed as 10000/full",
                             "nic/eth0/speed"),
          ""},
    Group{group<count>("nic/vfs", "nic/INTERFACE/vfs", "how many SR-IOV virtual functions there are", "nic/eth0/vfs"),
          ""},
    Group{group<vf_value>("nic/vf-*", "nic/INTERFACE/vf-N/trust|spoofchk|max-tx-rate",
                          "what one virtual function may do: on or off, the rate in Mbit/s (0: no limit)",
                          "nic/eth0/vf-0/spoofchk"),
          "trust spoofchk max-tx-rate"},
    Group{group<hashing>(
              "nic/rss", "nic/INTERFACE/rss/indirection|key|function|fields-FLOW",
              "receive-side scaling: 'equal 4', 'weight 6 2' or a queue for each entry; a key such as 6d:5a:…; "
              "toeplitz, xor or crc32; the hashed fields of tcp4, udp4, sctp4, tcp6, udp6, sctp6 as letters (sdfn)",
              "nic/eth0/rss/indirection"),
          "indirection key function fields-tcp4 fields-udp4 fields-sctp4 fields-tcp6 fields-udp6 fields-sctp6"},
    Group{group<flow_rule>("nic/ntuple", "nic/INTERFACE/ntuple/LOCATION",
                           "a flow rule of the hardware: 'flow-type tcp4 dst-port 80 action 2', or nothing",
                           "nic/eth0/ntuple/0"),
          "#"},
};

// What people type for a feature: ethtool's short names and the long ones it prints (off_flag_def in ethtool.c), where
// they stand for one feature of the kernel.
struct Alias {
    std::string_view word, longer, feature;
};
constexpr std::array aliases{
    Alias{"rx", "rx-checksumming", "rx-checksum"},
    Alias{"sg", "scatter-gather", "tx-scatter-gather"},
    Alias{"tso", "tcp-segmentation-offload", "tx-tcp-segmentation"},
    Alias{"gso", "generic-segmentation-offload", "tx-generic-segmentation"},
    Alias{"gro", "generic-receive-offload", "rx-gro"},
    Alias{"lro", "large-receive-offload", "rx-lro"},
    Alias{"rxvlan", "rx-vlan-offload", "rx-vlan-hw-parse"},
    Alias{"txvlan", "tx-vlan-offload", "tx-vlan-hw-insert"},
    Alias{"ntuple", "ntuple-filters", "rx-ntuple-filter"},
    Alias{"rxhash", "receive-hashing", "rx-hashing"},
};

std::string_view feature_of(std::string_view name)
{
    for (const Alias& alias : aliases)
        if (name == alias.word || name == alias.longer) return alias.feature;
    return name;
}

std::string group_words()
{
    std::vector<std::string_view> words;
    for (const Group& row : groups)
        words.push_back(row.kind.group());
    return fmt::format("{}", fmt::join(words, ", "));
}

// ---- addresses ----

// Slashes separate parts, so there is none in a name, and a name is no path: drivers are asked by netlink.
bool valid_name(std::string_view names, std::string_view name)
{
    if (names == "#") {
        const auto number = parse_unsigned(name);
        return number && *number <= INT32_MAX && fmt::format("{}", *number) == name;
    }
    if (names == "*") return !name.empty() && name.size() <= 64 && plain_characters(name);
    const auto known = split_words(names);
    return std::ranges::find(known, name) != known.end();
}

// "vf-0", not "vf-x" or "vf-00"; other groups are words of ours and have no number.
bool right_number(std::string_view group)
{
    if (!group.starts_with("vf-")) return true;
    const auto number = parse_unsigned(group.substr(3));
    return number && *number < 65536 && group.substr(3) == fmt::format("{}", *number);
}

Result<std::string> feature_name(const AddressText& address, std::string_view name)
{
    if (name == "tx" || name == "tx-checksumming")
        return refuse_address(address.whole, "tx stands for several features: name one of tx-checksum-ip-generic, "
                                             "tx-checksum-ipv4, tx-checksum-ipv6, tx-checksum-sctp");
    return std::string(feature_of(name));
}

Result<NicSetting> parse(const AddressText& address)
{
    const auto& parts = address.parts;
    if (parts.size() < 3 || parts.size() > 4 || !valid_interface(parts[1]))
        return refuse_address(address.whole, "write nic/INTERFACE/ring/rx");
    const auto row = std::ranges::find_if(
        groups, [&](const Group& one) { return glob_match(one.kind.group(), parts[2]) && right_number(parts[2]); });
    if (row == groups.end()) return refuse_address(address.whole, fmt::format("a NIC has {}", group_words()));
    const std::string_view name = parts.size() == 4 ? parts[3] : "";
    const bool right = row->names.empty() ? parts.size() == 3 : valid_name(row->names, name);
    if (!right) return refuse_address(address.whole, fmt::format("write {}", row->kind.form));
    NicSetting setting{std::string(parts[1]), std::string(parts[2]), std::string(name)};
    if (setting.group == "offload") setting.name = TRY(feature_name(address, name));
    return setting;
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
