// SPDX-License-Identifier: GPL-2.0-or-later
// An open-addressed table of destinations and their counts.
#include "host/destination_count.h"

#include <utility>

namespace netwright::host {
namespace {

std::size_t hash_of(const kernel::Endpoint& destination)
{
    std::uint64_t mixed = destination.port;
    for (const auto word : destination.address) {
        mixed = (mixed ^ word) * 0x9e3779b97f4a7c15; // Fibonacci hashing: the upper half is well mixed
        mixed ^= mixed >> 32;
    }
    return mixed;
}

} // namespace

DestinationCount::Slot& DestinationCount::slot_of(const kernel::Endpoint& destination)
{
    std::size_t at = hash_of(destination) % slots;
    while (table_[at].count != 0 && table_[at].destination != destination)
        at = (at + 1) % slots;
    return table_[at];
}

void DestinationCount::add(const kernel::Endpoint& destination)
{
    if (table_.empty()) table_.resize(slots);
    Slot& slot = slot_of(destination);
    if (slot.count != 0) {
        ++slot.count;
    } else if (used_ < capacity) {
        slot = {destination, 1};
        ++used_;
    } else {
        sink();
    }
}

void DestinationCount::clear()
{
    table_.clear();
    used_ = 0;
}

// Costs a walk of the table, paid for by the `capacity` additions it takes back.
void DestinationCount::sink()
{
    const auto old = std::exchange(table_, std::vector<Slot>(slots));
    used_ = 0;
    for (const Slot& slot : old) {
        if (slot.count < 2) continue;
        slot_of(slot.destination) = {slot.destination, slot.count - 1};
        ++used_;
    }
}

std::optional<DestinationCount::Most> DestinationCount::most() const
{
    std::optional<Most> best;
    for (const Slot& slot : table_)
        if (slot.count > (best ? best->count : 0)) best = {slot.destination, slot.count};
    return best;
}

} // namespace netwright::host
