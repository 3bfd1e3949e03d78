// SPDX-License-Identifier: GPL-2.0-or-later
// What a host wants because of what it is for: settings by formulas over inputs, what people have to do themselves, and
// where two workloads on one host want opposite things.
#pragma once

#include "advise/rule.h"

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::advise {

// A set of workloads that a table's row is for.
class Workloads {
public:
    constexpr Workloads(std::initializer_list<Workload> all)
    {
        for (const Workload one : all)
            bits_ |= 1U << static_cast<unsigned>(one);
    }
    constexpr bool has(Workload one) const { return (bits_ >> static_cast<unsigned>(one) & 1U) != 0; }

private:
    unsigned bits_ = 0;
};

enum class Sense { AtLeast, AtMost, Exactly };

// One setting that some workloads want. The formula gives nothing where the host shows no need or an input is missing.
struct Wish {
    Workloads wanted_by;
    std::string_view key;
    Sense sense;
    Result<std::optional<Value>> (*formula)(const Case&);
    Confidence confidence;    // Convention: good practice for such hosts; Derived: follows from an input or a counter
    std::string_view how;     // the formula in words
    std::string_view why;     // what it changes for such a host
    std::string_view effects; // what it costs
};
std::span<const Wish> wishes();

// What only people can do: in the program, at the provider, on other devices.
struct Counsel {
    Workloads for_whom;
    std::string_view text;
};
std::span<const Counsel> counsels();

// What another rule already sizes for such hosts.
struct Covered {
    Workloads for_whom;
    std::string_view what, rule;
};
std::span<const Covered> covered();

// What such a host should leave alone, however often it is recommended.
struct LeaveAlone {
    Workload workload;
    std::string_view text;
};
std::span<const LeaveAlone> leave_alone();

// Two workloads that want opposite things, and what to do about it.
struct Clash {
    Workloads one, other;
    std::string_view about, answer;
};
std::span<const Clash> clashes();

// workload.cpp: what the named workloads want, what they ask of people, and where they clash.
std::span<const Rule> workload_rules();

} // namespace netwright::advise
