// SPDX-License-Identifier: GPL-2.0-or-later
// Prefixes as text.
#include "dataplane/prefix.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <endian.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>

namespace netwright::dataplane {
namespace {

// What of byte `number` belongs to a prefix of `length` bits.
std::uint8_t kept(unsigned length, unsigned number)
{
    const unsigned bits = length <= number * 8 ? 0 : std::min(8U, length - number * 8);
    return static_cast<std::uint8_t>(0xff00U >> bits);
}

// What inet_pton() takes for an IPv4 address, without its terminated string: lists have a million of them.
bool read_ipv4(std::string_view text, std::array<std::uint8_t, 16>& address)
{
    for (std::size_t i = 0; i < 4; ++i) {
        unsigned number = 0, digits = 0;
        for (; digits < text.size() && is_digit(text[digits]); ++digits) {
            if (digits > 0 && number == 0) return false; // "01" is octal to some
            number = number * 10 + static_cast<unsigned>(text[digits] - '0');
            if (number > 255) return false;
        }
        if (digits == 0) return false;
        address.at(i) = static_cast<std::uint8_t>(number);
        text.remove_prefix(digits);
        if (i == 3) return text.empty();
        if (!text.starts_with('.')) return false;
        text.remove_prefix(1);
    }
    return false;
}

bool read_ipv6(std::string_view text, std::array<std::uint8_t, 16>& address)
{
    const std::string terminated(text.substr(0, INET6_ADDRSTRLEN));
    return ::inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1;
}

std::string address_text(const Prefix& prefix)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(prefix.ipv6 ? AF_INET6 : AF_INET, prefix.address.data(), text.data(), text.size());
    return text.data();
}

} // namespace

bool Prefix::holds(bool of_ipv6, std::span<const std::uint8_t, 16> wanted) const
{
    if (of_ipv6 != ipv6) return false;
    for (unsigned i = 0; i < 16 && i * 8 < length; ++i)
        if ((wanted[i] & kept(length, i)) != address.at(i)) return false;
    return true;
}

PrefixOrder order_of(const Prefix& prefix)
{
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), prefix.address.data(), sizeof words);
    return {prefix.ipv6, be64toh(words[0]), be64toh(words[1]), prefix.length};
}

Result<Prefix> parse_prefix(std::string_view text)
{
    const std::size_t slash = text.find('/');
    const std::string_view address = text.substr(0, slash);
    Prefix prefix;
    prefix.ipv6 = address.find(':') != std::string_view::npos;
    if (!(prefix.ipv6 ? read_ipv6 : read_ipv4)(address, prefix.address))
        return fail(Error::Kind::Malformed,
                    fmt::format("'{}' is no prefix: write 192.0.2.0/24 or 2001:db8::/32", text.substr(0, 64)));
    const unsigned longest = prefix.ipv6 ? 128 : 32;
    prefix.length = longest;
    if (slash != std::string_view::npos) {
        const auto length = parse_unsigned(text.substr(slash + 1));
        if (!length || *length > longest)
            return fail(Error::Kind::Malformed,
                        fmt::format("'{}': the length of this prefix is 0 to {}", text.substr(0, 64), longest));
        prefix.length = static_cast<unsigned>(*length);
    }
    if (prefix.length == longest) return prefix;
    const auto whole = prefix.address;
    for (unsigned i = 0; i < 16; ++i)
        prefix.address.at(i) &= kept(prefix.length, i);
    if (prefix.address != whole)
        return fail(Error::Kind::Malformed,
                    fmt::format("'{}' has bits beyond its length: {} was meant?", text.substr(0, 64), to_text(prefix)));
    return prefix;
}

std::string to_text(const Prefix& prefix)
{
    const bool single = prefix.length == (prefix.ipv6 ? 128 : 32);
    return single ? address_text(prefix) : fmt::format("{}/{}", address_text(prefix), prefix.length);
}

Result<std::vector<std::uint32_t>> lengths6(std::span<const ListedPrefix> prefixes)
{
    std::set<std::uint32_t, std::greater<>> found;
    for (const ListedPrefix& listed : prefixes)
        if (listed.prefix.ipv6) found.insert(listed.prefix.length);
    if (found.size() > LENGTHS6_MOST)
        return fail(Error::Kind::Rejected,
                    fmt::format("IPv6 prefixes of {} different lengths: {} are possible, one lookup a packet each; "
                                "split the rare ones into longer prefixes",
                                found.size(), +LENGTHS6_MOST));
    return std::vector<std::uint32_t>(found.begin(), found.end());
}

} // namespace netwright::dataplane
