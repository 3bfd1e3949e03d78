// SPDX-License-Identifier: GPL-2.0-or-later
// Sets of CPU numbers.
#include "base/cpu_set.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace netwright {

Result<CpuSet> CpuSet::parse_list(std::string_view text)
{
    CpuSet set;
    text = trim(text);
    if (text.empty()) return set;
    for (const std::string_view part : split(text, ',')) {
        const std::size_t dash = part.find('-');
        const auto first = parse_unsigned(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : parse_unsigned(part.substr(dash + 1));
        if (!first || !last || *first > *last || *last >= limit)
            return fail(Error::Kind::Malformed,
                        fmt::format("'{}' is not a CPU list (for example: 0-3,8)", text.substr(0, 64)));
        for (auto cpu = *first; cpu <= *last; ++cpu)
            set.add(static_cast<unsigned>(cpu));
    }
    return set;
}

Result<CpuSet> CpuSet::parse_mask(std::string_view text)
{
    CpuSet set;
    text = trim(text);
    const auto groups = split(text, ',');
    unsigned base = 0;
    for (auto group = groups.rbegin(); group != groups.rend(); ++group, base += 32) {
        // A lone group may be longer than 32 bits when a person types it.
        const auto bits = parse_hex(*group);
        if (!bits || group->size() > 16 || (groups.size() > 1 && *bits > 0xffffffffU))
            return fail(Error::Kind::Malformed,
                        fmt::format("'{}' is not a CPU mask (for example: 0000000f)", text.substr(0, 64)));
        for (unsigned bit = 0; bit < 64; ++bit) {
            if (!(*bits >> bit & 1U)) continue;
            if (base + bit >= limit)
                return fail(Error::Kind::Malformed, fmt::format("CPU mask '{}' is too long", text.substr(0, 64)));
            set.add(base + bit);
        }
    }
    return set;
}

void CpuSet::add(unsigned cpu)
{
    ENSURE(cpu < limit);
    if (words_.size() <= cpu / 64) words_.resize(cpu / 64 + 1);
    words_[cpu / 64] |= std::uint64_t{1} << cpu % 64;
}

bool CpuSet::contains(unsigned cpu) const { return cpu / 64 < words_.size() && (words_[cpu / 64] >> cpu % 64 & 1U); }

unsigned CpuSet::count() const
{
    unsigned total = 0;
    for (const auto word : words_)
        total += static_cast<unsigned>(std::popcount(word));
    return total;
}

std::vector<unsigned> CpuSet::members() const
{
    std::vector<unsigned> cpus;
    for (unsigned cpu = 0; cpu < words_.size() * 64; ++cpu)
        if (contains(cpu)) cpus.push_back(cpu);
    return cpus;
}

std::string CpuSet::list() const
{
    std::string text;
    const auto cpus = members();
    for (std::size_t i = 0; i < cpus.size();) {
        std::size_t end = i;
        while (end + 1 < cpus.size() && cpus[end + 1] == cpus[end] + 1)
            ++end;
        if (!text.empty()) text += ',';
        text += end == i ? fmt::format("{}", cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[end]);
        i = end + 1;
    }
    return text;
}

std::string CpuSet::mask() const
{
    if (empty()) return "0";
    std::string text;
    for (std::size_t i = words_.size() * 2; i-- > 0;) {
        const auto group = static_cast<std::uint32_t>(words_[i / 2] >> (i % 2 * 32));
        if (text.empty() && group == 0) continue;
        text += text.empty() ? fmt::format("{:x}", group) : fmt::format(",{:08x}", group);
    }
    return text;
}

CpuSet operator&(const CpuSet& a, const CpuSet& b)
{
    CpuSet out;
    out.words_.resize(std::min(a.words_.size(), b.words_.size()));
    for (std::size_t i = 0; i < out.words_.size(); ++i)
        out.words_[i] = a.words_[i] & b.words_[i];
    out.shrink();
    return out;
}

CpuSet operator|(const CpuSet& a, const CpuSet& b)
{
    CpuSet out = a;
    out.words_.resize(std::max(a.words_.size(), b.words_.size()));
    for (std::size_t i = 0; i < b.words_.size(); ++i)
        out.words_[i] |= b.words_[i];
    return out;
}

CpuSet operator-(const CpuSet& a, const CpuSet& b)
{
    CpuSet out = a;
    for (std::size_t i = 0; i < std::min(a.words_.size(), b.words_.size()); ++i)
        out.words_[i] &= ~b.words_[i];
    out.shrink();
    return out;
}

void CpuSet::shrink()
{
    while (!words_.empty() && words_.back() == 0)
        words_.pop_back();
}

} // namespace netwright
