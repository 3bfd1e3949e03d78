// SPDX-License-Identifier: GPL-2.0-or-later
// What every interface has, whatever its driver: rtnetlink attributes (RTM_GETLINK, RTM_SETLINK) and files of
// /sys/class/net; in a captured tree files only.
#include "base/text.h"
#include "tunable/kinds.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <ranges>

namespace netwright::tunable {
namespace {

using What = LinkSetting::What;

// Debian 12's headers end with Linux 6.1 (include/uapi/linux/if_link.h).
constexpr std::uint16_t gso_ipv4_max_size = 63, gro_ipv4_max_size = 64;

struct Row {
    What what;
    std::uint16_t attribute; // 0: a file only
    std::string_view file;   // "": none
    std::string_view since;  // the kernel it came with; "": always there
};
constexpr std::array rows{
    Row{What::Mtu, IFLA_MTU, "mtu", ""},
    Row{What::TxQueueLength, IFLA_TXQLEN, "tx_queue_len", ""},
    Row{What::GsoMaxSize, IFLA_GSO_MAX_SIZE, "", ""},
    Row{What::GsoMaxSegments, IFLA_GSO_MAX_SEGS, "", ""},
    Row{What::GroMaxSize, IFLA_GRO_MAX_SIZE, "", "5.19"},
    Row{What::GsoIpv4MaxSize, gso_ipv4_max_size, "", "6.3"},
    Row{What::GroIpv4MaxSize, gro_ipv4_max_size, "", "6.3"},
    Row{What::GroFlushTimeout, 0, "gro_flush_timeout", ""},
    Row{What::NapiDeferHardIrqs, 0, "napi_defer_hard_irqs", ""},
    Row{What::Threaded, 0, "threaded", "5.12"},
};

const Row& row_of(What what) { return *std::ranges::find(rows, what, &Row::what); }

struct Link {
    std::string name;
    int index = 0;
    std::map<std::uint16_t, std::uint32_t> numbers; // by attribute

