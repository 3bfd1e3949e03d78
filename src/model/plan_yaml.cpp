// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a plan: strictly, because it will be applied as root.
#include "model/plan_yaml.h"

#include "base/text.h"
#include "model/intent_yaml.h"
#include "model/yaml_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 7> plan_fields{"schema",  "made_for", "intent", "inputs",
                                                      "changes", "left_out", "advice"};
constexpr std::array<std::string_view, 5> host_fields{"machine_id", "hostname", "kernel", "network_namespace", "nics"};
constexpr std::array<std::string_view, 3> input_fields{"name", "value", "formula"};
constexpr std::array<std::string_view, 9> change_fields{"tunable", "from",  "to",         "why",        "because",
                                                        "risk",    "reach", "interrupts", "persistence"};
constexpr std::array<std::string_view, 4> left_out_fields{"tunable", "to", "reason", "because"};

class PlanReader {
public:
    explicit PlanReader(std::string_view file) : yaml_(file) {}

    Result<Plan> plan(const YamlNode& root) const
    {
        TRY_VOID(schema(root));
        TRY_VOID(yaml_.only(root, plan_fields, "plan"));
        Plan plan;
        const YamlNode* made_for = TRY(yaml_.need(root, "made_for"));
        const YamlNode* intent = TRY(yaml_.need(root, "intent"));
        plan.made_for = TRY(host(*made_for));
        plan.intent = TRY(read_plan_intent(yaml_, *intent));
        plan.inputs = TRY(each<PlanInput>(root, "inputs", &PlanReader::input));
        plan.changes = TRY(each<Change>(root, "changes", &PlanReader::change));
        TRY_VOID(no_tunable_twice(root, plan.changes));
        plan.left_out = TRY(each<LeftOut>(root, "left_out", &PlanReader::left_out));
        const YamlNode* advice = TRY(section(root, "advice"));
        plan.advice = TRY(yaml_.texts(*advice, "advice"));
        return plan;
    }

private:
    // First of all: a newer schema has fields this program would call unknown.
    Result<void> schema(const YamlNode& root) const
    {
        if (root.kind != YamlNode::Kind::Map)
            return yaml_.fail_at(root, "this is no plan: it should begin with 'schema: 1'");
        const YamlNode* node = TRY(yaml_.need(root, "schema"));
        const std::string written = TRY(yaml_.text(*node, "schema"));
        const auto number = parse_int(written);
        if (!number || *number < 1) return yaml_.fail_at(*node, "schema: a number from 1 is expected");
        if (*number > Plan::current_schema) {
            Error newer = yaml_
                              .fail_at(*node, fmt::format("schema {} is newer than this netwright (which knows {}): "
                                                          "make the plan again with this version, or update",
                                                          *number, Plan::current_schema))
                              .error();
            newer.kind = Error::Kind::Unsupported;
            return std::unexpected(std::move(newer));
        }
        return {};
    }

    // Every section must be there, empty or not: a file that was cut short must not pass for a smaller plan.
    Result<const YamlNode*> section(const YamlNode& root, std::string_view key) const
    {
        if (const YamlNode* found = root.find(key)) return found;
        return yaml_.fail_at(root, fmt::format("'{0}' is missing: was the file cut short? (write '{0}: []' if there "
                                               "is none)",
                                               key));
    }

    template <class T>
    Result<std::vector<T>> each(const YamlNode& root, std::string_view key,
                                Result<T> (PlanReader::*read)(const YamlNode&) const) const
    {
        std::vector<T> all;
        const YamlNode* list = TRY(section(root, key));
        if (list->kind != YamlNode::Kind::List)
            return yaml_.fail_at(*list, fmt::format("{}: a list is expected, [] when empty", key));
        for (const YamlNode& item : list->items)
            all.push_back(TRY((this->*read)(item)));
        return all;
    }

    Result<Fingerprint> host(const YamlNode& node) const
    {
        TRY_VOID(yaml_.only(node, host_fields, "made_for"));
        Fingerprint read;
        read.machine_id = TRY(yaml_.text_field(node, "machine_id"));
        read.hostname = TRY(yaml_.text_field(node, "hostname"));
        read.kernel = TRY(yaml_.text_field(node, "kernel"));
        read.network_namespace = TRY(yaml_.text_field(node, "network_namespace"));
        read.nics = TRY(yaml_.texts_field(node, "nics"));
        return read;
    }

    Result<PlanInput> input(const YamlNode& node) const
    {
        TRY_VOID(yaml_.only(node, input_fields, "input"));
        PlanInput read;
        read.name = TRY(yaml_.text_field(node, "name"));
        read.value = TRY(yaml_.text_field(node, "value"));
        read.formula = TRY(yaml_.text_field(node, "formula"));
        return read;
    }

