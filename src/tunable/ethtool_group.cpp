// SPDX-License-Identifier: GPL-2.0-or-later
// Conversations about one attribute of an ethtool netlink message.
#include "tunable/ethtool_group.h"

#include "kernel/ethtool_netlink.h"

#include <fmt/format.h>
#include <linux/ethtool_netlink.h>

#include <algorithm>

namespace netwright::tunable {
namespace {

std::unexpected<Error> no_such_setting(const NicSetting& setting)
{
    return fail(Error::Kind::Absent,
                fmt::format("{}: the driver of {} has no such setting", to_text(setting), setting.nic));
}

bool is_switch(const EthtoolField& field) { return field.form == EthtoolField::Form::Switch; }

// The number that stands for it in the message; nothing if it is no value for this field.
std::optional<std::uint32_t> number_for(const EthtoolField& field, const Value& value)
{
    if (is_switch(field)) {
        if (value == Value{std::string("on")}) return 1U;
        if (value == Value{std::string("off")}) return 0U;
        return std::nullopt;
    }
    const auto* number = std::get_if<std::int64_t>(&value);
    if (!number || *number < 0 || *number > 0xffffffffL) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

std::unexpected<Error> not_its_value(const EthtoolField& field, const NicSetting& setting, const Value& value)
{
    return fail(Error::Kind::Rejected,
                fmt::format("{} takes {}, not '{}'", to_text(setting), is_switch(field) ? "on or off" : "a number",
                            to_text(value).substr(0, 64)));
}

} // namespace

const EthtoolField* EthtoolGroup::find(std::string_view name) const
{
    const auto field = std::ranges::find(fields, name, &EthtoolField::name);
    return field == fields.end() ? nullptr : &*field;
}

EthtoolNumbers parse_ethtool_numbers(std::span<const std::byte> attributes)
{
    EthtoolNumbers numbers;
    kernel::each_attribute(attributes, [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (payload.size() == 1) numbers[type] = kernel::as_u8(payload);
        if (payload.size() == 4) numbers[type] = kernel::as_u32(payload);
        if (payload.size() == 8) numbers[type] = kernel::as_u64(payload);
    });
    return numbers;
}

std::optional<Value> value_of(const EthtoolField& field, const EthtoolNumbers& numbers)
{
    const auto found = numbers.find(field.attribute);
    if (found == numbers.end()) return std::nullopt;
    // A ring or channel that the device does not have may still be told, as 0 of 0.
    const auto most = numbers.find(field.maximum);
    if (field.maximum != 0 && (most == numbers.end() || most->second == 0)) return std::nullopt;
    if (is_switch(field)) return std::string(found->second != 0 ? "on" : "off");
    return static_cast<std::int64_t>(found->second);
}

Result<EthtoolNumbers> ask_numbers(kernel::Kernel& kernel, const EthtoolGroup& group, const std::string& nic)
{
    const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
    kernel::Request question = kernel::ethtool_request(family, group.get, nic);
    EthtoolNumbers numbers;
    const auto asked = kernel.netlink->ask(NETLINK_GENERIC, question, [&](const nlmsghdr& message) {
        numbers = parse_ethtool_numbers(kernel::generic_attributes(message));
    });
    if (asked) return numbers;
    if (asked.error().kind == Error::Kind::Absent) return no_such_interface(nic);
    if (asked.error().kind == Error::Kind::Unsupported)
        return fail(Error::Kind::Absent, fmt::format("the driver of {} has no {} settings", nic, group.group));
    return std::unexpected(asked.error());
}

Present read_field(kernel::Kernel& kernel, const EthtoolGroup& group, const NicSetting& setting)
{
    const EthtoolField* const field = group.find(setting.name);
    if (!field) return no_such_setting(setting);
    const auto value = value_of(*field, TRY(ask_numbers(kernel, group, setting.nic)));
    if (!value) return no_such_setting(setting);
    return value;
}

Result<void> check_field(kernel::Kernel& kernel, const EthtoolGroup& group, const NicSetting& setting,
                         const Value& value)
{
    const EthtoolField* const field = group.find(setting.name);
    if (!field) return no_such_setting(setting);
    const EthtoolNumbers numbers = TRY(ask_numbers(kernel, group, setting.nic));
    if (!value_of(*field, numbers)) return no_such_setting(setting);
    const auto number = number_for(*field, value);
    if (!number) return not_its_value(*field, setting, value);
    if (field->maximum == 0 || *number <= numbers.at(field->maximum)) return {};
    return fail(Error::Kind::Rejected, fmt::format("{} {}: this device takes at most {}", to_text(setting), *number,
                                                   numbers.at(field->maximum)));
}

Result<void> write_field(kernel::Kernel& kernel, const EthtoolGroup& group, const NicSetting& setting,
                         const Value& value)
{
    const EthtoolField* const field = group.find(setting.name);
    if (!field) return no_such_setting(setting);
    const auto number = number_for(*field, value);
    if (!number) return not_its_value(*field, setting, value);
    const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
    kernel::Request change = kernel::ethtool_request(family, group.set, setting.nic);
    if (is_switch(*field))
        change.put_u8(field->attribute, static_cast<std::uint8_t>(*number));
    else
        change.put_u32(field->attribute, *number);
    auto done = kernel.netlink->ask(NETLINK_GENERIC, change, [](const nlmsghdr&) {});
    if (!done) return write_failed(setting, value, std::move(done).error());
    return {};
}

Result<std::vector<Reading>> list_fields(kernel::Kernel& kernel, const EthtoolGroup& group)
{
    const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
    kernel::Request question = kernel::ethtool_question(family, group.get, 0);
    std::vector<Reading> found;
    const auto take = [&](const nlmsghdr& message) {
        const EthtoolNumbers numbers = parse_ethtool_numbers(kernel::generic_attributes(message));
        const std::string nic = kernel::ethtool_interface_name(message);
        for (const EthtoolField& field : group.fields)
            if (const auto value = value_of(field, numbers))
                found.push_back({NicSetting{nic, std::string(group.group), std::string(field.name)}, value});
    };
    TRY_VOID(kernel::ask_every_interface(*kernel.netlink, question, take, [&] { found.clear(); }));
    return found;
}

std::string ethtool_command(std::string_view flag, const NicSetting& setting, std::string_view word,
                            const std::optional<Value>& from)
{
    if (!from) return "# " + to_text(setting) + ": nothing to put back";
    return fmt::format("ethtool {} {} {} {}", flag, shell_word(setting.nic), shell_word(word),
                       shell_word(to_text(*from)));
}

} // namespace netwright::tunable
