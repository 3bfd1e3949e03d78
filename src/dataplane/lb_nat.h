// SPDX-License-Identifier: GPL-2.0-or-later
// NAT's own addresses, and what is known of the connections at their ports.
#pragma once

#include "dataplane/lb_config.h"
#include "dataplane/lb_layout.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace netwright::dataplane {

// The address at a place from 0 to 2 * LB_NAT_PLACES - 1, as `nat_tables` counts them.
std::optional<Prefix> nat_address(const lb_nat_settings& settings, std::uint32_t place);

// Addresses keep the places that they had; others get free ones. Rejected: more than there are, those of the running
// configuration included.
Result<lb_nat_settings> nat_settings(const LbNat& nat, const lb_nat_settings* before);

// Connections of an address.
struct LbNatUse {
    std::string address;
    std::uint32_t ports = 0;        // there are so many, for TCP and for UDP
    std::uint32_t tcp = 0, udp = 0; // in use
};
// `entries`: of a whole place; `now`: CLOCK_MONOTONIC in nanoseconds.
LbNatUse count_nat(std::span<const lb_nat_entry> entries, const lb_nat_settings& settings, std::uint32_t place,
                   std::uint64_t now);

// `range`: net.ipv4.ip_local_port_range as the kernel shows it. "": the host's own connections leave NAT's ports alone.
std::string port_doubt(const LbConfig& config, std::string_view range);

} // namespace netwright::dataplane
