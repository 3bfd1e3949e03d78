// SPDX-License-Identifier: GPL-2.0-or-later
// What both halves of the catalogue's compiler share: reading YAML with complaints that name file and line.
#pragma once

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>

namespace catalog_compiler {

[[noreturn]] inline void complain(const std::string& where, const std::string& reason)
{
    throw std::runtime_error(where + ": " + reason);
}

inline std::string place(const std::string& file, const YAML::Node& node)
{
    return fmt::format("{}:{}", file, node.Mark().line + 1);
}

struct Word {
    std::string_view yaml, enumerator;
};
inline constexpr std::array scopes{
    Word{"host", "Host"},   Word{"namespace", "Namespace"}, Word{"interface", "Interface"}, Word{"device", "Device"},
    Word{"queue", "Queue"}, Word{"socket", "Socket"},       Word{"process", "Process"}};

template <std::size_t N>
std::string enumerator(const std::array<Word, N>& words, const std::string& file, const YAML::Node& node)
{
    const auto found = std::ranges::find(words, node.Scalar(), &Word::yaml);
    if (!node.IsScalar() || found == words.end())
        complain(place(file, node), fmt::format("'{}' is none of its words", node.Scalar()));
    return std::string(found->enumerator);
}

inline std::string scalar(const std::string& file, const YAML::Node& node)
{
    if (!node.IsScalar()) complain(place(file, node), "text expected");
    return node.Scalar();
}

struct Version {
    std::array<unsigned, 3> part{};
    auto operator<=>(const Version&) const = default;
};

inline Version version(const std::string& file, const YAML::Node& node)
{
    Version result;
    int used = 0;
    const std::string text = scalar(file, node);
    const int parts = std::sscanf(text.c_str(), "%u%n.%u%n.%u%n", &result.part[0], &used, &result.part[1], &used,
                                  &result.part[2], &used);
    if (parts < 1 || static_cast<std::size_t>(used) != text.size())
        complain(place(file, node), fmt::format("'{}' is not a kernel version", text));
    return result;
}

inline std::string quoted(std::string_view text)
{
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c == '\n' ? ' ' : c;
    }
    return result + '"';
}

} // namespace catalog_compiler
