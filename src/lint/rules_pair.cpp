// SPDX-License-Identifier: GPL-2.0-or-later
// Settings that contradict each other, and pairs whose order decides.
#include "lint/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::lint {
namespace {

// `lower` must not be above `upper`.
struct Ordered {
    std::string_view lower, upper, why;
};
constexpr std::array ordered{
    Ordered{"net.core.rmem_default", "net.core.rmem_max",
            "Sockets start with more than they may ask for: any SO_RCVBUF shrinks the buffer."},
    Ordered{"net.core.wmem_default", "net.core.wmem_max",
            "Sockets start with more than they may ask for: any SO_SNDBUF shrinks the buffer."},
    Ordered{"net.ipv4.neigh.default.gc_thresh1", "net.ipv4.neigh.default.gc_thresh2",
            "The thresholds must rise: below the first nothing is collected."},
    Ordered{"net.ipv4.neigh.default.gc_thresh2", "net.ipv4.neigh.default.gc_thresh3",
            "The thresholds must rise: the third is the hard limit."},
    Ordered{"net.ipv6.neigh.default.gc_thresh1", "net.ipv6.neigh.default.gc_thresh2",
            "The thresholds must rise: below the first nothing is collected."},
    Ordered{"net.ipv6.neigh.default.gc_thresh2", "net.ipv6.neigh.default.gc_thresh3",
            "The thresholds must rise: the third is the hard limit."},
    Ordered{"net.ipv4.ipfrag_low_thresh", "net.ipv4.ipfrag_high_thresh", "The kernel refuses one of the two lines."},
    Ordered{"net.ipv6.ip6frag_low_thresh", "net.ipv6.ip6frag_high_thresh", "The kernel refuses one of the two lines."},
    Ordered{"net.ipv4.tcp_reordering", "net.ipv4.tcp_max_reordering", "The kernel refuses one of the two lines."},
    Ordered{"vm.dirty_background_ratio", "vm.dirty_ratio",
            "Programs are made to wait before anything is written in the background."},
    Ordered{"net.ipv4.tcp_retries1", "net.ipv4.tcp_retries2",
            "A connection is given up before the route is even checked again."},
};

// Writing one sets the other to 0 (mm/page-writeback.c, mm/util.c), or both are one variable.
struct Exclusive {
    std::string_view one, other, why;
};
constexpr std::array exclusive{
    Exclusive{"vm.dirty_ratio", "vm.dirty_bytes", "Writing either sets the other to 0."},
    Exclusive{"vm.dirty_background_ratio", "vm.dirty_background_bytes", "Writing either sets the other to 0."},
    Exclusive{"vm.overcommit_ratio", "vm.overcommit_kbytes", "Writing either sets the other to 0."},
    Exclusive{"net.netfilter.nf_conntrack_max", "net.nf_conntrack_max", "Both are one variable with two names."},
};

Verdict above_upper(const Setting& setting, const Scene& scene)
{
    for (const Ordered& row : ordered) {
        const auto upper = scene.number(row.upper);
        if (!setting.is(row.lower) || !upper || setting.numbers.size() != 1 || setting.numbers[0] <= *upper) continue;
        return Remark{setting.value_at,
                      fmt::format("{} = {} is above {} = {} ({})", row.lower, setting.numbers[0], row.upper, *upper,
                                  scene.where(*scene.last(row.upper), setting)),
                      std::string(row.why),
                      no_fix("make them agree"),
                      {}};
    }
    return std::nullopt;
}

Verdict excluded(const Setting& setting, const Scene& scene)
{
    for (const Exclusive& row : exclusive) {
        if (!setting.is(row.one) && !setting.is(row.other)) continue;
        const Setting* const fellow = scene.last(setting.is(row.one) ? row.other : row.one);
        if (!fellow || fellow->order < setting.order) continue; // said once, at the line that loses
        const bool zero = fellow->equals(0) || setting.equals(0);
        if (zero || (fellow->value == setting.value && row.why.starts_with("Both"))) continue;
        return Remark{setting.key_at,
                      fmt::format("{} takes {} back ({})", fellow->key, setting.key, scene.where(*fellow, setting)),
                      fmt::format("{} The later line wins.", row.why),
                      comment_out(setting),
                      {}};
    }
    return std::nullopt;
}

// The kernel refuses more than the other key has at that moment, so that one goes first (net/ipv4/ip_fragment.c and
// net/ipv4/sysctl_net_ipv4.c, extra2).
struct Capped {
    std::string_view key, by;
    std::int64_t own; // what the kernel gives `by`
};
constexpr std::array capped{
    Capped{"net.ipv4.ipfrag_low_thresh", "net.ipv4.ipfrag_high_thresh", 4194304},
    Capped{"net.ipv6.ip6frag_low_thresh", "net.ipv6.ip6frag_high_thresh", 4194304},
    Capped{"net.ipv4.tcp_reordering", "net.ipv4.tcp_max_reordering", 300},
};

const Capped* above_own_cap(const Setting& setting)
{
    const auto row = std::ranges::find(capped, std::string_view(setting.key), &Capped::key);
    return row != capped.end() && setting.numbers.size() == 1 && setting.numbers[0] > row->own ? &*row : nullptr;
}

Verdict above_cap(const Setting& setting, const Scene& scene)
{
    const Capped* const row = above_own_cap(setting);
    if (!row || scene.has(row->by)) return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("{} = {} is above {}, {} by default", row->key, setting.numbers[0], row->by, row->own),
                  fmt::format("The kernel refuses more than {} has.", row->by),
                  no_fix(fmt::format("set {} before, or at most {} here", row->by, row->own)),
                  {}};
}

