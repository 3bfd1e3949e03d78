// SPDX-License-Identifier: GPL-2.0-or-later
// The process behind a lab: makes the namespaces, names them, and emulates the path until it is ended.
#pragma once

#include "lab/lab.h"

namespace netwright::lab {

inline constexpr const char* notes_directory = "/run/netwright-lab/";
inline constexpr const char* names_directory = "/run/netns/";

// In a child process: builds the lab, says "ok" or why not on `answer`, works until SIGTERM, and leaves its report
// beside its note.
[[noreturn]] void keep(const Lab& lab, const PathSettings& path, Life life, Fd answer);

// Unmounts and removes the name of a namespace, if it is there.
void forget_namespace(const std::string& name);

Result<std::uint64_t> start_time_of(int pid); // Absent: no such process

} // namespace netwright::lab
