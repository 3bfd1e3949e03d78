// SPDX-License-Identifier: GPL-2.0-or-later
// Internet addresses and prefixes of netlink payloads as text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace netwright::host {

// "10.0.0.1", "fe80::1"; "" for a payload that is no address.
std::string address_text(std::span<const std::byte> payload);
// "10.0.0.0/8"; a single host stands without its length, as ip(8) writes it.
std::string prefix_text(std::span<const std::byte> payload, unsigned length);

bool is_internet(unsigned family);             // IPv4 or IPv6
std::string_view family_word(unsigned family); // "ipv4", "ipv6"

} // namespace netwright::host
