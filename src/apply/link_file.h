// SPDX-License-Identifier: GPL-2.0-or-later
// Making a NIC's settings last in systemd.link(5) files. Only the first .link file that matches a device applies to it,
// and the one that applies now may be what names the interface: so a file of ours never simply stands in front of it.
#pragma once

#include "base/error.h"
#include "model/tunable.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace netwright::apply {

// What udev knows of an interface: the .link file that applied, and the device's place.
struct UdevNote {
    std::string link_file; // "/usr/lib/systemd/network/99-default.link"; "": none
    std::string path;      // "pci-0000:00:03.0"; "": none
};
// The text of /run/udev/data/nINDEX.
UdevNote parse_udev_note(std::string_view text);
// Nothing: udev does not know the interface, so no .link file would ever reach it. `root` is what etc/ lies in.
std::optional<UdevNote> udev_note(const std::filesystem::path& root, const std::string& nic);

// The version of systemd below `root`, which its shared library's name tells: libsystemd-shared-252.so. Nothing: not
// found.
std::optional<unsigned> systemd_version(const std::filesystem::path& root);

// Does the [Match] of a .link or .network file name one device, so that its owner has written it for this device?
bool is_for_one_device(std::string_view file);

// The first lines of every file that we write for an interface, and how it is found again.
std::string file_heading(const std::string& nic);

struct LinkFile {
    std::filesystem::path path;
    std::string text;
};
using LinkSettings = std::map<std::string, std::map<Tunable, Value>>; // by interface

// A drop-in where the file that applies is for this device alone; else a file of our own that takes over the content
// of the one that applied.
LinkFile link_file_for(const std::filesystem::path& etc_dir, const std::string& nic, const UdevNote& note,
                       const std::map<Tunable, Value>& settings);

// Writes every file whole, and removes those of ours that have nothing left to say.
Result<void> write_link_files(const std::filesystem::path& etc_dir, const LinkSettings& settings);
// Is there one of ours that says this?
bool link_file_holds(const std::filesystem::path& etc_dir, const Tunable& tunable, const Value& value);
// Where they are: for status.
std::optional<std::filesystem::path> find_link_file(const std::filesystem::path& etc_dir, const std::string& nic);

} // namespace netwright::apply
