// SPDX-License-Identifier: GPL-2.0-or-later
// Baselines on disk, and what has changed since.
#include "cli/baseline_store.h"

#include "apply/fingerprint.h"
#include "base/text.h"
#include "model/measurement_json.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

namespace netwright::cli {
namespace {

constexpr int schema = 1;
constexpr const char* tables = R"(
CREATE TABLE IF NOT EXISTS baseline(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, taken TEXT NOT NULL,
  host TEXT NOT NULL, workload TEXT NOT NULL, machine_id TEXT NOT NULL, hostname TEXT NOT NULL, kernel TEXT NOT NULL,
  namespace TEXT NOT NULL, nics TEXT NOT NULL, cpus TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS baseline_setting(baseline INTEGER NOT NULL, tunable TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(baseline, tunable)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS baseline_run(baseline INTEGER NOT NULL, number INTEGER NOT NULL, measurement TEXT NOT NULL,
  PRIMARY KEY(baseline, number)) WITHOUT ROWID;
)";

std::string lines_of(const std::vector<std::string>& texts)
{
    std::string all;
    for (const std::string& text : texts)
        all += text + "\n";
    return all;
}

std::vector<std::string> texts_of(std::string_view lines)
{
    std::vector<std::string> texts;
    for (std::string_view line; next_line(lines, line);)
        texts.emplace_back(line);
    return texts;
}

// Values that move by themselves say nothing about how a host is set up.
bool moves(const std::string& tunable)
{
    for (const char* word :
         {"nf_conntrack_count", "random/", "nr-", "-state", "dentry", "inode", "/hostname", "ns_last_pid"})
        if (tunable.find(word) != std::string::npos) return true;
    return false;
}

} // namespace

Result<HostState> host_state(kernel::Kernel& kernel)
{
    HostState state;
    state.fingerprint = TRY(apply::fingerprint(kernel));
    state.cpus = kernel.files.read_line("sys/devices/system/cpu/online").value_or("");
    for (const tunable::Reading& one : TRY(tunable::list_values(kernel))) {
        const std::string name = to_text(one.tunable);
        if (one.value && *one.value && !moves(name)) state.settings[name] = to_text(**one.value);
    }
    return state;
}

std::vector<std::string> why_stale(const HostState& then, const HostState& now)
{
    auto reasons = differences(then.fingerprint, now.fingerprint);
    if (then.cpus != now.cpus) reasons.push_back(fmt::format("CPUs {} then, {} now", then.cpus, now.cpus));
    return reasons;
}

std::vector<std::string> changed_settings(const HostState& then, const HostState& now)
{
    std::vector<std::string> changed;
    for (const auto& [name, value] : then.settings) {
        const auto found = now.settings.find(name);
        if (found == now.settings.end())
            changed.push_back(fmt::format("{}: {} -> not there", name, value));
        else if (found->second != value)
            changed.push_back(fmt::format("{}: {} -> {}", name, value, found->second));
    }
    for (const auto& [name, value] : now.settings)
        if (!then.settings.contains(name)) changed.push_back(fmt::format("{}: not there -> {}", name, value));
    return changed;
}

Result<BaselineStore> BaselineStore::open(const std::filesystem::path& state_dir)
{
    std::error_code failed;
    std::filesystem::create_directories(state_dir, failed);
    if (failed) return std::unexpected(errno_error("make " + state_dir.string(), failed.value()));
    auto database = TRY(apply::Database::open(state_dir / "baselines.db", true, "the baselines'"));
    const std::int64_t version = TRY(database.number("PRAGMA user_version"));
    if (version > schema)
        return fail(Error::Kind::Unsupported, "the baselines were written by a newer netwright: use that one");
    TRY_VOID(database.script(tables));
    TRY_VOID(database.script(fmt::format("PRAGMA user_version = {}", schema).c_str()));
    return BaselineStore(std::move(database));
}

Result<void> BaselineStore::save(const Baseline& baseline)
{
    return database_.together([&]() -> Result<void> {
        for (const char* table : {"baseline_setting", "baseline_run"})
            TRY_VOID(database_.run(
                fmt::format("DELETE FROM {} WHERE baseline IN (SELECT id FROM baseline WHERE name = ?)", table),
                {baseline.name}));
        TRY_VOID(database_.run("DELETE FROM baseline WHERE name = ?", {baseline.name}));
        const Fingerprint& host = baseline.state.fingerprint;
        const std::string workload(to_text(baseline.runs.front().traffic.kind));
        TRY_VOID(
            database_.run("INSERT INTO baseline(name, taken, host, workload, machine_id, hostname, kernel, namespace, "
                          "nics, cpus) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          {baseline.name, baseline.taken, baseline.host, workload, host.machine_id, host.hostname,
                           host.kernel, host.network_namespace, lines_of(host.nics), baseline.state.cpus}));
        const std::int64_t id = TRY(database_.number("SELECT id FROM baseline WHERE name = ?", {baseline.name}));
        for (const auto& [name, value] : baseline.state.settings)
            TRY_VOID(database_.run("INSERT INTO baseline_setting VALUES(?, ?, ?)", {id, name, value}));
        for (std::size_t i = 0; i < baseline.runs.size(); ++i)
            TRY_VOID(database_.run("INSERT INTO baseline_run VALUES(?, ?, ?)",
                                   {id, static_cast<std::int64_t>(i), to_json(baseline.runs[i])}));
        return {};
    });
}

Result<Baseline> BaselineStore::load(const std::string& name)
{
    Baseline baseline;
    std::int64_t id = 0;
    TRY_VOID(database_.run("SELECT id, taken, host, machine_id, hostname, kernel, namespace, nics, cpus FROM baseline "
                           "WHERE name = ?",
                           {name}, [&](const apply::Row& row) -> Result<void> {
                               id = row.number(0);
                               baseline.taken = row.text(1);
                               baseline.host = row.text(2);
                               baseline.state.fingerprint = {row.text(3), row.text(4), row.text(5), row.text(6),
                                                             texts_of(row.text(7))};
                               baseline.state.cpus = row.text(8);
                               return {};
                           }));
    if (id == 0) return fail(Error::Kind::Absent, fmt::format("no baseline '{}' (see: netwright baseline list)", name));
    baseline.name = name;
    TRY_VOID(database_.run("SELECT tunable, value FROM baseline_setting WHERE baseline = ?", {id},
                           [&](const apply::Row& row) -> Result<void> {
                               baseline.state.settings[row.text(0)] = row.text(1);
                               return {};
                           }));
    const auto add_run = [&](const apply::Row& row) -> Result<void> {
        auto measurement = TRY(measurement_from_json(row.text(0)));
        baseline.runs.push_back(std::move(measurement));
        return {};
    };
    TRY_VOID(database_.run("SELECT measurement FROM baseline_run WHERE baseline = ? ORDER BY number", {id}, add_run));
    if (baseline.runs.empty()) return fail(Error::Kind::Malformed, fmt::format("baseline '{}' has no results", name));
    return baseline;
}

Result<std::vector<BaselineStore::Line>> BaselineStore::list()
{
    std::vector<Line> lines;
    TRY_VOID(
        database_.run("SELECT name, taken, workload, host, (SELECT count(*) FROM baseline_run WHERE baseline = id) "
                      "FROM baseline ORDER BY taken",
                      {}, [&](const apply::Row& row) -> Result<void> {
                          lines.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.number(4)});
                          return {};
                      }));
    return lines;
}

} // namespace netwright::cli
