// SPDX-License-Identifier: GPL-2.0-or-later
// "xdp/filter", "xdp/lb" and "tc/steer": which policy or configuration each program on the packet path runs.
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 3> forms{"xdp/filter", "xdp/lb", "tc/steer"};

Result<PacketPath> parse(const AddressText& address)
{
    const auto form = std::ranges::find(forms, address.whole);
    if (form == forms.end())
        return refuse_address(address.whole,
                              address.parts[0] == "tc" ? "write tc/steer" : "write xdp/filter or xdp/lb");
    return PacketPath{static_cast<PacketPath::What>(form - forms.begin())};
}

std::string text_of(const PacketPath& program) { return std::string(forms.at(static_cast<std::size_t>(program.what))); }

// A file that netwright keeps, whose name is enough for whoever puts it back.
Result<Value> value_of(const PacketPath& program, std::string_view text)
{
    text = trim(text);
    const auto parts = split(text, '/');
    const bool climbs = std::ranges::find(parts, "..") != parts.end();
    if (text.empty() || (text.front() == '/' && text.size() < 4096 && !climbs && text.find('\n') == text.npos))
        return Value{std::string(text)};
    return fail(Error::Kind::Malformed,
                fmt::format("{}: '{}' is no absolute path of a kept policy", text_of(program), text.substr(0, 64)));
}

Persistence persistence_of(const PacketPath&) { return Persistence::BootUnit; }

} // namespace

constexpr AddressKind xdp_address = TypedAddressKind<PacketPath>::of<parse, text_of, value_of, persistence_of>(
    "xdp", "xdp/filter|lb",
    "which kept policy the XDP filter runs, or which configuration the XDP balancer; netwright filter and lb set it",
    "xdp/filter");

constexpr AddressKind tc_address = TypedAddressKind<PacketPath>::of<parse, text_of, value_of, persistence_of>(
    "tc", "tc/steer", "which kept policy steers packets on traffic control's hooks; netwright steer sets it",
    "tc/steer");

} // namespace netwright
