// SPDX-License-Identifier: GPL-2.0-or-later
// Interfaces that systemd-networkd or NetworkManager brings up: both may set what a .link file has set before them, so
// such a value lasts where they look, or is set after them.
#pragma once

#include "base/error.h"
#include "model/tunable.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace netwright::apply {

struct NetworkOwner {
    enum class Who { Nobody, Networkd, NetworkManager };
    Who who = Who::Nobody;
    std::string network_file; // networkd's, "/etc/systemd/network/10-eth0.network"; "" of others
    bool sets_mtu = false;    // networkd's file, or a drop-in of it that is not ours, has an opinion
    bool for_one_device = false;
};
// As both tell below run/; `root` is what etc/ lies in.
NetworkOwner network_owner(const std::filesystem::path& root, const std::string& nic);

// May it set this again when it brings the interface up, after udev has applied the .link file? networkd sets the MTU
// (systemd.network(5)); NetworkManager that, what its ethtool settings name, and from 1.44 on queue lengths and GSO's
// limits.
bool sets_after_udev(const NetworkOwner& owner, const Tunable& tunable);

// Is there a .network file for this device alone, so that a drop-in changes no other?
bool takes_drop_in(const NetworkOwner& owner);

using NetworkSettings = std::map<std::string, Value>; // the MTU, by interface
// Writes ….network.d/90-netwright.conf of each whole, and removes those of ours that have nothing left to say.
Result<void> write_network_files(const std::filesystem::path& etc_dir, const NetworkSettings& settings);
std::optional<std::filesystem::path> find_network_file(const std::filesystem::path& etc_dir, const std::string& nic);

} // namespace netwright::apply
