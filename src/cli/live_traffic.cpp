// SPDX-License-Identifier: GPL-2.0-or-later
// Test traffic with a progress line, and servers for the length of a test.
#include "cli/live_traffic.h"

#include "base/text.h"
#include "measure/iperf3.h"
#include "measure/protocol.h"
#include "report/measurement_report.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace netwright::cli {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free); // a signal handler may set it

void remember(int) { interrupted = true; }

void show(const measure::Progress& progress, bool bits)
{
    const auto value = bits ? progress.bits_per_second : progress.operations_per_second;
    const std::string rate = value ? "  " + report::metric_text(bits ? "bit/s" : "1/s", *value) : "";
    const double elapsed = static_cast<double>(progress.elapsed.count()) / 1e3;
    const std::string failures = progress.failures > 0 ? fmt::format(", {} failed", progress.failures) : "";
    fmt::print(stderr, "\r{} {:.1f} of {:.1f} s{}{}\033[K", progress.measuring ? "measuring" : "warming up", elapsed,
               static_cast<double>(progress.whole.count()) / 1e3, rate, failures);
}

// The child: tells its port, or why it has none, and serves until it is ended.
[[noreturn]] void serve_in_child(int answer, measure::ServerOptions options, const std::function<Result<void>()>& enter)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGINT, SIG_IGN); // the terminal's; our parent ends us
    std::signal(SIGTERM, SIG_DFL);
    const auto say = [&](const std::string& text) { (void)!::write(answer, text.data(), text.size()); };
    const auto entered = enter ? enter() : Result<void>();
    auto server = entered ? measure::Server::open(std::move(options)) : std::unexpected(entered.error());
    if (!server) {
        say(server.error().what);
        ::_exit(1);
    }
    say(fmt::format("port {}", server->port()));
    ::close(answer);
    static const std::atomic<bool> never{false};
    (void)server->serve(never);
    ::_exit(0);
}

} // namespace

Interruption::Interruption()
{
    interrupted = false;
    std::signal(SIGINT, remember);
    std::signal(SIGTERM, remember);
}

Interruption::~Interruption()
{
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

const std::atomic<bool>& Interruption::seen() const { return interrupted; }

bool was_interrupted() { return interrupted; }

ForkedServer::~ForkedServer()
{
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL); // it holds nothing that has to be put back
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Result<ForkedServer> ForkedServer::start(const std::string& bind, const std::function<Result<void>()>& enter)
{
    measure::ServerOptions options;
    options.bind = bind;
    options.port = 0;
    options.token = TRY(measure::fresh_nonce()); // only we may ask it for anything
    const std::string token = options.token;
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return std::unexpected(errno_error("start a server", errno));
    const Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return std::unexpected(errno_error("start a server", errno));
    if (pid == 0) serve_in_child(write_end.get(), std::move(options), enter);
    ForkedServer server(pid, bind, token);
    write_end.reset();
    std::string answer(256, '\0');
    ssize_t got = 0;
    while ((got = ::read(read_end.get(), answer.data(), answer.size())) < 0 && errno == EINTR) {
    }
    answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (!answer.starts_with("port ")) return fail(Error::Kind::Interrupted, "start a server: " + answer);
    server.port_ = static_cast<std::uint16_t>(TRY(parse_unsigned(std::string_view(answer).substr(5))));
    return server;
}

Result<Measurement> measure_traffic(const measure::ClientOptions& where, const Traffic& traffic)
{
    const Interruption interruption;
    measure::ClientOptions options = where;
    options.cancelled = &interruption.seen();
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    const bool bits = row_of(traffic.kind).counts_bits;
    if (terminal) options.progress = [bits](const measure::Progress& progress) { show(progress, bits); };
    auto measured = options.iperf3 ? measure::run_iperf3(options, traffic) : measure::run_traffic(options, traffic);
    if (terminal) fmt::print(stderr, "\r\033[K");
    return measured;
}

Result<Measurement> measure_traffic(const std::string& host, const PeerFlags& peer, const Traffic& traffic)
{
    const auto reached = TRY(server_at(host, peer));
    if (!host.empty()) return measure_traffic(reached, traffic);
    const ForkedServer server = TRY(ForkedServer::start("127.0.0.1"));
    return measure_traffic(server.reached(), traffic);
}

} // namespace netwright::cli
