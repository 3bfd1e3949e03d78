// SPDX-License-Identifier: GPL-2.0-or-later
// Rules over single values: what the kernel refuses, and what it accepts in another unit than its author thinks in.
#include "base/text.h"
#include "lint/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::lint {
namespace {

using catalog::Type;

bool is_numeric(const Setting& setting)
{
    const auto* parameter = setting.parameter;
    return parameter && !setting.exclusion &&
           (parameter->type == Type::Boolean || parameter->type == Type::Integer ||
            parameter->type == Type::IntegerList);
}

// "16M", "64KiB", "4GB": what the number would be. Nothing for other words.
std::optional<std::string> without_suffix(std::string_view word)
{
    if (word.size() < 2 || !is_digit(word.front()) || is_digit(word.back()) || word.starts_with("0x"))
        return std::nullopt;
    const auto bytes = parse_bytes(word);
    if (!bytes) return std::nullopt;
    return fmt::format("{}", bytes->count);
}

std::size_t wanted_numbers(const catalog::Parameter& parameter)
{
    if (parameter.type != Type::IntegerList) return 1;
    return parameter.bounds.size() > 1 ? parameter.bounds.size() : 0; // 0: any number of them
}

bool has_right_form(const Setting& setting)
{
    if (!is_numeric(setting) || setting.numbers.empty()) return false;
    const std::size_t wanted = wanted_numbers(*setting.parameter);
    return wanted == 0 || wanted == setting.numbers.size();
}

// The part of the catalogue's answer behind "key = value: ".
std::string reason_of(const Error& error, const Setting& setting)
{
    const std::string_view what = error.what;
    const std::size_t at = what.find(": ", std::min(what.size(), setting.key.size()));
    return std::string(at == std::string_view::npos ? what : what.substr(at + 2));
}

Value value_of(const Setting& setting)
{
    if (setting.numbers.size() == 1) return setting.numbers[0];
    if (!setting.numbers.empty()) return setting.numbers;
    return std::string(setting.value);
}

// Keys in seconds that recipes give in milliseconds, with the least value that cannot be meant as seconds.
struct Seconds {
    std::string_view key;
    std::int64_t too_much;
};
constexpr std::array in_seconds{
    Seconds{"net.ipv4.tcp_keepalive_time", 86'400},
    Seconds{"net.ipv4.tcp_keepalive_intvl", 3'600},
    Seconds{"net.ipv4.tcp_fin_timeout", 3'600},
    Seconds{"net.ipv4.ipfrag_time", 1'000},
    Seconds{"net.netfilter.nf_conntrack_tcp_timeout_time_wait", 10'000},
    Seconds{"net.netfilter.nf_conntrack_tcp_timeout_close_wait", 10'000},
    Seconds{"net.netfilter.nf_conntrack_tcp_timeout_fin_wait", 10'000},
    Seconds{"net.netfilter.nf_conntrack_udp_timeout", 10'000},
    Seconds{"net.netfilter.nf_conntrack_udp_timeout_stream", 10'000},
};

constexpr std::array<std::string_view, 4> byte_maxima{"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.core.rmem_max",
                                                      "net.core.wmem_max"};

// Does a page count repeat a buffer size in bytes, which the same files set?
std::optional<std::string_view> copied_from(std::int64_t pages, const Scene& scene)
{
    for (const std::string_view key : byte_maxima) {
        const Setting* const other = scene.last(key);
        if (other && !other->numbers.empty() && other->numbers.back() == pages) return key;
    }
    return std::nullopt;
}

Remark pages_remark(const Setting& setting, const Scene& scene, std::string message)
{
    const auto pages = static_cast<std::uint64_t>(std::max<std::int64_t>(setting.numbers.back(), 0));
    const Bytes page = scene.target().page;
    const Bytes all{pages > UINT64_MAX / page.count ? UINT64_MAX : pages * page.count};
    return {
        setting.value_at,
        std::move(message),
        fmt::format("{} counts pages of {} bytes: {} allows {} for all sockets together, more than most hosts have, "
                    "and so removes the limit.",
                    setting.key, page.count, pages, to_text(all)),
        comment_out(setting),
        {}};
}

} // namespace

Verdict judge_empty(const Setting& setting, const Scene&)
{
    if (setting.exclusion || !setting.value.empty() || !setting.parameter) return std::nullopt;
    if (setting.parameter->type == Type::PortRanges) return std::nullopt; // clears the list
    return Remark{setting.key_at,
                  fmt::format("{} is given no value", setting.key),
                  "An empty write changes nothing or is refused.",
                  comment_out(setting),
                  {}};
}

Verdict judge_suffix(const Setting& setting, const Scene&)
{
    if (!is_numeric(setting) || !setting.numbers.empty()) return std::nullopt;
    std::string plain;
    bool found = false;
    for (const std::string_view word : split_words(setting.value)) {
        const auto number = without_suffix(word);
        found = found || number.has_value();
        plain += (plain.empty() ? "" : " ") + number.value_or(std::string(word));
    }
    if (!found) return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("{} = {}: the kernel knows no suffixes", setting.key, setting.value),
                  "It takes plain numbers and refuses the rest.",
                  write_value(setting, plain),
                  {}};
}

Verdict judge_octal(const Setting& setting, const Scene&)
{
    if (!is_numeric(setting) || setting.numbers.empty()) return std::nullopt;
    for (const std::string_view word : split_words(setting.value)) {
        const auto decimal = parse_int(word);
        const auto read = kernel_number(word);
        if (!decimal || !read || *decimal == *read || word.starts_with("0x")) continue;
        return Remark{setting.value_at,
                      fmt::format("{}: {} is octal to the kernel and means {}", setting.key, word, *read),
                      "A number with a leading 0 is read in base eight.",
                      no_fix("write it without the leading 0"),
                      {}};
    }
    return std::nullopt;
}

Verdict judge_arity(const Setting& setting, const Scene&)
{
    if (!is_numeric(setting) || setting.value.empty()) return std::nullopt;
    const std::size_t wanted = wanted_numbers(*setting.parameter);
    const auto words = split_words(setting.value);
    if (setting.numbers.empty()) {
        if (std::ranges::any_of(words, [](std::string_view word) { return without_suffix(word).has_value(); }))
            return std::nullopt; // said by judge_suffix
        return Remark{setting.value_at,
                      fmt::format("{} = {}: not a number", setting.key, setting.value.substr(0, 64)),
                      fmt::format("The kernel wants {}.", wanted == 1 ? "one number" : "numbers with blanks between"),
                      no_fix("write a number"),
                      {}};
    }
    if (wanted == 0 || words.size() == wanted) return std::nullopt;
    return Remark{
        setting.value_at,
        fmt::format("{} takes {} number{}, not {}", setting.key, wanted, wanted == 1 ? "" : "s", words.size()),
        words.size() < wanted ? "The kernel changes the first ones and keeps the others as they were."
                              : "The kernel reads the first ones and drops the rest.",
        no_fix(wanted == 3 ? "write all three: minimum, default, maximum" : "write as many as it takes"),
        {}};
}

Verdict judge_range(const Setting& setting, const Scene&)
{
    if (!setting.parameter || setting.exclusion || setting.value.empty()) return std::nullopt;
    if (setting.parameter->policy == catalog::Policy::ReadOnly) return std::nullopt;
    if (is_numeric(setting) && !has_right_form(setting)) return std::nullopt;
    if (!setting.comment.empty() && setting.parameter->type == Type::Text) return std::nullopt;
    const auto sound = catalog::check(SysctlKey{setting.key}, value_of(setting));
    if (sound) return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("{}: {}", setting.key, reason_of(sound.error(), setting)),
                  "The kernel refuses the value, clamps it, or accepts nonsense and behaves accordingly.",
                  no_fix("choose a value in range"),
                  {}};
}

Verdict judge_pages(const Setting& setting, const Scene& scene)
{
    if (!has_right_form(setting) || setting.parameter->unit != "pages" || setting.parameter->type != Type::IntegerList)
        return std::nullopt;
    const std::int64_t pages = setting.numbers.back();
    if (pages > std::int64_t{1} << 32) return std::nullopt; // said by judge_range
    const Target& target = scene.target();
    if (const auto key = copied_from(pages, scene))
        return pages_remark(setting, scene,
                            fmt::format("{} ends with {}, the bytes of {}; it counts pages", setting.key, pages, *key));
    if (target.memory &&
        static_cast<std::uint64_t>(std::max<std::int64_t>(pages, 0)) > target.memory->count / target.page.count / 2)
        return pages_remark(
            setting, scene,
            fmt::format("{} allows more than half of this host's {}", setting.key, to_text(*target.memory)));
    if (!target.memory && pages >= std::int64_t{1} << 24) // 64 GiB of 4 KiB pages
        return pages_remark(setting, scene, fmt::format("{} = {} looks like bytes", setting.key, setting.value));
    return std::nullopt;
}

Verdict judge_milliseconds(const Setting& setting, const Scene&)
{
    const auto row = std::ranges::find(in_seconds, std::string_view(setting.key), &Seconds::key);
    if (row == in_seconds.end() || setting.numbers.size() != 1 || setting.numbers[0] <= row->too_much)
        return std::nullopt;
    const std::int64_t seconds = setting.numbers[0];
    return Remark{setting.value_at,
                  fmt::format("{} counts seconds; {} are {} hours", setting.key, seconds, seconds / 3600),
                  "The value looks like milliseconds.",
                  seconds % 1000 == 0 ? write_value(setting, fmt::format("{}", seconds / 1000))
                                      : no_fix("write seconds"),
                  {}};
}

// net/core/sysctl_net_core.c netdev_budget_usecs_min, since 6.14: two jiffies. Before, a jiffy is what is left.
Verdict judge_two_jiffies(const Setting& setting, const Scene& scene)
{
    if (!setting.is("net.core.netdev_budget_usecs") || setting.numbers.size() != 1) return std::nullopt;
    const Target& target = scene.target();
    const std::int64_t hz = target.hz.value_or(250);
    const std::int64_t least = 2'000'000 / hz, value = setting.numbers[0];
    if (value >= least || value < 2) return std::nullopt;
    const bool refused = target.kernel >= KernelVersion{6, 14, 0};
    const bool certain = target.hz || value < 2'000; // HZ is 1000 at most
    return Remark{setting.value_at,
                  fmt::format("{} = {} is less than two jiffies{}", setting.key, value,
                              certain && !target.hz ? "" : fmt::format(" at HZ={}, {} us", hz, least)),
                  fmt::format("{} The time is counted in jiffies; whether a value passes depends on the kernel's "
                              "CONFIG_HZ.",
                              refused ? "Since Linux 6.14 the kernel refuses it." : "It is rounded to whole jiffies."),
                  certain && target.hz ? write_value(setting, fmt::format("{}", least)) : no_fix("write 8000 or more"),
                  refused && certain ? Level::Error : Level::Warning};
}

// net/ipv4/sysctl_net_ipv4.c ipv4_local_port_range(): the low end must not be privileged.
Verdict judge_privileged_ports(const Setting& setting, const Scene& scene)
{
    if (!setting.is("net.ipv4.ip_local_port_range") || setting.numbers.size() != 2) return std::nullopt;
    const Setting* const start = scene.first("net.ipv4.ip_unprivileged_port_start");
    const bool before = start && start->order < setting.order;
    const std::int64_t least = before && !start->numbers.empty() ? start->numbers[0] : 1024;
    if (setting.numbers[0] >= least || setting.numbers[0] < 1) return std::nullopt;
    const bool later = start && !before && !start->numbers.empty() && start->numbers[0] <= setting.numbers[0];
    return Remark{
        setting.value_at,
        fmt::format("the kernel refuses a local port range that starts at {}, below {}", setting.numbers[0], least),
        later ? fmt::format("{} allows it, but comes later: {}.", start->key, scene.where(*start, setting))
              : "Ports below net.ipv4.ip_unprivileged_port_start are kept for privileged programs; the whole "
                "line fails.",
        later ? no_fix(fmt::format("move this line below {}", scene.where(*start, setting)))
              : write_value(setting, fmt::format("{} {}", least, setting.numbers[1])),
        {}};
}

} // namespace netwright::lint
