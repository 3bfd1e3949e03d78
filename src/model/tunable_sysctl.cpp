// SPDX-License-Identifier: GPL-2.0-or-later
// "sysctl/net.ipv4.tcp_rmem": keys as sysctl(8) takes them, and values as /proc/sys prints them.
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace netwright {
namespace {

// Dots separate and a slash stands for a dot inside a part, or the other way round: the first separator decides
// (sysctl(8)).
Result<SysctlKey> parse(const AddressText& address)
{
    std::string key(address.whole.substr(sysctl_address.name.size() + 1));
    const auto refuse = [&](std::string_view why) { return refuse_address(address.whole, why); };
    const std::size_t first = key.find_first_of("./");
    if (first == std::string::npos) return refuse("a sysctl key has at least two parts, as in net.ipv4.tcp_rmem");
    if (key[first] == '/')
        for (char& c : key)
            c = c == '/' ? '.' : c == '.' ? '/' : c;
    if (key.size() > 255 || !plain_characters(key))
        return refuse("a sysctl key holds no blanks and at most 255 characters");
    for (const std::string_view part : split(key, '.')) {
        const bool only_slashes =
            part.find_first_not_of('/') == std::string_view::npos; // "", "/", "//": would be "", ".", ".."
        if (only_slashes) return refuse("a part of the key is empty or would lead out of /proc/sys");
    }
    return SysctlKey{std::move(key)};
}

std::string text_of(const SysctlKey& key) { return "sysctl/" + key.name; }

// A number exactly as the kernel prints it. "007" and "+7" stay text: they would not read back the same.
bool plain_number(std::string_view word)
{
    const std::string_view digits = word.starts_with('-') ? word.substr(1) : word;
    return !digits.empty() && std::ranges::all_of(digits, is_digit) && (digits.size() == 1 || digits[0] != '0') &&
           parse_int(word);
}

Result<Value> value_of(const SysctlKey&, std::string_view text)
{
    const auto words = split_words(text);
    if (words.empty() || !std::ranges::all_of(words, plain_number)) return fmt::format("{}", fmt::join(words, " "));
    std::vector<std::int64_t> numbers;
    for (const auto word : words)
        numbers.push_back(parse_int(word).value_or(0));
    if (numbers.size() == 1) return numbers.front();
    return numbers;
}

Persistence persistence_of(const SysctlKey&) { return Persistence::SysctlFile; }

} // namespace

constexpr AddressKind sysctl_address = TypedAddressKind<SysctlKey>::of<parse, text_of, value_of, persistence_of>(
    "sysctl", "sysctl/KEY", "a kernel parameter, by its key as sysctl(8) takes it", "sysctl/net.ipv4.tcp_rmem");

} // namespace netwright
