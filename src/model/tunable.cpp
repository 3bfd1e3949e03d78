// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses of settings, and the values they take, as text.
#include "model/tunable.h"

#include "base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

std::unexpected<Error> refuse(std::string_view text, std::string_view why)
{
    return fail(Error::Kind::Rejected, fmt::format("'{}' is no tunable: {}", text.substr(0, 128), why));
}

bool plain_characters(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; });
}

// dev_valid_name() in net/core/dev.c: 1 to 15 bytes, no slash, colon or blank, neither "." nor "..".
bool valid_interface(std::string_view name)
{
    return !name.empty() && name.size() <= 15 && name != "." && name != ".." && plain_characters(name) &&
           name.find_first_of("/:") == std::string_view::npos;
}

// Dots separate and a slash stands for a dot inside a part, or the other way round: the first separator decides
// (sysctl(8)).
Result<SysctlKey> parse_sysctl(std::string_view whole, std::string_view name)
{
    std::string key(name);
    const std::size_t first = key.find_first_of("./");
    if (first == std::string::npos)
        return refuse(whole, "a sysctl key has at least two parts, as in net.ipv4.tcp_rmem");
    if (key[first] == '/')
        for (char& c : key)
            c = c == '/' ? '.' : c == '.' ? '/' : c;
    if (key.size() > 255 || !plain_characters(key))
        return refuse(whole, "a sysctl key holds no blanks and at most 255 characters");
    for (const std::string_view part : split(key, '.')) {
        const bool only_slashes =
            part.find_first_not_of('/') == std::string_view::npos; // "", "/", "//": would be "", ".", ".."
        if (only_slashes) return refuse(whole, "a part of the key is empty or would lead out of /proc/sys");
    }
    return SysctlKey{std::move(key)};
}

Result<Tunable> parse_link(std::string_view whole, const std::vector<std::string_view>& parts)
{
    if (parts.size() != 3 || !valid_interface(parts[1]))
        return refuse(whole, "write link/INTERFACE/mtu or link/INTERFACE/txqueuelen");
    if (parts[2] == "mtu") return LinkSetting{std::string(parts[1]), LinkSetting::What::Mtu};
    if (parts[2] == "txqueuelen") return LinkSetting{std::string(parts[1]), LinkSetting::What::TxQueueLength};
    return refuse(whole, "a link has mtu and txqueuelen");
}

struct QueueWord {
    std::string_view word, side;
    QueueSetting::What what;
};
constexpr std::array queue_words{
    QueueWord{"rps_cpus", "rx-", QueueSetting::What::RpsCpus},
    QueueWord{"rps_flow_cnt", "rx-", QueueSetting::What::RpsFlowCount},
    QueueWord{"xps_cpus", "tx-", QueueSetting::What::XpsCpus},
    QueueWord{"xps_rxqs", "tx-", QueueSetting::What::XpsRxQueues},
};

Result<Tunable> parse_queue(std::string_view whole, const std::vector<std::string_view>& parts)
{
    if (parts.size() != 4 || !valid_interface(parts[1])) return refuse(whole, "write queue/INTERFACE/rx-0/rps_cpus");
    const auto word = std::ranges::find(queue_words, parts[3], &QueueWord::word);
    if (word == queue_words.end())
        return refuse(whole, "a queue has rps_cpus, rps_flow_cnt (rx) and xps_cpus, xps_rxqs (tx)");
    const auto number = parse_unsigned(parts[2].substr(std::min<std::size_t>(3, parts[2].size())));
    if (!parts[2].starts_with(word->side) || !number || *number > 65535 || (parts[2].size() > 4 && parts[2][3] == '0'))
        return refuse(whole, fmt::format("{} belongs to queues {}0, {}1, …", word->word, word->side, word->side));
    return QueueSetting{std::string(parts[1]), std::string(parts[2]), word->what};
}

// A number exactly as the kernel prints it. "007" and "+7" stay text: they would not read back the same.
bool plain_number(std::string_view word)
{
    const std::string_view digits = word.starts_with('-') ? word.substr(1) : word;
    return !digits.empty() && std::ranges::all_of(digits, is_digit) && (digits.size() == 1 || digits[0] != '0') &&
           parse_int(word);
}

