// SPDX-License-Identifier: GPL-2.0-or-later
// TCP, UDP and commands.
#include "dataplane/lb_probe.h"

#include "base/fd.h"
#include "dataplane/socket_address.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

namespace netwright::dataplane {
namespace {

using Clock = std::chrono::steady_clock;

std::unexpected<Error> seen(std::string what) { return fail(Error::Kind::Rejected, std::move(what)); }
std::unexpected<Error> no_answer(const LbCheck& check)
{
    return fail(Error::Kind::Absent, "no answer within " + duration_text(check.timeout));
}

// Waits until `descriptor` is ready; false: the time is over.
bool ready(int descriptor, short events, Clock::time_point until)
{
    pollfd polled{descriptor, events, 0};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        if (left <= 0) return false;
        const int count = ::poll(&polled, 1, static_cast<int>(left));
        if (count > 0) return true;
        if (count < 0 && errno != EINTR) return false;
    }
}

// A socket towards the backend; of TCP, connected.
Result<Fd> reached(const LbCheck& check, const Prefix& backend, int type, Clock::time_point until)
{
    Fd socket(::socket(backend.ipv6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return std::unexpected(errno_error("make a socket", errno));
    const SocketAddress to = socket_address(backend, check.port);
    if (::connect(socket.get(), to.raw(), to.size) == 0) return socket;
    if (errno != EINPROGRESS) return seen(std::string("connect: ") + std::strerror(errno));
    if (!ready(socket.get(), POLLOUT, until)) return no_answer(check);
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
    if (error != 0) return seen(std::string("connect: ") + std::strerror(error));
    return socket;
}

Result<void> probe_udp(const LbCheck& check, const Prefix& backend, Clock::time_point until)
{
    const Fd socket = TRY(reached(check, backend, SOCK_DGRAM, until));
    if (::send(socket.get(), check.send.data(), check.send.size(), 0) < 0)
        return seen(std::string("send: ") + std::strerror(errno));
    std::array<char, 65536> answer{};
    while (ready(socket.get(), POLLIN, until)) {
        const ssize_t size = ::recv(socket.get(), answer.data(), answer.size(), 0);
        if (size < 0) return seen(std::string("receive: ") + std::strerror(errno));
        const std::string_view text(answer.data(), static_cast<std::size_t>(size));
        if (text.find(check.expect) != std::string_view::npos) return {};
        return seen(fmt::format("an answer of {} bytes without what was expected", size));
    }
    return no_answer(check);
}

// What a started program must not inherit: this process's blocked signals; and where it may not write.
class SpawnSettings {
public:
    SpawnSettings()
    {
        sigset_t none, all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_init(&attributes);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setsigdefault(&attributes, &all);
        ::posix_spawn_file_actions_init(&files);
        for (const int stream : {0, 1, 2})
            ::posix_spawn_file_actions_addopen(&files, stream, "/dev/null", stream == 0 ? O_RDONLY : O_WRONLY, 0);
    }
    ~SpawnSettings()
    {
        ::posix_spawnattr_destroy(&attributes);
        ::posix_spawn_file_actions_destroy(&files);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    posix_spawnattr_t attributes{};
    posix_spawn_file_actions_t files{};
};

Result<pid_t> started(const LbCheck& check, const Prefix& backend)
{
    const SpawnSettings settings;
    std::vector<std::string> environment{"NETWRIGHT_BACKEND=" + to_text(backend)};
    for (char** entry = environ; *entry; ++entry)
        environment.emplace_back(*entry);
    std::vector<std::string> words = check.command;
    const auto pointers = [](std::vector<std::string>& texts) {
        std::vector<char*> result;
        for (std::string& text : texts)
            result.push_back(text.data());
        result.push_back(nullptr);
        return result;
    };
    pid_t child = 0;
    const int code = ::posix_spawn(&child, words[0].c_str(), &settings.files, &settings.attributes,
                                   pointers(words).data(), pointers(environment).data());
    if (code != 0) return seen(fmt::format("start {}: {}", words[0], std::strerror(code)));
    return child;
}

Result<void> probe_command(const LbCheck& check, const Prefix& backend, Clock::time_point until)
{
    const pid_t child = TRY(started(check, backend));
    const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0))); // glibc 2.36 declares it for C alone
    const bool over = handle && ready(handle.get(), POLLIN, until);
    if (!over) (void)::kill(-child, SIGKILL); // its own children, too
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!over) return no_answer(check);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    if (WIFEXITED(status)) return seen(fmt::format("{} ended with {}", check.command[0], WEXITSTATUS(status)));
    return seen(fmt::format("{} was ended by signal {}", check.command[0], WTERMSIG(status)));
}

} // namespace

Result<void> probe(const LbCheck& check, const Prefix& backend)
{
    const auto until = Clock::now() + check.timeout;
    switch (check.kind) {
    case LbCheck::Kind::Tcp:
        TRY_VOID(reached(check, backend, SOCK_STREAM, until));
        return {};
    case LbCheck::Kind::Udp:
        return probe_udp(check, backend, until);
    case LbCheck::Kind::Command:
        return probe_command(check, backend, until);
    case LbCheck::Kind::Http:
    case LbCheck::Kind::Https:
        break;
    }
    return probe_http(check, backend);
}

} // namespace netwright::dataplane
