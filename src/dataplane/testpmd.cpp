// SPDX-License-Identifier: GPL-2.0-or-later
// Starting dpdk-testpmd, reading what it says, and ending it.
#include "dataplane/testpmd.h"

#include "base/text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(20);
constexpr std::string_view running_mark = "Press enter to exit", ended_mark = "Bye...";

// Its default, preferred busy polling, is made for gro_flush_timeout and napi_defer_hard_irqs being set. With the
// kernel's defaults a flood was taken at 0.3 M/s, and at 5.8 M/s without (one run each, on a busy machine).
constexpr std::string_view no_busy_poll = ",busy_budget=0";

Result<std::string> find_program(std::string_view path)
{
    for (const std::string_view directory : split(path, ':')) {
        const std::string place = fmt::format("{}/dpdk-testpmd", directory);
        if (!directory.empty() && ::access(place.c_str(), X_OK) == 0) return place;
    }
    return fail(Error::Kind::Absent, "dpdk-testpmd is not installed (Debian: apt-get install dpdk-dev)");
}

// The number behind "<what>:" in a line of statistics.
std::optional<std::uint64_t> number_of(std::string_view line, std::string_view what)
{
    const std::size_t at = line.find(what);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view rest = line.substr(at + what.size()), word;
    if (!next_word(rest, word)) return std::nullopt;
    const auto number = parse_unsigned(word);
    return number ? std::optional(*number) : std::nullopt;
}

struct Pipes {
    Fd stdin_read, stdin_write, terminal, terminal_end;
};

// Its output goes to a terminal of its own: into a pipe it would be written only when a buffer is full.
Result<Pipes> make_pipes()
{
    Pipes made;
    std::array<int, 2> ends{};
    // Not a pipe: writing to one whose reader is gone would end us.
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0)
        return std::unexpected(errno_error("start dpdk-testpmd", errno));
    made.stdin_read.reset(ends[0]);
    made.stdin_write.reset(ends[1]);
    made.terminal.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    std::array<char, 64> name{};
    if (!made.terminal || ::grantpt(made.terminal.get()) < 0 || ::unlockpt(made.terminal.get()) < 0 ||
        ::ptsname_r(made.terminal.get(), name.data(), name.size()) != 0)
        return std::unexpected(errno_error("open a terminal for dpdk-testpmd", errno));
    made.terminal_end.reset(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!made.terminal_end) return std::unexpected(errno_error("open a terminal for dpdk-testpmd", errno));
    return made;
}

Result<fs::path> make_directory()
{
    std::string name = (fs::temp_directory_path() / "netwright-dpdk-").string() + std::string(6, 'X'); // mkdtemp(3)
    if (!::mkdtemp(name.data())) return std::unexpected(errno_error("make " + name, errno));
    return name;
}

std::vector<char*> pointers(std::vector<std::string>& texts)
{
    std::vector<char*> result;
    for (std::string& text : texts)
        result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// RUNTIME_DIRECTORY: where it puts its sockets instead of /run/dpdk. libxdp pins nothing in a bpffs without its
// dispatcher.
std::vector<std::string> environment_of(const fs::path& directory)
{
    std::vector<std::string> environment{"RUNTIME_DIRECTORY=" + directory.string(), "LIBXDP_SKIP_DISPATCHER=1"};
    for (char** entry = environ; *entry; ++entry)
        if (!std::string_view(*entry).starts_with("RUNTIME_DIRECTORY=")) environment.emplace_back(*entry);
    return environment;
}

// In the child: only calls that are safe between fork and exec.
[[noreturn]] void become(const char* program, char* const* words, char* const* environment, const Pipes& pipes)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(pipes.stdin_read.get(), STDIN_FILENO);
    ::dup2(pipes.terminal_end.get(), STDOUT_FILENO);
    ::dup2(pipes.terminal_end.get(), STDERR_FILENO);
    ::execve(program, words, environment);
    ::_exit(127);
}

} // namespace

Result<TestpmdCount> parse_testpmd(std::string_view output)
{
    const std::size_t at = output.find("Accumulated forward statistics");
    std::string_view rest = output.substr(std::min(at, output.size())), line;
    std::optional<std::uint64_t> received, sent;
    while (next_line(rest, line) && !sent) {
        if (!received) received = number_of(line, "RX-packets:");
        sent = number_of(line, "TX-packets:");
    }
    if (received && sent) return TestpmdCount{*received, *sent};
    return fail(Error::Kind::Malformed, "dpdk-testpmd did not tell how many packets it forwarded");
}

