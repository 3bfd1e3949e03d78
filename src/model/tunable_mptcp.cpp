// SPDX-License-Identifier: GPL-2.0-or-later
// "mptcp/endpoint/192.0.2.10", "mptcp/limit/subflows": the in-kernel path manager of Multipath TCP.
#include "base/ip_prefix.h"
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace netwright {
namespace {

constexpr std::string_view form = "write mptcp/endpoint/ADDRESS, mptcp/limit/subflows or mptcp/limit/add-addr-accepted";

Result<MptcpSetting> parse(const AddressText& address)
{
    const auto& parts = address.parts;
    if (parts.size() != 3) return refuse_address(address.whole, form);
    if (parts[1] == "limit" && (parts[2] == "subflows" || parts[2] == "add-addr-accepted"))
        return MptcpSetting{"limit", std::string(parts[2])};
    const auto host = parse_ip_prefix(parts[2]);
    if (parts[1] != "endpoint" || !host || !host->is_host()) return refuse_address(address.whole, form);
    return MptcpSetting{"endpoint", to_text(*host)};
}

std::string text_of(const MptcpSetting& setting) { return fmt::format("mptcp/{}/{}", setting.group, setting.name); }

Result<Value> value_of(const MptcpSetting& setting, std::string_view text)
{
    if (setting.group == "limit") return count_value(text_of(setting), text);
    return Value{fmt::format("{}", fmt::join(split_words(text), " "))};
}

Persistence persistence_of(const MptcpSetting&) { return Persistence::BootUnit; }

} // namespace

constexpr AddressKind mptcp_address = TypedAddressKind<MptcpSetting>::of<parse, text_of, value_of, persistence_of>(
    "mptcp", "mptcp/endpoint/ADDRESS or mptcp/limit/subflows|add-addr-accepted",
    "addresses that Multipath TCP may use (subflow, signal, backup, fullmesh, dev NAME, id N), and how many of each",
    "mptcp/limit/subflows");

} // namespace netwright
