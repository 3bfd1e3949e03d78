// SPDX-License-Identifier: GPL-2.0-or-later
// The messages of ethtool netlink that SIOCETHTOOL can answer, each a row of a table.
#pragma once

#include "kernel/ethtool.h"
#include "kernel/netlink.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace netwright::kernel {

constexpr std::uint16_t ethtool_header_attribute = 1; // ETHTOOL_A_*_HEADER in every command

struct EthtoolQuestion {
    std::uint8_t command = 0; // ETHTOOL_MSG_*
    std::string nic;          // "": every interface, or none in particular
    std::uint32_t index = 0;  // where the question has it in the place of a name
    bool compact = false;     // bitsets without names
    bool dump = false;
    std::span<const std::byte> attributes; // behind the generic netlink header
};
EthtoolQuestion parse_ethtool_question(const nlmsghdr& message);

// Puts the attributes of one interface's answer behind the header that `answer` already has, or makes the change.
// Unsupported: the ioctl has no form for it, or the driver does not do it.
Result<void> answer_by_ioctl(const EthtoolSocket& socket, const EthtoolQuestion& question, Request& answer);

// Messages that are numbers of one structure: rings, channels, coalescing, pause, EEE. Nothing: no such message.
using EthtoolHandler = Result<void> (*)(const EthtoolSocket& socket, const EthtoolQuestion& question, Request& answer);
EthtoolHandler ethtool_numbers_handler(std::uint8_t command);
// Those that are sets of bits or strings: offloads, private flags, link modes, names.
EthtoolHandler ethtool_sets_handler(std::uint8_t command);

} // namespace netwright::kernel
