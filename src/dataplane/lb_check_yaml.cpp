// SPDX-License-Identifier: GPL-2.0-or-later
// Reading how backends are checked.
#include "base/text.h"
#include "dataplane/lb_check.h"
#include "model/words.h"
#include "model/yaml_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace netwright::dataplane {
namespace {

using Kind = LbCheck::Kind;

constexpr std::array<std::string_view, 5> kind_words{"tcp", "http", "https", "udp", "command"};
constexpr std::array<std::string_view, 5> common_fields{"type", "interval", "timeout", "rise", "fall"};

std::vector<std::string_view> fields_of(Kind kind)
{
    std::vector<std::string_view> fields(common_fields.begin(), common_fields.end());
    const auto add = [&](std::initializer_list<std::string_view> more) { fields.insert(fields.end(), more); };
    if (kind != Kind::Command) add({"port"});
    if (kind == Kind::Http || kind == Kind::Https) add({"path", "host", "status"});
    if (kind == Kind::Https) add({"verify"});
    if (kind == Kind::Udp) add({"send", "expect"});
    if (kind == Kind::Command) add({"command"});
    return fields;
}

Result<unsigned> parse_count(std::string_view text, unsigned least, unsigned most)
{
    const auto number = parse_unsigned(text);
    if (!number || *number < least || *number > most)
        return fail(Error::Kind::Malformed,
                    fmt::format("'{}' is no number from {} to {}", text.substr(0, 40), least, most));
    return static_cast<unsigned>(*number);
}

Result<Nanoseconds> parse_period(std::string_view text)
{
    const auto period = TRY(parse_duration(text));
    if (period < std::chrono::milliseconds(50) || period > std::chrono::hours(1))
        return fail(Error::Kind::Malformed, "write 50ms to 1h");
    return period;
}

// "200", "200-399".
Result<std::pair<unsigned, unsigned>> parse_status(std::string_view text)
{
    const std::size_t dash = text.find('-');
    const unsigned least = TRY(parse_count(text.substr(0, dash), 100, 599));
    const unsigned most = dash == std::string_view::npos ? least : TRY(parse_count(text.substr(dash + 1), 100, 599));
    if (most < least) return fail(Error::Kind::Malformed, "a range of status codes begins with the lower one");
    return std::pair(least, most);
}

// What would end up in a request's lines must not end them.
Result<std::string> parse_line(std::string_view text)
{
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; };
    if (text.empty() || std::ranges::any_of(text, odd))
        return fail(Error::Kind::Malformed, "this is empty or holds blanks or control characters");
    return std::string(text);
}

Result<void> read_common(const YamlReader& reader, const YamlNode& node, LbCheck& check)
{
    const auto count = [](std::string_view text) { return parse_count(text, 1, 100); };
    if (const YamlNode* at = node.find("interval")) check.interval = TRY(reader.read(*at, "interval", parse_period));
    check.timeout = std::min(check.timeout, check.interval);
    if (const YamlNode* at = node.find("timeout")) check.timeout = TRY(reader.read(*at, "timeout", parse_period));
    if (const YamlNode* at = node.find("rise")) check.rise = TRY(reader.read(*at, "rise", count));
    if (const YamlNode* at = node.find("fall")) check.fall = TRY(reader.read(*at, "fall", count));
    if (check.timeout > check.interval) return reader.fail_at(node, "a check's timeout is at most its interval");
    return {};
}

Result<void> read_port(const YamlReader& reader, const YamlNode& node, LbCheck& check)
{
    static const std::map<Kind, std::uint16_t> usual{{Kind::Http, 80}, {Kind::Https, 443}};
    if (check.kind == Kind::Command) return {};
    if (const auto known = usual.find(check.kind); known != usual.end()) check.port = known->second;
    if (check.port != 0 && !node.find("port")) return {};
    check.port = static_cast<std::uint16_t>(
        TRY(reader.read_field(node, "port", [](std::string_view text) { return parse_count(text, 1, 65535); })));
    return {};
}

Result<void> read_http(const YamlReader& reader, const YamlNode& node, LbCheck& check)
{
    if (const YamlNode* at = node.find("path")) {
        check.path = TRY(reader.read(*at, "path", parse_line));
        if (check.path[0] != '/') return reader.fail_at(*at, "a path begins with '/'");
    }
    if (const YamlNode* at = node.find("host")) check.host = TRY(reader.read(*at, "host", parse_line));
    if (const YamlNode* at = node.find("verify")) check.verify = TRY(reader.boolean(*at, "verify"));
    if (const YamlNode* at = node.find("status")) {
        const auto range = TRY(reader.read(*at, "status", parse_status));
        check.least_status = range.first;
        check.most_status = range.second;
    }
    return {};
}

} // namespace

Result<LbCheck> read_lb_check(const YamlReader& reader, const YamlNode& node)
{
    LbCheck check;
    check.kind = TRY(
        reader.read_field(node, "type", [](std::string_view text) { return word_to<Kind>("type", kind_words, text); }));
    TRY_VOID(reader.only(node, fields_of(check.kind), "check"));
    TRY_VOID(read_common(reader, node, check));
    TRY_VOID(read_port(reader, node, check));
    TRY_VOID(read_http(reader, node, check));
    if (check.kind == Kind::Udp) check.send = TRY(reader.text_field(node, "send"));
    if (const YamlNode* at = node.find("expect")) check.expect = TRY(reader.text(*at, "expect"));
    if (check.kind == Kind::Command) {
        check.command = TRY(reader.texts_field(node, "command"));
        if (check.command.empty() || !check.command[0].starts_with('/'))
            return reader.fail_at(node, "command is a list: the program's whole path, then its arguments");
    }
    return check;
}

} // namespace netwright::dataplane
