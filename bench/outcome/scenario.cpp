// SPDX-License-Identifier: GPL-2.0-or-later
// Scenarios as written. Paths, intents and traffic are read by those who read them everywhere else.
#include "outcome/scenario.h"

#include "base/text.h"
#include "cli/bench_flags.h"
#include "model/intent_yaml.h"
#include "model/measurement.h"
#include "model/yaml_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::outcome {
namespace {

// A piece of YAML as text again, on one line, for a reader of whole files.
std::string flow_text(const YamlNode& node)
{
    if (node.is_text()) return yaml_text(node.text);
    if (node.kind == YamlNode::Kind::Null) return "~";
    const bool map = node.kind == YamlNode::Kind::Map;
    std::string text;
    for (std::size_t i = 0; i < node.items.size(); ++i)
        text += fmt::format("{}{}{}", i == 0 ? "" : ", ", map ? node.keys[i] + ": " : "", flow_text(node.items[i]));
    return fmt::format("{}{}{}", map ? "{" : "[", text, map ? "}" : "]");
}

struct TrafficWord {
    std::string_view key;
    std::string cli::TrafficFlags::* word;
};
constexpr std::array traffic_words{
    TrafficWord{"message", &cli::TrafficFlags::message},   TrafficWord{"response", &cli::TrafficFlags::response},
    TrafficWord{"duration", &cli::TrafficFlags::duration}, TrafficWord{"warm-up", &cli::TrafficFlags::warm_up},
    TrafficWord{"rate", &cli::TrafficFlags::rate},
};

Result<std::uint32_t> small_number(std::string_view text)
{
    const std::uint64_t number = TRY(parse_unsigned(text));
    if (number > 1'000'000) return fail(Error::Kind::Rejected, fmt::format("{}: at most 1000000", number));
    return static_cast<std::uint32_t>(number);
}

Result<Traffic> traffic_at(const YamlReader& reader, const YamlNode& node)
{
    constexpr std::array<std::string_view, 7> keys{"workload", "flows",   "message", "response",
                                                   "duration", "warm-up", "rate"};
    TRY_VOID(reader.only(node, keys, "traffic"));
    const std::string workload = TRY(reader.text_field(node, "workload"));
    cli::TrafficFlags flags;
    flags.duration = TRY(reader.text_field(node, "duration"));
    if (const YamlNode* flows = node.find("flows")) flags.flows = TRY(reader.read(*flows, "flows", small_number));
    for (const TrafficWord& row : traffic_words)
        if (const YamlNode* value = node.find(row.key)) flags.*row.word = TRY(reader.text(*value, row.key));
    const auto traffic = cli::traffic_of(workload, flags);
    if (!traffic) return reader.fail_at(node, traffic.error().what);
    const auto sensible = settled(*traffic, TrafficLimits{});
    if (!sensible) return reader.fail_at(node, sensible.error().what);
    return *sensible;
}

Result<Burst> burst_at(const YamlReader& reader, const YamlNode& node)
{
    constexpr std::array<std::string_view, 3> keys{"connections", "within", "pause"};
    TRY_VOID(reader.only(node, keys, "burst"));
    Burst burst;
    burst.connections = TRY(reader.read_field(node, "connections", small_number));
    burst.within = TRY(reader.read_field(node, "within", parse_duration));
    burst.pause = TRY(reader.read_field(node, "pause", parse_duration));
    if (burst.connections == 0) return reader.fail_at(node, "a burst of no connections");
    return burst;
}

// What is done, and by which metric it is judged.
Result<void> fill_work(const YamlReader& reader, const YamlNode& node, Scenario& scenario)
{
    const YamlNode* const traffic = node.find("traffic");
    const YamlNode* const burst = node.find("burst");
    if ((traffic == nullptr) == (burst == nullptr)) return reader.fail_at(node, "either traffic or burst is needed");
    if (traffic) scenario.traffic = TRY(traffic_at(reader, *traffic));
    if (burst) scenario.burst = TRY(burst_at(reader, *burst));
    scenario.metric = TRY(reader.text_field(node, "metric"));
    const bool known = burst ? scenario.metric == burst_metric : is_metric(scenario.metric);
    if (!known) return reader.fail_at(node, fmt::format("metric {}: not one of this work", scenario.metric));
    return {};
}

Result<bool> defaults_hurt(std::string_view text)
{
    if (text == "hurt") return true;
    if (text == "right") return false;
    return fail(Error::Kind::Rejected, fmt::format("defaults '{}': hurt or right", text));
}

Result<Scenario> scenario_at(const YamlReader& reader, const YamlNode& node, std::string_view file)
{
    constexpr std::array<std::string_view, 10> keys{"name",  "about",  "path",     "intent", "traffic",
                                                    "burst", "metric", "defaults", "late",   "stuck"};
    TRY_VOID(reader.only(node, keys, "scenario"));
    Scenario scenario;
    scenario.name = TRY(reader.text_field(node, "name"));
    scenario.about = TRY(reader.text_field(node, "about"));
    const YamlNode* const path_node = TRY(reader.need(node, "path"));
    auto path = lab::path_from_yaml(flow_text(*path_node), file);
    if (!path) return reader.fail_at(*path_node, path.error().what);
    scenario.path = *std::move(path);
    const YamlNode* const intent_node = TRY(reader.need(node, "intent"));
    auto intent = intent_from_yaml(flow_text(*intent_node), file);
    if (!intent) return reader.fail_at(*intent_node, intent.error().what);
    scenario.intent = *std::move(intent);
    TRY_VOID(fill_work(reader, node, scenario));
    scenario.defaults_hurt = TRY(reader.read_field(node, "defaults", defaults_hurt));
    scenario.late = TRY(reader.read_field(node, "late", parse_duration));
    if (const YamlNode* stuck = node.find("stuck")) scenario.may_be_stuck = TRY(reader.boolean(*stuck, "stuck"));
    return scenario;
}

} // namespace

Result<std::vector<Scenario>> scenarios_from_yaml(std::string_view text, std::string_view file)
{
    const YamlNode root = TRY(parse_yaml(text, file));
    const YamlReader reader(file);
    constexpr std::array<std::string_view, 1> keys{"scenarios"};
    TRY_VOID(reader.only(root, keys, "file"));
    const YamlNode* const list = TRY(reader.need(root, "scenarios"));
    if (list->kind != YamlNode::Kind::List) return reader.fail_at(*list, "scenarios is a list");
    std::vector<Scenario> scenarios;
    for (const YamlNode& node : list->items) {
        Scenario scenario = TRY(scenario_at(reader, node, file));
        if (std::ranges::find(scenarios, scenario.name, &Scenario::name) != scenarios.end())
            return reader.fail_at(node, fmt::format("{} is there twice", scenario.name));
        scenarios.push_back(std::move(scenario));
    }
    return scenarios;
}

} // namespace netwright::outcome
