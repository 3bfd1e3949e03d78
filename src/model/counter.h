// SPDX-License-Identifier: GPL-2.0-or-later
// Counters: their total since boot and their growth between the snapshot's two samples.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

struct Counter {
    std::uint64_t total = 0;  // since boot, or since the device or namespace appeared
    std::uint64_t growth = 0; // over Snapshot::interval; 0 when only one sample was taken
    bool operator==(const Counter&) const = default;
};

struct NamedCounter {
    std::string name;
    Counter counter;
    bool operator==(const NamedCounter&) const = default;
};

// Counters by name, sorted. Driver statistics may repeat a name (vmxnet3): all are kept, at() gives the first.
class CounterTable {
public:
    CounterTable() = default;
    explicit CounterTable(std::vector<NamedCounter> counters);

    Result<Counter> at(std::string_view name) const; // Absent: this kernel or driver has no such counter
    const std::vector<NamedCounter>& all() const { return counters_; }
    // Fills every growth from an earlier sample of the same table. A total that went back (wrap, reset, a device that
    // came back) gives growth 0; names that were not there before count from 0.
    void grow_since(const CounterTable& earlier);
    bool operator==(const CounterTable&) const = default;

private:
    std::vector<NamedCounter> counters_;
};

// Growth of a counter that the kernel keeps in 32 bits (softnet_stat, conntrack statistics): wraps at 2^32.
std::uint64_t growth_u32(std::uint64_t before, std::uint64_t after);
// Growth of a 64-bit counter; 0 if it went back (reset).
std::uint64_t growth_u64(std::uint64_t before, std::uint64_t after);

} // namespace netwright
