// SPDX-License-Identifier: GPL-2.0-or-later
// Fork, setsid, fork; nothing inherited but the network namespace; a pipe for the first words.
//
// systemd-logind with KillUserProcesses=yes ends every process in the session's scope, whatever session or parent it
// has (logind.conf(5)). A process escapes by being in another control group, so the detached process makes one of its
// own below the root, /sys/fs/cgroup/netwright.<pid>, moves there, and removes it when it ends by moving back to the
// root. Where that is not permitted (no root, another owner of the hierarchy) it stays, and says so in its log.
#include "apply/detach.h"

#include "base/fd.h"
#include "base/text.h"
#include "kernel/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace netwright::apply {
namespace {

constexpr int pipe_place = 3; // where the pipe to the parent stands once all else is closed
constexpr std::chrono::seconds patience{15};

// With libraries that may hold descriptors in their destructors nothing may run but _exit.
void close_everything_but(int kept)
{
    if (kept != pipe_place) ::dup2(kept, pipe_place);
    ::fcntl(pipe_place, F_SETFD, FD_CLOEXEC);
    if (::syscall(SYS_close_range, pipe_place + 1, ~0U, 0) == 0) return;
    for (int fd = pipe_place + 1; fd < 65536; ++fd) // older than Linux 5.9
        ::close(fd);
}

void redirect_to(const std::filesystem::path& log)
{
    const int nothing = ::open("/dev/null", O_RDWR);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
    int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    if (out < 0) out = nothing;
    if (out >= 0) ::dup2(out, STDOUT_FILENO), ::dup2(out, STDERR_FILENO);
}

void settle_signals()
{
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    for (const int signal : {SIGHUP, SIGPIPE, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU})
        ::sigaction(signal, &ignore, nullptr);
    sigset_t waited;
    sigemptyset(&waited);
    sigaddset(&waited, SIGTERM);
    sigaddset(&waited, SIGINT);
    ::sigprocmask(SIG_SETMASK, &waited, nullptr);
}

void leave_session_cgroup()
{
    const auto files = kernel::Files::live();
    if (session_cgroup_of(files.read("proc/self/cgroup").value_or("")).empty()) return;
    const std::string own = fmt::format("/sys/fs/cgroup/netwright.{}", ::getpid());
    const bool moved =
        ::mkdir(own.c_str(), 0755) == 0 && files.write(own + "/cgroup.procs", fmt::format("{}\n", ::getpid()));
    if (!moved) fmt::print(stderr, "stays in the session's control group: KillUserProcesses=yes would end it\n");
}

void remove_own_cgroup()
{
    const std::string own = fmt::format("/sys/fs/cgroup/netwright.{}", ::getpid());
    struct stat facts{};
    if (::stat(own.c_str(), &facts) != 0) return;
    (void)kernel::Files::live().write("sys/fs/cgroup/cgroup.procs", fmt::format("{}\n", ::getpid()));
    ::rmdir(own.c_str());
}

// The kernel should look elsewhere for memory: who ends this process takes the way back away.
void survive_low_memory() { (void)kernel::Files::live().write("proc/self/oom_score_adj", "-900\n"); }

void tell(const std::string& words)
{
    (void)!::write(pipe_place, words.data(), words.size());
    ::close(pipe_place);
}

std::string encode(const Result<void>& result)
{
    if (!result) return fmt::format("error {} {}\n", to_text(result.error().kind), result.error().what);
    const ProcessMark own = this_process();
    return fmt::format("ready {} {}\n", own.pid, own.start_ticks);
}

[[noreturn]] void live(int pipe, const std::filesystem::path& log, const std::function<void(const Ready&)>& life)
{
    redirect_to(log);
    close_everything_but(pipe);
    settle_signals();
    (void)!::chdir("/");
    leave_session_cgroup();
    survive_low_memory();
    life([](const Result<void>& result) { tell(encode(result)); });
    remove_own_cgroup();
    ::_exit(0);
}

Result<ProcessMark> decode(std::string_view words)
{
    std::string_view word, pid, start, rest = words;
    next_word(rest, word);
    if (word == "ready" && next_word(rest, pid) && next_word(rest, start))
        return ProcessMark{static_cast<int>(TRY(parse_int(pid))), TRY(parse_unsigned(start))};
    if (word != "error" || !next_word(rest, word))
        return fail(Error::Kind::Interrupted, "the watchdog did not come to life: nothing was changed");
    return fail(parse_error_kind(word).value_or(Error::Kind::Interrupted),
                fmt::format("the watchdog cannot start: {}", trim(rest)));
}

Result<ProcessMark> listen_to(const Fd& pipe)
{
    std::string words;
    std::array<char, 512> buffer{};
    const auto end = std::chrono::steady_clock::now() + patience;
    while (words.find('\n') == std::string::npos && words.size() < 8192) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd readable{pipe.get(), POLLIN, 0};
        const int ready = left.count() > 0 ? ::poll(&readable, 1, static_cast<int>(left.count())) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) break;
        const ssize_t got = ::read(pipe.get(), buffer.data(), buffer.size());
        if (got <= 0) break;
        words.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return decode(words);
}

} // namespace

std::string session_cgroup_of(std::string_view own)
{
    for (std::string_view line; next_line(own, line);) {
        if (!line.starts_with("0::")) continue; // the unified hierarchy (cgroups(7))
        const std::string_view path = line.substr(3);
        if (path.find("/session-") != std::string_view::npos || path.find("/user.slice") != std::string_view::npos)
            return std::string(path);
    }
    return {};
}

Result<ProcessMark> start_detached(const std::filesystem::path& log, const std::function<void(const Ready&)>& life)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(errno_error("start the watchdog", errno));
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    const pid_t middle = ::fork();
    if (middle < 0) return std::unexpected(errno_error("start the watchdog", errno));
    if (middle == 0) {
        ::setsid();
        if (::fork() != 0) ::_exit(0); // the grandchild leads no session, so it can never get a terminal
        live(writing.get(), log, life);
    }
    writing.reset();
    while (::waitpid(middle, nullptr, 0) < 0 && errno == EINTR) {
    }
    return listen_to(reading);
}

} // namespace netwright::apply
