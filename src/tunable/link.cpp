// SPDX-License-Identifier: GPL-2.0-or-later
// MTU and transmit queue length of an interface: RTM_GETLINK and RTM_SETLINK, or sysfs in a captured tree.
#include "tunable/kinds.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

namespace netwright::tunable {
namespace {

struct Link {
    std::string name;
    int index = 0;
    std::uint32_t mtu = 0, least_mtu = 0, most_mtu = 0, tx_queue_length = 0; // most_mtu 0: not told
};

void fill(Link& link, std::uint16_t type, std::span<const std::byte> payload)
{
    switch (type) {
    case IFLA_IFNAME:
        link.name = kernel::as_text(payload);
        break;
    case IFLA_MTU:
        link.mtu = kernel::as_u32(payload);
        break;
    case IFLA_MIN_MTU:
        link.least_mtu = kernel::as_u32(payload);
        break;
    case IFLA_MAX_MTU:
        link.most_mtu = kernel::as_u32(payload);
        break;
    case IFLA_TXQLEN:
        link.tx_queue_length = kernel::as_u32(payload);
        break;
    default:
        break;
    }
}

Link parse_link(const nlmsghdr& message)
{
    Link link;
    if (message.nlmsg_len >= NLMSG_LENGTH(sizeof(ifinfomsg)))
        link.index = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message))->ifi_index;
    kernel::each_attribute(message, sizeof(ifinfomsg), [&](auto type, auto payload) { fill(link, type, payload); });
    return link;
}

std::unexpected<Error> no_such_link(const std::string& nic)
{
    return fail(Error::Kind::Absent, fmt::format("there is no interface {} here (see: ip link)", nic), ENODEV);
}

Result<Link> find_link(kernel::Kernel& kernel, const std::string& nic)
{
    kernel::Request question(RTM_GETLINK, 0);
    question.header(ifinfomsg{}).put_text(IFLA_IFNAME, nic).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    Link link;
    const auto asked =
        kernel.netlink->ask(NETLINK_ROUTE, question, [&](const nlmsghdr& message) { link = parse_link(message); });
    if (!asked && asked.error().kind == Error::Kind::Absent) return no_such_link(nic);
    if (!asked) return std::unexpected(asked.error());
    if (link.index == 0) return no_such_link(nic);
    return link;
}

std::string sysfs_file(const LinkSetting& link)
{
    return fmt::format("sys/class/net/{}/{}", link.nic, link.what == LinkSetting::What::Mtu ? "mtu" : "tx_queue_len");
}

Result<std::optional<Value>> read_sysfs(kernel::Kernel& kernel, const LinkSetting& setting)
{
    const auto text = kernel.files.read_line(sysfs_file(setting));
    if (!text && text.error().kind == Error::Kind::Absent) return no_such_link(setting.nic);
    if (!text) return std::unexpected(text.error());
    return std::optional(TRY(parse_value(setting, *text)));
}

Result<std::int64_t> number_of(const LinkSetting& link, const Value& value)
{
    const auto* number = std::get_if<std::int64_t>(&value);
    if (!number || *number < 0 || *number > 0x7fffffff)
        return fail(Error::Kind::Rejected,
                    fmt::format("{} takes a number, not '{}'", to_text(link), to_text(value).substr(0, 64)));
    return *number;
}

Result<void> check_mtu(kernel::Kernel& kernel, const Link& link, std::int64_t mtu)
{
    if (mtu < link.least_mtu || (link.most_mtu != 0 && mtu > link.most_mtu))
        return fail(Error::Kind::Rejected, fmt::format("link/{}/mtu {}: this device takes {} to {}", link.name, mtu,
                                                       link.least_mtu, link.most_mtu));
    // Below IPV6_MIN_MTU the kernel takes IPv6 off the interface, addresses included (addrconf_notify() in
    // net/ipv6/addrconf.c): raising the MTU again would not bring them back.
    if (mtu < 1280 && link.mtu >= 1280 && kernel.files.exists("proc/sys/net/ipv6/conf/" + link.name))
        return fail(Error::Kind::Rejected,
                    fmt::format("link/{}/mtu {}: below 1280 the interface loses its IPv6 addresses for good; "
                                "disable IPv6 on it first",
                                link.name, mtu));
    return {};
}

