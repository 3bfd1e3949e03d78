// SPDX-License-Identifier: GPL-2.0-or-later
// A kept policy is a file below the state directory; a transaction of one change makes it run.
#include "cli/kept.h"

#include "apply/fingerprint.h"
#include "apply/transaction.h"
#include "base/text.h"
#include "base/units.h"
#include "catalog/catalog.h"
#include "kernel/durable_file.h"
#include "kernel/namespace.h"
#include "tunable/tunable_kind.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace netwright::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kept_most = 20; // of each program: what transactions may still go back to

struct KeptFile {
    std::uint64_t number = 0;
    fs::path path;
};

// "filter" of "xdp/filter", "steer" of "tc/steer".
std::string command_of(const Tunable& tunable)
{
    const std::string text = to_text(tunable);
    return text.substr(text.find('/') + 1);
}

// "filter-17-policy.yaml", oldest first.
std::vector<KeptFile> kept_files(const fs::path& directory, const std::string& program)
{
    std::vector<KeptFile> found;
    std::error_code ignored;
    for (fs::directory_iterator at(directory, ignored), end; !ignored && at != end; at.increment(ignored)) {
        const std::string name = at->path().filename().string();
        if (!name.starts_with(program + "-")) continue;
        const std::string rest = name.substr(program.size() + 1);
        if (const auto number = parse_unsigned(rest.substr(0, rest.find('-')))) found.push_back({*number, at->path()});
    }
    std::ranges::sort(found, {}, &KeptFile::number);
    return found;
}

// What neither runs nor is about to goes when there are too many.
void forget_old(const std::vector<KeptFile>& files, const std::optional<Value>& running)
{
    for (std::size_t i = 0; i + kept_most < files.size(); ++i)
        if (!running || to_text(*running) != files[i].path.string()) (void)kernel::remove_durably(files[i].path);
}

Result<fs::path> keep_file(const Globals& globals, const Tunable& tunable, const dataplane::KeptConfig& wanted,
                           const std::optional<Value>& running)
{
    const fs::path directory = fs::absolute(globals.state_dir) / "xdp";
    const std::string program = command_of(tunable);
    const auto files = kept_files(directory, program);
    forget_old(files, running);
    std::string name = fs::path(wanted.name).filename().string();
    std::ranges::replace_if(name, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; }, '_');
    const std::uint64_t number = files.empty() ? 1 : files.back().number + 1;
    const fs::path path = directory / fmt::format("{}-{}-{}", program, number, name);
    TRY_VOID(kernel::write_durably(path, to_text(wanted), 0600));
    return path;
}

Result<Plan> plan_of(kernel::Kernel& kernel, const Tunable& tunable, const std::optional<Value>& from,
                     const std::optional<Value>& to)
{
    Plan plan;
    plan.made_for = TRY(apply::fingerprint(kernel));
    Change change;
    change.tunable = tunable;
    change.from = from;
    change.to = to;
    change.why = "netwright " + command_of(tunable);
    change.risk = catalog::risk_of(tunable);
    change.reach = catalog::reach_of(tunable);
    // Files in /etc are the host's.
    const bool lasts = TRY(kernel::current_namespace()).initial;
    change.persistence = lasts ? natural_persistence(tunable) : Persistence::None;
    plan.changes = {std::move(change)};
    return plan;
}

Result<std::string> run(kernel::Kernel& kernel, const Plan& plan, const apply::ApplyOptions& options,
                        const Globals& globals)
{
    auto journal = TRY(apply::Journal::open(globals.state_dir, apply::Access::Write));
    auto change = TRY(apply::Transaction::begin(kernel, journal, plan, options));
    auto receipt = TRY(change.apply());
    if (!options.confirm_within) receipt = TRY(change.keep());
    std::string text;
    for (const std::string& warning : receipt.warnings)
        text += fmt::format("warning: {}\n", warning);
    if (!options.confirm_within) return text;
    change.leave();
    return text + fmt::format("Transaction {} is undone at {} unless you run: netwright confirm\n", receipt.transaction,
                              receipt.deadline_at);
}

Result<apply::ApplyOptions> options_of(const std::string& confirm_within)
{
    using std::chrono::seconds;
    apply::ApplyOptions options;
    if (confirm_within.empty()) return options;
    const Nanoseconds within = TRY(typed("--confirm-within", parse_duration(confirm_within)));
    if (within < seconds{5} || within > seconds{86400})
        return fail(Error::Kind::Rejected, fmt::format("--confirm-within {}: between 5 s and a day", confirm_within));
    options.confirm_within = std::chrono::duration_cast<seconds>(within);
    return options;
}

} // namespace

void add_confirm_flag(CLI::App& app, std::string& confirm_within)
{
    app.add_option("--confirm-within", confirm_within,
                   "put back what ran before unless it is confirmed within this time (netwright confirm)")
        ->type_name("TIME");
}

Result<std::string> change_packet_path(PacketPath::What what, const std::optional<dataplane::KeptConfig>& wanted,
                                       const std::string& confirm_within, const Globals& globals)
{
    const auto options = TRY(options_of(confirm_within));
    const Tunable tunable = PacketPath{what};
    auto kernel = TRY(open_kernel(globals));
    const auto from = TRY(tunable::read(kernel, tunable));
    std::optional<Value> to;
    if (wanted) to = Value{TRY(keep_file(globals, tunable, *wanted, from)).string()};
    const auto plan = TRY(plan_of(kernel, tunable, from, to));
    auto ran = run(kernel, plan, options, globals);
    if (!ran && to) (void)kernel::remove_durably(to_text(*to));
    return ran;
}

} // namespace netwright::cli
