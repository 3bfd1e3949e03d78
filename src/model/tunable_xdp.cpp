// SPDX-License-Identifier: GPL-2.0-or-later
// "xdp/filter" and "xdp/lb": which policy the filter runs, and which configuration the balancer.
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 2> words{"filter", "lb"};

Result<PacketPath> parse(const AddressText& address)
{
    const auto word = std::ranges::find(words, address.parts.size() == 2 ? address.parts[1] : "");
    if (word == words.end()) return refuse_address(address.whole, "write xdp/filter or xdp/lb");
    return PacketPath{static_cast<PacketPath::What>(word - words.begin())};
}

std::string text_of(const PacketPath& program)
{
    return fmt::format("xdp/{}", words.at(static_cast<std::size_t>(program.what)));
}

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

} // namespace netwright
