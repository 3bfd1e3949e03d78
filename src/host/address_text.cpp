// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses to text.
#include "host/address_text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

namespace netwright::host {

std::string address_text(std::span<const std::byte> payload)
{
    char text[INET6_ADDRSTRLEN];
    if (payload.size() != sizeof(in_addr) && payload.size() != sizeof(in6_addr)) return {};
    const int family = payload.size() == sizeof(in_addr) ? AF_INET : AF_INET6;
    return ::inet_ntop(family, payload.data(), text, sizeof text) ? text : "";
}

std::string prefix_text(std::span<const std::byte> payload, unsigned length)
{
    std::string address = address_text(payload);
    return length == payload.size() * 8 ? address : fmt::format("{}/{}", address, length);
}

bool is_internet(unsigned family) { return family == AF_INET || family == AF_INET6; }
std::string_view family_word(unsigned family) { return family == AF_INET ? "ipv4" : "ipv6"; }

} // namespace netwright::host
