// SPDX-License-Identifier: GPL-2.0-or-later
// Small words over text: trimming, splitting, strict numbers. No allocation unless the return type says so.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'; }

constexpr std::string_view trim(std::string_view text)
{
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

// Takes the next line off the front of `rest` (without its newline); false when nothing is left.
bool next_line(std::string_view& rest, std::string_view& line);
// Takes the next blank-separated word off the front of `rest`; false when nothing is left.
bool next_word(std::string_view& rest, std::string_view& word);
std::vector<std::string_view> split_words(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);

// The whole text must be the number: "12x", "", " 12" and overflow are Malformed.
Result<std::int64_t> parse_int(std::string_view text);
Result<std::uint64_t> parse_unsigned(std::string_view text);
Result<std::uint64_t> parse_hex(std::string_view text); // no 0x prefix
Result<double> parse_double(std::string_view text);

// `*` matches any run, `?` one character; nothing else is special.
bool glob_match(std::string_view pattern, std::string_view text);
// Edit distance, for "did you mean": insert, delete, replace, swap of neighbours each cost 1.
std::size_t edit_distance(std::string_view a, std::string_view b);
// The same where it is at most `limit`, else nothing: a far pair costs far less than its distance.
std::optional<std::size_t> edit_distance_within(std::size_t limit, std::string_view a, std::string_view b);

} // namespace netwright