Verdict before_cap(const Setting& setting, const Scene& scene)
{
    const Capped* const row = above_own_cap(setting);
    const Setting* const cap = row ? scene.last(row->by) : nullptr;
    if (!cap || cap->order < setting.order) return std::nullopt;
    return Remark{setting.key_at,
                  fmt::format("{} comes before {} ({})", setting.key, cap->key, scene.where(*cap, setting)),
                  fmt::format("The kernel refuses more than {} has at that moment: raise that one first.", cap->key),
                  no_fix(fmt::format("move this line below {}", scene.where(*cap, setting))),
                  {}};
}

bool is_forwarding_switch(const Setting& setting, bool four)
{
    return four ? setting.is("net.ipv4.ip_forward") || setting.is("net.ipv4.conf.all.forwarding")
                : setting.is("net.ipv6.conf.all.forwarding");
}

// The switch that comes after `setting`, if any.
const Setting* later_switch(const Setting& setting, const Scene& scene, bool four)
{
    constexpr std::array<std::string_view, 2> four_switches{"net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"};
    if (!four) {
        const Setting* const six = scene.last("net.ipv6.conf.all.forwarding");
        return six && six->order > setting.order ? six : nullptr;
    }
    for (const std::string_view key : four_switches)
        if (const Setting* const found = scene.last(key); found && found->order > setting.order) return found;
    return nullptr;
}

// net/ipv4/devinet.c inet_forward_change(): the switch sets every interface's forwarding and the default, and
// all.accept_redirects to the opposite. net/ipv6/addrconf.c addrconf_fixup_forwarding() does the first two.
Verdict undone_by_forwarding(const Setting& setting, const Scene& scene)
{
    const bool four = setting.key.starts_with("net.ipv4.conf."), six = setting.key.starts_with("net.ipv6.conf.");
    if ((!four && !six) || is_forwarding_switch(setting, four)) return std::nullopt;
    const bool redirects = setting.is("net.ipv4.conf.all.accept_redirects");
    if (!redirects && (!setting.key.ends_with(".forwarding") || setting.interface.empty())) return std::nullopt;
    const Setting* const later = later_switch(setting, scene, four);
    if (!later || later->numbers.size() != 1 || setting.numbers.size() != 1) return std::nullopt;
    const std::int64_t becomes = redirects ? (later->numbers[0] ? 0 : 1) : later->numbers[0];
    if (becomes == setting.numbers[0] || (redirects && later->equals(0)))
        return std::nullopt; // off is no change at boot
    return Remark{setting.key_at,
                  fmt::format("{} is undone by {} ({})", setting.key, later->key, scene.where(*later, setting)),
                  fmt::format("Switching forwarding sets this to {}; the order of the lines decides.", becomes),
                  no_fix(fmt::format("move this line below {}", scene.where(*later, setting))),
                  {}};
}

} // namespace

Verdict judge_contradiction(const Setting& setting, const Scene& scene)
{
    if (auto verdict = above_upper(setting, scene)) return verdict;
    if (auto verdict = above_cap(setting, scene)) return verdict;
    if (auto verdict = excluded(setting, scene)) return verdict;
    if (setting.is("net.ipv4.tcp_tw_reuse") && setting.equals(1) &&
        scene.number("net.ipv4.tcp_timestamps") == std::optional<std::int64_t>(0))
        return Remark{setting.key_at,
                      fmt::format("tcp_tw_reuse has no effect without time stamps ({})",
                                  scene.where(*scene.last("net.ipv4.tcp_timestamps"), setting)),
                      "Only time stamps tell a new connection from old segments of the same ports.",
                      no_fix("set net.ipv4.tcp_timestamps = 1"),
                      {}};
    return std::nullopt;
}

Verdict judge_pair_order(const Setting& setting, const Scene& scene)
{
    if (auto verdict = before_cap(setting, scene)) return verdict;
    return undone_by_forwarding(setting, scene);
}

Verdict judge_conntrack_buckets(const Setting& setting, const Scene& scene)
{
    if (!setting.is("net.netfilter.nf_conntrack_max") && !setting.is("net.nf_conntrack_max")) return std::nullopt;
    constexpr std::int64_t usual_buckets = 262144; // hosts with more than 4 GiB
    const auto buckets = scene.number("net.netfilter.nf_conntrack_buckets");
    if (setting.numbers.size() != 1 || setting.numbers[0] / 4 < buckets.value_or(usual_buckets)) return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("{} = {} over {} buckets", setting.key, setting.numbers[0],
                              buckets ? fmt::format("{}", *buckets) : fmt::format("the usual {}", usual_buckets)),
                  "When the table is full each look-up walks a chain of four entries or more. Set "
                  "net.netfilter.nf_conntrack_buckets to about the same number.",
                  buckets
                      ? no_fix("raise net.netfilter.nf_conntrack_buckets")
                      : add_line(setting, fmt::format("net.netfilter.nf_conntrack_buckets = {}", setting.numbers[0])),
                  {}};
}

} // namespace netwright::lint
