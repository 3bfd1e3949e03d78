// SPDX-License-Identifier: GPL-2.0-or-later
// Groups of a NIC's settings that are attributes of one ethtool netlink message: rings, channels, coalescing, pause,
// EEE. A group is a table; reading, limits, writing and listing are the same for all.
#pragma once

#include "tunable/kinds.h"

#include <cstdint>
#include <map>
#include <span>

namespace netwright::tunable {

struct EthtoolField {
    enum class Form { Number, Switch };
    std::string_view name;        // as people type it
    std::uint16_t attribute;      // of the GET and the SET message
    std::uint16_t maximum = 0;    // the attribute that tells its limit; 0: none does
    std::string_view word = name; // what the ethtool program calls it
    Form form = Form::Number;
};

struct EthtoolGroup {
    std::string_view group; // "ring"
    std::uint8_t get, set;  // ETHTOOL_MSG_RINGS_GET, …
    std::string_view flag;  // of the ethtool program: "-G"
    std::span<const EthtoolField> fields;

    const EthtoolField* find(std::string_view name) const;
};

// One interface's answer, by attribute.
using EthtoolNumbers = std::map<std::uint16_t, std::uint64_t>;
// What follows nlmsghdr and genlmsghdr. Nests and whatever is no number are left out.
EthtoolNumbers parse_ethtool_numbers(std::span<const std::byte> attributes);
std::optional<Value> value_of(const EthtoolField& field, const EthtoolNumbers& numbers);

// Absent: no such interface, or its driver does not have this setting.
Result<EthtoolNumbers> ask_numbers(kernel::Kernel& kernel, const EthtoolGroup& group, const std::string& nic);
Present read_field(kernel::Kernel& kernel, const EthtoolGroup& group, const NicSetting& setting);
// Rejected, with the device's limit: "nic/eth0/ring/rx 8192: this device takes at most 4096".
Result<void> check_field(kernel::Kernel& kernel, const EthtoolGroup& group, const NicSetting& setting,
                         const Value& value);
Result<void> write_field(kernel::Kernel& kernel, const EthtoolGroup& group, const NicSetting& setting,
                         const Value& value);
Result<std::vector<Reading>> list_fields(kernel::Kernel& kernel, const EthtoolGroup& group);
// "ethtool -G 'eth0' rx 512"
std::string ethtool_command(std::string_view flag, const NicSetting& setting, std::string_view word,
                            const std::optional<Value>& from);

// A kind that is nothing but such a group.
template <const EthtoolGroup& group>
struct EthtoolGroupKind : KindDefaults<NicSetting> {
    static Present read(kernel::Kernel& kernel, const NicSetting& setting)
    {
        return read_field(kernel, group, setting);
    }
    static Result<void> check(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        return check_field(kernel, group, setting, value);
    }
    static Result<void> write(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        return write_field(kernel, group, setting, value);
    }
    static Result<std::vector<Reading>> list(kernel::Kernel& kernel) { return list_fields(kernel, group); }
    static std::string undo_command(const NicSetting& setting, const std::optional<Value>& from)
    {
        const EthtoolField* const field = group.find(setting.name);
        return ethtool_command(group.flag, setting, field ? field->word : setting.name, from);
    }
};

} // namespace netwright::tunable
