// SPDX-License-Identifier: GPL-2.0-or-later
// What the ethtool netlink family tells of interfaces: link, rings, channels, coalescing, features, RSS.
#pragma once

#include "kernel/kernel.h"
#include "model/nic.h"

#include <span>
#include <string>
#include <vector>

namespace netwright::host {

// Fills those members of every interface, with one dump a subject. Where a driver has no answer the member says so.
// `rss` stays unseen where the kernel has no dump for it (before 6.12): the ioctl can answer then.
void read_ethtool(kernel::Netlink& netlink, std::vector<Nic>& nics);

// The parsers: each takes the attributes behind the generic netlink header of one answer.
using Attributes = std::span<const std::byte>;
void parse_link_modes(Nic& nic, Attributes attributes);
void parse_rings(Nic& nic, Attributes attributes);
void parse_channels(Nic& nic, Attributes attributes);
void parse_coalescing(Nic& nic, Attributes attributes);
void parse_features(Nic& nic, Attributes attributes, const std::vector<std::string>& names);
void parse_rss(Nic& nic, Attributes attributes); // of an additional context: not taken

} // namespace netwright::host
