// SPDX-License-Identifier: GPL-2.0-or-later
// Endpoints to and from text and generic netlink.
#include "tunable/mptcp_endpoint.h"

#include "base/text.h"

#include <fmt/format.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace netwright::tunable {
namespace {

using Payload = std::span<const std::byte>;

struct Flag {
    std::string_view word;
    std::uint32_t bit;
};
constexpr std::array flags{
    Flag{"signal", MPTCP_PM_ADDR_FLAG_SIGNAL},
    Flag{"subflow", MPTCP_PM_ADDR_FLAG_SUBFLOW},
    Flag{"backup", MPTCP_PM_ADDR_FLAG_BACKUP},
    Flag{"fullmesh", MPTCP_PM_ADDR_FLAG_FULLMESH},
};

void read_attribute(MptcpEndpoint& endpoint, bool& has_address, std::uint16_t type, Payload payload)
{
    switch (type) {
    case MPTCP_PM_ADDR_ATTR_ID:
        endpoint.id = kernel::as_u8(payload);
        break;
    case MPTCP_PM_ADDR_ATTR_ADDR4:
    case MPTCP_PM_ADDR_ATTR_ADDR6:
        if (const auto address = ip_address_of(payload)) endpoint.address = *address, has_address = true;
        break;
    case MPTCP_PM_ADDR_ATTR_PORT:
        endpoint.port = kernel::as_u16(payload);
        break;
    case MPTCP_PM_ADDR_ATTR_FLAGS:
        endpoint.flags = kernel::as_u32(payload);
        break;
    case MPTCP_PM_ADDR_ATTR_IF_IDX:
        endpoint.interface = kernel::as_u32(payload);
        break;
    default:
        break;
    }
}

Result<std::uint64_t> number(std::string_view word, std::string_view text, std::uint64_t most)
{
    const auto value = parse_unsigned(text);
    if (value && *value >= 1 && *value <= most) return *value;
    return fail(Error::Kind::Rejected, fmt::format("{} is 1 to {}, not '{}'", word, most, text.substr(0, 32)));
}

Result<void> read_pair(MptcpEndpoint& endpoint, std::string_view word, std::string_view value)
{
    if (word == "id") {
        endpoint.id = static_cast<std::uint8_t>(TRY(number(word, value, 255)));
    } else if (word == "port") {
        endpoint.port = static_cast<std::uint16_t>(TRY(number(word, value, 65535)));
    } else if (word == "dev" && value.size() < IF_NAMESIZE) {
        endpoint.interface = ::if_nametoindex(std::string(value).c_str());
        if (endpoint.interface == 0)
            return fail(Error::Kind::Rejected, fmt::format("there is no interface {} here", value));
    } else {
        return fail(Error::Kind::Rejected,
                    fmt::format("'{}' is not understood: an endpoint has subflow, signal, backup, fullmesh, dev NAME, "
                                "id N, port N",
                                word.substr(0, 32)));
    }
    return {};
}

} // namespace

std::optional<MptcpEndpoint> parse_mptcp_endpoint(const nlmsghdr& message)
{
    MptcpEndpoint endpoint;
    bool has_address = false;
    kernel::each_attribute(message, sizeof(genlmsghdr), [&](std::uint16_t type, Payload nest) {
        if (type != MPTCP_PM_ATTR_ADDR) return;
        kernel::each_attribute(
            nest, [&](std::uint16_t inner, Payload payload) { read_attribute(endpoint, has_address, inner, payload); });
    });
    return has_address ? std::optional(endpoint) : std::nullopt;
}

Result<MptcpEndpoint> parse_mptcp_words(const IpPrefix& address, std::string_view text)
{
    MptcpEndpoint endpoint;
    endpoint.address = address;
    for (std::string_view word, value; next_word(text, word);) {
        const auto flag = std::ranges::find(flags, word, &Flag::word);
        if (flag != flags.end()) {
            endpoint.flags |= flag->bit;
            continue;
        }
        next_word(text, value);
        TRY_VOID(read_pair(endpoint, word, value));
    }
    // mptcp_pm_nl_add_addr_doit() in net/mptcp/pm_netlink.c
    if ((endpoint.flags & MPTCP_PM_ADDR_FLAG_SIGNAL) != 0 && (endpoint.flags & MPTCP_PM_ADDR_FLAG_FULLMESH) != 0)
        return fail(Error::Kind::Rejected, "signal and fullmesh exclude each other");
    if (endpoint.port != 0 && (endpoint.flags & MPTCP_PM_ADDR_FLAG_SIGNAL) == 0)
        return fail(Error::Kind::Rejected, "only an endpoint that is signalled has a port");
    return endpoint;
}

std::string to_text(const MptcpEndpoint& endpoint)
{
    std::string text;
    const auto add = [&](const std::string& word) { text += (text.empty() ? "" : " ") + word; };
    for (const Flag& flag : flags)
        if ((endpoint.flags & flag.bit) != 0) add(std::string(flag.word));
    char name[IF_NAMESIZE];
    if (endpoint.interface != 0) add(fmt::format("dev {}", ::if_indextoname(endpoint.interface, name) ? name : "?"));
    if (endpoint.id) add(fmt::format("id {}", *endpoint.id));
    if (endpoint.port != 0) add(fmt::format("port {}", endpoint.port));
    return text;
}

void put_mptcp_endpoint(kernel::Request& request, const MptcpEndpoint& endpoint)
{
    const std::size_t nest = request.begin(MPTCP_PM_ATTR_ADDR);
    const bool six = endpoint.address.is_ipv6;
    request.put_u16(MPTCP_PM_ADDR_ATTR_FAMILY, six ? AF_INET6 : AF_INET);
    request.put(six ? MPTCP_PM_ADDR_ATTR_ADDR6 : MPTCP_PM_ADDR_ATTR_ADDR4, endpoint.address.bytes());
    if (endpoint.id) request.put_u8(MPTCP_PM_ADDR_ATTR_ID, *endpoint.id);
    if (endpoint.flags != 0) request.put_u32(MPTCP_PM_ADDR_ATTR_FLAGS, endpoint.flags);
    if (endpoint.interface != 0) request.put_u32(MPTCP_PM_ADDR_ATTR_IF_IDX, endpoint.interface);
    if (endpoint.port != 0) request.put_u16(MPTCP_PM_ADDR_ATTR_PORT, endpoint.port);
    request.end(nest);
}

} // namespace netwright::tunable
