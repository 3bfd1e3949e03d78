// SPDX-License-Identifier: GPL-2.0-or-later
// "congestion/443", "congestion/10.0.0.0/8", "congestion/443@system.slice/nginx.service": congestion control by
// connection.
#include "base/ip_prefix.h"
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright {
namespace {

constexpr std::string_view form = "write congestion/PREFIX or congestion/PORT, and @CGROUP behind it for one service";

// Below the mount of the unified hierarchy, and never out of it.
bool valid_cgroup(std::string_view path)
{
    const auto parts = split(path, '/');
    return path.size() < 512 && plain_characters(path) &&
           std::ranges::none_of(
               parts, [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
}

Result<std::string> target_of(std::string_view whole, std::string_view text)
{
    if (const auto port = parse_unsigned(text); port) {
        if (*port == 0 || *port > 65535 || text.front() == '0') return refuse_address(whole, form);
        return std::string(text);
    }
    const auto prefix = parse_ip_prefix(text);
    if (!prefix || prefix->network() != *prefix) return refuse_address(whole, form);
    return to_text(*prefix);
}

Result<CongestionAddress> parse(const AddressText& address)
{
    const std::string_view rest = address.whole.substr(address.parts[0].size() + 1);
    const std::size_t at = rest.find('@');
    CongestionAddress choice;
    choice.target = TRY(target_of(address.whole, rest.substr(0, at)));
    if (at == std::string_view::npos) return choice;
    choice.cgroup = std::string(rest.substr(at + 1));
    if (!valid_cgroup(choice.cgroup)) return refuse_address(address.whole, form);
    return choice;
}

std::string text_of(const CongestionAddress& choice)
{
    return fmt::format("congestion/{}{}{}", choice.target, choice.cgroup.empty() ? "" : "@", choice.cgroup);
}

Result<Value> value_of(const CongestionAddress& choice, std::string_view text)
{
    text = trim(text);
    if (text.size() <= 15 && (text.empty() || plain_characters(text)))
        return Value{std::string(text)}; // TCP_CA_NAME_MAX
    return fail(Error::Kind::Malformed, fmt::format("{}: '{}' is no algorithm", text_of(choice), text.substr(0, 32)));
}

Persistence persistence_of(const CongestionAddress&) { return Persistence::BootUnit; }

} // namespace

constexpr AddressKind congestion_address =
    TypedAddressKind<CongestionAddress>::of<parse, text_of, value_of, persistence_of>(
        "congestion", "congestion/PREFIX|PORT[@CGROUP]",
        "the congestion control of new TCP connections with this network, or on this service port, such as bbr",
        "congestion/443");

} // namespace netwright