    std::uint32_t number(std::uint16_t attribute) const // 0: not told
    {
        const auto found = numbers.find(attribute);
        return found == numbers.end() ? 0 : found->second;
    }
};

Link parse_link(const nlmsghdr& message)
{
    Link link;
    if (const auto head = kernel::fixed_part<ifinfomsg>(message)) link.index = head->ifi_index;
    kernel::each_attribute(message, sizeof(ifinfomsg), [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (type == IFLA_IFNAME) link.name = kernel::as_text(payload);
        if (payload.size() == sizeof(std::uint32_t)) link.numbers[type] = kernel::as_u32(payload);
    });
    return link;
}

Result<Link> find_link(kernel::Kernel& kernel, const std::string& nic)
{
    kernel::Request question(RTM_GETLINK, 0);
    question.header(ifinfomsg{}).put_text(IFLA_IFNAME, nic).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    Link link;
    const auto asked =
        kernel.netlink->ask(NETLINK_ROUTE, question, [&](const nlmsghdr& message) { link = parse_link(message); });
    if (!asked && asked.error().kind == Error::Kind::Absent) return no_such_interface(nic);
    if (!asked) return std::unexpected(asked.error());
    if (link.index == 0) return no_such_interface(nic);
    return link;
}

std::string path_of(const LinkSetting& link)
{
    return fmt::format("sys/class/net/{}/{}", link.nic, row_of(link.what).file);
}

// A captured tree has the files only.
bool is_file(const kernel::Kernel& kernel, const LinkSetting& link)
{
    const Row& row = row_of(link.what);
    return row.attribute == 0 || (!kernel.files.is_live() && !row.file.empty());
}

std::unexpected<Error> not_here(const kernel::Kernel& kernel, const LinkSetting& link)
{
    if (!kernel.files.exists("sys/class/net/" + link.nic)) return no_such_interface(link.nic);
    const Row& row = row_of(link.what);
    if (!kernel.files.is_live() && row.file.empty())
        return fail(Error::Kind::Unsupported, fmt::format("{}: a captured tree does not hold it", to_text(link)));
    return fail(Error::Kind::Absent,
                fmt::format("{}: this kernel does not have it (it came with Linux {})", to_text(link), row.since));
}

Present read_file(kernel::Kernel& kernel, const LinkSetting& link)
{
    const auto text = kernel.files.read_line(path_of(link));
    if (!text && text.error().kind == Error::Kind::Absent) return not_here(kernel, link);
    if (!text) return std::unexpected(text.error());
    return std::optional(TRY(parse_value(link, *text)));
}

std::optional<Value> value_in(const Link& link, What what)
{
    const auto found = link.numbers.find(row_of(what).attribute);
    if (found == link.numbers.end()) return std::nullopt;
    return std::int64_t{found->second};
}

// What the files and attributes take: a switch is 1 or 0 there.
Result<std::uint32_t> number_of(const LinkSetting& link, const Value& value)
{
    if (link.what == What::Threaded) {
        if (value == Value{std::string("on")}) return 1U;
        if (value == Value{std::string("off")}) return 0U;
        return fail(Error::Kind::Rejected,
                    fmt::format("{} takes on or off, not '{}'", to_text(link), to_text(value).substr(0, 64)));
    }
    const auto* number = std::get_if<std::int64_t>(&value);
    if (!number || *number < 0 || *number > 0x7fffffff)
        return fail(Error::Kind::Rejected, fmt::format("{} takes a number up to {}, not '{}'", to_text(link),
                                                       0x7fffffff, to_text(value).substr(0, 64)));
    return static_cast<std::uint32_t>(*number);
}

std::unexpected<Error> outside(const LinkSetting& link, std::uint32_t number, std::string_view whose,
                               std::uint32_t least, std::uint32_t most)
{
    return fail(Error::Kind::Rejected,
                fmt::format("{} {}: {} takes {} to {}", to_text(link), number, whose, least, most));
}

Result<void> check_mtu(kernel::Kernel& kernel, const Link& link, std::uint32_t mtu)
{
    const std::uint32_t least = link.number(IFLA_MIN_MTU), most = link.number(IFLA_MAX_MTU); // most 0: not told
    if (mtu < least || (most != 0 && mtu > most))
        return outside({link.name, What::Mtu}, mtu, "this device", least, most);
    // Below IPV6_MIN_MTU the kernel takes IPv6 off the interface, addresses included (addrconf_notify() in
    // net/ipv6/addrconf.c): raising the MTU again would not bring them back.
    if (mtu < 1280 && link.number(IFLA_MTU) >= 1280 && kernel.files.exists("proc/sys/net/ipv6/conf/" + link.name))
        return fail(Error::Kind::Rejected,
                    fmt::format("link/{}/mtu {}: below 1280 the interface loses its IPv6 addresses for good; "
                                "disable IPv6 on it first",
                                link.name, mtu));
    return {};
}

// do_setlink() in net/core/rtnetlink.c; what TSO takes is the driver's (netif_set_tso_max_size()), and unknown
// before 6.0.
Result<void> check_super_packets(const Link& link, What what, std::uint32_t number)
{
    constexpr std::uint32_t big_tcp = 8 * 65535, legacy = 65536; // GSO_MAX_SIZE, GSO_LEGACY_MAX_SIZE in netdevice.h
    const std::uint32_t tso_size = link.number(IFLA_TSO_MAX_SIZE), tso_segments = link.number(IFLA_TSO_MAX_SEGS);
    const bool gro = what == What::GroMaxSize || what == What::GroIpv4MaxSize;
    const bool segments = what == What::GsoMaxSegments;
    std::uint32_t most = segments ? (tso_segments ? tso_segments : 65535) : big_tcp;
    if (!segments && !gro) most = tso_size ? std::min(tso_size, big_tcp) : legacy;
    if (number >= 1 && number <= most) return {};
    return outside({link.name, what}, number, gro ? "the kernel" : "this device", 1, most);
}

Result<void> check_number(kernel::Kernel& kernel, const Link& link, What what, std::uint32_t number)
{
    switch (what) {
    case What::Mtu:
        return check_mtu(kernel, link, number);
    case What::GsoMaxSize:
    case What::GsoMaxSegments:
    case What::GroMaxSize:
    case What::GsoIpv4MaxSize:
    case What::GroIpv4MaxSize:
        return check_super_packets(link, what, number);
    case What::TxQueueLength:
    case What::GroFlushTimeout:
    case What::NapiDeferHardIrqs:
    case What::Threaded:
        return {};
    }
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
        found.emplace_back(LinkSetting{upper, What::Mtu});
        add_upper_devices(kernel, upper, found, depth - 1);
    }
}

void add_mtu_followers(kernel::Kernel& kernel, const LinkSetting& link, std::vector<Tunable>& found)
{
    std::string part = link.nic;
    std::ranges::replace(part, '.', '/');
    // addrconf_notify() sets the interface's IPv6 MTU to the link's.
    if (kernel.files.exists("proc/sys/net/ipv6/conf/" + link.nic + "/mtu"))
        found.emplace_back(SysctlKey{fmt::format("net.ipv6.conf.{}.mtu", part)});
    add_upper_devices(kernel, link.nic, found, 4);
}

struct LinkKind : KindDefaults<LinkSetting> {
    static Present read(kernel::Kernel& kernel, const LinkSetting& setting)
    {
        if (is_file(kernel, setting)) return read_file(kernel, setting);
        if (!kernel.files.is_live()) return not_here(kernel, setting);
        const Link link = TRY(find_link(kernel, setting.nic));
        const auto value = value_in(link, setting.what);
        if (!value) return not_here(kernel, setting);
        return value;
    }

