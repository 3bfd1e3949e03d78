// SPDX-License-Identifier: GPL-2.0-or-later
// Prefixes to and from text.
#include "base/ip_prefix.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

namespace netwright {
namespace {

std::unexpected<Error> no_prefix(std::string_view text)
{
    return fail(Error::Kind::Malformed,
                fmt::format("'{}' is no Internet address or prefix (write 10.0.0.0/8, 2001:db8::/32 or default)",
                            text.substr(0, 64)));
}

} // namespace

IpPrefix IpPrefix::network() const
{
    IpPrefix cut = *this;
    for (std::size_t place = 0; place < cut.address.size(); ++place) {
        const std::size_t first = place * 8;
        const std::size_t kept = length > first ? std::min<std::size_t>(8, length - first) : 0;
        cut.address[place] &= static_cast<std::byte>(0xff00U >> kept);
    }
    return cut;
}

bool IpPrefix::contains(const IpPrefix& other) const
{
    if (is_ipv6 != other.is_ipv6 || other.length < length) return false;
    IpPrefix wide = other;
    wide.length = length;
    return wide.network() == network();
}

Result<IpPrefix> parse_ip_prefix(std::string_view text)
{
    if (text == "default") return IpPrefix{};
    const std::size_t slash = text.find('/');
    const std::string address(text.substr(0, slash));
    if (address.find('\0') != std::string::npos) return no_prefix(text);
    IpPrefix prefix;
    prefix.is_ipv6 = address.find(':') != std::string::npos;
    if (::inet_pton(prefix.is_ipv6 ? AF_INET6 : AF_INET, address.c_str(), prefix.address.data()) != 1)
        return no_prefix(text);
    prefix.length = prefix.width();
    if (slash == std::string_view::npos) return prefix;
    const auto length = parse_unsigned(text.substr(slash + 1));
    if (!length || *length > prefix.width()) return no_prefix(text);
    prefix.length = static_cast<unsigned>(*length);
    return prefix;
}

std::string address_text(const IpPrefix& prefix)
{
    char text[INET6_ADDRSTRLEN];
    return ::inet_ntop(prefix.is_ipv6 ? AF_INET6 : AF_INET, prefix.address.data(), text, sizeof text) ? text : "";
}

std::string to_text(const IpPrefix& prefix)
{
    if (prefix == IpPrefix{}) return "default";
    return prefix.is_host() ? address_text(prefix) : fmt::format("{}/{}", address_text(prefix), prefix.length);
}

Result<IpPrefix> ip_prefix_of(std::span<const std::byte> payload, unsigned length)
{
    IpPrefix prefix;
    prefix.is_ipv6 = payload.size() == 16;
    if (payload.size() != prefix.width() / 8 || length > prefix.width())
        return fail(Error::Kind::Malformed, "an address of a size that no Internet address has");
    prefix.length = length;
    std::ranges::copy(payload, prefix.address.begin());
    return prefix;
}

Result<IpPrefix> ip_address_of(std::span<const std::byte> payload)
{
    return ip_prefix_of(payload, static_cast<unsigned>(payload.size() * 8));
}

} // namespace netwright
