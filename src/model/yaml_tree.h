// SPDX-License-Identifier: GPL-2.0-or-later
// YAML as a small tree that remembers where each piece stood, and the writer's quoting. Every error is one line:
// "plan.yaml:14:9: what is wrong and what to do".
//
// Only what a person needs to write settings is taken: no anchors, aliases, tags or second documents; at most 1 MiB,
// 16 levels and 100,000 pieces, so that hostile text costs a bounded amount of work.
#pragma once

#include "base/error.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

struct YamlNode {
    enum class Kind { Null, Plain, Quoted, List, Map };
    Kind kind = Kind::Null;
    unsigned line = 1, column = 1;
    std::string text;              // Plain and Quoted
    std::vector<std::string> keys; // Map: keys[i] names items[i]; no key stands twice
    std::vector<YamlNode> items;   // List and Map
    bool is_text() const { return kind == Kind::Plain || kind == Kind::Quoted; }
    const YamlNode* find(std::string_view key) const; // null: this is no map, or it has no such key
};

// Malformed with file:line:column. Text without any node (empty, only comments) is Null.
Result<YamlNode> parse_yaml(std::string_view text, std::string_view file);

// Reads pieces of one file; all errors name the place.
class YamlReader {
public:
    explicit YamlReader(std::string_view file) : file_(file) {}
    std::unexpected<Error> fail_at(const YamlNode& node, std::string_view what) const;
    // `node` must be a map and hold no key but these; says which one was probably meant.
    Result<void> only(const YamlNode& node, std::span<const std::string_view> keys, std::string_view what) const;
    Result<const YamlNode*> need(const YamlNode& map, std::string_view key) const;
    Result<std::string> text(const YamlNode& node, std::string_view what) const;
    Result<bool> boolean(const YamlNode& node, std::string_view what) const;
    Result<std::vector<std::string>> texts(const YamlNode& node, std::string_view what) const;
    // What `parse` makes of the text; its error gets the place in front.
    template <class Parse>
    auto read(const YamlNode& node, std::string_view what, Parse parse) const -> decltype(parse(std::string_view{}))
    {
        const std::string word = TRY(text(node, what));
        auto value = parse(std::string_view{word});
        if (!value) return fail_at(node, value.error().what);
        return value;
    }

    // The same for the field `key`, which must be there.
    Result<std::string> text_field(const YamlNode& map, std::string_view key) const;
    Result<bool> boolean_field(const YamlNode& map, std::string_view key) const;
    Result<std::vector<std::string>> texts_field(const YamlNode& map, std::string_view key) const;
    template <class Parse>
    auto read_field(const YamlNode& map, std::string_view key, Parse parse) const -> decltype(parse(std::string_view{}))
    {
        const YamlNode* node = TRY(need(map, key));
        return read(*node, key, parse);
    }

private:
    std::string file_;
};

// `text` as a scalar on one line: plain where no YAML reader could take it for anything else, else in double quotes.
// Bytes that are not UTF-8 become U+FFFD.
std::string yaml_text(std::string_view text);
// The same, but long prose is folded (">-") under a key that is indented by `indent` blanks; reads back equal.
std::string yaml_prose(std::string_view text, std::size_t indent);
std::string yaml_list(std::span<const std::string> texts); // "[a, b]"

} // namespace netwright
