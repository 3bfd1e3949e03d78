// SPDX-License-Identifier: GPL-2.0-or-later
// Writing a plan: what a reviewer needs first stands first.
#include "model/intent_yaml.h"
#include "model/plan_yaml.h"
#include "model/yaml_tree.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace netwright {
namespace {

// Foreign text inside a comment must not end the line.
std::string commented(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return out;
}

template <class T>
std::string heard(const Answer<T>& answer)
{
    return fmt::format("{}: {}", answer.given ? "given" : "inferred", commented(answer.reason));
}

std::string intent_comment(const Intent& intent)
{
    std::string out = fmt::format("# For:      {} ({})\n", workloads_text(intent), heard(intent.workload));
    if (intent.bandwidth)
        out +=
            fmt::format("#           bandwidth {} ({})\n", to_text(intent.bandwidth->value), heard(*intent.bandwidth));
    if (intent.rtt)
        out += fmt::format("#           RTT {} ({})\n", duration_text(intent.rtt->value), heard(*intent.rtt));
    return out;
}

std::string head(const Plan& plan)
{
    const Fingerprint& host = plan.made_for;
    std::string out =
        plan.changes.empty()
            ? std::string("# A netwright plan without changes: nothing found that should be changed here.\n")
            : fmt::format("# A netwright plan: {} change{}, applied from top to bottom, undone from bottom "
                          "to top.\n",
                          plan.changes.size(), plan.changes.size() == 1 ? "" : "s");
    out += fmt::format("# Made for: {}, Linux {}, network namespace {}\n", commented(host.hostname),
                       commented(host.kernel),
                       commented(host.network_namespace.empty() ? "unknown" : host.network_namespace));
    out += intent_comment(plan.intent);
    if (!plan.left_out.empty())
        out += fmt::format("# Not planned: {} proposal{}, with reasons, under left_out.\n", plan.left_out.size(),
                           plan.left_out.size() == 1 ? "" : "s");
    return out + "# Review it, delete what you do not want, then: netwright apply <this file>\n\n";
}

// Lists of numbers stay lists and text that looks like a number gets quotes: the reader must see the same type.
struct ValueWriter {
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(const std::vector<std::int64_t>& numbers) const
    {
        return fmt::format("[{}]", fmt::join(numbers, ", "));
    }
    std::string operator()(const CpuSet& cpus) const { return fmt::format("\"{}\"", to_text(Value{cpus})); }
    std::string operator()(const std::string& text) const
    {
        const std::string plain = yaml_text(text);
        const bool safe = plain == text && text.find(' ') == std::string::npos; // several words might become a list
        return safe || plain.front() == '"' ? plain : fmt::format("\"{}\"", text);
    }
};

std::string value(const std::optional<Value>& value) { return value ? std::visit(ValueWriter{}, *value) : "null"; }

std::string change_text(const Change& change)
{
    const std::string absent = change.from ? "" : " # it does not exist yet";
    const std::string removed = change.to ? "" : " # it is to be removed";
    return fmt::format("  - tunable: {}\n    from: {}{}\n    to: {}{}\n", yaml_text(to_text(change.tunable)),
                       value(change.from), absent, value(change.to), removed) +
           fmt::format("    why: {}\n    because: {}\n", yaml_prose(change.why, 4), yaml_list(change.because)) +
           fmt::format("    risk: {}\n    reach: {}\n    interrupts: {}\n    persistence: {}\n", to_text(change.risk),
                       yaml_text(to_text(change.reach)), change.interrupts, yaml_text(to_text(change.persistence)));
}

std::string left_out_text(const LeftOut& left)
{
    return fmt::format("  - tunable: {}\n    to: {}\n    reason: {}\n    because: {}\n", yaml_text(left.tunable),
                       yaml_text(left.to), yaml_prose(left.reason, 4), yaml_list(left.because));
}

std::string input_text(const PlanInput& input)
{
    return fmt::format("  - name: {}\n    value: {}\n    formula: {}\n", yaml_text(input.name), yaml_text(input.value),
                       yaml_prose(input.formula, 4));
}

template <class T, class Write>
std::string section(std::string_view name, const std::vector<T>& items, Write write)
{
    if (items.empty()) return fmt::format("{}: []\n", name);
    std::string out = fmt::format("{}:\n", name);
    for (const T& item : items)
        out += write(item);
    return out;
}

std::string host_text(const Fingerprint& host)
{
    return fmt::format("made_for:\n  machine_id: {}\n  hostname: {}\n  kernel: {}\n  network_namespace: {}\n",
                       yaml_text(host.machine_id), yaml_text(host.hostname), yaml_text(host.kernel),
                       yaml_text(host.network_namespace)) +
           fmt::format("  nics: {}\n", yaml_list(host.nics));
}

std::string advice_text(const std::string& advice) { return fmt::format("  - {}\n", yaml_prose(advice, 2)); }

} // namespace

std::string to_yaml(const Plan& plan)
{
    return head(plan) + fmt::format("schema: {}\n", plan.schema) + host_text(plan.made_for) + "intent:\n" +
           write_plan_intent(plan.intent, 2) + section("inputs", plan.inputs, input_text) +
           section("changes", plan.changes, change_text) + section("left_out", plan.left_out, left_out_text) +
           section("advice", plan.advice, advice_text);
}

} // namespace netwright
