// SPDX-License-Identifier: GPL-2.0-or-later
// Paths as typed, labs for the length of a test, and plans tried in them.
#include "cli/lab_flags.h"

#include "base/text.h"
#include "tunable/tunable_kind.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace netwright::cli {
namespace {

struct WordFlag {
    const char* name;
    const char* help;
    std::string lab::HopWords::* word;
};
constexpr std::array word_flags{
    WordFlag{"rate", "such as 1Gbit (default: no limit)", &lab::HopWords::rate},
    WordFlag{"delay", "one way, such as 25ms", &lab::HopWords::delay},
    WordFlag{"jitter", "at most so much more delay", &lab::HopWords::jitter},
    WordFlag{"loss", "share of packets, such as 0.1%", &lab::HopWords::loss},
    WordFlag{"loss-burst", "mean number of packets lost in a row", &lab::HopWords::loss_burst},
    WordFlag{"reorder", "share of packets that skip the delay", &lab::HopWords::reorder},
    WordFlag{"buffer", "bytes that wait for the rate, such as 250KiB or 1bdp", &lab::HopWords::buffer},
};

Result<std::uint32_t> size_of(const std::string& text, std::uint32_t otherwise)
{
    if (text.empty()) return otherwise;
    const std::uint64_t size = TRY(parse_unsigned(text));
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(size, 1U << 20));
}

} // namespace

bool PathFlags::given() const
{
    if (six || !file.empty() || !mtu.empty() || !black_hole.empty() || !there.rtt.empty()) return true;
    for (const WordFlag& flag : word_flags)
        if (!(there.*flag.word).empty() || !(back.*flag.word).empty()) return true;
    return false;
}

void add_path_flags(CLI::App& app, PathFlags& flags)
{
    const char* const group = "Path";
    app.add_option("--path", flags.file, "YAML file with the path: several hops, each way by itself")
        ->type_name("FILE")
        ->group(group);
    app.add_option("--rtt", flags.there.rtt, "round trip, half of it each way, such as 50ms")
        ->type_name("TIME")
        ->group(group);
    for (const WordFlag& flag : word_flags) {
        app.add_option(std::string("--") + flag.name, flags.there.*flag.word, flag.help)
            ->type_name("TEXT")
            ->group(group);
        app.add_option(std::string("--back-") + flag.name, flags.back.*flag.word,
                       "the same for the way back, where it differs")
            ->type_name("TEXT")
            ->group(group);
    }
    app.add_option("--mtu", flags.mtu, "of the path's devices (default: 1500)")->type_name("BYTES")->group(group);
    app.add_flag("--ipv6", flags.six, "the traffic goes over IPv6")->group(group);
    app.add_option("--black-hole", flags.black_hole, "packets above this size vanish")
        ->type_name("BYTES")
        ->group(group);
}

Result<lab::PathSettings> path_of(const PathFlags& flags)
{
    if (!flags.file.empty()) {
        const std::string text = TRY(read_file(flags.file, 1U << 20));
        return lab::path_from_yaml(text, flags.file);
    }
    lab::HopWords back = flags.back;
    for (const WordFlag& flag : word_flags)
        if ((back.*flag.word).empty()) back.*flag.word = flags.there.*flag.word;
    lab::PathSettings path;
    path.hops.push_back(TRY(lab::parse_hop(flags.there, back)));
    path.mtu = TRY(size_of(flags.mtu, path.mtu));
    path.black_hole = TRY(size_of(flags.black_hole, 0));
    return lab::settled(std::move(path));
}

Result<void> in_namespace(const std::string& name, const std::function<Result<void>(kernel::Kernel&)>& act)
{
    Result<void> result;
    std::thread([&] {
        result = [&]() -> Result<void> {
            TRY_VOID(kernel::enter_namespace(name));
            kernel::Kernel kernel = TRY(kernel::Kernel::live_in_namespace());
            return act(kernel);
        }();
    }).join();
    return result;
}

Result<LabBench> LabBench::start(const lab::PathSettings& path, Over over)
{
    const lab::Lab lab = TRY(lab::up(fmt::format("run-{}", ::getpid()), path, lab::Life::WithOwner));
    const char* const address = over == Over::Ipv6 ? lab::right_address_six : lab::right_address;
    auto server = ForkedServer::start(address, [&] { return kernel::enter_namespace(lab.right()); });
    if (!server) {
        (void)lab::down(lab.name);
        return std::unexpected(std::move(server).error());
    }
    return LabBench(lab, std::move(*server));
}

LabBench::~LabBench()
{
    if (!lab_.name.empty()) (void)finish();
}

Result<lab::EmulatorReport> LabBench::finish()
{
    server_.reset();
    return lab::down(std::exchange(lab_.name, {}));
}

Result<Measurement> LabBench::measure(const Traffic& traffic) const
{
    Result<Measurement> measured = fail(Error::Kind::Interrupted, "no measurement");
    const auto entered = in_namespace(lab_.left(), [&](kernel::Kernel&) -> Result<void> {
        measured = measure_traffic(server_->reached(), traffic);
        return {};
    });
    if (!entered) return std::unexpected(entered.error());
    return measured;
}

Result<void> Rehearsal::read_end(kernel::Kernel& kernel, const std::string& space, const std::vector<Change>& changes)
{
    left_out_.clear(); // the same at either end
    for (const Change& change : changes) {
        const bool fits = std::holds_alternative<SysctlKey>(change.tunable) && change.to;
        const auto now = fits ? tunable::read(kernel, change.tunable) : fail(Error::Kind::Unsupported, "");
        if (!now || !*now) { // another kind, of the whole host, or not in this kernel
            left_out_.push_back(to_text(change.tunable));
            continue;
        }
        TRY_VOID(tunable::check(kernel, change.tunable, *change.to));
        steps_.push_back({space, change.tunable, change.from.value_or(**now), *change.to});
    }
    return {};
}

Result<Rehearsal> Rehearsal::of(const lab::Lab& lab, const std::vector<Change>& changes)
{
    Rehearsal rehearsal;
    for (const std::string& space : {lab.left(), lab.right()}) {
        const auto seen =
            in_namespace(space, [&](kernel::Kernel& kernel) { return rehearsal.read_end(kernel, space, changes); });
        if (!seen) return std::unexpected(seen.error());
    }
    return rehearsal;
}

Result<void> Rehearsal::write_all(Value Step::* value) const
{
    const auto write_one = [&](const Step& step, kernel::Kernel& kernel) -> Result<void> {
        TRY_VOID(tunable::write(kernel, step.tunable, step.*value));
        const auto now = TRY(tunable::read(kernel, step.tunable));
        if (tunable::same(step.tunable, now, step.*value)) return {};
        return fail(Error::Kind::Mismatch, to_text(step.tunable) + ": the kernel shows another value than was written");
    };
    for (const Step& step : steps_) {
        auto written = in_namespace(step.space, [&](kernel::Kernel& kernel) { return write_one(step, kernel); });
        if (!written) return written;
    }
    return {};
}

} // namespace netwright::cli
