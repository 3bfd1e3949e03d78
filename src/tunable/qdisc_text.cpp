// SPDX-License-Identifier: GPL-2.0-or-later
// Qdiscs to and from tc's words.
#include "base/text.h"
#include "base/units.h"
#include "tunable/qdisc_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace netwright::tunable {
namespace {

using Unit = QdiscOption::Unit;

struct Scale {
    std::string_view word;
    std::int64_t factor;
};
constexpr std::array rate_scales{Scale{"Gbit", 1'000'000'000}, Scale{"Mbit", 1'000'000}, Scale{"Kbit", 1'000},
                                 Scale{"bit", 1}};
constexpr std::array time_scales{Scale{"s", 1'000'000'000}, Scale{"ms", 1'000'000}, Scale{"us", 1'000}, Scale{"ns", 1}};
// tc(8), UNITS: sizes count in 1024s, and a size may be said in bits.
constexpr std::array size_scales{Scale{"kbit", 128}, Scale{"mbit", 131072}, Scale{"gbit", 134217728},
                                 Scale{"kb", 1024},  Scale{"mb", 1 << 20},  Scale{"gb", 1 << 30},
                                 Scale{"k", 1024},   Scale{"m", 1 << 20},   Scale{"g", 1 << 30},
                                 Scale{"b", 1},      Scale{"", 1}};

template <std::size_t size>
std::string scaled(std::int64_t number, const std::array<Scale, size>& scales)
{
    for (const Scale& scale : scales)
        if (number % scale.factor == 0 && number != 0) return fmt::format("{}{}", number / scale.factor, scale.word);
    return fmt::format("{}{}", number, scales.back().word);
}

std::string value_text(const QdiscOption& option, std::int64_t number)
{
    switch (option.unit) {
    case Unit::Hex:
        return fmt::format("{:x}", number);
    case Unit::Rate:
        return scaled(number * 8, rate_scales);
    case Unit::Microseconds:
        return scaled(number * 1000, time_scales);
    case Unit::Nanoseconds:
        return scaled(number, time_scales);
    case Unit::PowerOfTwo:
        return fmt::format("{}", std::int64_t{1} << std::clamp<std::int64_t>(number, 0, 62));
    default:
        return fmt::format("{}", number);
    }
}

Result<std::int64_t> parse_size(std::string_view text)
{
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    for (const Scale& scale : size_scales) {
        if (!lower.ends_with(scale.word)) continue;
        const auto number = TRY(parse_unsigned(std::string_view(lower).substr(0, lower.size() - scale.word.size())));
        if (number > 0xffffffffU) break;
        return static_cast<std::int64_t>(number) * scale.factor;
    }
    return fail(Error::Kind::Malformed, "no size");
}

Result<std::int64_t> parse_number(const QdiscOption& option, std::string_view word)
{
    switch (option.unit) {
    case Unit::Hex:
        return static_cast<std::int64_t>(TRY(parse_hex(word.starts_with("0x") ? word.substr(2) : word)));
    case Unit::Bytes:
        return parse_size(word);
    case Unit::Rate:
        return static_cast<std::int64_t>(TRY(parse_bit_rate(word)).bits_per_second / 8);
    case Unit::Microseconds:
        return TRY(parse_duration(word)).count() / 1000;
    case Unit::Nanoseconds:
        return TRY(parse_duration(word)).count();
    case Unit::PowerOfTwo: {
        const auto number = TRY(parse_unsigned(word));
        if (!std::has_single_bit(number)) return fail(Error::Kind::Rejected, "not a power of two");
        return std::countr_zero(number);
    }
    default: // "10000p", as tc prints packets
        return parse_int(word.ends_with('p') ? word.substr(0, word.size() - 1) : word);
    }
}

std::unexpected<Error> refuse(const QdiscKind& kind, std::string_view why)
{
    return fail(Error::Kind::Rejected, fmt::format("qdisc {}: {}", kind.name, why));
}

std::string words_of(const QdiscKind& kind)
{
    std::string words;
    for (const QdiscOption& option : kind.options) {
        if (!option.word.empty()) words += fmt::format(" {}", option.word);
        for (const std::string_view word : option.words)
            words += fmt::format(" {}", word);
    }
    return words.empty() ? " none" : words;
}

Result<QdiscSpec::Setting> parse_setting(const QdiscKind& kind, const QdiscOption& option, std::string_view text)
{
    const auto number = parse_number(option, text);
    const bool fits = number && (option.width == 8 || *number <= std::numeric_limits<std::uint32_t>::max()) &&
                      (*number >= 0 || option.word == "overhead") && *number >= -64;
    if (!fits) return refuse(kind, fmt::format("{} cannot be '{}'", option.word, text.substr(0, 32)));
    return QdiscSpec::Setting{&option, *number};
}

// "latency 50ms" of a tbf is a limit: what the rate sends in that time, and a burst (tc(8), tbf).
Result<QdiscSpec::Setting> latency_limit(const QdiscSpec& spec, std::string_view text)
{
    const auto rate = number_of(spec, "rate"), burst = number_of(spec, "burst");
    const auto latency = parse_duration(text);
    if (!rate || !burst) return refuse(*spec.kind, "say rate and burst before latency");
    const auto limit =
        latency ? static_cast<double>(*rate) * static_cast<double>(latency->count()) / 1e9 + static_cast<double>(*burst)
                : -1.0;
    if (limit < 0 || limit > 4294967295.0)
        return refuse(*spec.kind, fmt::format("latency cannot be '{}'", text.substr(0, 32)));
    return QdiscSpec::Setting{&spec.kind->options[2], static_cast<std::int64_t>(limit)};
}

// Takes one option off the front of `rest`.
Result<QdiscSpec::Setting> next_setting(const QdiscSpec& spec, std::string_view word, std::string_view& rest)
{
    const QdiscKind& kind = *spec.kind;
    for (const QdiscOption& option : kind.options) {
        const auto choice = std::ranges::find(option.words, word);
        if (choice != option.words.end()) return QdiscSpec::Setting{&option, choice - option.words.begin()};
        if (option.word != word || option.word.empty()) continue;
        std::string_view text;
        if (!next_word(rest, text)) return refuse(kind, fmt::format("{} needs a value", word));
        return parse_setting(kind, option, text);
    }
    std::string_view text;
    if (kind.form == QdiscKind::Form::TokenBucket && word == "latency" && next_word(rest, text))
        return latency_limit(spec, text);
    return refuse(kind, fmt::format("'{}' is none of its words:{}", word.substr(0, 32), words_of(kind)));
}

void keep(QdiscSpec& spec, QdiscSpec::Setting setting)
{
    std::erase_if(spec.settings, [&](const auto& one) { return one.option == setting.option; });
    spec.settings.push_back(setting);
}

} // namespace

