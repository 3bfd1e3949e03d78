// SPDX-License-Identifier: GPL-2.0-or-later
// Rules that compare with what the kernel does by itself: lines that repeat it, and values that have become too small.
#include "base/text.h"
#include "catalog/machine_default.h"
#include "lint/rule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace netwright::lint {
namespace {

using Numbers = std::vector<std::int64_t>;

// Keys of which nobody wants less than the kernel gives by itself: kernel defaults have grown, old recipes shrink them.
constexpr std::array<std::string_view, 17> only_raised{
    "net.core.netdev_budget",
    "net.core.netdev_max_backlog",
    "net.core.optmem_max",
    "net.core.rmem_default",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_default",
    "net.core.wmem_max",
    "net.ipv4.igmp_max_memberships",
    "net.ipv4.ipfrag_high_thresh",
    "net.ipv4.neigh.default.gc_thresh2",
    "net.ipv4.neigh.default.gc_thresh3",
    "net.ipv4.tcp_limit_output_bytes",
    "net.ipv6.ip6frag_high_thresh",
    "net.ipv6.neigh.default.gc_thresh2",
    "net.ipv6.neigh.default.gc_thresh3",
    "net.ipv6.route.max_size",
};

// tcp_rmem and tcp_wmem: the maximum is computed from memory up to a cap that every host of a few GiB reaches
// (net/ipv4/tcp.c tcp_init()). 4.20 raised the first receive buffer, 6.16 the cap.
struct BufferDefaults {
    std::string_view key;
    KernelVersion since;
    std::array<std::int64_t, 3> values;
};
constexpr std::array buffer_defaults{
    // newest first
    BufferDefaults{"net.ipv4.tcp_rmem", {6, 16, 0}, {4096, 131072, 33554432}},
    BufferDefaults{"net.ipv4.tcp_rmem", {4, 20, 0}, {4096, 131072, 6291456}},
    BufferDefaults{"net.ipv4.tcp_rmem", {0, 0, 0}, {4096, 87380, 6291456}},
    BufferDefaults{"net.ipv4.tcp_wmem", {0, 0, 0}, {4096, 16384, 4194304}},
};

std::optional<Numbers> numbers_in(std::string_view text)
{
    Numbers all;
    for (const std::string_view word : split_words(text)) {
        const auto number = kernel_number(word);
        if (!number) return std::nullopt;
        all.push_back(*number);
    }
    return all.empty() ? std::nullopt : std::optional(std::move(all));
}

const BufferDefaults* buffers_of(const Setting& setting, const Scene& scene)
{
    const auto row = std::ranges::find_if(buffer_defaults, [&](const BufferDefaults& one) {
        return setting.is(one.key) && scene.target().kernel >= one.since;
    });
    return row == buffer_defaults.end() ? nullptr : &*row;
}

// With its memory known, what this host's maximum is: 1/128 of it, within the cap.
std::int64_t greatest_default(const BufferDefaults& row, const Scene& scene)
{
    const auto& memory = scene.target().memory;
    if (!memory) return row.values[2];
    return std::min(row.values[2], static_cast<std::int64_t>(memory->count / 128));
}

std::optional<std::string_view> default_text(const Setting& setting, const Scene& scene)
{
    const auto* parameter = setting.parameter;
    if (!parameter || setting.exclusion || setting.glob || parameter->policy == catalog::Policy::ReadOnly)
        return std::nullopt;
    return catalog::default_for(*parameter, scene.target().kernel);
}

bool same_value(const Setting& setting, std::string_view other)
{
    const auto numbers = numbers_in(other);
    return numbers && !setting.numbers.empty() ? *numbers == setting.numbers : setting.value == other;
}

// A guard that is spelt out protects it from other files; an interface may inherit something else; distributions turn
// bridge-nf-call off, and container hosts need it; and a line that takes back an earlier one has work to do.
bool repeats_on_purpose(const Setting& setting, const Scene& scene)
{
    if (setting.parameter->policy == catalog::Policy::Audit || !setting.parameter->security.empty()) return true;
    if (setting.key.starts_with("net.bridge.")) return true;
    if (!setting.interface.empty() && setting.interface != "all" && setting.interface != "default") return true;
    const Setting* const first = scene.first(setting.key);
    return first && first->order < setting.order;
}

Remark repeats(const Setting& setting, std::string detail)
{
    return {setting.key_at,
            fmt::format("{} = {} only repeats the kernel's own value", setting.key, setting.value),
            std::move(detail),
            comment_out(setting),
            {}};
}

Verdict below_buffers(const Setting& setting, const Scene& scene, const BufferDefaults& row)
{
    if (setting.numbers.size() != 3 || scene.target().workload == Workload::IdleConnections) return std::nullopt;
    const Numbers kernels{row.values[0], row.values[1], greatest_default(row, scene)};
    Numbers better = setting.numbers;
    bool less = false;
    for (std::size_t i = 1; i < 3; ++i) {
        if (setting.numbers[i] >= kernels[i] || setting.numbers[i] < 1) continue;
        better[i] = kernels[i];
        less = true;
    }
    if (!less) return std::nullopt;
    const bool receive = setting.is("net.ipv4.tcp_rmem");
    return Remark{
        setting.value_at,
        fmt::format("{} = {} lowers the kernel's own {}", setting.key, setting.value, fmt::join(kernels, " ")),
        receive ? "The second number decides the first window that is offered, the third how far autotuning "
                  "may go; about half of it becomes window. 87380 was the kernel's number before 4.20."
                : "The third number bounds what a sender can have in flight and unsent.",
        better == kernels ? comment_out(setting) : write_value(setting, fmt::format("{}", fmt::join(better, " "))),
        {}};
}

Verdict fewer_ports(const Setting& setting)
{
    if (setting.numbers.size() != 2) return std::nullopt;
    const std::int64_t ports = setting.numbers[1] - setting.numbers[0] + 1;
    if (ports >= 28232 || ports < 1) return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("{} leaves {} ports, fewer than the kernel's own 28232", setting.key, ports),
                  "Each pair of address and port that this host connects to takes its ports from here, and each port "
                  "rests a minute after use.",
                  no_fix("leave 32768 60999, or start lower"),
                  {}};
}

