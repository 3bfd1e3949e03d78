// SPDX-License-Identifier: GPL-2.0-or-later
// One question to the kernel, all its answers. The live side speaks netlink (libmnl); a captured tree has no answers.
#pragma once

#include "base/error.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::kernel {

// A netlink message under construction. Grows on demand; attribute order is the order of the calls.
class Request {
public:
    Request(std::uint16_t type, std::uint16_t flags); // NLM_F_REQUEST is added
    template <class Header>
    Request& header(const Header& header) // the fixed part behind nlmsghdr: ifinfomsg, genlmsghdr, inet_diag_req_v2 …
    {
        append(&header, sizeof header);
        return *this;
    }
    Request& put(std::uint16_t type, std::span<const std::byte> data);
    Request& put_u8(std::uint16_t type, std::uint8_t value);
    Request& put_u16(std::uint16_t type, std::uint16_t value);
    Request& put_u32(std::uint16_t type, std::uint32_t value);
    Request& put_u64(std::uint16_t type, std::uint64_t value);
    Request& put_text(std::uint16_t type, std::string_view text); // with its NUL
    Request& put_flag(std::uint16_t type);
    std::size_t begin(std::uint16_t type); // a nest; give the mark back to end()
    void end(std::size_t mark);
    std::span<std::byte> bytes(); // with nlmsg_len filled in

private:
    void append(const void* data, std::size_t size);
    std::vector<std::byte> bytes_;
};

using EachAnswer = std::function<void(const nlmsghdr&)>;

class Netlink {
public:
    virtual ~Netlink() = default;
    // Sends `question` over `protocol` (NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_SOCK_DIAG, NETLINK_NETFILTER) and hands
    // every answer to `each` as it arrives, without copies. Interrupted: the dump was disturbed (NLM_F_DUMP_INTR),
    // start again. Errors carry the kernel's errno, and its extended-ack text when it gave one.
    virtual Result<void> ask(int protocol, Request& question, const EachAnswer& each) = 0;

    // A dump that is repeated (at most 4 times) when disturbed: `restart` forgets what was gathered so far.
    Result<void> ask_whole(int protocol, Request& question, const EachAnswer& each,
                           const std::function<void()>& restart);
    // The number of a generic netlink family ("ethtool", "netdev"); Unsupported where the kernel has none. Cached.
    Result<std::uint16_t> family(std::string_view name);

private:
    std::vector<std::pair<std::string, Result<std::uint16_t>>> families_;
};

std::unique_ptr<Netlink> live_netlink(); // opens its sockets on first use, in the namespace of the calling thread
std::unique_ptr<Netlink> absent_netlink(std::string why); // every question fails with Unsupported and this reason

// Walks the attributes of a message behind a fixed part of `header_size` bytes, or of a nest. Malformed tails are not
// read.
using EachAttribute = std::function<void(std::uint16_t type, std::span<const std::byte> payload)>;
void each_attribute(const nlmsghdr& message, std::size_t header_size, const EachAttribute& each);
void each_attribute(std::span<const std::byte> nest, const EachAttribute& each);
// What follows nlmsghdr and genlmsghdr in an answer of a generic family; nothing if it is too short for both.
std::span<const std::byte> generic_attributes(const nlmsghdr& answer);

// The fixed part behind nlmsghdr (ifinfomsg, tcmsg, …); nothing if the message is too short for one.
template <class Header>
std::optional<Header> fixed_part(const nlmsghdr& message)
{
    if (message.nlmsg_len < NLMSG_HDRLEN + sizeof(Header)) return std::nullopt;
    Header header{};
    std::memcpy(&header, reinterpret_cast<const std::byte*>(&message) + NLMSG_HDRLEN, sizeof header);
    return header;
}

// A payload that is a C structure. Kernels append members: what is missing stays zero, what is new is not looked at.
template <class Structure>
Structure as_structure(std::span<const std::byte> payload)
{
    Structure value{};
    if (!payload.empty()) std::memcpy(&value, payload.data(), std::min(payload.size(), sizeof value));
    return value;
}

// Payload readers that refuse a wrong size by giving 0 or "".
std::uint8_t as_u8(std::span<const std::byte> payload);
std::uint16_t as_u16(std::span<const std::byte> payload);
std::uint32_t as_u32(std::span<const std::byte> payload);
std::uint64_t
as_u64(std::span<const std::byte> payload); // also from a u32: nla_put_uint() (include/net/netlink.h) uses either
std::vector<std::uint32_t> as_u32_list(std::span<const std::byte> payload); // an odd rest is left out
std::string as_text(std::span<const std::byte> payload);

} // namespace netwright::kernel