std::string testpmd_reason(std::string_view output)
{
    constexpr std::array<std::string_view, 6> marks{"Cause:", "rror", "ailed", "annot", "nable to", "No probed"};
    std::string_view line, last, reason;
    while (next_line(output, line)) {
        line = trim(line);
        if (line.empty() || line.starts_with("libbpf:") || line.starts_with("libxdp:")) continue;
        last = line;
        const bool tells = std::ranges::any_of(marks, [&](auto mark) { return line.find(mark) != line.npos; });
        if (tells && reason.empty()) reason = line; // what follows from the first is no news
    }
    return std::string((reason.empty() ? last : reason).substr(0, 200));
}

std::vector<std::string> testpmd_words(const TestpmdWork& work)
{
    const int waiting = work.cpus.front(), polling = work.cpus.back();
    std::vector<std::string> words{"dpdk-testpmd",
                                   fmt::format("--lcores=0@{},1@{}", waiting, polling),
                                   "--no-huge",
                                   "-m",
                                   "256",
                                   "--no-pci",
                                   "--no-telemetry",
                                   "--no-shconf",
                                   "--file-prefix",
                                   fmt::format("netwright{}", ::getpid())};
    for (std::size_t i = 0; i < work.interfaces.size(); ++i)
        words.push_back(fmt::format("--vdev={}{},iface={}{}", work.driver, i, work.interfaces[i],
                                    work.driver == "net_af_xdp" ? no_busy_poll : ""));
    const bool forwards = work.interfaces.size() == 2;
    for (const char* word : {"--", "--auto-start", "--total-num-mbufs=16384", "--no-lsc-interrupt"})
        words.emplace_back(word);
    words.emplace_back(forwards ? "--forward-mode=mac" : "--forward-mode=rxonly");
    if (forwards) words.push_back("--eth-peer=1," + work.next_hop);
    return words;
}

Testpmd::Testpmd(Testpmd&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), input_(std::move(other.input_)), output_(std::move(other.output_)),
      said_(std::move(other.said_)), directory_(std::exchange(other.directory_, {}))
{
}

Testpmd::~Testpmd()
{
    if (pid_ >= 0) {
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    remove_directory();
}

void Testpmd::remove_directory()
{
    std::error_code ignored;
    if (!directory_.empty()) fs::remove_all(directory_, ignored);
    directory_.clear();
}

Result<Testpmd> Testpmd::start(const TestpmdWork& work)
{
    const char* const path = std::getenv("PATH");
    const std::string program = TRY(find_program(path ? path : "/usr/bin:/bin"));
    Pipes pipes = TRY(make_pipes());
    Testpmd child;
    child.directory_ = TRY(make_directory());
    auto words = testpmd_words(work);
    auto environment = environment_of(child.directory_);
    const auto word_pointers = pointers(words), environment_pointers = pointers(environment);
    child.pid_ = ::fork();
    if (child.pid_ < 0) return std::unexpected(errno_error("start dpdk-testpmd", errno));
    if (child.pid_ == 0) become(program.c_str(), word_pointers.data(), environment_pointers.data(), pipes);
    child.input_ = std::move(pipes.stdin_write);
    child.output_ = std::move(pipes.terminal);
    pipes.terminal_end.reset(); // so that the terminal ends with the child
    TRY_VOID(child.read_until(running_mark));
    child.remove_directory(); // it works without, and nothing stays should we be killed
    return child;
}

Result<void> Testpmd::read_until(std::string_view mark)
{
    const auto until = Clock::now() + patience;
    std::array<char, 4096> buffer{};
    while (said_.find(mark) == std::string::npos) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd ready{output_.get(), POLLIN, 0};
        if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) == 0)
            return fail(Error::Kind::Interrupted, fmt::format("dpdk-testpmd said no '{}' in {} s; its last words: {}",
                                                              mark, patience.count(), testpmd_reason(said_)));
        const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) // a terminal whose other end is closed gives EIO
            return fail(Error::Kind::Unsupported, "dpdk-testpmd ended: " + testpmd_reason(said_));
        said_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return {};
}

Result<TestpmdCount> Testpmd::stop()
{
    if (::send(input_.get(), "\n", 1, MSG_NOSIGNAL) != 1)
        return std::unexpected(errno_error("stop dpdk-testpmd", errno));
    TRY_VOID(read_until(ended_mark));
    return parse_testpmd(said_);
}

} // namespace netwright::dataplane
