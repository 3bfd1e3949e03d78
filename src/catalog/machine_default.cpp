// SPDX-License-Identifier: GPL-2.0-or-later
// net/ipv4/tcp.c tcp_init() and tcp_init_mem(), net/ipv4/udp.c udp_init(), in a few lines.
#include "catalog/machine_default.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

namespace netwright::catalog {
namespace {

struct Machine {
    KernelVersion kernel;
    std::uint64_t bytes, pages;
};

constexpr KernelVersion larger_rmem_start{4, 20, 0}, larger_rmem{6, 16, 0};

std::uint64_t by_memory(const Machine& machine, std::uint64_t least, std::uint64_t most)
{
    return std::clamp(machine.bytes / 128, least, most);
}

std::string tcp_rmem(const Machine& machine)
{
    const std::uint64_t start = machine.kernel >= larger_rmem_start ? 131072 : 87380;
    const std::uint64_t most = machine.kernel >= larger_rmem ? 32U << 20 : 6U << 20;
    return fmt::format("4096 {} {}", start, by_memory(machine, start, most));
}

std::string tcp_wmem(const Machine& machine)
{
    return fmt::format("4096 16384 {}", by_memory(machine, 65536, 4U << 20));
}

// 3/4, 1 and 3/2 of a sixteenth of the pages.
std::string tcp_mem(const Machine& machine)
{
    const std::uint64_t limit = std::max<std::uint64_t>(machine.pages / 16, 128);
    return fmt::format("{} {} {}", limit / 4 * 3, limit, limit / 4 * 3 * 2);
}

// The same of an eighth.
std::string udp_mem(const Machine& machine)
{
    const std::uint64_t limit = std::max<std::uint64_t>(machine.pages / 8, 128);
    return fmt::format("{} {} {}", limit / 4 * 3, limit, limit / 4 * 3 * 2);
}

// Half of TCP's hash buckets; one bucket for 128 KiB of memory, at most 524288.
std::string half_of_hash(const Machine& machine)
{
    const std::uint64_t buckets =
        std::min<std::uint64_t>(std::bit_ceil(std::max<std::uint64_t>(machine.bytes / 131072, 2)), 524288);
    return fmt::format("{}", buckets / 2);
}

struct Row {
    std::string_view key;
    std::string (*compute)(const Machine&);
};
constexpr std::array rows{
    Row{"net.ipv4.tcp_rmem", tcp_rmem},
    Row{"net.ipv4.tcp_wmem", tcp_wmem},
    Row{"net.ipv4.tcp_mem", tcp_mem},
    Row{"net.ipv4.udp_mem", udp_mem},
    Row{"net.ipv4.tcp_max_tw_buckets", half_of_hash},
    Row{"net.ipv4.tcp_max_orphans", half_of_hash},
};

} // namespace

std::optional<std::string> machine_default(std::string_view key, KernelVersion kernel, Bytes memory, Bytes page)
{
    const auto row = std::ranges::find(rows, key, &Row::key);
    if (row == rows.end() || memory.count == 0 || page.count == 0) return std::nullopt;
    return row->compute({kernel, memory.count, memory.count / page.count});
}

} // namespace netwright::catalog
