// SPDX-License-Identifier: GPL-2.0-or-later
// Starting programs, and never leaving one behind.
#include "peers/program.h"

#include "base/text.h"
#include "kernel/kernel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace netwright::peers {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void become(const std::vector<std::string>& words, const std::string& space, int output)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC); nothing >= 0) ::dup2(nothing, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    if (!space.empty())
        if (const auto entered = kernel::enter_namespace(space); !entered) {
            fmt::print(stderr, "{}\n", entered.error().what);
            std::fflush(stderr);
            ::_exit(127);
        }
    std::vector<char*> argv;
    for (const std::string& word : words)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::dprintf(STDERR_FILENO, "%s: %s\n", argv[0], std::strerror(errno));
    ::_exit(127);
}

// Its last line that says something.
std::string last_words(std::string_view text)
{
    std::string_view line, last = "it said nothing";
    while (next_line(text, line))
        if (!trim(line).empty()) last = trim(line);
    return std::string(last.substr(0, 200));
}

} // namespace

std::vector<std::string> command_of(std::string_view line, std::string_view host, unsigned seconds)
{
    std::vector<std::string> words;
    for (const std::string_view word : split_words(line)) {
        if (word == "HOST")
            words.emplace_back(host);
        else if (word == "SECONDS")
            words.push_back(std::to_string(seconds));
        else
            words.emplace_back(word);
    }
    return words;
}

bool is_installed(const std::string& program, std::string_view path)
{
    for (const std::string_view directory : split(path, ':'))
        if (!directory.empty() && ::access(fmt::format("{}/{}", directory, program).c_str(), X_OK) == 0) return true;
    return false;
}

Result<Program> Program::start(const std::vector<std::string>& words, const std::string& space)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return std::unexpected(errno_error("start " + words.front(), errno));
    Fd read_end(ends[0]);
    const Fd write_end(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return std::unexpected(errno_error("start " + words.front(), errno));
    if (pid == 0) become(words, space, write_end.get());
    return Program(pid, std::move(read_end));
}

Program::~Program()
{
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Result<std::string> Program::finish(std::chrono::milliseconds patience)
{
    const auto end = Clock::now() + patience;
    std::string text;
    std::array<char, 65'536> buffer{};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        pollfd ready{output_.get(), POLLIN, 0};
        if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) == 0)
            return fail(Error::Kind::Interrupted, fmt::format("it took longer than {} s", patience.count() / 1000));
        const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
    return fail(Error::Kind::Interrupted, last_words(text));
}

Result<std::string> run(const std::vector<std::string>& words, const std::string& space,
                        std::chrono::milliseconds patience)
{
    Program program = TRY(Program::start(words, space));
    return program.finish(patience);
}

} // namespace netwright::peers