    static Result<void> check(kernel::Kernel& kernel, const LinkSetting& setting, const Value& value)
    {
        const std::uint32_t number = TRY(number_of(setting, value));
        TRY_VOID(read(kernel, setting));
        if (is_file(kernel, setting)) return {};
        const Link link = TRY(find_link(kernel, setting.nic));
        return check_number(kernel, link, setting.what, number);
    }

    static Result<void> write(kernel::Kernel& kernel, const LinkSetting& setting, const Value& value)
    {
        const std::uint32_t number = TRY(number_of(setting, value));
        auto written = is_file(kernel, setting) ? kernel.files.write(path_of(setting), fmt::format("{}\n", number))
                                                : write_attribute(kernel, setting, number);
        if (!written) return write_failed(setting, value, std::move(written).error());
        return {};
    }

    static Result<void> write_attribute(kernel::Kernel& kernel, const LinkSetting& setting, std::uint32_t number)
    {
        const Link link = TRY(find_link(kernel, setting.nic));
        ifinfomsg head{};
        head.ifi_index = link.index;
        kernel::Request change(RTM_SETLINK, NLM_F_ACK);
        change.header(head).put_u32(row_of(setting.what).attribute, number);
        return kernel.netlink->ask(NETLINK_ROUTE, change, [](const nlmsghdr&) {});
    }

    static std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const LinkSetting& link)
    {
        std::vector<Tunable> found;
        if (link.what == What::Mtu) add_mtu_followers(kernel, link, found);
        // netif_set_gso_max_size() and netif_set_gro_max_size() move the IPv4 limit as well (net/core/dev.h).
        if (link.what == What::GsoMaxSize) found.emplace_back(LinkSetting{link.nic, What::GsoIpv4MaxSize});
        if (link.what == What::GroMaxSize) found.emplace_back(LinkSetting{link.nic, What::GroIpv4MaxSize});
        return found;
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel);
    static std::string undo_command(const LinkSetting& link, const std::optional<Value>& from)
    {
        const Row& row = row_of(link.what);
        if (!from) return "# " + to_text(link) + ": nothing to put back";
        if (row.attribute == 0)
            return write_file_command(path_of(link), std::int64_t{number_of(link, *from).value_or(0)});
        return fmt::format("ip link set dev {} {} {}", shell_word(link.nic), to_text(link.what), to_text(*from));
    }
};

void add_files(kernel::Kernel& kernel, const std::string& nic, std::vector<Reading>& found)
{
    for (const Row& row : rows) {
        const LinkSetting setting{nic, row.what};
        if (!is_file(kernel, setting)) continue;
        auto value = read_file(kernel, setting);
        if (value || value.error().kind != Error::Kind::Absent) found.push_back({setting, std::move(value)});
    }
}

Result<std::vector<Reading>> list_tree(kernel::Kernel& kernel)
{
    std::vector<Reading> found;
    for (const std::string& name : TRY(kernel.files.list("sys/class/net")))
        if (name != "bonding_masters") add_files(kernel, name, found); // a file of the bonding driver, no interface
    return found;
}

Result<std::vector<Reading>> LinkKind::list(kernel::Kernel& kernel)
{
    if (!kernel.files.is_live()) return list_tree(kernel);
    std::vector<Link> links;
    kernel::Request question(RTM_GETLINK, NLM_F_DUMP);
    question.header(ifinfomsg{}).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    TRY_VOID(kernel.netlink->ask_whole(
        NETLINK_ROUTE, question, [&](const nlmsghdr& message) { links.push_back(parse_link(message)); },
        [&] { links.clear(); }));
    std::vector<Reading> found;
    for (const Link& link : links) {
        for (const Row& row : rows)
            if (const auto value = row.attribute ? value_in(link, row.what) : std::nullopt)
                found.push_back({LinkSetting{link.name, row.what}, value});
        add_files(kernel, link.name, found);
    }
    return found;
}

} // namespace

constexpr Kind link_kind = kind_of<LinkKind>("link", "rtnetlink RTM_SETLINK; /sys/class/net/INTERFACE");

} // namespace netwright::tunable
