// SPDX-License-Identifier: GPL-2.0-or-later
// "service/nginx.service/LimitNOFILE": what our own drop-in tells systemd about a service (systemd.exec(5)).
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

using What = ServiceSetting::What;

Result<Value> malformed(const ServiceSetting& service, std::string_view text, std::string_view wanted);

// "65536", "1024:524288" (soft and hard), "infinity"
Result<Value> limit_value(const ServiceSetting& service, std::string_view text)
{
    std::uint64_t before = 0;
    const auto parts = split(text, ':');
    for (const std::string_view part : parts) {
        const auto number = part == "infinity" ? Result<std::uint64_t>(UINT64_MAX) : parse_unsigned(part);
        if (!number || *number == 0 || *number < before || parts.size() > 2)
            return malformed(service, text, "a number, soft:hard with soft no larger than hard, or infinity");
        before = *number;
    }
    if (const auto number = parse_int(text)) return *number;
    return std::string(text);
}

Result<Value> cpus_value(const ServiceSetting&, std::string_view text) { return cpu_list_value(text); }

Result<Value> policy_value(const ServiceSetting& service, std::string_view text)
{
    constexpr std::array<std::string_view, 5> policies{"default", "preferred", "bind", "interleave", "local"};
    if (std::ranges::find(policies, text) != policies.end()) return std::string(text);
    return malformed(service, text, "default, preferred, bind, interleave or local");
}

Result<Value> nodes_value(const ServiceSetting& service, std::string_view text)
{
    if (text == "all") return std::string(text);
    if (const auto nodes = CpuSet::parse_list(text.starts_with("list:") ? text.substr(5) : text);
        nodes && !nodes->empty())
        return *nodes;
    return malformed(service, text, "a list of NUMA nodes such as 0-1, or all");
}

// Numbers of interrupts, ascending, each once.
Result<Value> interrupts_value(const ServiceSetting& service, std::string_view text)
{
    std::vector<std::int64_t> numbers;
    for (const std::string_view word : split_words(text)) {
        const auto number = parse_unsigned(word);
        if (!number || *number > 0xffffff) return malformed(service, text, "numbers of interrupts");
        numbers.push_back(static_cast<std::int64_t>(*number));
    }
    std::ranges::sort(numbers);
    numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
    if (numbers.empty()) return malformed(service, text, "numbers of interrupts");
    if (numbers.size() == 1) return numbers.front();
    return numbers;
}

struct Word {
    std::string_view word;
    What what;
    Result<Value> (*value)(const ServiceSetting& service, std::string_view text);
};
constexpr std::array words{
    Word{"LimitNOFILE", What::LimitNofile, limit_value},
    Word{"CPUAffinity", What::CpuAffinity, cpus_value},
    Word{"NUMAPolicy", What::NumaPolicy, policy_value},
    Word{"NUMAMask", What::NumaMask, nodes_value},
    Word{"BannedInterrupts", What::BannedInterrupts, interrupts_value},
};

const Word& word_of(const ServiceSetting& service) { return *std::ranges::find(words, service.what, &Word::what); }

// systemd.unit(5): letters, digits and :-_.\@; never a slash, so it names one directory below /etc/systemd/system.
bool valid_unit(std::string_view unit)
{
    constexpr std::string_view others = ":-_.\\@";
    const auto allowed = [&](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || others.find(c) != others.npos;
    };
    constexpr std::string_view suffix = ".service";
    return unit.size() > suffix.size() && unit.size() < 250 && unit.ends_with(suffix) && unit.front() != '.' &&
           std::ranges::all_of(unit, allowed);
}

Result<ServiceSetting> parse(const AddressText& address)
{
    const auto& parts = address.parts;
    if (parts.size() != 3 || !valid_unit(parts[1]))
        return refuse_address(address.whole, "write service/NAME.service/LimitNOFILE");
    const auto word = std::ranges::find(words, parts[2], &Word::word);
    if (word == words.end())
        return refuse_address(address.whole, "a service has LimitNOFILE, CPUAffinity, NUMAPolicy and NUMAMask");
    if (word->what == What::BannedInterrupts && parts[1] != "irqbalance.service")
        return refuse_address(address.whole, "only irqbalance.service has BannedInterrupts");
    return ServiceSetting{std::string(parts[1]), word->what};
}

std::string text_of(const ServiceSetting& service)
{
    return fmt::format("service/{}/{}", service.unit, word_of(service).word);
}

Result<Value> malformed(const ServiceSetting& service, std::string_view text, std::string_view wanted)
{
    return fail(Error::Kind::Malformed,
                fmt::format("{} takes {}, not '{}'", text_of(service), wanted, text.substr(0, 64)));
}

Result<Value> value_of(const ServiceSetting& service, std::string_view text)
{
    text = trim(text);
    if (text.empty()) return std::string{}; // our drop-in does not say
    return word_of(service).value(service, text);
}

Persistence persistence_of(const ServiceSetting&) { return Persistence::DropIn; }

} // namespace

std::string_view to_text(ServiceSetting::What what) { return std::ranges::find(words, what, &Word::what)->word; }

constexpr AddressKind service_address = TypedAddressKind<ServiceSetting>::of<parse, text_of, value_of, persistence_of>(
    "service", "service/UNIT.service/LimitNOFILE|CPUAffinity|NUMAPolicy|NUMAMask",
    "what a drop-in of our own tells systemd about a service, from its next start on; irqbalance.service also has "
    "BannedInterrupts",
    "service/nginx.service/LimitNOFILE");

} // namespace netwright
