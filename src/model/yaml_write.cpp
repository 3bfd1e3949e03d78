// SPDX-License-Identifier: GPL-2.0-or-later
// Scalars that every YAML reader, 1.1 or 1.2, takes for the same text.
#include "base/text.h"
#include "model/utf8.h"
#include "model/yaml_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace netwright {
namespace {

constexpr std::size_t widest = 100; // columns of a folded line

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Words that YAML 1.1 or 1.2 readers turn into booleans, nulls or numbers.
bool is_reserved(std::string_view text)
{
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    constexpr std::array<std::string_view, 10> words{"true", "false", "yes", "no", "on",
                                                     "off",  "null",  "y",   "n",  "nan"};
    return std::ranges::find(words, lower) != words.end();
}

// Letters first, then nothing but characters without a meaning in YAML; a slash inside is fine: "sysctl/net.core".
bool is_plain(std::string_view text)
{
    if (text.empty() || !is_letter(text.front()) || text.back() == ' ' || is_reserved(text)) return false;
    return std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || std::string_view("_-./+*%=() ").find(c) != std::string_view::npos;
    });
}

// One character of a double-quoted scalar.
std::string escaped(std::string_view character)
{
    if (character.size() > 1) {
        // C1 controls, line and paragraph separators and the byte order mark are not printable in YAML.
        if (character == "\xe2\x80\xa8") return "\\L";
        if (character == "\xe2\x80\xa9") return "\\P";
        if (character == "\xef\xbb\xbf") return "\\uFEFF";
        const auto second = static_cast<unsigned char>(character[1]);
        if (character[0] == '\xc2' && second < 0xa0) return fmt::format("\\x{:02x}", second);
        return std::string(character);
    }
    const auto byte = static_cast<unsigned char>(character.front());
    if (byte == '"' || byte == '\\') return fmt::format("\\{}", character);
    if (byte == '\n') return "\\n";
    if (byte == '\t') return "\\t";
    return byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(character);
}

std::string quoted(std::string_view text)
{
    std::string out = "\"";
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        out += length == 0 ? "\\uFFFD" : escaped(text.substr(0, length));
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out + '"';
}

// Folding replaces single blanks by line ends; that is only undone exactly where nothing else could fold.
bool can_fold(std::string_view text)
{
    if (text.find("  ") != std::string_view::npos || text.front() == ' ' || text.back() == ' ') return false;
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t length = utf8_length(rest);
        if (length == 0) return false;
        const std::string_view character = rest.substr(0, length);
        const bool same = character == "\"" || character == "\\" || escaped(character) == character;
        if (!same) return false;
        rest.remove_prefix(length);
    }
    return true;
}

} // namespace

std::string yaml_text(std::string_view text) { return is_plain(text) ? std::string(text) : quoted(text); }

std::string yaml_prose(std::string_view text, std::size_t indent)
{
    if (text.size() + indent <= widest || !can_fold(text)) return yaml_text(text);
    const std::string margin(indent + 2, ' ');
    std::string out = ">-", line;
    for (const std::string_view word : split_words(text)) {
        if (!line.empty() && margin.size() + line.size() + 1 + word.size() > widest) {
            out += '\n' + margin + line;
            line.clear();
        }
        line += line.empty() ? std::string(word) : ' ' + std::string(word);
    }
    return out + '\n' + margin + line;
}

std::string yaml_list(std::span<const std::string> texts)
{
    std::string out = "[";
    for (const std::string& text : texts)
        out += (out.size() > 1 ? ", " : "") + yaml_text(text); // yaml_text quotes commas
    return out + "]";
}

} // namespace netwright