// What the kernel computes from memory, by an estimate that is a little off: only clearly less is said to be less.
constexpr std::array<std::string_view, 4> computed_from_memory{
    "net.ipv4.tcp_max_orphans", "net.ipv4.tcp_max_tw_buckets", "net.ipv4.tcp_mem", "net.ipv4.udp_mem"};

Verdict below_estimate(const Setting& setting, const Scene& scene)
{
    const Target& target = scene.target();
    if (!target.memory || setting.numbers.empty()) return std::nullopt;
    const auto text = catalog::machine_default(setting.key, target.kernel, *target.memory, target.page);
    const auto own = text ? numbers_in(*text) : std::nullopt;
    if (!own || own->size() != setting.numbers.size()) return std::nullopt;
    if (setting.numbers.back() < 1 || setting.numbers.back() >= own->back() / 4 * 3) return std::nullopt;
    return Remark{
        setting.value_at,
        fmt::format("{} = {} lowers the kernel's own, about {} here", setting.key, setting.value, fmt::join(*own, " ")),
        fmt::format("The kernel computes it from this host's memory, {}; the line was written for a smaller one.",
                    to_text(*target.memory)),
        comment_out(setting),
        {}};
}

} // namespace

Verdict judge_equals_default(const Setting& setting, const Scene& scene)
{
    if (const BufferDefaults* row = buffers_of(setting, scene)) {
        if (!std::ranges::equal(setting.numbers, row->values) || repeats_on_purpose(setting, scene))
            return std::nullopt;
        return repeats(setting, "It computes the maximum from memory; every host of 4 GiB or more comes to this.");
    }
    const auto own = default_text(setting, scene);
    if (!own || own->empty() || !same_value(setting, *own) || repeats_on_purpose(setting, scene)) return std::nullopt;
    return repeats(setting, "The line does nothing today, and will hold the value back when a later kernel has a "
                            "better one.");
}

Verdict judge_below_default(const Setting& setting, const Scene& scene)
{
    if (const BufferDefaults* row = buffers_of(setting, scene)) return below_buffers(setting, scene, *row);
    if (setting.is("net.ipv4.ip_local_port_range")) return fewer_ports(setting);
    if (std::ranges::find(computed_from_memory, std::string_view(setting.key)) != computed_from_memory.end())
        return below_estimate(setting, scene);
    if (std::ranges::find(only_raised, std::string_view(setting.key)) == only_raised.end()) return std::nullopt;
    const auto text = default_text(setting, scene);
    const auto own = text ? numbers_in(*text) : std::nullopt;
    if (!own || setting.numbers.size() != 1 || setting.numbers[0] >= own->front() || setting.numbers[0] < 1)
        return std::nullopt;
    return Remark{
        setting.value_at,
        fmt::format("{} = {} lowers the kernel's own {}", setting.key, setting.numbers[0], own->front()),
        fmt::format("{} Kernel defaults have grown since most recipes were written.", setting.parameter->does),
        comment_out(setting),
        {}};
}

} // namespace netwright::lint
