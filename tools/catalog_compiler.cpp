// SPDX-License-Identifier: GPL-2.0-or-later
// Build-time program: turns catalog/*.yaml into constant C++ tables, and refuses a catalogue that contradicts itself.
//
//   catalog_compiler OUTPUT.cpp INPUT.yaml…
//
// A file of counters or drop reasons has a part `topics` (catalog_topics.cpp). A file of parameters is a map: `group`,
// `common` (fields that every entry of the file has unless it says otherwise) and `parameters`, a list of entries. The
// fields of an entry stand in the table `fields` below; the entries of catalog/core.yaml show them in use. Every
// complaint is "file:line: reason"; one is enough to stop the build.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catalog_topics.h"
#include "catalog_yaml.h"

using namespace catalog_compiler;

namespace {

struct Bound {
    std::optional<std::int64_t> least, most;
};
struct Default {
    Version since;
    std::string value, computed;
};
struct Entry {
    std::string where, key, group;
    std::map<std::string, std::string> text; // fields of plain text
    std::string plane, scope, type, policy, risk;
    bool only_new = false;
    Version namespace_since;
    std::vector<Bound> bounds;
    std::vector<Default> defaults; // newest first
    std::optional<Bound> search;
};

constexpr std::array planes{Word{"sysctl", "Sysctl"},   Word{"ethtool", "Ethtool"},     Word{"link", "Link"},
                            Word{"sysfs", "Sysfs"},     Word{"interrupt", "Interrupt"}, Word{"qdisc", "Qdisc"},
                            Word{"route", "Route"},     Word{"netfilter", "Netfilter"}, Word{"socket", "Socket"},
                            Word{"limit", "Limit"},     Word{"boot", "Boot"},           Word{"module", "Module"},
                            Word{"service", "Service"}, Word{"cgroup", "Cgroup"},       Word{"cpu", "Cpu"}};
constexpr std::array types{Word{"boolean", "Boolean"}, Word{"integer", "Integer"},  Word{"integers", "IntegerList"},
                           Word{"text", "Text"},       Word{"cpu-mask", "CpuMask"}, Word{"port-ranges", "PortRanges"}};
constexpr std::array policies{Word{"conditional", "Conditional"}, Word{"audit", "Audit"}, Word{"expert", "Expert"},
                              Word{"never", "Never"}, Word{"read-only", "ReadOnly"}};
constexpr std::array risks{Word{"none", "None"}, Word{"low", "Low"}, Word{"medium", "Medium"}, Word{"high", "High"}};

std::int64_t integer(const std::string& file, const YAML::Node& node)
{
    std::int64_t value = 0;
    if (!node.IsScalar() || !YAML::convert<std::int64_t>::decode(node, value))
        complain(place(file, node), fmt::format("'{}' is not an integer", node.IsScalar() ? node.Scalar() : "…"));
    return value;
}

Bound bound(const std::string& file, const YAML::Node& node)
{
    if (!node.IsSequence() || node.size() != 2) complain(place(file, node), "a bound is [least, most]");
    Bound result;
    if (!node[0].IsNull()) result.least = integer(file, node[0]);
    if (!node[1].IsNull()) result.most = integer(file, node[1]);
    if (!result.least && !result.most) complain(place(file, node), "a bound without limits");
    if (result.least && result.most && *result.least > *result.most)
        complain(place(file, node), fmt::format("least {} is above most {}", *result.least, *result.most));
    return result;
}

// [0, 1] bounds one value or all elements; [[1, 65535], [1, 65535]] each element of a list of that length.
std::vector<Bound> bounds(const std::string& file, const YAML::Node& node)
{
    if (!node.IsSequence() || node.size() == 0)
        complain(place(file, node), "bounds are [least, most] or a list of them");
    if (!node[0].IsSequence()) return {bound(file, node)};
    std::vector<Bound> result;
    for (const YAML::Node& one : node)
        result.push_back(bound(file, one));
    return result;
}

Default default_since(const std::string& file, const YAML::Node& node)
{
    if (!node.IsMap()) complain(place(file, node), "a default is {since: …, value: …} or {since: …, computed: …}");
    Default result;
    for (const auto& field : node) {
        const std::string name = field.first.Scalar();
        if (name == "since")
            result.since = version(file, field.second);
        else if (name == "value")
            result.value = scalar(file, field.second);
        else if (name == "computed")
            result.computed = scalar(file, field.second);
        else
            complain(place(file, field.first), fmt::format("unknown field '{}' in a default", name));
    }
    if (node["value"].IsDefined() == node["computed"].IsDefined())
        complain(place(file, node), "a default is either a value or computed");
    if (node["computed"].IsDefined() && result.computed.empty()) complain(place(file, node), "computed from what?");
    return result;
}

std::vector<Default> defaults(const std::string& file, const YAML::Node& node)
{
    std::vector<Default> result;
    if (node.IsScalar())
        result.push_back({{}, node.Scalar(), ""});
    else if (node.IsMap())
        result.push_back(default_since(file, node));
    else
        for (const YAML::Node& one : node)
            result.push_back(default_since(file, one));
    std::ranges::sort(result, std::greater<>{}, &Default::since);
    if (std::ranges::adjacent_find(result, {}, &Default::since) != result.end())
        complain(place(file, node), "two defaults since the same version");
    return result;
}

bool yes(const std::string& file, const YAML::Node& node)
{
    if (scalar(file, node) == "true") return true;
    if (node.Scalar() == "false") return false;
    complain(place(file, node), "true or false expected");
}

using Reader = void (*)(Entry&, const std::string& file, const std::string& name, const YAML::Node& value);
void read_text(Entry& entry, const std::string& file, const std::string& name, const YAML::Node& value)
{
    entry.text[name] = scalar(file, value);
}

struct Field {
    std::string_view name;
    bool required;
    Reader read;
};
constexpr std::array fields{
    Field{"key", true, [](Entry&, const std::string&, const std::string&, const YAML::Node&) {}}, // see entries_of
    Field{"plane", true,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) {
              e.plane = enumerator(planes, f, v);
          }},
    Field{"scope", true,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) {
              e.scope = enumerator(scopes, f, v);
          }},
    Field{"type", true,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) {
              e.type = enumerator(types, f, v);
          }},
    Field{"policy", true,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) {
              e.policy = enumerator(policies, f, v);
          }},
    Field{"risk", true,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) {
              e.risk = enumerator(risks, f, v);
          }},
    Field{"only_new", false,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) { e.only_new = yes(f, v); }},
    Field{"bounds", false,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) { e.bounds = bounds(f, v); }},
    Field{"defaults", false,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) { e.defaults = defaults(f, v); }},
    Field{"search", false,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) { e.search = bound(f, v); }},
    Field{"does", true, read_text},
    Field{"source", true, read_text},
    Field{"takes_effect", true, read_text},
    Field{"unit", false, read_text},
    Field{"introduced", false, read_text},
    Field{"removed", false, read_text},
    Field{"namespace_since", false,
          [](Entry& e, const std::string& f, const std::string&, const YAML::Node& v) {
              e.namespace_since = version(f, v);
          }},
    Field{"tune", false, read_text},
    Field{"formula", false, read_text},
    Field{"interactions", false, read_text},
    Field{"evidence", false, read_text},
    Field{"myth", false, read_text},
    Field{"security", false, read_text},
};

