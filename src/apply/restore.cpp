// SPDX-License-Identifier: GPL-2.0-or-later
// The unit's text, and what it runs.
#include "apply/restore.h"

#include "apply/durable_file.h"
#include "apply/journal.h"
#include "apply/lasting.h"
#include "apply/systemd_unit.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace netwright::apply {
namespace {

namespace fs = std::filesystem;

// systemd-escape(1): what is no letter, digit, ':', '_' or '.' becomes \xXX.
std::string escaped(std::string_view name)
{
    std::string out;
    for (const char c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                           c == ':' || (c == '.' && !out.empty());
        out += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string devices_of(std::span<const Tunable> settings)
{
    std::set<std::string> devices;
    for (const Tunable& tunable : settings)
        if (const auto nic = interface_of(tunable); !nic.empty() && nic != "lo")
            devices.insert(fmt::format(" sys-subsystem-net-devices-{}.device", escaped(nic)));
    std::string all;
    for (const std::string& device : devices)
        all += device;
    return all;
}

fs::path system_dir(const fs::path& etc_dir) { return etc_dir / "systemd" / "system"; }

StepReport restore_one(kernel::Kernel& kernel, const Tunable& tunable, const std::optional<Value>& value)
{
    auto before = tunable::read(kernel, tunable);
    StepReport report{tunable, Outcome::AlreadyBack, before.value_or(std::nullopt), value, {}, ""};
    if (!before) { // a device that has gone, or has not come yet
        report.outcome = Outcome::Failed;
        report.note = before.error().what;
        return report;
    }
    if (tunable::same(tunable, *before, value)) return report;
    const auto written = value ? tunable::write(kernel, tunable, *value) : tunable::clear(kernel, tunable);
    const auto now = tunable::read(kernel, tunable);
    report.outcome = now && tunable::same(tunable, *now, value) ? Outcome::Restored : Outcome::Failed;
    if (now) report.now = *now;
    if (report.outcome == Outcome::Restored) return report;
    report.note = !written ? written.error().what
                  : !now   ? now.error().what
                           : fmt::format("{} shows {} after {} was written", to_text(tunable),
                                       *now ? to_text(**now) : "nothing", value ? to_text(*value) : "nothing");
    return report;
}

// What a transaction that waits for its owner's word, or is being undone, has set is not ours to set back.
std::set<Tunable> set_by_open(std::span<const Record> records)
{
    std::set<Tunable> tunables;
    for (const Record& record : records)
        if (is_open(record.state))
            for (const Step& step : record.steps)
                tunables.insert(step.tunable);
    return tunables;
}

} // namespace

std::string restore_unit(const fs::path& binary, const fs::path& state_dir, std::span<const Tunable> settings)
{
    std::string names;
    for (const Tunable& tunable : settings)
        names += fmt::format("#   {}\n", to_text(tunable));
    const std::string devices = devices_of(settings);
    return fmt::format(
        R"(# Written by netwright. Do not edit: the next confirm or rollback writes it anew, and removes it when
# nothing is left to restore. What it restores (netwright status shows the values):
{0}[Unit]
Description=Restore confirmed network tuning that no other file can hold (netwright restore)
RequiresMountsFor={2} {1}
Wants=network-online.target{3}
After=network-online.target netwright-recover.service{3}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={1} restore --state-dir {2}
TimeoutStartSec=60

[Install]
WantedBy=multi-user.target
)",
        names, binary.native(), state_dir.native(), devices);
}

Result<void> write_restore_unit(const fs::path& etc_dir, const fs::path& state_dir, std::span<const Tunable> settings)
{
    if (settings.empty()) return disable_unit(system_dir(etc_dir), restore_unit_name, "multi-user.target");
    const fs::path binary = TRY(own_binary());
    TRY_VOID(plain_unit_path(binary));
    TRY_VOID(plain_unit_path(state_dir));
    return enable_unit(system_dir(etc_dir), restore_unit_name, "multi-user.target",
                       restore_unit(binary, state_dir, settings));
}

Result<std::vector<StepReport>> restore(kernel::Kernel& kernel, const fs::path& state_dir, const fs::path& etc_dir,
                                        std::string_view only)
{
    auto journal = Journal::open(state_dir, Access::Read);
    if (!journal && journal.error().kind == Error::Kind::Absent) return std::vector<StepReport>{};
    if (!journal) return std::unexpected(std::move(journal).error());
    auto confirmed = TRY(journal->all());
    const std::set<Tunable> in_work = set_by_open(confirmed);
    std::erase_if(confirmed, [](const Record& record) { return record.state != State::Confirmed; });
    const Lasting lasting = lasting_of(confirmed, etc_dir);
    std::vector<StepReport> reports;
    const auto put_back = [&](const Tunable& tunable, const std::optional<Value>& value) {
        const std::string_view nic = interface_of(tunable);
        if (in_work.contains(tunable) || (!only.empty() && !nic.empty() && nic != only)) return;
        reports.push_back(restore_one(kernel, tunable, value));
    };
    for (const auto& [tunable, value] : lasting.at_boot)
        put_back(tunable, value);
    // Whoever owns an interface may not have told yet: what no file of ours holds is set here, too.
    for (const auto& [nic, values] : lasting.links)
        for (const auto& [tunable, value] : values)
            if (!link_file_holds(etc_dir, tunable, value)) put_back(tunable, value);
    return reports;
}

} // namespace netwright::apply
