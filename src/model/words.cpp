// SPDX-License-Identifier: GPL-2.0-or-later
// Looking a word up, and "did you mean".
#include "model/words.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace netwright {
namespace {

// What a person typed, short and on one line.
std::string shown(std::string_view text)
{
    std::string out;
    for (const char c : text.substr(0, 40))
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return text.size() > 40 ? out + "..." : out;
}

std::vector<std::string_view> nearest_first(std::span<const std::string_view> names, std::string_view text)
{
    std::vector<std::string_view> sorted(names.begin(), names.end());
    const std::string_view typed = text.substr(0, 40);
    std::ranges::stable_sort(sorted, {}, [&](std::string_view name) { return edit_distance(name, typed); });
    return sorted;
}

} // namespace

Result<std::size_t> find_word(std::string_view what, std::span<const std::string_view> names, std::string_view text)
{
    const auto found = std::ranges::find(names, text);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    const auto known = nearest_first(names, text);
    const std::string_view nearest = known.front();
    std::string there_are;
    for (const std::string_view name : known)
        there_are += fmt::format("{0}{2}{1}{2}", there_are.empty() ? "" : ", ", name,
                                 name.find(',') == std::string_view::npos ? "" : "'");
    const bool close = edit_distance(nearest, text.substr(0, 40)) <= 1 + nearest.size() / 4;
    return fail(Error::Kind::Rejected, fmt::format("unknown {} '{}'{}; there are: {}", what, shown(text),
                                                   close ? fmt::format(": did you mean {}?", nearest) : "", there_are));
}

} // namespace netwright
