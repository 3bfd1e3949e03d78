// SPDX-License-Identifier: GPL-2.0-or-later
// An Internet address with the length of its network part, IPv4 or IPv6, and its text.
#pragma once

#include "base/error.h"

#include <array>
#include <compare>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace netwright {

struct IpPrefix {
    bool is_ipv6 = false;
    unsigned length = 0;                 // bits
    std::array<std::byte, 16> address{}; // network byte order; IPv4 uses the first four
    auto operator<=>(const IpPrefix&) const = default;

    unsigned width() const { return is_ipv6 ? 128 : 32; }
    std::span<const std::byte> bytes() const { return {address.data(), width() / 8}; }
    bool is_host() const { return length == width(); }
    bool is_default() const { return length == 0; }
    bool contains(const IpPrefix& other) const; // the same family, and every address of `other` is one of ours
    IpPrefix network() const;                   // bits behind the length cleared
};

// "10.0.0.0/8", "2001:db8::1" (a single host), "default" (0.0.0.0/0) and "::/0". Bits behind the length stay as they
// are: an interface's address is written like that. Malformed otherwise.
Result<IpPrefix> parse_ip_prefix(std::string_view text);
// "10.0.0.0/8"; a single host without its length; "default" for 0.0.0.0/0.
std::string to_text(const IpPrefix& prefix);
// The address alone: "10.0.0.1".
std::string address_text(const IpPrefix& prefix);
// From a netlink payload of 4 or 16 bytes; Malformed for another size or a length that does not fit.
Result<IpPrefix> ip_prefix_of(std::span<const std::byte> payload, unsigned length);
Result<IpPrefix> ip_address_of(std::span<const std::byte> payload);

} // namespace netwright
