// SPDX-License-Identifier: GPL-2.0-or-later
// Reading texts into settings with places.
#include "lint/scene.h"

#include "base/text.h"
#include "model/sysctl_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace netwright::lint {
namespace {

constexpr std::size_t most_guesses = 16; // unknown keys that get a "did you mean"

TextPlace place_of(std::uint32_t line, std::string_view whole, std::string_view part, std::uint32_t skipped)
{
    const auto column = part.data() ? part.data() - whole.data() : 0;
    return {line, static_cast<std::uint32_t>(column) + 1 + skipped, static_cast<std::uint32_t>(part.size())};
}

// What stands behind a blank and '#' or ';'. The kernel reads numbers up to there and ignores the rest; text it takes
// whole, so a text value keeps it and a rule says so.
std::size_t comment_start(std::string_view value)
{
    for (std::size_t i = 1; i < value.size(); ++i)
        if ((value[i] == '#' || value[i] == ';') && is_blank(value[i - 1])) return i;
    return std::string_view::npos;
}

bool takes_text(const Setting& setting) { return !setting.parameter || setting.parameter->type == catalog::Type::Text; }

void cut_comment(Setting& setting)
{
    const std::size_t start = comment_start(setting.value);
    if (start == std::string_view::npos) return;
    setting.comment = setting.value.substr(start);
    if (takes_text(setting)) return;
    setting.value = trim(setting.value.substr(0, start));
    setting.value_at.length = static_cast<std::uint32_t>(setting.value.size());
}

void read_numbers(Setting& setting)
{
    std::string_view rest = setting.value;
    for (std::string_view word; next_word(rest, word);) {
        const auto number = kernel_number(word);
        if (!number) {
            setting.numbers.clear();
            return;
        }
        setting.numbers.push_back(*number);
    }
}

// The component between net.ipv4.conf. (or its like) and the last dot.
std::string_view interface_of(const Setting& setting)
{
    if (!setting.parameter || setting.parameter->key.find(".IFACE.") == std::string_view::npos) return {};
    const std::size_t start = setting.parameter->key.find("IFACE");
    const std::string_view rest = std::string_view(setting.key).substr(start);
    return rest.substr(0, rest.find('.'));
}

} // namespace

std::optional<std::int64_t> kernel_number(std::string_view word)
{
    const bool negative = word.starts_with('-');
    if (negative) word.remove_prefix(1);
    int base = 10;
    if (word.size() > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
        base = 16;
        word.remove_prefix(2);
    } else if (word.size() > 1 && word[0] == '0') {
        base = 8;
    }
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number, base);
    if (problem == std::errc::result_out_of_range && end == word.data() + word.size())
        return negative ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
    if (problem != std::errc{} || end != word.data() + word.size() || number < 0) return std::nullopt;
    return negative ? -number : number;
}

Scene::Scene(std::span<const SourceText> sources, const Target& target) : sources_(sources), target_(target)
{
    for (std::size_t i = 0; i < sources_.size(); ++i)
        read(i);
    by_key_.reserve(settings_.size());
    for (Setting& setting : settings_) {
        setting.interface = interface_of(setting); // views into keys, which move no more from here on
        if (!setting.exclusion) by_key_[setting.key].push_back(setting.order);
    }
}

void Scene::read(std::size_t source)
{
    if (!sources_[source].problem.empty()) {
        faults_.push_back({Fault::What::Unreadable, source, {}, sources_[source].problem});
        return;
    }
    std::string_view text = sources_[source].text;
    std::uint32_t number = 0, skipped = 0;
    if (text.starts_with(byte_order_mark)) {
        skipped = static_cast<std::uint32_t>(byte_order_mark.size());
        faults_.push_back({Fault::What::ByteOrderMark, source, {1, 1, skipped}, {}});
        text.remove_prefix(byte_order_mark.size());
    }
    for (std::string_view line; next_line(text, line); skipped = 0) {
        ++number;
        if (const std::size_t nul = line.find('\0'); nul != std::string_view::npos) {
            faults_.push_back({Fault::What::Binary, source, {number, static_cast<std::uint32_t>(nul) + 1, 1}, {}});
            return; // what follows is no text
        }
        if (line.size() > longest_sysctl_line)
            faults_.push_back({Fault::What::LongLine, source, {number, 1, 0}, fmt::format("{}", line.size())});
        else
            read_line(source, number, line, skipped);
    }
}

void Scene::read_line(std::size_t source, std::uint32_t number, std::string_view line, std::uint32_t skipped)
{
    SysctlLine parts = parse_sysctl_line(line);
    if (parts.kind == SysctlLine::Kind::Blank) return;
    if (parts.kind == SysctlLine::Kind::Malformed) {
        faults_.push_back(
            {Fault::What::Malformed, source, place_of(number, line, trim(line), skipped), std::move(parts.problem)});
        return;
    }
    Setting setting;
    setting.source = source;
    setting.order = settings_.size();
    setting.key = dotted_sysctl_key(parts.key);
    setting.value = parts.value;
    setting.exclusion = parts.kind == SysctlLine::Kind::Exclusion;
    setting.ignore_failure = parts.ignore_failure;
    setting.key_at = place_of(number, line, parts.key, skipped);
    setting.value_at = place_of(number, line, parts.value, skipped);
    setting.glob = setting.key.find_first_of("*?[") != std::string::npos;
    setting.parameter = catalog::find(std::string_view(setting.key));
    if (setting.parameter && setting.parameter->plane != catalog::Plane::Sysctl) setting.parameter = nullptr;
    cut_comment(setting);
    read_numbers(setting);
    settings_.push_back(std::move(setting));
}

const Setting* Scene::last(std::string_view key) const
{
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &settings_[found->second.back()];
}

const Setting* Scene::first(std::string_view key) const
{
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &settings_[found->second.front()];
}

const Setting* Scene::next(const Setting& setting) const
{
    const auto found = by_key_.find(setting.key);
    if (found == by_key_.end()) return nullptr;
    const auto at = std::ranges::upper_bound(found->second, setting.order);
    return at == found->second.end() ? nullptr : &settings_[*at];
}

std::optional<std::int64_t> Scene::number(std::string_view key) const
{
    const Setting* const found = last(key);
    if (!found || found->numbers.size() != 1) return std::nullopt;
    return found->numbers[0];
}

std::optional<std::int64_t> Scene::number(std::string_view key, std::size_t index) const
{
    const Setting* const found = last(key);
    if (!found || found->numbers.size() <= index) return std::nullopt;
    return found->numbers[index];
}

std::size_t Scene::first_starting(std::string_view prefix) const
{
    const auto [entry, is_new] = starting_.try_emplace(prefix, 0);
    if (is_new)
        entry->second = static_cast<std::size_t>(
            std::ranges::find_if(settings_, [&](const Setting& one) { return one.key.starts_with(prefix); }) -
            settings_.begin());
    return entry->second;
}

std::string Scene::where(const Setting& setting, const Setting& seen_from) const
{
    if (setting.source == seen_from.source) return fmt::format("line {}", setting.key_at.line);
    return fmt::format("{}:{}", sources_[setting.source].name, setting.key_at.line);
}

std::vector<std::string_view> Scene::nearest(std::string_view key) const
{
    const auto known = nearest_.find(std::string(key));
    if (known != nearest_.end()) return known->second;
    if (nearest_.size() >= most_guesses) return {};
    return nearest_.emplace(key, catalog::nearest(key)).first->second;
}

} // namespace netwright::lint
