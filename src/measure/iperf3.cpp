// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a client of libiperf in a process of its own: it prints and it waits as it likes, and can be ended.
#include "measure/iperf3.h"

#include "base/shared_library.h"
#include "measure/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <iperf_api.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace netwright::measure {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 10s; // to connect; and beyond the test, for its results
constexpr auto own_warm_up = 1s;
constexpr std::size_t largest_report = 64U << 20;

struct Iperf {
    explicit Iperf(SharedLibrary loaded) : library(std::move(loaded)) {}

    Result<void> find_all()
    {
        TRY_VOID(library.find(make, "iperf_new_test"));
        TRY_VOID(library.find(defaults, "iperf_defaults"));
        TRY_VOID(library.find(role, "iperf_set_test_role"));
        TRY_VOID(library.find(host, "iperf_set_test_server_hostname"));
        TRY_VOID(library.find(port, "iperf_set_test_server_port"));
        TRY_VOID(library.find(connect_timeout, "iperf_set_test_connect_timeout"));
        TRY_VOID(library.find(duration, "iperf_set_test_duration"));
        TRY_VOID(library.find(omit, "iperf_set_test_omit"));
        TRY_VOID(library.find(streams, "iperf_set_test_num_streams"));
        TRY_VOID(library.find(block_size, "iperf_set_test_blksize"));
        TRY_VOID(library.find(rate, "iperf_set_test_rate"));
        TRY_VOID(library.find(tos, "iperf_set_test_tos"));
        TRY_VOID(library.find(congestion, "iperf_set_test_congestion_control"));
        TRY_VOID(library.find(protocol, "set_protocol"));
        TRY_VOID(library.find(json, "iperf_set_test_json_output"));
        TRY_VOID(library.find(log_file, "iperf_set_test_logfile"));
        TRY_VOID(library.find(run, "iperf_run_client"));
        TRY_VOID(library.find(output, "iperf_get_test_json_output_string"));
        TRY_VOID(library.find(error_number, "i_errno"));
        return library.find(error_text, "iperf_strerror");
    }

    SharedLibrary library;
    decltype(&iperf_new_test) make = nullptr;
    decltype(&iperf_defaults) defaults = nullptr;
    decltype(&iperf_set_test_role) role = nullptr;
    decltype(&iperf_set_test_server_hostname) host = nullptr;
    decltype(&iperf_set_test_server_port) port = nullptr;
    decltype(&iperf_set_test_connect_timeout) connect_timeout = nullptr;
    decltype(&iperf_set_test_duration) duration = nullptr;
    decltype(&iperf_set_test_omit) omit = nullptr;
    decltype(&iperf_set_test_num_streams) streams = nullptr;
    decltype(&iperf_set_test_blksize) block_size = nullptr;
    decltype(&iperf_set_test_rate) rate = nullptr;
    decltype(&iperf_set_test_tos) tos = nullptr;
    decltype(&iperf_set_test_congestion_control) congestion = nullptr;
    decltype(&set_protocol) protocol = nullptr;
    decltype(&iperf_set_test_json_output) json = nullptr;
    decltype(&iperf_set_test_logfile) log_file = nullptr;
    decltype(&iperf_run_client) run = nullptr;
    decltype(&iperf_get_test_json_output_string) output = nullptr;
    decltype(&i_errno) error_number = nullptr;
    decltype(&iperf_strerror) error_text = nullptr;
};

int seconds_of(std::chrono::milliseconds time) { return static_cast<int>(time / 1s); }

// Its rates are of each flow, in bit/s; 0: no limit.
std::uint64_t rate_of_each(const Traffic& traffic)
{
    const std::uint64_t bits = row_of(traffic.kind).counts_bits ? 1 : 8 * std::uint64_t{traffic.message};
    return traffic.rate * bits / traffic.flows;
}

void prepare(const Iperf& iperf, iperf_test* test, const ClientOptions& options, Traffic traffic)
{
    iperf.defaults(test);
    iperf.role(test, 'c');
    iperf.host(test, options.host.c_str());
    iperf.port(test, options.port);
    iperf.connect_timeout(test, static_cast<int>(std::chrono::milliseconds(patience).count()));
    if (traffic.kind != TrafficKind::TcpStream) iperf.protocol(test, SOCK_DGRAM);
    iperf.duration(test, seconds_of(traffic.duration));
    iperf.omit(test, seconds_of(*traffic.warm_up));
    iperf.streams(test, static_cast<int>(traffic.flows));
    iperf.block_size(test, static_cast<int>(traffic.message));
    iperf.rate(test, rate_of_each(traffic));
    if (traffic.tos != 0) iperf.tos(test, traffic.tos);
    if (!traffic.congestion.empty()) iperf.congestion(test, traffic.congestion.data());
    iperf.json(test, 1);
    iperf.log_file(test, "/dev/null"); // or it prints its JSON
}

void write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t sent = ::write(fd, text.data(), text.size());
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

