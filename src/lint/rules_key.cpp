// SPDX-License-Identifier: GPL-2.0-or-later
// Rules over keys: is it there on this kernel, and does it still do anything?
//
// Versions are upstream's; distributions backport. Where the host's own keys are known, they decide.
#include "base/text.h"
#include "lint/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::lint {
namespace {

// --- keys of the past ---

struct Removed {
    std::string_view glob;
    unsigned major, minor; // gone since; 0.0: before any kernel in use
    std::string_view instead;
};
constexpr std::array removed_keys{
    Removed{"net.ipv4.tcp_abc", 3, 9, "appropriate byte counting went with it"},
    Removed{"net.ipv4.tcp_bic*", 0, 0, "choose net.ipv4.tcp_congestion_control instead"},
    Removed{"net.ipv4.tcp_cookie_size", 3, 10, "TCP cookie transactions went; SYN cookies are net.ipv4.tcp_syncookies"},
    Removed{"net.ipv4.tcp_dma_copybreak", 3, 18, "copying by DMA engines went with it"},
    Removed{"net.ipv4.tcp_frto_response", 3, 10, "F-RTO needs no choice any more"},
    Removed{"net.ipv4.tcp_max_ssthresh", 3, 13, "choose net.ipv4.tcp_congestion_control instead"},
    Removed{"net.ipv4.tcp_thin_dupack", 4, 11, "RACK finds those losses without it"},
    Removed{"net.ipv4.tcp_vegas*", 0, 0, "choose net.ipv4.tcp_congestion_control instead"},
    Removed{"net.ipv4.tcp_westwood", 0, 0, "choose net.ipv4.tcp_congestion_control instead"},
    Removed{"net.ipv4.tcp_default_win_scale", 0, 0, "the kernel computes the scale from the buffers"},
    Removed{"net.ipv4.ip_always_defrag", 0, 0, "connection tracking defragments where it is needed"},
    Removed{"net.ipv4.rt_cache_rebuild_count", 3, 6, "the IPv4 route cache it served is gone"},
    Removed{"net.ipv4.route.secret_interval", 3, 6, "the IPv4 route cache it served is gone"},
    Removed{"net.ipv4.route.max_delay", 3, 6, "the IPv4 route cache it served is gone"},
    Removed{"net.ipv4.route.min_delay", 3, 6, "the IPv4 route cache it served is gone"},
    Removed{"net.ipv4.inet_peer_gc_m*time", 3, 6, "peers are collected without it"},
    Removed{"net.core.hot_list_length", 0, 0, "buffers come from slab caches"},
    Removed{"net.core.mod_cong", 0, 0, "net.core.netdev_max_backlog alone bounds that queue"},
    Removed{"net.core.lo_cong", 0, 0, "net.core.netdev_max_backlog alone bounds that queue"},
    Removed{"net.core.no_cong", 0, 0, "net.core.netdev_max_backlog alone bounds that queue"},
    Removed{"net.core.no_cong_thresh", 0, 0, "net.core.netdev_max_backlog alone bounds that queue"},
    Removed{"net.core.netdev_fastroute", 0, 0, "fast routes went with it"},
    Removed{"kernel.sched_latency_ns", 5, 13, "it moved to debugfs, for debugging"},
    Removed{"kernel.sched_min_granularity_ns", 5, 13, "it moved to debugfs, for debugging"},
    Removed{"kernel.sched_wakeup_granularity_ns", 5, 13, "it moved to debugfs, for debugging"},
    Removed{"kernel.sched_migration_cost_ns", 5, 13, "it moved to debugfs, for debugging"},
    Removed{"kernel.sched_nr_migrate", 5, 13, "it moved to debugfs, for debugging"},
    Removed{"kernel.sched_tunable_scaling", 5, 13, "it moved to debugfs, for debugging"},
};

struct Renamed {
    std::string_view from, to;
};
// net/ipv4/netfilter's names went with 4.9 (CONFIG_NF_CONNTRACK_PROC_COMPAT).
constexpr std::array renamed_keys{
    Renamed{"net.ipv4.ip_conntrack_max", "net.netfilter.nf_conntrack_max"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_max", "net.netfilter.nf_conntrack_max"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_buckets", "net.netfilter.nf_conntrack_buckets"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_generic_timeout", "net.netfilter.nf_conntrack_generic_timeout"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_icmp_timeout", "net.netfilter.nf_conntrack_icmp_timeout"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_tcp_be_liberal", "net.netfilter.nf_conntrack_tcp_be_liberal"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_tcp_loose", "net.netfilter.nf_conntrack_tcp_loose"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_tcp_timeout_close_wait",
            "net.netfilter.nf_conntrack_tcp_timeout_close_wait"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_tcp_timeout_established",
            "net.netfilter.nf_conntrack_tcp_timeout_established"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_tcp_timeout_fin_wait", "net.netfilter.nf_conntrack_tcp_timeout_fin_wait"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_tcp_timeout_syn_recv", "net.netfilter.nf_conntrack_tcp_timeout_syn_recv"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_tcp_timeout_syn_sent", "net.netfilter.nf_conntrack_tcp_timeout_syn_sent"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_tcp_timeout_time_wait",
            "net.netfilter.nf_conntrack_tcp_timeout_time_wait"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_udp_timeout", "net.netfilter.nf_conntrack_udp_timeout"},
    Renamed{"net.ipv4.netfilter.ip_conntrack_udp_timeout_stream", "net.netfilter.nf_conntrack_udp_timeout_stream"},
};

// The file is still there and accepts values, which nothing reads.
struct Dead {
    std::string_view key;
    unsigned major, minor;
    std::string_view why;
};
constexpr std::array dead_keys{
    Dead{"net.ipv4.tcp_low_latency", 4, 14, "the prequeue it bypassed is gone"},
    Dead{"net.ipv4.tcp_fack", 4, 15, "RACK took the place of forward acknowledgement"},
    Dead{"net.ipv4.udp_wmem_min", 0, 0, "UDP never accounted send memory by it"},
    Dead{"net.ipv4.tcp_adv_win_scale", 6, 6, "each socket measures that share itself"},
    Dead{"net.ipv4.route.max_size", 3, 6, "the IPv4 route cache it bounded is gone"},
    Dead{"net.ipv4.route.gc_thresh", 3, 6, "the IPv4 route cache it bounded is gone"},
    Dead{"net.ipv4.route.gc_elasticity", 3, 6, "the IPv4 route cache it bounded is gone"},
    Dead{"net.ipv4.route.gc_interval", 3, 6, "the IPv4 route cache it served is gone"},
    Dead{"net.ipv4.route.gc_min_interval", 3, 6, "the IPv4 route cache it served is gone"},
    Dead{"net.ipv4.route.gc_min_interval_ms", 3, 6, "the IPv4 route cache it served is gone"},
    Dead{"net.ipv4.route.gc_timeout", 3, 6, "the IPv4 route cache it served is gone"},
    Dead{"net.ipv4.xfrm4_gc_thresh", 4, 14, "the flow cache it bounded is gone"},
    Dead{"net.ipv6.xfrm6_gc_thresh", 4, 14, "the flow cache it bounded is gone"},
    Dead{"net.ipv4.ipfrag_secret_interval", 3, 17, "fragments sit in a table that grows by itself"},
    Dead{"net.ipv6.ip6frag_secret_interval", 3, 17, "fragments sit in a table that grows by itself"},
    Dead{"net.ipv4.ipfrag_low_thresh", 4, 17, "nothing is evicted down to it any more; only the high mark counts"},
    Dead{"net.ipv6.ip6frag_low_thresh", 4, 17, "nothing is evicted down to it any more; only the high mark counts"},
    Dead{"net.core.warnings", 0, 0, "no code asks for it"},
};

struct Superseded {
    std::string_view leaf, instead, why;
};
constexpr std::array superseded_neighbour_keys{
    Superseded{"base_reachable_time", "base_reachable_time_ms", "counts milliseconds"},
    Superseded{"retrans_time", "retrans_time_ms",
               "counts milliseconds; the old one counts other units in IPv4 than in IPv6"},
    Superseded{"unres_qlen", "unres_qlen_bytes", "counts the bytes that are really kept"},
};

// Directories whose every key the catalogue holds; elsewhere a strange key may well exist.
constexpr std::array covered{std::string_view{"net.core."},      std::string_view{"net.ipv4."},
                             std::string_view{"net.ipv6."},      std::string_view{"net.mptcp."},
                             std::string_view{"net.netfilter."}, std::string_view{"net.unix."},
                             std::string_view{"net.bridge."}};
constexpr std::array not_covered{std::string_view{"net.ipv4.vs."}, std::string_view{"net.netfilter.nf_log."}};

struct ModuleOf {
    std::string_view prefix, module;
};
constexpr std::array modules{
    ModuleOf{"net.bridge.bridge-nf-", "br_netfilter"},
    ModuleOf{"net.netfilter.nf_conntrack", "nf_conntrack"},
    ModuleOf{"net.nf_conntrack_max", "nf_conntrack"},
    ModuleOf{"net.netfilter.nf_flowtable", "nf_flow_table"},
    ModuleOf{"net.ipv4.vs.", "ip_vs"},
    ModuleOf{"net.sctp.", "sctp"},
    ModuleOf{"net.mpls.", "mpls_router"},
};

bool on_host(const Setting& setting, const Scene& scene)
{
    return scene.target().keys && scene.target().keys->contains(setting.key);
}

bool is_covered(std::string_view key)
{
    const auto starts = [&](std::string_view prefix) { return key.starts_with(prefix); };
    return std::ranges::any_of(covered, starts) && std::ranges::none_of(not_covered, starts);
}

const Removed* removed_entry(const Setting& setting)
{
    if (setting.parameter) return nullptr;
    const auto found =
        std::ranges::find_if(removed_keys, [&](const Removed& row) { return glob_match(row.glob, setting.key); });
    return found == removed_keys.end() ? nullptr : &*found;
}

const Renamed* renamed_entry(const Setting& setting)
{
    const auto found = std::ranges::find(renamed_keys, std::string_view(setting.key), &Renamed::from);
    return found == renamed_keys.end() ? nullptr : &*found;
}

// "6.5", or "after 6.18" for what only the next one has.
std::optional<KernelVersion> version_of(std::string_view text)
{
    constexpr std::string_view after = "after ";
    const bool later = text.starts_with(after);
    if (later) text.remove_prefix(after.size());
    auto version = KernelVersion::parse(text);
    if (!version) return std::nullopt;
    if (later) ++version->minor;
    return *version;
}

std::string linux_name(KernelVersion version)
{
    return version.patch ? fmt::format("Linux {}", to_text(version))
                         : fmt::format("Linux {}.{}", version.major, version.minor);
}

// No key the host lacks is strange: the catalogue knows it, or nothing is known about its directory.
bool is_strange(const Setting& setting, const Scene& scene)
{
    return !setting.parameter && !setting.glob && !removed_entry(setting) && !renamed_entry(setting) &&
           !on_host(setting, scene);
}

// The nearest key as it would be written: IFACE replaced by what the author named there.
std::string concrete(std::string_view known, std::string_view written)
{
    std::string text(known);
    const std::size_t at = text.find("IFACE");
    if (at == std::string::npos) return text;
    const std::string_view rest = at < written.size() ? written.substr(at) : std::string_view{};
    return text.replace(at, 5, rest.substr(0, rest.find('.')));
}

// The nearest known key, where it is close enough to be what was meant: two slips, three in a long name. Elsewhere than
// in net.* the catalogue holds a few keys only, and a strange one is more likely another than a misspelt one.
std::optional<std::string> meant(const Setting& setting, const Scene& scene)
{
    const auto near = scene.nearest(setting.key);
    if (near.empty()) return std::nullopt;
    std::string best = concrete(near.front(), setting.key);
    const std::size_t distance = edit_distance(setting.key, best);
    const std::size_t leaf = best.size() - best.rfind('.') - 1;
    const std::size_t most = is_covered(setting.key) && leaf >= 15 ? 3 : 2;
    if (distance == 0 || distance > most) return std::nullopt;
    return best;
}

} // namespace

Verdict judge_removed(const Setting& setting, const Scene& scene)
{
    if (on_host(setting, scene)) return std::nullopt;
    if (const Removed* row = removed_entry(setting)) {
        const KernelVersion since{row->major, row->minor, 0};
        if (scene.target().kernel < since) return std::nullopt;
        return Remark{setting.key_at,
                      row->major ? fmt::format("{} was removed in {}", setting.key, linux_name(since))
                                 : fmt::format("{} was removed long ago", setting.key),
                      fmt::format("The line fails at boot and does nothing: {}.", row->instead),
                      comment_out(setting),
                      {}};
    }
    if (!setting.parameter || setting.parameter->removed.empty()) return std::nullopt;
    const auto since = version_of(setting.parameter->removed);
    if (!since || scene.target().kernel < *since) return std::nullopt;
    return Remark{setting.key_at,
                  fmt::format("{} was removed in {}", setting.key, linux_name(*since)),
                  fmt::format("The line fails at boot and does nothing. {}", setting.parameter->does),
                  comment_out(setting),
                  {}};
}

Verdict judge_renamed(const Setting& setting, const Scene& scene)
{
    const Renamed* const row = renamed_entry(setting);
    if (!row || on_host(setting, scene) || scene.target().kernel < KernelVersion{4, 9, 0}) return std::nullopt;
    return Remark{setting.key_at,
                  fmt::format("{} is called {} today", setting.key, row->to),
                  "The old name went with Linux 4.9; the line fails at boot.",
                  write_key(setting, std::string(row->to)),
                  {}};
}

Verdict judge_misspelt(const Setting& setting, const Scene& scene)
{
    if (!is_strange(setting, scene)) return std::nullopt;
    const auto best = meant(setting, scene);
    if (!best) return std::nullopt;
    return Remark{setting.key_at,
                  fmt::format("no such key: {}; did you mean {}?", setting.key, *best),
                  "The line fails at boot and does nothing.",
                  write_key(setting, *best),
                  {}};
}

Verdict judge_unknown(const Setting& setting, const Scene& scene)
{
    if (!is_strange(setting, scene) || !is_covered(setting.key) || meant(setting, scene)) return std::nullopt;
    return Remark{setting.key_at,
                  fmt::format("unknown key {}", setting.key),
                  scene.target().keys ? "This host does not have it, and no kernel known to netwright does."
                                      : "No kernel known to netwright has it; a patched one may.",
                  no_fix("check the name, or remove the line"),
                  {}};
}

Verdict judge_too_new(const Setting& setting, const Scene& scene)
{
    if (!setting.parameter || setting.parameter->introduced.empty() || on_host(setting, scene)) return std::nullopt;
    const auto since = version_of(setting.parameter->introduced);
    if (!since || scene.target().kernel >= *since) return std::nullopt;
    return Remark{setting.key_at,
                  fmt::format("{} came with {}; this is judged for {}", setting.key, linux_name(*since),
                              linux_name(scene.target().kernel)),
                  "The line fails at boot, unless the distribution brought the key back to its older kernel. A leading "
                  "'-' makes that failure silent.",
                  no_fix("remove the line, or write '-' before the key"),
                  setting.ignore_failure ? std::optional(Level::Note) : std::nullopt};
}

Verdict judge_dead(const Setting& setting, const Scene& scene)
{
    const auto row = std::ranges::find(dead_keys, std::string_view(setting.key), &Dead::key);
    if (row == dead_keys.end()) return std::nullopt;
    const KernelVersion since{row->major, row->minor, 0};
    if (scene.target().kernel < since) return std::nullopt;
    return Remark{setting.key_at,
                  row->major ? fmt::format("{} does nothing since {}", setting.key, linux_name(since))
                             : fmt::format("{} does nothing", setting.key),
                  fmt::format("The kernel accepts any value and reads none: {}.", row->why),
                  comment_out(setting),
                  {}};
}

Verdict judge_superseded(const Setting& setting, const Scene&)
{
    if (!setting.parameter || setting.parameter->key.find(".neigh.") == std::string_view::npos) return std::nullopt;
    const std::string_view key = setting.key;
    const std::size_t dot = key.rfind('.');
    for (const Superseded& row : superseded_neighbour_keys)
        if (key.substr(dot + 1) == row.leaf)
            return Remark{setting.key_at,
                          fmt::format("{} has a successor, {}", setting.key, row.instead),
                          fmt::format("The successor {}. Both set the same thing; the units differ, so the value must "
                                      "be converted.",
                                      row.why),
                          no_fix(fmt::format("use {}.{}", key.substr(0, dot), row.instead)),
                          {}};
    return std::nullopt;
}

Verdict judge_read_only(const Setting& setting, const Scene&)
{
    if (!setting.parameter || setting.parameter->policy != catalog::Policy::ReadOnly || setting.exclusion)
        return std::nullopt;
    return Remark{setting.key_at,
                  fmt::format("{} can only be read", setting.key),
                  "It reports; the kernel refuses every write.",
                  comment_out(setting),
                  {}};
}

Verdict judge_module(const Setting& setting, const Scene& scene)
{
    if (on_host(setting, scene)) return std::nullopt;
    for (const ModuleOf& row : modules) {
        if (!setting.key.starts_with(row.prefix)) continue;
        if (scene.target().boot_modules.contains(row.module)) return std::nullopt;
        // One remark for the first key of a module: the cure is the same for all of them.
        if (scene.first_starting(row.prefix) != setting.order) return std::nullopt;
        return Remark{setting.key_at,
                      fmt::format("{} exists only once {} is loaded", setting.key, row.module),
                      "At boot, sysctls are applied early; if the module comes later, with the firewall or the first "
                      "bridge, the line fails and its value is never set.",
                      no_fix(fmt::format("write {0} into /etc/modules-load.d/{0}.conf", row.module)),
                      {}};
    }
    return std::nullopt;
}

Verdict judge_absent_interface(const Setting& setting, const Scene& scene)
{
    const auto& interfaces = scene.target().interfaces;
    if (!interfaces || setting.interface.empty() || setting.glob || setting.exclusion) return std::nullopt;
    if (setting.interface == "all" || setting.interface == "default") return std::nullopt;
    std::string name(setting.interface);
    std::ranges::replace(name, '/', '.'); // a dot of an interface's name is a slash in a key
    if (interfaces->contains(name)) return std::nullopt;
    return Remark{setting.key_at,
                  fmt::format("this host has no interface {}", name),
                  "The line fails at boot. udev applies it when such an interface appears, and only then.",
                  no_fix("remove the line, or name an interface that is there"),
                  {}};
}

Verdict judge_overridden(const Setting& setting, const Scene& scene)
{
    if (setting.exclusion) return std::nullopt;
    const Setting* const next = scene.next(setting);
    if (!next) return std::nullopt;
    const bool same_file = next->source == setting.source;
    if (!same_file && scene.source(setting.source).shipped) return std::nullopt; // made to be overridden
    const bool same_value = next->value == setting.value;
    return Remark{setting.key_at,
                  fmt::format("{} is set {} in {}", setting.key, same_value ? "again" : "to something else",
                              scene.where(*next, setting)),
                  "The last line to name a key wins; this one has no effect.", comment_out(setting),
                  same_file && !same_value ? Level::Warning : Level::Note};
}

} // namespace netwright::lint