Value sysctl_value(std::string_view text)
{
    const auto words = split_words(text);
    if (words.empty() || !std::ranges::all_of(words, plain_number)) return fmt::format("{}", fmt::join(words, " "));
    std::vector<std::int64_t> numbers;
    for (const auto word : words)
        numbers.push_back(parse_int(word).value_or(0));
    if (numbers.size() == 1) return numbers.front();
    return numbers;
}

Result<Value> cpu_value(std::string_view text)
{
    text = trim(text);
    if (text.starts_with("list:")) return TRY(CpuSet::parse_list(text.substr(5)));
    if (text.starts_with("mask:")) return TRY(CpuSet::parse_mask(text.substr(5)));
    if (text.find('-') != std::string_view::npos) return TRY(CpuSet::parse_list(text));
    return TRY(CpuSet::parse_mask(text)); // the form sysfs prints
}

Result<Value> count_value(const Tunable& tunable, std::string_view text)
{
    const auto number = parse_int(trim(text));
    if (!number || *number < 0)
        return fail(Error::Kind::Malformed,
                    fmt::format("{}: '{}' is not a number of at least 0", to_text(tunable), text.substr(0, 64)));
    return *number;
}

template <class... Cases>
struct Overload : Cases... {
    using Cases::operator()...;
};

} // namespace

std::string to_text(const Tunable& tunable)
{
    return std::visit(Overload{[](const SysctlKey& key) { return "sysctl/" + key.name; },
                               [](const LinkSetting& link) {
                                   return fmt::format("link/{}/{}", link.nic,
                                                      link.what == LinkSetting::What::Mtu ? "mtu" : "txqueuelen");
                               },
                               [](const QueueSetting& queue) {
                                   return fmt::format(
                                       "queue/{}/{}/{}", queue.nic, queue.queue,
                                       std::ranges::find(queue_words, queue.what, &QueueWord::what)->word);
                               }},
                      tunable);
}

Result<Tunable> parse_tunable(std::string_view text)
{
    if (text.starts_with("sysctl/")) return TRY(parse_sysctl(text, text.substr(7)));
    if (text.starts_with("link/")) return parse_link(text, split(text, '/'));
    if (text.starts_with("queue/")) return parse_queue(text, split(text, '/'));
    for (const std::string_view root : {"net", "fs", "vm", "kernel"}) // as sysctl(8) takes them
        if (text.starts_with(root) && text.size() > root.size() &&
            (text[root.size()] == '.' || text[root.size()] == '/'))
            return TRY(parse_sysctl(text, text));
    return refuse(text, "it starts with sysctl/, link/ or queue/ (see: netwright list)");
}

std::string to_text(const Value& value)
{
    return std::visit(
        Overload{[](std::int64_t number) { return fmt::format("{}", number); },
                 [](const std::vector<std::int64_t>& numbers) { return fmt::format("{}", fmt::join(numbers, " ")); },
                 [](const CpuSet& set) { return "list:" + set.list(); }, [](const std::string& text) { return text; }},
        value);
}

Result<Value> parse_value(const Tunable& tunable, std::string_view text)
{
    if (text.size() > 65536)
        return fail(Error::Kind::Malformed,
                    fmt::format("{}: a value of {} bytes is too long", to_text(tunable), text.size()));
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' && !is_blank(c); }))
        return fail(Error::Kind::Malformed, fmt::format("{}: the value holds control characters", to_text(tunable)));
    return std::visit(Overload{[&](const SysctlKey&) -> Result<Value> { return sysctl_value(text); },
                               [&](const LinkSetting&) { return count_value(tunable, text); },
                               [&](const QueueSetting& queue) {
                                   return queue.what == QueueSetting::What::RpsFlowCount ? count_value(tunable, text)
                                                                                         : cpu_value(text);
                               }},
                      tunable);
}

bool matches(const Tunable& tunable, std::string_view glob)
{
    const std::string text = to_text(tunable);
    if (glob_match(glob, text)) return true;
    const auto* key = std::get_if<SysctlKey>(&tunable); // "net.ipv4.*" without the prefix is what people write
    return key && glob_match(glob, key->name);
}

} // namespace netwright
