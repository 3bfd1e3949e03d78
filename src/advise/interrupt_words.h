// SPDX-License-Identifier: GPL-2.0-or-later
// The words that rules about interrupts share: where each goes, who places them, and the changes that place them well.
#pragma once

#include "advise/nic_words.h"
#include "advise/placement.h"
#include "advise/vector_name.h"

#include <string>
#include <vector>

namespace netwright::advise {

// Where the interrupt goes: the effective set where the kernel tells it, else what was asked for; null: not seen.
const CpuSet* target(const NicInterrupt& interrupt);

struct PlacedVector {
    const NicInterrupt* interrupt = nullptr; // borrowed; its target was seen
    QueueVector vector;
    const CpuSet& cpus() const { return *target(*interrupt); }
};
std::vector<PlacedVector> placed_vectors(const Nic& nic); // those that serve queues, by queue
// "38 → 0, 39 → 1 and 4 more"
std::string list_of(const std::vector<PlacedVector>& vectors);

// The single CPUs that serve queues, one a queue: both vectors of a queue on one CPU count once.
std::vector<unsigned> queue_cpus(const std::vector<PlacedVector>& vectors);

// Who places the interrupts of a NIC. irqbalance, where it runs, is not fought: either these interrupts are banned from
// it, or they are left to it.
struct InterruptPolicy {
    enum class Hand {
        Ours,   // nobody else's: irqbalance does not run, or these are banned from it already
        Banned, // ours, after the change below bans them
        Left    // irqbalance's
    };
    Hand hand = Hand::Ours;
    std::vector<Change> ban; // of Banned: a drop-in for irqbalance.service
    std::string words;       // which, and why, for people
};
// Banned where a person said that the host is for something that suffers when an interrupt wanders; else Left.
InterruptPolicy policy_for(const Nic& nic, const Case& about);

// Adds to a finding the changes that place every queue of the NIC (interrupts, and XPS with them) or, where irqbalance
// keeps them, the advice that says so. Errors (no usable CPU) become advice.
void propose_placement(Finding& finding, const Nic& nic, const Case& about);

} // namespace netwright::advise
