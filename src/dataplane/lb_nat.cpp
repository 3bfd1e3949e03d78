// SPDX-License-Identifier: GPL-2.0-or-later
// Places for NAT's addresses, and counting their connections.
#include "dataplane/lb_nat.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace netwright::dataplane {
namespace {

// The clock of lb_nat_entry's word.
constexpr unsigned tick_bits = 30;

std::uint32_t ticks(Nanoseconds time) { return static_cast<std::uint32_t>(time.count() >> tick_bits); }

void put(lb_nat_settings& settings, std::uint32_t place, const Prefix& address)
{
    if (address.ipv6) {
        std::memcpy(settings.address6[place - LB_NAT_PLACES], address.address.data(), 16);
        settings.places6 = std::max(settings.places6, place - LB_NAT_PLACES + 1);
    } else {
        std::memcpy(&settings.address4[place], address.address.data(), 4);
        settings.places4 = std::max(settings.places4, place + 1);
    }
}

std::optional<std::uint32_t> place_for(const Prefix& address, const lb_nat_settings& now, const lb_nat_settings& before)
{
    const std::uint32_t first = address.ipv6 ? +LB_NAT_PLACES : 0U;
    std::optional<std::uint32_t> unused;
    for (std::uint32_t place = first; place < first + LB_NAT_PLACES; ++place) {
        const auto had = nat_address(before, place);
        if (had == address) return place;
        if (!unused && !had && !nat_address(now, place)) unused = place;
    }
    return unused;
}

} // namespace

std::optional<Prefix> nat_address(const lb_nat_settings& settings, std::uint32_t place)
{
    Prefix address;
    address.ipv6 = place >= LB_NAT_PLACES;
    address.length = address.ipv6 ? 128 : 32;
    if (address.ipv6)
        std::memcpy(address.address.data(), settings.address6[place - LB_NAT_PLACES], 16);
    else
        std::memcpy(address.address.data(), &settings.address4[place], 4);
    if (std::ranges::all_of(address.address, [](std::uint8_t byte) { return byte == 0; })) return std::nullopt;
    return address;
}

Result<lb_nat_settings> nat_settings(const LbNat& nat, const lb_nat_settings* before)
{
    const lb_nat_settings none{};
    lb_nat_settings settings{};
    settings.first = nat.first;
    settings.ports = nat.last - nat.first + 1U;
    settings.idle_tcp = ticks(nat.tcp_idle);
    settings.idle_udp = ticks(nat.udp_idle);
    for (const Prefix& address : nat.addresses) {
        const auto place = place_for(address, settings, before ? *before : none);
        if (!place)
            return fail(Error::Kind::Rejected,
                        fmt::format("there are more NAT addresses of a family than {}, those of the running "
                                    "configuration included",
                                    +LB_NAT_PLACES));
        put(settings, *place, address);
    }
    return settings;
}

LbNatUse count_nat(std::span<const lb_nat_entry> entries, const lb_nat_settings& settings, std::uint32_t place,
                   std::uint64_t now)
{
    LbNatUse use{to_text(nat_address(settings, place).value_or(Prefix{})), settings.ports, 0, 0};
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::uint64_t word = entries[i].word;
        const bool udp = i >= entries.size() / 2;
        const auto idle = static_cast<std::uint32_t>(now >> tick_bits) - static_cast<std::uint32_t>(word >> 32);
        const std::uint32_t most = udp ? settings.idle_udp : settings.idle_tcp;
        const bool done = (word & LB_NAT_RESET) || ((word & LB_NAT_CLIENT_DONE) && (word & LB_NAT_BACKEND_DONE));
        if ((word & LB_NAT_FILLED) && !done && (idle <= most || idle >> 31)) ++(udp ? use.udp : use.tcp);
    }
    return use;
}

std::string port_doubt(const LbConfig& config, std::string_view range)
{
    unsigned first = 0, last = 0;
    if (!config.nat || std::sscanf(std::string(range).c_str(), "%u %u", &first, &last) != 2) return "";
    if (config.nat->last < first || config.nat->first > last) return "";
    return fmt::format(
        "nat's ports {}-{} overlap net.ipv4.ip_local_port_range ({}-{}): where its addresses are this host's own, "
        "answers to the host's connections may be taken for clients'; give nat other ports, or the "
        "host another range",
        config.nat->first, config.nat->last, first, last);
}

} // namespace netwright::dataplane
