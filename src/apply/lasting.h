// SPDX-License-Identifier: GPL-2.0-or-later
// Everything that confirmed transactions made to last: which value goes into which file. Always worked out whole from
// the journal, and every file rewritten whole.
#pragma once

#include "apply/dispatcher_script.h"
#include "apply/link_file.h"
#include "apply/network_file.h"
#include "apply/persistence.h"
#include "apply/record.h"

#include <filesystem>
#include <map>
#include <span>

namespace netwright::apply {

// Where a value lasts.
enum class Home {
    SysctlFile,
    LinkFile,    // systemd.link(5)
    NetworkFile, // a drop-in of networkd's file for the interface, where that would set the MTU again
    BootUnit,
    Dispatcher, // the boot unit, and NetworkManager's dispatcher each time it has brought the interface up
    DropIn,     // of a service; setting it is making it last
    None
};
// As its kind says, except that without udev, or with one that is too old for the key, nothing takes it from a .link
// file, and that networkd and NetworkManager may set a value again after udev: what they have no file for is then set
// after them, by the boot unit.
Home home_of(const std::filesystem::path& etc_dir, const Tunable& tunable);

// The file or unit, as a person would look for it; "" where it does not last.
std::string place_of(const std::filesystem::path& etc_dir, const Tunable& tunable);

struct Lasting {
    Settings sysctls;
    LinkSettings links;
    NetworkSettings networks;
    std::map<Tunable, std::optional<Value>> at_boot; // by netwright-restore.service
    std::vector<Tunable> after_reconnecting;         // those of them that NetworkManager's dispatcher sets, too
};
// Of the `confirmed` transactions made to last in `etc_dir`; a later transaction wins.
Lasting lasting_of(std::span<const Record> confirmed, const std::filesystem::path& etc_dir);
// Writes them all; removes each file that has nothing left to say. `state_dir` is where the boot unit finds the
// journal.
Result<void> make_last(const std::filesystem::path& etc_dir, const std::filesystem::path& state_dir,
                       const Lasting& lasting);

} // namespace netwright::apply
