// SPDX-License-Identifier: GPL-2.0-or-later
// netwright bench beside iperf3, netperf, sockperf and neper: the same work over the same veth pair, in one run, in an
// order drawn by lot in every round. Who is not installed is named.
#include "cli/command.h"
#include "cli/lab_flags.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <optional>
#include <random>
#include <thread>

#include "peers/contest.h"
#include "peers/program.h"
#include "peers/veth_pair.h"

using namespace netwright;
using namespace netwright::peers;

namespace {

constexpr auto start_time = std::chrono::milliseconds(300); // until a peer's server listens

struct Flags {
    unsigned rounds = 5, seconds = 5;
    double level = 0.05;
    bool anywhere = false;
    std::vector<std::string> only;
};

// Where the scheduler puts two programs that wake each other, on one CPU or on two, makes a request take half as long
// or twice; it differs from run to run, and would be all that a contest shows. Whoever plays, the client has the first
// CPU and the server the second.
enum class End : unsigned { Client, Server };

std::optional<unsigned> cpu_of(End end, const Flags& flags)
{
    if (flags.anywhere || std::thread::hardware_concurrency() < 2) return std::nullopt;
    return static_cast<unsigned>(end);
}

// The calling thread, and what it starts.
Result<void> go_to(std::optional<unsigned> cpu)
{
    if (!cpu) return {};
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(*cpu, &only);
    if (::sched_setaffinity(0, sizeof only, &only) == 0) return {};
    return std::unexpected(errno_error(fmt::format("run on CPU {}", *cpu), errno));
}

std::vector<std::string> at(std::optional<unsigned> cpu, std::vector<std::string> command)
{
    if (cpu) command.insert(command.begin(), {"taskset", "-c", fmt::format("{}", *cpu)});
    return command;
}

// Ours, on the library: the server in a process of its own, as `netwright bench server` runs it.
Result<Figures> run_ours(const VethPair& pair, const Work& work, const Flags& flags)
{
    const auto enter = [&]() -> Result<void> {
        TRY_VOID(go_to(cpu_of(End::Server, flags)));
        return kernel::enter_namespace(pair.server());
    };
    const auto server = TRY(cli::ForkedServer::start(server_address, enter));
    Result<Measurement> measured = fail(Error::Kind::Interrupted, "no measurement");
    const auto measure = [&](kernel::Kernel&) -> Result<void> {
        TRY_VOID(go_to(cpu_of(End::Client, flags)));
        measured = cli::measure_traffic(server.reached(), work.traffic);
        return {};
    };
    TRY_VOID(cli::in_namespace(pair.client(), measure));
    if (!measured) return std::unexpected(measured.error());
    Figures figures;
    for (const std::string_view name : work.metrics)
        if (const auto value = metric(*measured, name)) figures.push_back({name, *value});
    return figures;
}

Result<Figures> run_peer(const VethPair& pair, const Peer& peer, const Flags& flags)
{
    const unsigned seconds = flags.seconds;
    const auto server_command = at(cpu_of(End::Server, flags), command_of(peer.server, server_address, seconds));
    const auto client_command = at(cpu_of(End::Client, flags), command_of(peer.client, server_address, seconds));
    const auto server = TRY(Program::start(server_command, pair.server()));
    std::this_thread::sleep_for(start_time);
    const std::string said = TRY(run(client_command, pair.client(), std::chrono::seconds(seconds + 30)));
    return peer.read(said);
}

// A run counts only if its traffic went where it should: between the namespaces.
Result<Figures> across(const VethPair& pair, const std::function<Result<Figures>()>& run_one)
{
    constexpr std::uint64_t fewest = 1000; // packets; a second of any of the works is far more
    const std::uint64_t before = TRY(pair.packets());
    auto figures = run_one();
    const std::uint64_t crossed = TRY(pair.packets()) - before;
    if (figures && crossed < fewest)
        return fail(Error::Kind::Mismatch, fmt::format("only {} packets crossed the veth pair", crossed));
    return figures;
}

// The peers of one kind of work that are here, and a line for each that is not.
std::vector<Peer> peers_for(TrafficKind kind, std::vector<std::string>& missing)
{
    const char* const path = std::getenv("PATH");
    std::vector<Peer> found;
    for (const Peer& peer : peer_rows()) {
        if (peer.kind != kind) continue;
        if (is_installed(std::string(peer.program), path ? path : "/usr/bin:/bin"))
            found.push_back(peer);
        else
            missing.push_back(fmt::format("{:<12}not installed ({})", peer.name, origin(peer.name)));
    }
    return found;
}

void play(Contestant& contestant, const Result<Figures>& figures)
{
    if (figures)
        contestant.runs.push_back(*figures);
    else
        contestant.trouble = figures.error().what;
}

std::string contest(const VethPair& pair, const Work& work, const Flags& flags, std::mt19937_64& random)
{
    std::vector<std::string> missing;
    const auto rivals = peers_for(work.traffic.kind, missing);
    std::vector<Contestant> contestants{{"netwright", {}, ""}};
    for (const Peer& peer : rivals)
        contestants.push_back({std::string(peer.name), {}, ""});
    std::vector<std::size_t> order(contestants.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    for (unsigned round = 0; round < flags.rounds; ++round) {
        std::ranges::shuffle(order, random);
        for (const std::size_t i : order)
            play(contestants[i], across(pair, [&] {
                     return i == 0 ? run_ours(pair, work, flags) : run_peer(pair, rivals[i - 1], flags);
                 }));
    }
    return contest_text(work, contestants, missing, flags.level);
}

Result<int> run_all(const Flags& flags)
{
    const VethPair pair = TRY(VethPair::make());
    std::mt19937_64 random(std::random_device{}());
    TRY_VOID(cli::print(fmt::format("medians of {} of {} s each, in an order drawn by lot; intervals of {:.4g} %; {}\n",
                                    report::counted(flags.rounds, "run"), flags.seconds, 100 * (1 - flags.level),
                                    cpu_of(End::Client, flags) ? "client on CPU 0, server on CPU 1"
                                                               : "wherever the scheduler puts them")));
    for (const Work& work : works(flags.seconds)) {
        const std::string name(to_text(work.traffic.kind));
        if (!flags.only.empty() && std::ranges::find(flags.only, name) == flags.only.end()) continue;
        TRY_VOID(cli::print(contest(pair, work, flags, random)));
    }
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    Flags flags;
    CLI::App app{"netwright's traffic engine beside its peers, over a veth pair of its own; needs root.", "peers"};
    app.add_option("--rounds", flags.rounds, "runs of each; 4 and more give intervals")
        ->check(cli::number_between(1, 1000))
        ->capture_default_str();
    app.add_option("--seconds", flags.seconds, "of a run")->check(cli::number_between(1, 600))->capture_default_str();
    app.add_flag("--anywhere", flags.anywhere, "let the scheduler place client and server, instead of a CPU each");
    app.add_option("--only", flags.only, "this work (tcp-stream, tcp-rr, tcp-crr, udp-rr, pps)")->type_name("WORK");
    CLI11_PARSE(app, argc, argv);
    const auto result = run_all(flags);
    return result ? *result : cli::complain(result.error());
}
