// SPDX-License-Identifier: GPL-2.0-or-later
// "notrack/tcp/80": a service of this host whose packets connection tracking does not look at.
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

namespace netwright {
namespace {

Result<NotrackPort> parse(const AddressText& address)
{
    const auto& parts = address.parts;
    const bool protocol = parts.size() == 3 && (parts[1] == "tcp" || parts[1] == "udp");
    const auto port = parts.size() == 3 ? parse_unsigned(parts[2]) : fail(Error::Kind::Malformed, "");
    if (!protocol || !port || *port == 0 || *port > 65535 || parts[2].front() == '0')
        return refuse_address(address.whole, "write notrack/tcp/PORT or notrack/udp/PORT");
    return NotrackPort{std::string(parts[1]), static_cast<std::uint16_t>(*port)};
}

std::string text_of(const NotrackPort& port) { return fmt::format("notrack/{}/{}", port.protocol, port.port); }
Result<Value> value_of(const NotrackPort& port, std::string_view text) { return switch_value(text_of(port), text); }
Persistence persistence_of(const NotrackPort&) { return Persistence::BootUnit; }

} // namespace

constexpr AddressKind notrack_address = TypedAddressKind<NotrackPort>::of<parse, text_of, value_of, persistence_of>(
    "notrack", "notrack/tcp|udp/PORT",
    "on: packets to and from this port of this host are not tracked; NAT, ct state rules and conntrack's own helpers "
    "do "
    "not see them any more",
    "notrack/tcp/80");

} // namespace netwright
