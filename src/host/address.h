// SPDX-License-Identifier: GPL-2.0-or-later
// The parser behind collect_addresses, and the question which way an address leaves this host.
#pragma once

#include "host/interface_names.h"
#include "model/network.h"

#include <optional>
#include <string>

namespace netwright::host {

// One RTM_NEWADDR message of IPv4 or IPv6.
std::optional<InterfaceAddress> parse_address(const nlmsghdr& message, const NameOf& name_of);

// Where the kernel would send a packet, as it decides with all its rules and tables.
struct Egress {
    std::string nic;
    std::string gateway; // "" on link
    std::string source;
};
// `source` may be "". Absent: the destination cannot be reached. Malformed: no addresses, or of different families.
Result<Egress> egress_of(kernel::Kernel& kernel, const std::string& destination, const std::string& source);

} // namespace netwright::host