void read_fields(Entry& entry, const std::string& file, const YAML::Node& map)
{
    std::map<std::string, int> seen;
    for (const auto& field : map) {
        const std::string name = field.first.Scalar();
        const auto row = std::ranges::find(fields, name, &Field::name);
        if (row == fields.end()) complain(place(file, field.first), fmt::format("unknown field '{}'", name));
        if (++seen[name] > 1) complain(place(file, field.first), fmt::format("field '{}' stands twice", name));
        row->read(entry, file, name, field.second);
    }
}

void check_key(const Entry& entry)
{
    const bool plain = std::ranges::all_of(entry.key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
    if (entry.key.empty() || !plain) complain(entry.where, fmt::format("'{}' is not a key", entry.key));
}

void check_number(const Entry& entry, const std::string& word, const Bound& limit)
{
    std::size_t used = 0;
    long long number = 0;
    try {
        number = std::stoll(word, &used);
    } catch (const std::exception&) {
        used = 0;
    }
    if (used == 0 || used != word.size())
        complain(entry.where, fmt::format("default '{}' of {} is not a number", word, entry.key));
    if ((limit.least && number < *limit.least) || (limit.most && number > *limit.most))
        complain(entry.where, fmt::format("default {} of {} is outside its own bounds", number, entry.key));
}

// A literal default must be a value that the entry itself would accept.
void check_default(const Entry& entry, const Default& one)
{
    if (!one.computed.empty() || entry.plane != "Sysctl") return;
    if (entry.type != "Boolean" && entry.type != "Integer" && entry.type != "IntegerList") return;
    std::vector<std::string> words;
    std::string word;
    for (std::istringstream in(one.value); in >> word;)
        words.push_back(word);
    const bool list = entry.type == "IntegerList";
    if (words.empty() || (!list && words.size() != 1) ||
        (entry.bounds.size() > 1 && words.size() != entry.bounds.size()))
        complain(entry.where, fmt::format("default '{}' of {} has the wrong number of elements", one.value, entry.key));
    for (std::size_t i = 0; i < words.size(); ++i)
        check_number(entry, words[i],
                     entry.bounds.empty() ? Bound{} : entry.bounds[std::min(i, entry.bounds.size() - 1)]);
}

// A search moves the last element of a list; it must stay where netwright may propose values at all.
void check_search(const Entry& entry)
{
    if (!entry.search) return;
    const Bound& range = *entry.search;
    const bool numbers = entry.type == "Boolean" || entry.type == "Integer" || entry.type == "IntegerList";
    if (!numbers || !range.least || !range.most)
        complain(entry.where, fmt::format("a search over {} needs numbers, a least and a most", entry.key));
    if (entry.policy != "Conditional" || entry.risk == "High")
        complain(entry.where, fmt::format("{} may be searched, but never proposed", entry.key));
    const Bound limit = entry.type == "Boolean" ? Bound{0, 1} : entry.bounds.empty() ? Bound{} : entry.bounds.back();
    if ((limit.least && *range.least < *limit.least) || (limit.most && *range.most > *limit.most))
        complain(entry.where, fmt::format("the search over {} leaves its own bounds", entry.key));
}

void check_entry(const Entry& entry, const YAML::Node& map, const YAML::Node& common)
{
    for (const Field& field : fields) {
        const std::string name(field.name);
        const bool given = map[name].IsDefined() || (common.IsDefined() && common[name].IsDefined());
        if (field.required && !given) complain(entry.where, fmt::format("{} lacks '{}'", entry.key, name));
    }
    check_key(entry);
    if (map["namespace_since"].IsDefined() && entry.scope != "Namespace")
        complain(entry.where, fmt::format("{} has namespace_since, but is no namespace's own", entry.key));
    if (entry.bounds.size() > 1 && entry.type != "IntegerList")
        complain(entry.where, fmt::format("{} is one value but has several bounds", entry.key));
    if (!entry.bounds.empty() && entry.type != "Integer" && entry.type != "IntegerList")
        complain(entry.where, fmt::format("bounds on {}, which holds no numbers with bounds", entry.key));
    for (const Default& one : entry.defaults)
        check_default(entry, one);
    check_search(entry);
}

// An entry may name several keys: twins that mean the same for IPv4 and IPv6.
std::vector<std::string> keys_of(const std::string& file, const YAML::Node& map)
{
    const YAML::Node key = map["key"];
    if (!key.IsDefined()) complain(place(file, map), "an entry without a key");
    if (key.IsScalar()) return {key.Scalar()};
    std::vector<std::string> keys;
    for (const YAML::Node& one : key)
        keys.push_back(scalar(file, one));
    return keys;
}

void entries_of(std::vector<Entry>& entries, const std::string& file, const YAML::Node& map, const YAML::Node& root)
{
    if (!map.IsMap()) complain(place(file, map), "an entry is a map");
    Entry entry;
    entry.where = place(file, map);
    entry.group = root["group"].Scalar();
    if (root["common"].IsDefined()) read_fields(entry, file, root["common"]);
    read_fields(entry, file, map);
    for (const std::string& key : keys_of(file, map)) {
        entry.key = key;
        check_entry(entry, map, root["common"]);
        entries.push_back(entry);
        if (entry.type == "Boolean") entries.back().bounds = {Bound{0, 1}};
    }
}

void read_file(std::vector<Entry>& entries, std::vector<Topic>& topics, const std::string& path)
{
    try {
        const YAML::Node root = YAML::LoadFile(path);
        if (!root.IsMap()) complain(path + ":1", "a map of group, common and parameters expected");
        if (root["topics"].IsDefined()) return read_topics(topics, path, root);
        for (const auto& part : root)
            if (const std::string name = part.first.Scalar();
                name != "group" && name != "common" && name != "parameters")
                complain(place(path, part.first), fmt::format("unknown part '{}'", name));
        if (!root["group"].IsDefined() || !root["parameters"].IsDefined() || !root["parameters"].IsSequence())
            complain(path + ":1", "group and parameters are missing");
        if (root["common"].IsDefined() && !root["common"].IsMap())
            complain(place(path, root["common"]), "common is a map of fields");
        for (const YAML::Node& map : root["parameters"])
            entries_of(entries, path, map, root);
    } catch (const YAML::Exception& problem) {
        complain(fmt::format("{}:{}", path, problem.mark.line + 1), problem.msg);
    }
}

std::string number(const std::optional<std::int64_t>& value)
{
    if (!value) return "std::nullopt";
    if (*value == std::numeric_limits<std::int64_t>::min()) return "INT64_MIN"; // its literal does not exist
    return fmt::format("{}LL", *value);
}

std::string version_literal(const Version& version)
{
    return fmt::format("KernelVersion{{{}, {}, {}}}", version.part[0], version.part[1], version.part[2]);
}

std::string span_of_bounds(std::string& out, std::map<std::string, std::string>& known, const std::vector<Bound>& list)
{
    if (list.empty()) return "{}";
    std::string body;
    for (const Bound& one : list)
        body += fmt::format("{{{}, {}}}, ", number(one.least), number(one.most));
    const auto [row, fresh] = known.try_emplace(body, fmt::format("bounds_{}", known.size()));
    if (fresh) out += fmt::format("constexpr Bound {}[] = {{{}}};\n", row->second, body);
    return row->second;
}

std::string span_of_defaults(std::string& out, std::map<std::string, std::string>& known,
                             const std::vector<Default>& list)
{
    if (list.empty()) return "{}";
    std::string body;
    for (const Default& one : list)
        body += fmt::format("{{{}, {}, {}}}, ", version_literal(one.since), quoted(one.value), quoted(one.computed));
    const auto [row, fresh] = known.try_emplace(body, fmt::format("defaults_{}", known.size()));
    if (fresh) out += fmt::format("constexpr DefaultSince {}[] = {{{}}};\n", row->second, body);
    return row->second;
}

std::string row_of(Entry& entry, const std::string& bounds_name, const std::string& defaults_name)
{
    std::string row = fmt::format("    {{{}, {}, Plane::{}, Scope::{}, Type::{}, Policy::{}, {}, {}, {},",
                                  quoted(entry.key), quoted(entry.group), entry.plane, entry.scope, entry.type,
                                  entry.policy, quoted(entry.text["unit"]), bounds_name, defaults_name);
    row += fmt::format(" {}, {}, {},", quoted(entry.text["introduced"]), quoted(entry.text["removed"]),
                       version_literal(entry.namespace_since));
    for (const char* name :
         {"does", "tune", "formula", "interactions", "evidence", "takes_effect", "myth", "security", "source"})
        row += fmt::format(" {},", quoted(entry.text[name]));
    const Bound search = entry.search.value_or(Bound{});
    return row + fmt::format(" Risk::{}, {}, {{{}, {}}}}},\n", entry.risk, entry.only_new, number(search.least),
                             number(search.most));
}

std::string generate(std::vector<Entry>& entries, const std::vector<Topic>& topics)
{
    std::string arrays, rows;
    std::map<std::string, std::string> known_bounds, known_defaults;
    for (Entry& entry : entries) {
        const std::string bounds_name = span_of_bounds(arrays, known_bounds, entry.bounds);
        const std::string defaults_name = span_of_defaults(arrays, known_defaults, entry.defaults);
        rows += row_of(entry, bounds_name, defaults_name);
    }
    return "// SPDX-License-Identifier: GPL-2.0-or-later\n// Made by catalog_compiler from catalog/*.yaml: edit "
           "those.\n"
           "#include \"catalog/catalog.h\"\n#include \"catalog/topic.h\"\n\nnamespace netwright::catalog {\nnamespace "
           "{\n\n" +
           arrays + "\nconstexpr Parameter parameters[] = {\n" + rows +
           "};\n\n} // namespace\n\nstd::span<const Parameter> all() { return parameters; }\n" +
           generate_topics(topics) + "\n} // namespace netwright::catalog\n";
}

void sort_and_check_duplicates(std::vector<Entry>& entries)
{
    if (entries.empty()) throw std::runtime_error("no parameters at all");
    std::ranges::sort(entries, {}, &Entry::key);
    const auto twice = std::ranges::adjacent_find(entries, {}, &Entry::key);
    if (twice != entries.end())
        complain(std::next(twice)->where, fmt::format("{} stands also at {}", twice->key, twice->where));
}

void compile(const std::string& output, const std::vector<std::string>& inputs)
{
    std::vector<Entry> entries;
    std::vector<Topic> topics;
    for (const std::string& input : inputs)
        read_file(entries, topics, input);
    sort_and_check_duplicates(entries);
    sort_topics(topics);
    std::ofstream out(output, std::ios::binary | std::ios::trunc);
    out << generate(entries, topics);
    out.close();
    if (!out) throw std::runtime_error(output + ": cannot be written");
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) {
        std::cerr << "usage: catalog_compiler OUTPUT.cpp INPUT.yaml…\n";
        return 2;
    }
    try {
        compile(argv[1], std::vector<std::string>(argv + 2, argv + argc));
    } catch (const std::exception& problem) {
        std::cerr << problem.what() << '\n';
        std::remove(argv[1]); // a half-made table must not satisfy the next build
        return 1;
    }
    return 0;
}
