// SPDX-License-Identifier: GPL-2.0-or-later
// Reads files of topics: counters and drop reasons.
//
// A file is a map: `group`, `where` (how to read them), `prefix` (stands before each name; the name without it is
// known as well), `common` (fields every topic has unless it says otherwise) and `topics`. A topic's `name` may be a
// list of twins that mean the same.
#include "catalog_topics.h"

#include "catalog_yaml.h"

namespace catalog_compiler {
namespace {

constexpr std::array kinds{Word{"counter", "Counter"}, Word{"gauge", "Gauge"}, Word{"drop-reason", "DropReason"}};
constexpr std::array harms{Word{"harmless", "Harmless"}, Word{"policy", "Policy"}, Word{"depends", "Depends"},
                           Word{"harmful", "Harmful"}};
constexpr std::array<std::string_view, 8> texts{"layer",  "where", "means",      "look",
                                                "beware", "unit",  "introduced", "source"};
constexpr std::array<std::string_view, 7> required{"kind", "scope", "harm", "layer", "where", "means", "source"};
constexpr std::array<std::string_view, 5> parts{"group", "where", "prefix", "common", "topics"};

std::vector<std::string> texts_of(const std::string& file, const YAML::Node& node)
{
    if (node.IsScalar()) return {node.Scalar()};
    if (!node.IsSequence()) complain(place(file, node), "a name or a list of names expected");
    std::vector<std::string> list;
    for (const YAML::Node& one : node)
        list.push_back(scalar(file, one));
    return list;
}

void read_field(Topic& topic, const std::string& file, const std::string& name, const YAML::Node& value)
{
    if (name == "kind")
        topic.kind = enumerator(kinds, file, value);
    else if (name == "scope")
        topic.scope = enumerator(scopes, file, value);
    else if (name == "harm")
        topic.harm = enumerator(harms, file, value);
    else if (name == "also")
        topic.also = texts_of(file, value);
    else if (name == "related")
        topic.related = texts_of(file, value);
    else if (std::ranges::find(texts, name) != texts.end())
        topic.text[name] = scalar(file, value);
    else if (name != "name")
        complain(place(file, value), fmt::format("unknown field '{}'", name));
    if (name == "introduced") version(file, value);
}

void read_fields(Topic& topic, const std::string& file, const YAML::Node& map)
{
    if (!map.IsMap()) complain(place(file, map), "a topic is a map");
    std::map<std::string, int> seen;
    for (const auto& field : map) {
        const std::string name = field.first.Scalar();
        if (++seen[name] > 1) complain(place(file, field.first), fmt::format("field '{}' stands twice", name));
        read_field(topic, file, name, field.second);
    }
}

void check_topic(const Topic& topic)
{
    for (const std::string_view name : required) {
        const auto field = topic.text.find(std::string(name));
        const bool given = name == "kind"    ? !topic.kind.empty()
                           : name == "scope" ? !topic.scope.empty()
                           : name == "harm"  ? !topic.harm.empty()
                                             : field != topic.text.end() && !field->second.empty();
        if (!given) complain(topic.where_written, fmt::format("{} lacks '{}'", topic.name, name));
    }
    if (topic.name.find_first_of(" *?/") != std::string::npos)
        complain(topic.where_written, fmt::format("'{}' is not a name", topic.name));
}

void topics_of(std::vector<Topic>& topics, const std::string& file, const YAML::Node& map, const YAML::Node& root)
{
    Topic topic;
    topic.where_written = place(file, map);
    topic.text["group"] = root["group"].Scalar();
    if (root["where"].IsDefined()) topic.text["where"] = scalar(file, root["where"]);
    if (root["common"].IsDefined()) read_fields(topic, file, root["common"]);
    read_fields(topic, file, map);
    if (!map["name"].IsDefined()) complain(topic.where_written, "a topic without a name");
    const std::string prefix = root["prefix"].IsDefined() ? scalar(file, root["prefix"]) : "";
    const std::vector<std::string> written = topic.also;
    for (const std::string& name : texts_of(file, map["name"])) {
        topic.name = prefix + name;
        topic.also = written;
        if (!prefix.empty()) topic.also.push_back(name);
        check_topic(topic);
        topics.push_back(topic);
    }
}

std::string list_of(const std::vector<std::string>& list, std::string& arrays,
                    std::map<std::string, std::string>& known)
{
    if (list.empty()) return "{}";
    std::string body;
    for (const std::string& one : list)
        body += quoted(one) + ", ";
    const auto [row, fresh] = known.try_emplace(body, fmt::format("names_{}", known.size()));
    if (fresh) arrays += fmt::format("constexpr std::string_view {}[] = {{{}}};\n", row->second, body);
    return row->second;
}

} // namespace

void read_topics(std::vector<Topic>& topics, const std::string& file, const YAML::Node& root)
{
    for (const auto& part : root)
        if (std::ranges::find(parts, part.first.Scalar()) == parts.end())
            complain(place(file, part.first), fmt::format("unknown part '{}'", part.first.Scalar()));
    if (!root["group"].IsDefined() || !root["topics"].IsSequence())
        complain(file + ":1", "group is missing, or topics are no list");
    for (const YAML::Node& map : root["topics"])
        topics_of(topics, file, map, root);
}

void sort_topics(std::vector<Topic>& topics)
{
    std::ranges::sort(topics, {}, &Topic::name);
    const auto twice = std::ranges::adjacent_find(topics, {}, &Topic::name);
    if (twice != topics.end())
        complain(std::next(twice)->where_written,
                 fmt::format("{} stands also at {}", twice->name, twice->where_written));
}

std::string generate_topics(const std::vector<Topic>& topics)
{
    std::string arrays, rows;
    std::map<std::string, std::string> known;
    for (const Topic& topic : topics) {
        const auto text = [&](const char* name) {
            const auto found = topic.text.find(name);
            return quoted(found == topic.text.end() ? "" : found->second);
        };
        rows +=
            fmt::format("    {{{}, {}, TopicKind::{}, Scope::{}, Harm::{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}},\n",
                        quoted(topic.name), text("group"), topic.kind, topic.scope, topic.harm, text("layer"),
                        text("where"), text("means"), text("look"), text("beware"), text("unit"), text("introduced"),
                        text("source"), list_of(topic.also, arrays, known), list_of(topic.related, arrays, known));
    }
    if (topics.empty()) return "\nstd::span<const Topic> topics() { return {}; }\n";
    return "\nnamespace {\n\n" + arrays + "\nconstexpr Topic topic_table[] = {\n" + rows +
           "};\n\n} // namespace\n\nstd::span<const Topic> topics() { return topic_table; }\n";
}

} // namespace catalog_compiler
