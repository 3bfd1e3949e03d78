// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses and ports as rows of constants, and as words.
#include "dataplane/socket_match.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstring>

namespace netwright::dataplane {

Result<void> fits(const SocketMatch& match)
{
    if (match.prefixes.size() <= SOCKET_PREFIXES && match.ports.size() <= SOCKET_RANGES) return {};
    return fail(Error::Kind::Rejected,
                fmt::format("at most {} prefixes and {} ranges of ports", +SOCKET_PREFIXES, +SOCKET_RANGES));
}

std::string to_text(const SocketMatch& match)
{
    std::vector<std::string> prefixes, ports;
    for (const Prefix& prefix : match.prefixes)
        prefixes.push_back(to_text(prefix));
    for (const Range& range : match.ports)
        ports.push_back(range.first == range.last ? fmt::format("{}", range.first)
                                                  : fmt::format("{}-{}", range.first, range.last));
    return fmt::format("{}, {}{}", prefixes.empty() ? "any address" : fmt::format("{}", fmt::join(prefixes, " ")),
                       ports.empty() ? "any port" : "port ", fmt::join(ports, " "));
}

socket_prefix to_row(const Prefix& prefix)
{
    const std::size_t front = prefix.ipv6 ? 0 : 12;
    std::array<std::uint8_t, 16> address{}, mask{};
    if (!prefix.ipv6) address[10] = address[11] = 0xff;
    std::copy_n(prefix.address.begin(), 16 - front, address.begin() + static_cast<std::ptrdiff_t>(front));
    for (std::size_t bit = 0; bit < front * 8 + prefix.length; ++bit)
        mask.at(bit / 8) = static_cast<std::uint8_t>(mask.at(bit / 8) | 0x80U >> bit % 8);
    socket_prefix row{};
    std::memcpy(row.address, address.data(), sizeof row.address);
    std::memcpy(row.mask, mask.data(), sizeof row.mask);
    return row;
}

} // namespace netwright::dataplane
