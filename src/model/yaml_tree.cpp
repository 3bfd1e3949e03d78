// SPDX-License-Identifier: GPL-2.0-or-later
// yaml-cpp's events become a tree. This is the only file that calls yaml-cpp: it throws, we do not.
#include "model/yaml_tree.h"

#include "base/text.h"
#include "model/utf8.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <istream>
#include <streambuf>

namespace netwright {
namespace {

constexpr std::size_t most_bytes = 1U << 20;
constexpr std::size_t most_levels = 16;
constexpr std::size_t most_nodes = 100'000;

// Builds the tree from events. Refuses by yaml-cpp's own exception, the only way to stop its parser.
class TreeBuilder final : public YAML::EventHandler {
public:
    YamlNode take() { return std::move(root_); }
    const YAML::Mark& last_scalar() const { return last_scalar_; }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override
    {
        throw YAML::ParserException(mark, "aliases (*name) are not taken: write the value out");
    }
    void OnAnchor(const YAML::Mark& mark, const std::string&) override
    {
        throw YAML::ParserException(mark, "anchors (&name) are not taken: write the value out");
    }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { leaf(mark, YamlNode::Kind::Null, "", ""); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override
    {
        // yaml-cpp says "?" for plain and "!" for quoted and block scalars (singledocparser.cpp).
        const bool quoted = tag == "!";
        last_scalar_ = mark;
        leaf(mark, quoted ? YamlNode::Kind::Quoted : YamlNode::Kind::Plain, value, quoted || tag == "?" ? "" : tag);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                         YAML::EmitterStyle::value) override
    {
        open(mark, YamlNode::Kind::List, tag);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override
    {
        open(mark, YamlNode::Kind::Map, tag);
    }
    void OnMapEnd() override { close(); }

private:
    static YamlNode node_at(const YAML::Mark& mark, YamlNode::Kind kind)
    {
        YamlNode node;
        node.kind = kind;
        node.line = static_cast<unsigned>(std::max(0, mark.line)) + 1;
        node.column = static_cast<unsigned>(std::max(0, mark.column)) + 1;
        return node;
    }

    void count(const YAML::Mark& mark, const std::string& tag)
    {
        if (!tag.empty() && tag != "?" && tag != "!") throw YAML::ParserException(mark, "tags (!name) are not taken");
        if (++nodes_ > most_nodes) throw YAML::ParserException(mark, "more than 100,000 pieces");
    }

    bool key_is_due() const
    {
        return !open_.empty() && open_.back().kind == YamlNode::Kind::Map &&
               open_.back().keys.size() == open_.back().items.size();
    }

    void leaf(const YAML::Mark& mark, YamlNode::Kind kind, const std::string& value, const std::string& tag)
    {
        count(mark, tag);
        if (key_is_due()) return key(mark, kind, value);
        YamlNode node = node_at(mark, kind);
        node.text = value;
        place(std::move(node));
    }

    void key(const YAML::Mark& mark, YamlNode::Kind kind, const std::string& value)
    {
        if (kind == YamlNode::Kind::Null) throw YAML::ParserException(mark, "a key is empty");
        if (open_.back().find(value) != nullptr)
            throw YAML::ParserException(mark, fmt::format("'{}' stands here twice: keep one", value.substr(0, 60)));
        open_.back().keys.push_back(value);
    }

    void open(const YAML::Mark& mark, YamlNode::Kind kind, const std::string& tag)
    {
        count(mark, tag);
        if (key_is_due()) throw YAML::ParserException(mark, "a key must be a word");
        if (open_.size() >= most_levels) throw YAML::ParserException(mark, "nested deeper than 16 levels");
        open_.push_back(node_at(mark, kind));
    }

    void close()
    {
        YamlNode done = std::move(open_.back());
        open_.pop_back();
        place(std::move(done));
    }

    void place(YamlNode node)
    {
        if (open_.empty()) {
            root_ = std::move(node);
        } else {
            open_.back().items.push_back(std::move(node));
        }
    }

    std::vector<YamlNode> open_;
    YamlNode root_;
    YAML::Mark last_scalar_;
    std::size_t nodes_ = 0;
};

// Lets yaml-cpp read borrowed memory without a copy.
struct Borrowed : std::streambuf {
    explicit Borrowed(std::string_view text)
    {
        char* begin = const_cast<char*>(text.data()); // only read: streambuf's interface is older than const
        setg(begin, begin, begin + text.size());
    }
};

// One short line, whatever the file's words in it hold: line ends and escape sequences would reach a terminal.
std::string one_line(std::string_view what)
{
    constexpr std::size_t most = 400;
    std::string line;
    while (!what.empty() && line.size() < most) {
        const std::size_t length = std::max<std::size_t>(utf8_length(what), 1);
        const auto byte = static_cast<unsigned char>(what.front());
        line += length == 1 && (byte < 0x20 || byte >= 0x7f) ? "?" : what.substr(0, length);
        what.remove_prefix(length);
    }
    return what.empty() ? line : line + "...";
}

std::unexpected<Error> fail_in(std::string_view file, unsigned line, unsigned column, std::string_view what)
{
    return fail(Error::Kind::Malformed, fmt::format("{}:{}:{}: {}", file, line, column, one_line(what)));
}

// Text that no editor writes: binary, NUL, control characters, broken UTF-8.
Result<void> check_characters(std::string_view text, std::string_view file)
{
    unsigned line = 1, column = 1;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text.substr(i));
        if (length == 0) return fail_in(file, line, column, "not UTF-8 text: is this a YAML file?");
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f)
            return fail_in(file, line, column, fmt::format("control character 0x{:02x}: is this a YAML file?", byte));
        const bool ends = byte == '\n';
        line += ends ? 1 : 0;
        column = ends ? 1 : column + 1;
        i += length;
    }
    return {};
}

// yaml-cpp 0.7 takes a quote that is never closed when the text ends with a newline: a file cut short must not pass.
bool quote_left_open(std::string_view text, const YAML::Mark& scalar)
{
    const auto start = static_cast<std::size_t>(std::max(0, scalar.pos));
    if (start >= text.size() || (text[start] != '"' && text[start] != '\'')) return false;
    const char quote = text[start];
    for (std::size_t i = start + 1; i < text.size(); ++i) {
        const bool doubled = quote == '\'' && text.substr(i).starts_with("''"); // stands for one quote
        if (doubled || (quote == '"' && text[i] == '\\')) {
            ++i;
        } else if (text[i] == quote) {
            return false;
        }
    }
    return true;
}

} // namespace

