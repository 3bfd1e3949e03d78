// SPDX-License-Identifier: GPL-2.0-or-later
// Writing shell that needs nothing but sh, printf and ip.
#include "apply/undo_script.h"

#include "apply/durable_file.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

namespace netwright::apply {
namespace {

std::string value_text(const std::optional<Value>& value) { return value ? to_text(*value) : "nothing"; }

std::string step_text(const Step& step)
{
    const std::string why = step.follower ? "may have been changed by the kernel"
                                          : fmt::format("{} -> {}", value_text(step.from), value_text(step.to));
    return fmt::format("# {}: {}\n{} || failed=1\n", to_text(step.tunable), why,
                       tunable::undo_command(step.tunable, step.from));
}

// A number of a namespace is only good until the next boot; on the host's own no check is needed.
std::string guard(const Record& record)
{
    if (record.space.initial) return {};
    const std::string where =
        record.space.name.empty() ? "nsenter --net=/proc/PID/ns/net" : "ip netns exec " + record.space.name;
    return fmt::format("# These values belong to {}: run this as: {} sh undo-{}.sh\n"
                       "[ \"$(readlink /proc/self/ns/net)\" = 'net:[{}]' ] || {{\n"
                       "    echo 'undo-{}.sh: wrong network namespace; nothing was changed' >&2\n    exit 1\n}}\n",
                       kernel::describe(record.space), where, record.id, record.space.inode, record.id);
}

} // namespace

std::filesystem::path undo_script_path(const std::filesystem::path& state_dir, std::int64_t id)
{
    return state_dir / fmt::format("undo-{}.sh", id);
}

std::string undo_script(const Record& record)
{
    std::string text = fmt::format(
        "#!/bin/sh\n"
        "# Undoes netwright's transaction {}, begun {}, by hand. Better, where it works: netwright rollback {}\n"
        "# It writes the old values whatever is there now. After a reboot it is not needed.\n",
        record.id, record.started, record.id);
    text += guard(record) + "failed=0\n";
    for (std::size_t place = record.steps.size(); place-- > 0;)
        if (!record.steps[place].follower) text += step_text(record.steps[place]);
    for (const Step& step : record.steps)
        if (step.follower) text += step_text(step);
    return text + "exit $failed\n";
}

Result<void> write_undo_script(const std::filesystem::path& state_dir, const Record& record)
{
    return write_durably(undo_script_path(state_dir, record.id), undo_script(record), 0700);
}

Result<void> remove_undo_script(const std::filesystem::path& state_dir, std::int64_t id)
{
    return remove_durably(undo_script_path(state_dir, id));
}

} // namespace netwright::apply
