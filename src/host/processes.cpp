// SPDX-License-Identifier: GPL-2.0-or-later
// One pass over /proc: for each process one openat, read and close relative to it.
#include "host/processes.h"

#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace netwright::host {
namespace {

bool read_command(int proc, const char* pid, std::string& command)
{
    std::array<char, 64> path{}, text{};
    *fmt::format_to_n(path.data(), path.size() - 1, "{}/comm", pid).out = '\0';
    const Fd file(::openat(proc, path.data(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    const ssize_t got = file ? ::read(file.get(), text.data(), text.size()) : -1;
    if (got <= 0) return false;
    command = trim({text.data(), static_cast<std::size_t>(got)});
    return true;
}

} // namespace

Result<std::vector<Process>> list_processes(const kernel::Files& files)
{
    Fd directory = TRY(files.open("proc", O_RDONLY | O_DIRECTORY));
    const int proc = directory.get();
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(proc), ::closedir);
    if (!stream) return std::unexpected(errno_error("list " + files.display("proc"), errno));
    directory.release(); // the stream owns it now
    std::vector<Process> processes;
    while (const dirent* const entry = ::readdir(stream.get())) {
        if (!is_digit(entry->d_name[0])) continue;
        const auto pid = parse_unsigned(entry->d_name);
        std::string command;
        if (pid && read_command(proc, entry->d_name, command)) processes.push_back({*pid, std::move(command)});
    }
    std::ranges::sort(processes, {}, &Process::pid);
    return processes;
}

} // namespace netwright::host