const YamlNode* YamlNode::find(std::string_view key) const
{
    if (kind != Kind::Map) return nullptr;
    const auto found = std::ranges::find(keys, key);
    const auto place = static_cast<std::size_t>(found - keys.begin());
    return place < items.size() ? &items[place] : nullptr;
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view file)
{
    if (text.size() > most_bytes)
        return fail(Error::Kind::Malformed, fmt::format("{}: larger than 1 MiB: is this the right file?", file));
    TRY_VOID(check_characters(text, file));
    Borrowed buffer(text);
    std::istream in(&buffer);
    try {
        YAML::Parser parser(in);
        TreeBuilder builder;
        if (!parser.HandleNextDocument(builder)) return YamlNode{};
        const YAML::Mark& last = builder.last_scalar();
        if (quote_left_open(text, last))
            return fail_in(file, static_cast<unsigned>(last.line) + 1, static_cast<unsigned>(last.column) + 1,
                           "this quote is never closed: was the file cut short?");
        TreeBuilder second;
        if (parser.HandleNextDocument(second)) return fail_in(file, 1, 1, "a second document (---): keep one a file");
        return builder.take();
    } catch (const YAML::Exception& problem) {
        return fail_in(file, static_cast<unsigned>(std::max(0, problem.mark.line)) + 1,
                       static_cast<unsigned>(std::max(0, problem.mark.column)) + 1, problem.msg);
    } catch (const std::exception& problem) { // whatever the standard library throws below yaml-cpp
        return fail_in(file, 1, 1, problem.what());
    }
}

std::unexpected<Error> YamlReader::fail_at(const YamlNode& node, std::string_view what) const
{
    return fail_in(file_, node.line, node.column, what);
}

Result<void> YamlReader::only(const YamlNode& node, std::span<const std::string_view> keys, std::string_view what) const
{
    if (node.kind != YamlNode::Kind::Map)
        return fail_at(node, fmt::format("{}: fields are expected, such as '{}: ...'", what, keys.front()));
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        const std::string& key = node.keys[i];
        if (std::ranges::find(keys, key) != keys.end()) continue;
        const std::string typed = key.substr(0, 60);
        const auto nearest =
            *std::ranges::min_element(keys, {}, [&](std::string_view known) { return edit_distance(known, typed); });
        const bool close = edit_distance(nearest, typed) <= 1 + nearest.size() / 4;
        return fail_at(node.items[i], fmt::format("{}: unknown field '{}'{}", what, typed,
                                                  close ? fmt::format(": did you mean {}?", nearest) : ": remove it"));
    }
    return {};
}

Result<const YamlNode*> YamlReader::need(const YamlNode& map, std::string_view key) const
{
    if (const YamlNode* found = map.find(key)) return found;
    return fail_at(map, fmt::format("the field '{}' is missing here", key));
}

Result<std::string> YamlReader::text(const YamlNode& node, std::string_view what) const
{
    if (!node.is_text()) return fail_at(node, fmt::format("{}: one word or text is expected", what));
    return node.text;
}

Result<bool> YamlReader::boolean(const YamlNode& node, std::string_view what) const
{
    if (node.kind == YamlNode::Kind::Plain && node.text == "true") return true;
    if (node.kind == YamlNode::Kind::Plain && node.text == "false") return false;
    return fail_at(node, fmt::format("{}: true or false is expected", what));
}

Result<std::vector<std::string>> YamlReader::texts(const YamlNode& node, std::string_view what) const
{
    if (node.kind != YamlNode::Kind::List)
        return fail_at(node, fmt::format("{}: a list is expected, such as [a, b]", what));
    std::vector<std::string> all;
    for (const YamlNode& item : node.items)
        all.push_back(TRY(text(item, what)));
    return all;
}

Result<std::string> YamlReader::text_field(const YamlNode& map, std::string_view key) const
{
    const YamlNode* node = TRY(need(map, key));
    return text(*node, key);
}

Result<bool> YamlReader::boolean_field(const YamlNode& map, std::string_view key) const
{
    const YamlNode* node = TRY(need(map, key));
    return boolean(*node, key);
}

Result<std::vector<std::string>> YamlReader::texts_field(const YamlNode& map, std::string_view key) const
{
    const YamlNode* node = TRY(need(map, key));
    return texts(*node, key);
}

} // namespace netwright
