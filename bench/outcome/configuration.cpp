// SPDX-License-Identifier: GPL-2.0-or-later
// Reading contestants, and applying them where nothing else is touched.
#include "outcome/configuration.h"

#include "base/text.h"
#include "cli/lab_flags.h"
#include "model/sysctl_line.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

#include <set>

namespace netwright::outcome {
namespace {

Result<Change> change_of(const SysctlLine& line)
{
    if (line.kind != SysctlLine::Kind::Setting) return fail(Error::Kind::Malformed, "no 'key = value'");
    Change change;
    change.tunable = SysctlKey{dotted_sysctl_key(line.key)};
    change.to = TRY(parse_value(change.tunable, line.value));
    return change;
}

// True: it is set. False: this namespace does not have it, or may only look at it.
Result<bool> set_one(kernel::Kernel& kernel, const Change& change)
{
    if (!belongs_to_namespace(change.tunable) || !change.to) return false;
    const auto before = tunable::read(kernel, change.tunable);
    if (!before) return false;
    if (*before && tunable::same(change.tunable, **before, *change.to)) return true;
    const auto written = tunable::write(kernel, change.tunable, *change.to);
    if (!written && written.error().kind == Error::Kind::Refused) return false;
    if (!written) return std::unexpected(written.error());
    const auto after = TRY(tunable::read(kernel, change.tunable));
    if (tunable::same(change.tunable, after, change.to)) return true;
    return fail(Error::Kind::Mismatch, to_text(change.tunable) + ": the kernel shows another value than was written");
}

} // namespace

Result<Configuration> configuration_from_conf(std::string_view text, std::string_view file, std::string name)
{
    Configuration configuration{std::move(name), {}, {}};
    std::string_view line;
    for (unsigned number = 1; next_line(text, line); ++number) {
        const SysctlLine parsed = parse_sysctl_line(line);
        if (parsed.kind == SysctlLine::Kind::Blank) continue;
        auto change = change_of(parsed);
        if (!change) return fail(Error::Kind::Malformed, fmt::format("{}:{}: {}", file, number, change.error().what));
        configuration.left.push_back(*std::move(change));
    }
    configuration.right = configuration.left;
    return configuration;
}

std::string congestion_of(const Configuration& configuration)
{
    std::string algorithm;
    for (const std::vector<Change>* end : {&configuration.right, &configuration.left})
        for (const Change& change : *end)
            if (change.tunable == Tunable(SysctlKey{"net.ipv4.tcp_congestion_control"}) && change.to)
                algorithm = to_text(*change.to);
    return algorithm;
}

bool belongs_to_namespace(const Tunable& tunable)
{
    if (const auto* const key = std::get_if<SysctlKey>(&tunable)) return key->name.starts_with("net.");
    return std::holds_alternative<LinkSetting>(tunable) || std::holds_alternative<QdiscPlace>(tunable) ||
           std::holds_alternative<RouteSetting>(tunable);
}

Result<std::vector<std::string>> apply(const Configuration& configuration, const lab::Lab& lab)
{
    std::set<std::string> left_out;
    const auto apply_at = [&](const std::string& space, const std::vector<Change>& changes) {
        return cli::in_namespace(space, [&](kernel::Kernel& kernel) -> Result<void> {
            for (const Change& change : changes) {
                const bool is_set = TRY(set_one(kernel, change));
                if (!is_set) left_out.insert(to_text(change.tunable));
            }
            return {};
        });
    };
    TRY_VOID(apply_at(lab.left(), configuration.left));
    TRY_VOID(apply_at(lab.right(), configuration.right));
    return std::vector<std::string>(left_out.begin(), left_out.end());
}

} // namespace netwright::outcome
