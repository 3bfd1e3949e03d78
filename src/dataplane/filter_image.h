// SPDX-License-Identifier: GPL-2.0-or-later
// A policy as the tables that the packet path reads (filter_layout.h). Pure: it can be made, compared and tested
// without a kernel.
#pragma once

#include "dataplane/filter_policy.h"

#include <map>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct FilterImage {
    std::array<bool, FIELD_KINDS> uses_field{};
    std::vector<std::uint16_t> class_of; // CLASS_SPACE
    std::vector<filter_vector> vectors;  // at most VECTORS_MOST
    std::array<filter_rule, RULES_MOST> rules{};
    filter_vector terminal{}, acting{}; // rules that decide; limits and counting rules
    std::array<filter_list, LISTS_MOST> lists{};
    unsigned rule_words = 0;
    std::vector<ListedPrefix> prefixes;
    std::vector<std::uint32_t> lengths6;
};

// Counters by name; numbers from COUNT_NAMED on.
using CounterNames = std::map<std::string, std::uint16_t>;

// A counter for each list and rule of the policy: the one it had in `before`, or a free one. Rejected: none is free.
Result<CounterNames> name_counters(const FilterPolicy& policy, const CounterNames& before);
// "passed", "default-drop", "not-ip", "blocked", "allowed", "syn-cookies", "odd tcp-xmas", or the list's or rule's
// name.
std::string counter_name(unsigned counter, const CounterNames& names);

// Rejected: more different IPv6 prefix lengths, or ways to cut a field, than the tables hold.
Result<FilterImage> make_image(const FilterPolicy& policy, const CounterNames& counters);

// filter_layout.h: where the classes of a field begin, and how many values it has.
unsigned field_begin(filter_field field);
unsigned field_values(filter_field field);

} // namespace netwright::dataplane