// VLANs and bridges on top of a device follow its MTU (net/8021q/vlan.c vlan_device_event(), net/bridge/br_if.c).
void add_upper_devices(kernel::Kernel& kernel, const std::string& nic, std::vector<Tunable>& found, int depth)
{
    const auto entries = kernel.files.list("sys/class/net/" + nic);
    if (!entries || depth == 0) return;
    for (const std::string& entry : *entries) {
        if (!entry.starts_with("upper_")) continue;
        const std::string upper = entry.substr(6);
        found.emplace_back(LinkSetting{upper, LinkSetting::What::Mtu});
        add_upper_devices(kernel, upper, found, depth - 1);
    }
}

} // namespace

Result<std::optional<Value>> read_one(kernel::Kernel& kernel, const LinkSetting& setting)
{
    if (!kernel.files.is_live()) return read_sysfs(kernel, setting);
    const Link link = TRY(find_link(kernel, setting.nic));
    return std::optional<Value>(std::int64_t{setting.what == LinkSetting::What::Mtu ? link.mtu : link.tx_queue_length});
}

Result<void> check_one(kernel::Kernel& kernel, const LinkSetting& setting, const Value& value)
{
    const std::int64_t number = TRY(number_of(setting, value));
    if (!kernel.files.is_live()) {
        if (!kernel.files.exists("sys/class/net/" + setting.nic)) return no_such_link(setting.nic);
        return {};
    }
    const Link link = TRY(find_link(kernel, setting.nic));
    if (setting.what == LinkSetting::What::Mtu) return check_mtu(kernel, link, number);
    return {};
}

Result<void> write_one(kernel::Kernel& kernel, const LinkSetting& setting, const Value& value)
{
    const auto number = static_cast<std::uint32_t>(TRY(number_of(setting, value)));
    if (!kernel.files.is_live()) return kernel.files.write(sysfs_file(setting), fmt::format("{}\n", number));
    const Link link = TRY(find_link(kernel, setting.nic));
    ifinfomsg head{};
    head.ifi_index = link.index;
    kernel::Request change(RTM_SETLINK, NLM_F_ACK);
    change.header(head).put_u32(setting.what == LinkSetting::What::Mtu ? IFLA_MTU : IFLA_TXQLEN, number);
    auto done = kernel.netlink->ask(NETLINK_ROUTE, change, [](const nlmsghdr&) {});
    if (done) return {};
    Error error = std::move(done).error();
    error.what = fmt::format("set {} to {}: {}{}", to_text(setting), number, error.what,
                             error.kind == Error::Kind::Refused ? " (run as root)" : "");
    return std::unexpected(std::move(error));
}

bool same_one(const LinkSetting&, const Value&, const Value&) { return false; } // numbers: equal or not

std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const LinkSetting& link)
{
    std::vector<Tunable> found;
    if (link.what != LinkSetting::What::Mtu) return found;
    std::string part = link.nic;
    std::ranges::replace(part, '.', '/');
    // addrconf_notify() sets the interface's IPv6 MTU to the link's.
    if (kernel.files.exists("proc/sys/net/ipv6/conf/" + link.nic + "/mtu"))
        found.emplace_back(SysctlKey{fmt::format("net.ipv6.conf.{}.mtu", part)});
    add_upper_devices(kernel, link.nic, found, 4);
    return found;
}

Result<std::vector<Tunable>> list_links(kernel::Kernel& kernel)
{
    std::vector<Tunable> found;
    const auto names = TRY(kernel.files.list("sys/class/net"));
    for (const std::string& name : names) {
        if (name == "bonding_masters") continue; // a file of the bonding driver, no interface
        found.emplace_back(LinkSetting{name, LinkSetting::What::Mtu});
        found.emplace_back(LinkSetting{name, LinkSetting::What::TxQueueLength});
    }
    return found;
}

} // namespace netwright::tunable
