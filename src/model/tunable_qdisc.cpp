// SPDX-License-Identifier: GPL-2.0-or-later
// "qdisc/eth0/root", "qdisc/eth0/tx-0": queueing disciplines, as tc writes them.
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace netwright {
namespace {

constexpr std::string_view form = "write qdisc/INTERFACE/root or qdisc/INTERFACE/tx-0";

bool valid_place(std::string_view place)
{
    if (place == "root") return true;
    if (!place.starts_with("tx-") || (place.size() > 4 && place[3] == '0')) return false;
    const auto queue = parse_unsigned(place.substr(3));
    return queue && *queue < 65535;
}

Result<QdiscPlace> parse(const AddressText& address)
{
    const auto& parts = address.parts;
    if (parts.size() != 3 || !valid_interface(parts[1]) || !valid_place(parts[2]))
        return refuse_address(address.whole, form);
    return QdiscPlace{std::string(parts[1]), std::string(parts[2])};
}

std::string text_of(const QdiscPlace& place) { return fmt::format("qdisc/{}/{}", place.nic, place.place); }

// The words are judged where the kernel's options are known.
Result<Value> value_of(const QdiscPlace&, std::string_view text)
{
    return Value{fmt::format("{}", fmt::join(split_words(text), " "))};
}

Persistence persistence_of(const QdiscPlace&) { return Persistence::BootUnit; }

} // namespace

constexpr AddressKind qdisc_address = TypedAddressKind<QdiscPlace>::of<parse, text_of, value_of, persistence_of>(
    "qdisc", "qdisc/INTERFACE/root|tx-N",
    "a queueing discipline as tc writes it, such as fq maxrate 1Gbit; nothing at the root is the kernel's default",
    "qdisc/eth0/root");

} // namespace netwright
