// SPDX-License-Identifier: GPL-2.0-or-later
// What one virtual function of an SR-IOV device may do: rtnetlink's list of them (do_setvfinfo() in
// net/core/rtnetlink.c).
#include "base/text.h"
#include "tunable/kinds.h"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>

namespace netwright::tunable {
namespace {

constexpr std::uint32_t not_told = 0xffffffff; // what drivers without a switch answer

struct Function {
    std::uint32_t number = 0, trust = not_told, spoof_check = not_told;
    std::optional<ifla_vf_rate> rate;
};
struct Device {
    std::string name;
    int index = 0;
    std::vector<Function> functions;
};

Function parse_function(std::span<const std::byte> nest)
{
    Function function;
    kernel::each_attribute(nest, [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (type == IFLA_VF_MAC) function.number = kernel::as_structure<ifla_vf_mac>(payload).vf;
        if (type == IFLA_VF_TRUST) function.trust = kernel::as_structure<ifla_vf_trust>(payload).setting;
        if (type == IFLA_VF_SPOOFCHK) function.spoof_check = kernel::as_structure<ifla_vf_spoofchk>(payload).setting;
        if (type == IFLA_VF_RATE) function.rate = kernel::as_structure<ifla_vf_rate>(payload);
    });
    return function;
}

Device parse_device(const nlmsghdr& message)
{
    Device device;
    if (const auto head = kernel::fixed_part<ifinfomsg>(message)) device.index = head->ifi_index;
    kernel::each_attribute(message, sizeof(ifinfomsg), [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (type == IFLA_IFNAME) device.name = kernel::as_text(payload);
        if (type == IFLA_VFINFO_LIST)
            kernel::each_attribute(payload, [&](std::uint16_t inner, std::span<const std::byte> nest) {
                if (inner == IFLA_VF_INFO) device.functions.push_back(parse_function(nest));
            });
    });
    return device;
}

std::optional<Value> value_of(const Function& function, std::string_view name)
{
    const auto on_off = [](std::uint32_t setting) -> std::optional<Value> {
        if (setting == not_told) return std::nullopt;
        return std::string(setting != 0 ? "on" : "off");
    };
    if (name == "trust") return on_off(function.trust);
    if (name == "spoofchk") return on_off(function.spoof_check);
    if (name == "max-tx-rate" && function.rate) return std::int64_t{function.rate->max_tx_rate};
    return std::nullopt;
}

kernel::Request question_about(std::uint16_t flags)
{
    kernel::Request question(RTM_GETLINK, flags);
    question.header(ifinfomsg{}).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
    return question;
}

struct Found {
    int index;
    Function function;
};

Result<Found> function_of(kernel::Kernel& kernel, const NicSetting& setting)
{
    kernel::Request question = question_about(0);
    question.put_text(IFLA_IFNAME, setting.nic);
    Device device;
    const auto asked =
        kernel.netlink->ask(NETLINK_ROUTE, question, [&](const nlmsghdr& message) { device = parse_device(message); });
    if (!asked && asked.error().kind == Error::Kind::Absent) return no_such_interface(setting.nic);
    if (!asked) return std::unexpected(asked.error());
    const auto number = parse_unsigned(std::string_view(setting.group).substr(3)); // "vf-0"
    const auto found = std::ranges::find(device.functions, number.value_or(not_told), &Function::number);
    if (found != device.functions.end()) return Found{device.index, *found};
    return fail(Error::Kind::Absent, device.functions.empty()
                                         ? fmt::format("{}: {} has no virtual functions (see nic/{}/vfs)",
                                                       to_text(setting), setting.nic, setting.nic)
                                         : fmt::format("{}: {} has {} virtual functions, from vf-0", to_text(setting),
                                                       setting.nic, device.functions.size()));
}

template <class Structure>
void put_structure(kernel::Request& change, std::uint16_t type, const Structure& structure)
{
    change.put(type, std::as_bytes(std::span(&structure, 1)));
}

void put_setting(kernel::Request& change, const Function& function, std::string_view name, const Value& value)
{
    const std::uint32_t on = value == Value{std::string("on")} ? 1 : 0;
    if (name == "trust") put_structure(change, IFLA_VF_TRUST, ifla_vf_trust{function.number, on});
    if (name == "spoofchk") put_structure(change, IFLA_VF_SPOOFCHK, ifla_vf_spoofchk{function.number, on});
    const auto* rate = std::get_if<std::int64_t>(&value);
    if (name == "max-tx-rate" && rate) {
        const std::uint32_t least = function.rate ? function.rate->min_tx_rate : 0;
        put_structure(change, IFLA_VF_RATE, ifla_vf_rate{function.number, least, static_cast<std::uint32_t>(*rate)});
    }
}

constexpr std::array<std::string_view, 3> names{"trust", "spoofchk", "max-tx-rate"};

struct Vf : KindDefaults<NicSetting> {
    static Present read(kernel::Kernel& kernel, const NicSetting& setting)
    {
        const Found found = TRY(function_of(kernel, setting));
        const auto value = value_of(found.function, setting.name);
        if (value) return value;
        return fail(Error::Kind::Absent,
                    fmt::format("{}: the driver of {} does not have it", to_text(setting), setting.nic));
    }

    static Result<void> check(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        TRY_VOID(read(kernel, setting));
        TRY_VOID(parse_value(setting, to_text(value)));
        return {};
    }

    static Result<void> write(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        const Found found = TRY(function_of(kernel, setting));
        ifinfomsg head{};
        head.ifi_index = found.index;
        kernel::Request change(RTM_SETLINK, NLM_F_ACK);
        change.header(head);
        const std::size_t list = change.begin(IFLA_VFINFO_LIST), one = change.begin(IFLA_VF_INFO);
        put_setting(change, found.function, setting.name, value);
        change.end(one);
        change.end(list);
        auto done = kernel.netlink->ask(NETLINK_ROUTE, change, [](const nlmsghdr&) {});
        if (!done) return write_failed(setting, value, std::move(done).error());
        return {};
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        if (!kernel.files.is_live())
            return fail(Error::Kind::Unsupported, "a captured tree does not hold virtual functions");
        std::vector<Reading> found;
        kernel::Request question = question_about(NLM_F_DUMP);
        const auto take = [&](const nlmsghdr& message) {
            const Device device = parse_device(message);
            for (const Function& function : device.functions)
                for (const std::string_view name : names)
                    if (const auto value = value_of(function, name))
                        found.push_back(
                            {NicSetting{device.name, fmt::format("vf-{}", function.number), std::string(name)}, value});
        };
        TRY_VOID(kernel.netlink->ask_whole(NETLINK_ROUTE, question, take, [&] { found.clear(); }));
        return found;
    }

    static std::string undo_command(const NicSetting& setting, const std::optional<Value>& from)
    {
        const std::string word = setting.name == "max-tx-rate" ? "max_tx_rate" : setting.name;
        if (!from) return "# " + to_text(setting) + ": nothing to put back";
        return fmt::format("ip link set dev {} vf {} {} {}", shell_word(setting.nic), setting.group.substr(3), word,
                           to_text(*from));
    }
};

} // namespace

constexpr Kind nic_vf_kind = kind_of<Vf>("nic/vf-*", "rtnetlink IFLA_VFINFO_LIST");

} // namespace netwright::tunable