// The child: its report, or after a "!" why there is none.
[[noreturn]] void run_in_child(const Iperf& iperf, int answer, const ClientOptions& options, const Traffic& traffic)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGINT, SIG_IGN); // the terminal's; our parent ends us
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGPIPE, SIG_IGN);
    iperf_test* const test = iperf.make();
    if (!test) ::_exit(1);
    prepare(iperf, test, options, traffic);
    const bool failed = iperf.run(test) < 0;
    const char* const report = iperf.output(test);
    if (failed || !report)
        write_all(answer, fmt::format("!{}", iperf.error_text(*iperf.error_number)));
    else
        write_all(answer, report);
    ::_exit(0);
}

// Ends the child, whatever it does.
class Child {
public:
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child()
    {
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

private:
    pid_t pid_;
};

void tell_progress(const ClientOptions& options, const Traffic& traffic, Deadline start)
{
    if (!options.progress) return;
    const auto elapsed = std::chrono::floor<std::chrono::milliseconds>(Clock::now() - start);
    const bool measuring = elapsed >= *traffic.warm_up;
    Progress progress;
    progress.measuring = measuring;
    progress.whole = measuring ? traffic.duration : *traffic.warm_up;
    progress.elapsed = std::min(measuring ? elapsed - *traffic.warm_up : elapsed, progress.whole);
    options.progress(progress);
}

// All that the child writes until it closes its end.
Result<std::string> wait_for_report(const Fd& answer, const ClientOptions& options, const Traffic& traffic)
{
    const Deadline start = Clock::now();
    const Deadline deadline = start + *traffic.warm_up + traffic.duration + 2 * patience;
    std::string report;
    while (Clock::now() < deadline) {
        if (options.cancelled && *options.cancelled) return fail(Error::Kind::Interrupted, "ended before its time");
        tell_progress(options, traffic, start);
        if (!wait_for(answer, POLLIN, Clock::now() + 100ms, "")) continue;
        std::array<char, 65'536> piece{};
        const ssize_t got = ::read(answer.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return report;
        report.append(piece.data(), static_cast<std::size_t>(got));
        if (report.size() > largest_report) break;
    }
    return fail(Error::Kind::Interrupted, "iperf3 did not come to an end");
}

Error refused(std::string_view why) { return {Error::Kind::Rejected, fmt::format("iperf3 {}", why), 0}; }

} // namespace

Result<Traffic> settled_for_iperf3(const Traffic& traffic)
{
    const auto whole = [](std::chrono::milliseconds time) { return time % 1s == 0ms; };
    Traffic asked = TRY(settled(traffic, TrafficLimits{.flows = 128, .threads = 1024, .message = 1U << 20}));
    const bool datagrams = row_of(asked.kind).role == FlowRole::Datagrams;
    if (asked.kind != TrafficKind::TcpStream && !datagrams)
        return std::unexpected(refused(fmt::format("has no {}: tcp-stream, udp-stream or pps", to_text(asked.kind))));
    if (asked.threads != 0 || !asked.client_cpus.empty() || !asked.server_cpus.empty())
        return std::unexpected(refused("places its own threads: leave out --threads, --cpus and --server-cpus"));
    if (asked.zerocopy || asked.discard || asked.offload)
        return std::unexpected(refused("knows no --zerocopy by MSG_ZEROCOPY, --discard or --udp-offload"));
    // What is lost while it warms up iperf3 counts (3.12), what is sent then not.
    if (!asked.warm_up) asked.warm_up = datagrams ? 0s : own_warm_up;
    if (datagrams && *asked.warm_up != 0s)
        return std::unexpected(refused("counts datagrams lost while it warms up: --warm-up 0"));
    if (!whole(asked.duration) || !whole(*asked.warm_up) || asked.duration < 1s)
        return std::unexpected(refused("measures for whole seconds: --duration and --warm-up such as 5s"));
    return asked;
}

Result<Measurement> run_iperf3(const ClientOptions& options, const Traffic& traffic)
{
    const Traffic asked = TRY(settled_for_iperf3(traffic));
    Iperf iperf(TRY(SharedLibrary::open("libiperf.so.0", "libiperf0")));
    TRY_VOID(iperf.find_all());
    const Address server = TRY(resolve(options.host, options.port));
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return std::unexpected(errno_error("start iperf3's client", errno));
    const Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return std::unexpected(errno_error("start iperf3's client", errno));
    if (pid == 0) run_in_child(iperf, write_end.get(), options, asked);
    write_end.reset();
    const Child child(pid);
    const std::string report = TRY(wait_for_report(read_end, options, asked));
    const std::string where = to_text(server);
    if (report.starts_with('!') || report.empty())
        return fail(Error::Kind::Interrupted,
                    fmt::format("iperf3 at {}: {}", where, report.empty() ? "its client broke off" : report.substr(1)));
    Measurement measured = TRY(measurement_from_iperf3(report, asked));
    measured.peer = where;
    if (server.is_loopback()) measured.labels.push_back("over loopback: no device, no wire");
    return measured;
}

} // namespace netwright::measure
