// SPDX-License-Identifier: GPL-2.0-or-later
// Which destination occurs most often, in bounded memory (Misra and Gries, "Finding repeated elements", 1982).
// Exact up to `capacity` different destinations. Past that, every time a newcomer finds the table full all counts sink
// by one: a count then falls short by at most total / capacity, and whatever is more frequent than that is still there.
#pragma once

#include "kernel/sock_diag.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace netwright::host {

class DestinationCount {
public:
    static constexpr std::size_t capacity = 2048; // 128 KiB with the table half full

    void add(const kernel::Endpoint& destination); // in the mapped form
    void clear();
    struct Most {
        kernel::Endpoint destination;
        std::uint64_t count = 0;
    };
    std::optional<Most> most() const; // nothing: none was added

private:
    struct Slot {
        kernel::Endpoint destination;
        std::uint32_t count = 0; // 0: free
    };
    static constexpr std::size_t slots = capacity * 2; // a power of two
    Slot& slot_of(const kernel::Endpoint& destination);
    void sink();
    std::vector<Slot> table_; // made at the first destination
    std::size_t used_ = 0;
};

} // namespace netwright::host
