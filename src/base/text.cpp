// SPDX-License-Identifier: GPL-2.0-or-later
// Trimming, splitting, strict numbers.
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace netwright {
namespace {

template <class Number>
Result<Number> whole(std::string_view text, int base)
{
    Number value{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (problem != std::errc{} || end != text.data() + text.size())
        return fail(Error::Kind::Malformed, fmt::format("'{}' is not a number in range", text.substr(0, 64)));
    return value;
}

} // namespace

bool next_line(std::string_view& rest, std::string_view& line)
{
    if (rest.empty()) return false;
    const std::size_t end = rest.find('\n');
    line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return true;
}

bool next_word(std::string_view& rest, std::string_view& word)
{
    std::size_t start = 0;
    while (start < rest.size() && is_blank(rest[start]))
        ++start;
    std::size_t end = start;
    while (end < rest.size() && !is_blank(rest[end]))
        ++end;
    word = rest.substr(start, end - start);
    rest.remove_prefix(end);
    return !word.empty();
}

std::vector<std::string_view> split_words(std::string_view text)
{
    std::vector<std::string_view> words;
    for (std::string_view word; next_word(text, word);)
        words.push_back(word);
    return words;
}

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

Result<std::int64_t> parse_int(std::string_view text) { return whole<std::int64_t>(text, 10); }
Result<std::uint64_t> parse_unsigned(std::string_view text) { return whole<std::uint64_t>(text, 10); }
Result<std::uint64_t> parse_hex(std::string_view text) { return whole<std::uint64_t>(text, 16); }

Result<double> parse_double(std::string_view text)
{
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size())
        return fail(Error::Kind::Malformed, fmt::format("'{}' is not a number", text.substr(0, 64)));
    return value;
}

bool glob_match(std::string_view pattern, std::string_view text)
{
    std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

std::size_t edit_distance(std::string_view a, std::string_view b)
{
    return edit_distance_within(std::max(a.size(), b.size()), a, b).value_or(0); // no pair is further apart than that
}

// Only cells within `limit` of the diagonal can be on a path that short; the rest stand as "further".
std::optional<std::size_t> edit_distance_within(std::size_t limit, std::string_view a, std::string_view b)
{
    const std::size_t further = limit + 1;
    if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return std::nullopt;
    std::vector<std::size_t> before(b.size() + 1, further), last(b.size() + 1, further), now(b.size() + 1, further);
    for (std::size_t j = 0; j <= std::min(b.size(), limit); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        const std::size_t from = i > limit ? i - limit : 0, to = std::min(b.size(), i + limit);
        std::size_t least = further;
        if (from > 0) now[from - 1] = further; // a row of three before left its own there
        for (std::size_t j = from; j <= to; ++j) {
            if (j == 0) {
                now[0] = i;
            } else {
                now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    now[j] = std::min(now[j], before[j - 2] + 1);
            }
            least = std::min(least, now[j]);
        }
        if (least > limit) return std::nullopt;
        std::swap(before, last);
        std::swap(last, now);
    }
    return last[b.size()] <= limit ? std::optional(last[b.size()]) : std::nullopt;
}

} // namespace netwright
