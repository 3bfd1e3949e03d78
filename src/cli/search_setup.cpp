// SPDX-License-Identifier: GPL-2.0-or-later
// Settings that may be searched, as the host, the formulas and the catalogue see them.
#include "cli/search_setup.h"

#include "advise/infer.h"
#include "advise/rule.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "host/collect.h"
#include "model/plan_yaml.h"
#include "plan/make_plan.h"
#include "plan/search_space.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::cli {
namespace {

constexpr std::size_t largest_plan = 4U << 20;

Result<std::vector<Tunable>> tunables_of(const std::vector<std::string>& over)
{
    std::vector<Tunable> tunables;
    for (const std::string& list : over)
        for (const std::string_view word : split(list, ',')) {
            if (trim(word).empty()) continue;
            tunables.push_back(TRY(parse_tunable(trim(word))));
            if (std::ranges::count(tunables, tunables.back()) > 1)
                return fail(Error::Kind::Rejected, fmt::format("--over names {} twice", word));
        }
    if (tunables.empty()) return fail(Error::Kind::Rejected, "--over names nothing to search");
    return tunables;
}

std::vector<std::string> choices_of(const kernel::Kernel& kernel, const Tunable& tunable)
{
    if (tunable != Tunable(SysctlKey{"net.ipv4.tcp_congestion_control"})) return {};
    const auto line = kernel.files.read_line("proc/sys/net/ipv4/tcp_available_congestion_control");
    std::vector<std::string> names;
    for (const std::string_view name : line ? split_words(*line) : std::vector<std::string_view>{})
        names.emplace_back(name);
    return names;
}

Result<Plan> starting_plan(const Snapshot& host, const Intent& intent, const std::string& start)
{
    if (start.empty()) return plan::make_plan(advise::judge(host, intent), host, intent);
    const std::string text = TRY(read_file(start, largest_plan));
    return plan_from_yaml(text, start);
}

Result<Dimension> dimension(kernel::Kernel& kernel, const Tunable& tunable, const Snapshot& host, const Plan& start)
{
    const auto now = TRY(tunable::read(kernel, tunable));
    if (!now)
        return fail(Error::Kind::Rejected, to_text(tunable) + " holds nothing now that a search could start from");
    plan::SearchQuestion question{tunable, *now};
    for (const Change& change : start.changes)
        if (change.tunable == tunable) question.formula = change.to;
    question.choices = choices_of(kernel, tunable);
    if (host.memory) {
        question.memory = host.memory->total;
        question.page = host.memory->page_size;
    }
    return plan::dimension_of(question);
}

bool is_lower(const Value& from, const Value& to)
{
    const auto number = [](const Value& value) -> std::int64_t {
        if (const auto* const one = std::get_if<std::int64_t>(&value)) return *one;
        const auto* const list = std::get_if<std::vector<std::int64_t>>(&value);
        return list && !list->empty() ? list->back() : 0;
    };
    return number(to) < number(from);
}

Change change_to(const Dimension& dimension, std::size_t level)
{
    Change change;
    change.tunable = dimension.tunable;
    change.from = dimension.levels[dimension.now];
    change.to = dimension.levels[level];
    change.why = is_lower(*change.from, *change.to)
                     ? "Measured: found by a search and proven on this path; lower on purpose."
                     : "Measured: found by a search and proven on this path.";
    change.risk = catalog::risk_of(change.tunable);
    change.reach = catalog::reach_of(change.tunable);
    change.persistence = natural_persistence(change.tunable);
    return change;
}

} // namespace

Result<SearchHost> search_host(const std::vector<std::string>& over, Intent intent, const std::string& start,
                               const Globals& globals)
{
    const std::vector<Tunable> tunables = TRY(tunables_of(over));
    kernel::Kernel kernel = TRY(open_kernel(globals));
    const Snapshot snapshot = host::collect(kernel, {.interval = std::chrono::milliseconds(500)});
    SearchHost host;
    host.fingerprint = fingerprint(snapshot);
    host.intent = advise::infer(snapshot, std::move(intent));
    const Plan plan = TRY(starting_plan(snapshot, host.intent, start));
    for (const Tunable& tunable : tunables) {
        auto one = dimension(kernel, tunable, snapshot, plan);
        if (!one) return std::unexpected(std::move(one).error());
        host.dimensions.push_back(*std::move(one));
    }
    return host;
}

Plan plan_of(const SearchHost& host, const SearchPoint& point, Scope scope)
{
    Plan plan;
    plan.made_for = host.fingerprint;
    plan.intent = host.intent;
    for (std::size_t i = 0; i < point.size(); ++i)
        if (scope == Scope::All || point[i] != host.dimensions[i].now)
            plan.changes.push_back(change_to(host.dimensions[i], point[i]));
    return plan;
}

} // namespace netwright::cli