    Result<LeftOut> left_out(const YamlNode& node) const
    {
        TRY_VOID(yaml_.only(node, left_out_fields, "left_out"));
        LeftOut read;
        read.tunable = TRY(yaml_.text_field(node, "tunable"));
        read.to = TRY(yaml_.text_field(node, "to"));
        read.reason = TRY(yaml_.text_field(node, "reason"));
        read.because = TRY(yaml_.texts_field(node, "because"));
        return read;
    }

    Result<Change> change(const YamlNode& node) const
    {
        TRY_VOID(yaml_.only(node, change_fields, "change"));
        Change change;
        change.tunable = TRY(yaml_.read_field(node, "tunable", parse_tunable));
        change.from = TRY(value(change.tunable, node, "from"));
        change.to = TRY(value(change.tunable, node, "to"));
        change.why = TRY(yaml_.text_field(node, "why"));
        change.because = TRY(yaml_.texts_field(node, "because"));
        change.risk = TRY(yaml_.read_field(node, "risk", parse_risk));
        change.reach = TRY(yaml_.read_field(node, "reach", parse_reach));
        change.interrupts = TRY(yaml_.boolean_field(node, "interrupts"));
        change.persistence = TRY(yaml_.read_field(node, "persistence", parse_persistence));
        return change;
    }

    // null: nothing. [1, 2]: numbers. "quoted": text as it stands. Plain: what it means for this tunable.
    Result<std::optional<Value>> value(const Tunable& tunable, const YamlNode& change, std::string_view what) const
    {
        const YamlNode& node = *TRY(yaml_.need(change, what));
        if (node.kind == YamlNode::Kind::Null) return std::nullopt;
        if (node.kind == YamlNode::Kind::List) return TRY(numbers(tunable, node, what));
        if (node.kind == YamlNode::Kind::Map)
            return yaml_.fail_at(node, fmt::format("{}: a number, a list of numbers or text is expected", what));
        const bool literal = node.kind == YamlNode::Kind::Quoted && std::holds_alternative<SysctlKey>(tunable);
        if (literal) return Value{node.text};
        return TRY(word(tunable, node, what));
    }

    Result<Value> numbers(const Tunable& tunable, const YamlNode& node, std::string_view what) const
    {
        if (!std::holds_alternative<SysctlKey>(tunable))
            return yaml_.fail_at(node, fmt::format("{}: {} takes one value, no list", what, to_text(tunable)));
        std::vector<std::int64_t> all;
        for (const YamlNode& item : node.items) {
            if (item.kind != YamlNode::Kind::Plain)
                return yaml_.fail_at(item, fmt::format("{}: a whole number is expected", what));
            all.push_back(TRY(yaml_.read(item, what, parse_int)));
        }
        return Value{std::move(all)};
    }

    // YAML readers disagree about "010", "+5" and "yes"; so nobody gets to write them here without quotes.
    Result<Value> word(const Tunable& tunable, const YamlNode& node, std::string_view what) const
    {
        constexpr std::array<std::string_view, 6> switches{"true", "false", "yes", "no", "on", "off"};
        if (node.kind == YamlNode::Kind::Plain && std::ranges::find(switches, node.text) != switches.end())
            return yaml_.fail_at(node, fmt::format("{}: '{}' could be a switch or a word: write 1 or 0, or \"{}\"",
                                                   what, node.text, node.text));
        const auto meaning = [&](std::string_view text) { return parse_value(tunable, text); };
        Value value = TRY(yaml_.read(node, what, meaning));
        if (std::holds_alternative<std::int64_t>(value) && to_text(value) != node.text)
            return yaml_.fail_at(node, fmt::format("{}: write '{}' as {}", what, node.text, to_text(value)));
        return value;
    }

    Result<void> no_tunable_twice(const YamlNode& root, const std::vector<Change>& changes) const
    {
        for (std::size_t i = 0; i < changes.size(); ++i)
            for (std::size_t j = 0; j < i; ++j)
                if (changes[i].tunable == changes[j].tunable)
                    return yaml_.fail_at(root.find("changes")->items[i],
                                         fmt::format("{} is changed twice (first in line {}): keep one",
                                                     to_text(changes[i].tunable), root.find("changes")->items[j].line));
        return {};
    }

    YamlReader yaml_;
};

} // namespace

Result<Plan> plan_from_yaml(std::string_view text, std::string_view filename)
{
    const YamlNode root = TRY(parse_yaml(text, filename));
    return PlanReader(filename).plan(root);
}

std::vector<unsigned> change_lines(std::string_view text)
{
    std::vector<unsigned> lines;
    const auto root = parse_yaml(text, "");
    const YamlNode* const changes = root ? root->find("changes") : nullptr;
    for (std::size_t i = 0; changes && i < changes->items.size(); ++i)
        lines.push_back(changes->items[i].line);
    return lines;
}

} // namespace netwright
