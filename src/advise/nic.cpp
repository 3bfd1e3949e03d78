// SPDX-License-Identifier: GPL-2.0-or-later
// Every rule about interfaces, in the order of a frame's way in and out.
#include "advise/nic_rules.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace netwright::advise {
namespace {

using List = std::span<const Rule> (*)();
constexpr std::array lists{List{nic_link_rules},      List{nic_ring_rules},    List{nic_placement_rules},
                           List{nic_interrupt_rules}, List{nic_hashing_rules}, List{nic_offload_rules},
                           List{nic_feature_rules},   List{nic_batch_rules},   List{nic_egress_rules}};

std::vector<Rule> join()
{
    std::vector<Rule> rules;
    for (const List list : lists)
        std::ranges::copy(list(), std::back_inserter(rules));
    return rules;
}

} // namespace

std::span<const Rule> nic_rules()
{
    static const std::vector<Rule> rules = join();
    return rules;
}

} // namespace netwright::advise
