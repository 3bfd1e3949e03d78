// SPDX-License-Identifier: GPL-2.0-or-later
// Two network namespaces with an emulated path between them. A keeper process holds everything: the devices live as
// long as it does. The namespaces have names below /run/netns, which outlive a keeper that was killed; such orphans
// are found by the keeper's process number and start time, and removed by whatever uses the lab next.
#pragma once

#include "lab/emulator.h"

#include <string>
#include <vector>

namespace netwright::lab {

inline constexpr const char* left_address = "10.251.0.1";
inline constexpr const char* right_address = "10.251.0.2";
// Of a unique local prefix (RFC 4193); where the host has no IPv6 there are none.
inline constexpr const char* left_address_six = "fd9c:51ab:20e7::1";
inline constexpr const char* right_address_six = "fd9c:51ab:20e7::2";

struct Lab {
    std::string name;
    int keeper = 0;
    std::string path;  // in words
    bool alive = true; // false: an orphan
    std::string left() const { return "nwlab-" + name + "-left"; }
    std::string right() const { return "nwlab-" + name + "-right"; }
};

// Until its owner dies: `lab run`. Until somebody takes it down: `lab up`.
enum class Life { WithOwner, UntilDown };

// Makes the lab and starts its keeper. Rejected: such a lab is there, or its name is none. Refused: no rights.
Result<Lab> up(const std::string& name, const PathSettings& path, Life life);
// Ends the keeper and removes the names. Gives what the emulator has to tell. Absent: no such lab.
Result<EmulatorReport> down(const std::string& name);
std::vector<Lab> list();
// Removes labs whose keeper is gone; gives their names.
std::vector<std::string> remove_orphans();

// 1 to 20 letters, digits and dashes.
bool is_lab_name(const std::string& name);

// What a keeper writes down about itself: "pid start-time path". Malformed: it is something else.
struct Note {
    int keeper = 0;
    std::uint64_t started = 0; // in ticks since boot, of /proc/PID/stat: numbers are used again, this pair is not
    std::string path;
};
std::string to_text(const Note& note);
Result<Note> parse_note(std::string_view text);

} // namespace netwright::lab