Result<QdiscSpec> parse_qdisc(std::string_view text)
{
    QdiscSpec spec;
    std::string_view word;
    if (!next_word(text, word)) return spec;
    spec.kind = find_qdisc_kind(word);
    if (!spec.kind)
        return fail(Error::Kind::Rejected,
                    fmt::format("'{}' is no qdisc that netwright can set and put back: it knows {}", word.substr(0, 32),
                                known_qdiscs()));
    while (next_word(text, word))
        keep(spec, TRY(next_setting(spec, word, text)));
    std::ranges::sort(spec.settings, {}, &QdiscSpec::Setting::option); // rows of one array
    if (!spec.kind->required.empty() && spec.settings.size() < 3)
        return refuse(*spec.kind, fmt::format("it needs {}", spec.kind->required));
    return spec;
}

std::string to_text(const QdiscSpec& spec, const QueueingLink& link)
{
    if (!spec.kind) return {};
    std::string text(spec.kind->name);
    for (const auto& setting : spec.settings) {
        const QdiscOption& option = *setting.option;
        const auto usual = default_of(option, spec, link);
        if (usual && is_close(option, *usual, setting.number)) continue;
        if (option.unit == Unit::Choice) {
            const auto place = static_cast<std::size_t>(setting.number);
            text += fmt::format(" {}", place < option.words.size() ? option.words[place] : "?");
            continue;
        }
        text += fmt::format(" {} {}", option.word, value_text(option, setting.number));
    }
    return text;
}

} // namespace netwright::tunable
