// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses of interfaces, from one RTM_GETADDR dump; and one RTM_GETROUTE question, as `ip route get` asks it.
#include "host/address.h"

#include "base/ip_prefix.h"
#include "host/address_text.h"
#include "host/collect.h"

#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace netwright::host {
namespace {

using Payload = std::span<const std::byte>;

std::string scope_text(unsigned scope) // as ip(8) writes them
{
    switch (scope) {
    case RT_SCOPE_UNIVERSE:
        return "global";
    case RT_SCOPE_SITE:
        return "site";
    case RT_SCOPE_LINK:
        return "link";
    case RT_SCOPE_HOST:
        return "host";
    default:
        return fmt::format("{}", scope);
    }
}

Egress parse_egress(const nlmsghdr& message, const NameOf& name_of)
{
    Egress way;
    kernel::each_attribute(message, sizeof(rtmsg), [&](std::uint16_t type, Payload payload) {
        if (type == RTA_OIF) way.nic = name_of(kernel::as_u32(payload));
        if (type == RTA_GATEWAY) way.gateway = address_text(payload);
        if (type == RTA_PREFSRC || type == RTA_SRC) way.source = address_text(payload);
    });
    return way;
}

} // namespace

std::optional<InterfaceAddress> parse_address(const nlmsghdr& message, const NameOf& name_of)
{
    const auto head = kernel::fixed_part<ifaddrmsg>(message);
    if (message.nlmsg_type != RTM_NEWADDR || !head || !is_internet(head->ifa_family)) return std::nullopt;
    InterfaceAddress address;
    std::uint32_t flags = head->ifa_flags;
    std::string peer;
    kernel::each_attribute(message, sizeof *head, [&](std::uint16_t type, Payload payload) {
        if (type == IFA_LOCAL) address.address = address_text(payload);
        if (type == IFA_ADDRESS) peer = address_text(payload); // of a point-to-point link, the other end's
        if (type == IFA_FLAGS) flags = kernel::as_u32(payload);
    });
    if (address.address.empty()) address.address = peer;
    if (address.address.empty()) return std::nullopt;
    address.family = family_word(head->ifa_family);
    address.length = head->ifa_prefixlen;
    address.scope = scope_text(head->ifa_scope);
    address.temporary = head->ifa_family == AF_INET6 && (flags & IFA_F_TEMPORARY) != 0; // IPv4: IFA_F_SECONDARY
    address.deprecated = (flags & IFA_F_DEPRECATED) != 0;
    address.nic = name_of(head->ifa_index);
    return address;
}

Result<std::vector<InterfaceAddress>> collect_addresses(kernel::Kernel& kernel)
{
    InterfaceNames names(kernel);
    kernel::Request question(RTM_GETADDR, NLM_F_DUMP);
    question.header(ifaddrmsg{});
    std::vector<InterfaceAddress> addresses;
    TRY_VOID(kernel.netlink->ask_whole(
        NETLINK_ROUTE, question,
        [&](const nlmsghdr& message) {
            if (auto address = parse_address(message, std::ref(names))) addresses.push_back(*std::move(address));
        },
        [&] { addresses.clear(); }));
    return addresses;
}

Result<Egress> egress_of(kernel::Kernel& kernel, const std::string& destination, const std::string& source)
{
    const IpPrefix to = TRY(parse_ip_prefix(destination));
    rtmsg head{};
    head.rtm_family = to.is_ipv6 ? AF_INET6 : AF_INET;
    head.rtm_dst_len = static_cast<unsigned char>(to.width());
    kernel::Request question(RTM_GETROUTE, 0);
    if (source.empty()) {
        question.header(head).put(RTA_DST, to.bytes());
    } else {
        const IpPrefix from = TRY(parse_ip_prefix(source));
        if (from.is_ipv6 != to.is_ipv6) return fail(Error::Kind::Malformed, "addresses of different families");
        head.rtm_src_len = head.rtm_dst_len;
        question.header(head).put(RTA_DST, to.bytes()).put(RTA_SRC, from.bytes());
    }
    InterfaceNames names(kernel);
    Egress way;
    TRY_VOID(kernel.netlink->ask(NETLINK_ROUTE, question, [&](const nlmsghdr& message) {
        if (message.nlmsg_type == RTM_NEWROUTE) way = parse_egress(message, std::ref(names));
    }));
    return way;
}

} // namespace netwright::host
