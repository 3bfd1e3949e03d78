// SPDX-License-Identifier: GPL-2.0-or-later
// Every rule there is, subject by subject: a new subject is one line here.
#include "advise/path_rules.h"
#include "advise/rule.h"
#include "advise/workloads.h"

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

using Subject = std::span<const Rule> (*)();

constexpr std::array subjects{
    Subject{listen_rules},
    Subject{buffer_rules},
    Subject{memory_rules},
    Subject{congestion_rules},
    Subject{path_rules},
    Subject{port_rules},
    Subject{connection_rules},
    Subject{softirq_rules},
    Subject{nic_rules},
    Subject{conntrack_rules},
    Subject{hygiene_rules},
    Subject{sysctl_file_rules},
    Subject{security_rules},
    Subject{workload_rules},
    Subject{route_rules},
    Subject{fast_open_rules},
    Subject{untracked_rules},
    Subject{cpu_power_rules},
    Subject{service_placement_rules},
};

std::vector<Rule> join()
{
    std::vector<Rule> rules;
    for (const Subject subject : subjects)
        std::ranges::copy(subject(), std::back_inserter(rules));
    return rules;
}

} // namespace

const std::vector<Rule>& rulebook()
{
    static const std::vector<Rule> rules = join();
    return rules;
}

const Rule* find_rule(std::string_view id)
{
    const auto found = std::ranges::find(rulebook(), id, &Rule::id);
    return found == rulebook().end() ? nullptr : &*found;
}

Judgement judge(const Snapshot& host, const Intent& intent) { return judge(rulebook(), host, intent); }

} // namespace netwright::advise
