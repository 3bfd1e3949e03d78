// SPDX-License-Identifier: GPL-2.0-or-later
// fork, sh -c, wait with a limit.
#include "apply/check_command.h"

#include "base/fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

namespace netwright::apply {
namespace {

// Only async-signal-safe calls between fork and exec.
[[noreturn]] void become(const char* command)
{
    ::setpgid(0, 0);
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
    ::signal(SIGPIPE, SIG_DFL); // we ignore it ourselves; `yes | head -1` must end
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
    ::_exit(127);
}

bool ended_within(pid_t child, std::chrono::milliseconds timeout)
{
    const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    if (!handle) return true; // older than Linux 5.3: wait without a limit
    const auto end = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd ended{handle.get(), POLLIN, 0};
        const int got = ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (got > 0) return true;
        if (got == 0 || errno != EINTR) return false;
    }
}

Result<void> verdict(const std::string& command, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    const std::string how = WIFSIGNALED(status) ? fmt::format("was ended by signal {}", WTERMSIG(status))
                                                : fmt::format("failed with exit code {}", WEXITSTATUS(status));
    return fail(Error::Kind::Rejected, fmt::format("check '{}' {}", command, how));
}

} // namespace

Result<void> run_check(const std::string& command, std::chrono::milliseconds timeout)
{
    const pid_t child = ::fork();
    if (child < 0) return std::unexpected(errno_error("start the check", errno));
    if (child == 0) become(command.c_str());
    ::setpgid(child, child); // whoever comes first; afterwards the group surely exists
    const bool in_time = ended_within(child, timeout);
    if (!in_time) ::kill(-child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return std::unexpected(errno_error("wait for the check", errno));
    if (!in_time)
        return fail(Error::Kind::Rejected, fmt::format("check '{}' did not end within {} s", command,
                                                       std::chrono::duration<double>(timeout).count()));
    return verdict(command, status);
}

} // namespace netwright::apply
