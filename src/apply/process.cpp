// SPDX-License-Identifier: GPL-2.0-or-later
// Process marks and clocks.
#include "apply/process.h"

#include "base/text.h"
#include "kernel/files.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

namespace netwright::apply {
namespace {

// proc_pid_stat(5): the command may hold anything, so count from the last ')'; starttime is field 22, state field 3.
Result<ProcessMark> parse_stat(int pid, std::string_view text)
{
    const std::size_t end = text.rfind(')');
    const auto words = split_words(end == std::string_view::npos ? std::string_view{} : text.substr(end + 1));
    if (words.size() < 20) return fail(Error::Kind::Malformed, fmt::format("/proc/{}/stat cannot be read", pid));
    if (words[0] == "Z" || words[0] == "X") // dead, only not yet collected
        return fail(Error::Kind::Absent, fmt::format("process {} has ended", pid));
    return ProcessMark{pid, TRY(parse_unsigned(words[19]))};
}

} // namespace

Result<ProcessMark> mark_of(int pid)
{
    const std::string text = TRY(kernel::Files::live().read(fmt::format("proc/{}/stat", pid)));
    return parse_stat(pid, text);
}

ProcessMark this_process() { return mark_of(::getpid()).value_or(ProcessMark{::getpid(), 0}); }

bool is_alive(const ProcessMark& process)
{
    if (process.pid <= 0) return false;
    const auto now = mark_of(process.pid);
    return now && *now == process;
}

BootTime now_since_boot()
{
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::string utc_text(std::chrono::system_clock::time_point when)
{
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(when)));
}

} // namespace netwright::apply
