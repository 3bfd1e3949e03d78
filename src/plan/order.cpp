// SPDX-License-Identifier: GPL-2.0-or-later
// The table of what goes first, and a sort that obeys it.
#include "plan/order.h"

#include "plan/compare.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <ranges>

namespace netwright::plan {
namespace {

constexpr std::array table{
    // The kernel refuses the second until the first has moved.
    Constraint{"sysctl/net.ipv4.ipfrag_high_thresh", "sysctl/net.ipv4.ipfrag_low_thresh", "", When::Ceiling,
               "low is refused above high (net/ipv4/ip_fragment.c)"},
    Constraint{"sysctl/net.ipv6.ip6frag_high_thresh", "sysctl/net.ipv6.ip6frag_low_thresh", "", When::Ceiling,
               "low is refused above high (net/ipv6/reassembly.c)"},
    Constraint{"sysctl/net.netfilter.nf_conntrack_frag6_high_thresh",
               "sysctl/net.netfilter.nf_conntrack_frag6_low_thresh", "", When::Ceiling,
               "low is refused above high (net/ipv6/netfilter/nf_conntrack_reasm.c)"},
    Constraint{"link/*/mtu", "sysctl/net.ipv6.conf.*.mtu", "", When::Ceiling,
               "IPv6's MTU is refused above the link's (net/ipv6/addrconf.c, addrconf_sysctl_mtu)"},
    Constraint{"sysctl/net.ipv4.ip_local_port_range", "sysctl/net.ipv4.ip_unprivileged_port_start", "", When::Ceiling,
               "privileged ports are refused inside the local range (net/ipv4/sysctl_net_ipv4.c)"},
    Constraint{"sysctl/fs.nr_open", "limit/*", "", When::Ceiling,
               "RLIMIT_NOFILE is refused above nr_open (kernel/sys.c, do_prlimit)"},
    Constraint{"sysctl/net.ipv4.tcp_congestion_control", "sysctl/net.ipv4.tcp_allowed_congestion_control", "",
               When::Always,
               "the default loads its module, the allowed list does not and refuses what is not loaded "
               "(net/ipv4/tcp_cong.c)"},

    // The kernel accepts any order; this one leaves no gap in between.
    Constraint{"sysctl/net.ipv4.ip_local_reserved_ports", "sysctl/net.ipv4.ip_local_port_range", "", When::Always,
               "a wider range must not hand out a port a service needs"},
    Constraint{"sysctl/net.core.default_qdisc", "sysctl/net.ipv4.tcp_congestion_control", "", When::Always,
               "connections with bbr should find fq already chosen to pace them"},
    Constraint{"sysctl/net.ipv4.tcp_timestamps", "sysctl/net.ipv4.tcp_tw_reuse", "", When::Always,
               "reuse of TIME_WAIT without timestamps does nothing (net/ipv4/tcp_ipv4.c, tcp_twsk_unique)"},
    Constraint{"sysctl/net.ipv4.tcp_fastopen_key", "sysctl/net.ipv4.tcp_fastopen", "", When::Always,
               "cookies of a farm share the key from the first one on"},
    Constraint{"sysctl/net.core.rps_sock_flow_entries", "queue/*/rps_flow_cnt", "", When::Always,
               "queues look flows up in the global table"},
    Constraint{"queue/*/rps_flow_cnt", "queue/*/rps_cpus", "", When::Always,
               "when steering starts, its flow table is there"},
    Constraint{"sysctl/net.core.rmem_max", "sysctl/net.core.rmem_default", "", When::Ceiling,
               "the default never stands above its limit"},
    Constraint{"sysctl/net.core.wmem_max", "sysctl/net.core.wmem_default", "", When::Ceiling,
               "the default never stands above its limit"},
    Constraint{"sysctl/net.ipv4.tcp_mem", "sysctl/net.ipv4.tcp_rmem", "", When::Ceiling,
               "memory for all goes before memory for each"},
    Constraint{"sysctl/net.ipv4.tcp_mem", "sysctl/net.ipv4.tcp_wmem", "", When::Ceiling,
               "memory for all goes before memory for each"},
    Constraint{"sysctl/net.ipv4.neigh.default.gc_thresh3", "sysctl/net.ipv4.neigh.default.gc_thresh2", "",
               When::Ceiling, "the hard limit stays above the soft one"},
    Constraint{"sysctl/net.ipv4.neigh.default.gc_thresh2", "sysctl/net.ipv4.neigh.default.gc_thresh1", "",
               When::Ceiling, "the soft limit stays above the floor"},
    Constraint{"sysctl/net.ipv6.neigh.default.gc_thresh3", "sysctl/net.ipv6.neigh.default.gc_thresh2", "",
               When::Ceiling, "the hard limit stays above the soft one"},
    Constraint{"sysctl/net.ipv6.neigh.default.gc_thresh2", "sysctl/net.ipv6.neigh.default.gc_thresh1", "",
               When::Ceiling, "the soft limit stays above the floor"},
    Constraint{"sysctl/net.netfilter.nf_conntrack_buckets", "sysctl/net.netfilter.nf_conntrack_max", "", When::Ceiling,
               "chains stay short while the table fills"},
    Constraint{"sysctl/net.netfilter.nf_conntrack_buckets", "sysctl/net.nf_conntrack_max", "", When::Ceiling,
               "chains stay short while the table fills"},
    Constraint{"sysctl/fs.file-max", "sysctl/fs.nr_open", "", When::Ceiling,
               "the host's limit stays above one process's"},

    Constraint{"sysctl/fs.nr_open", "service/*/LimitNOFILE", "", When::Ceiling,
               "a service whose limit is above nr_open does not start (kernel/sys.c, do_prlimit)"},
    Constraint{"service/irqbalance.service/*", "irq/*", "", When::Always,
               "irqbalance must know that it may not touch what is placed next"},

    // Some writes reset others, so what is special comes after what is general.
    Constraint{"nic/*/queues/*", "nic/*/rss/*", "", When::Always, "a new number of queues starts with a new table"},
    Constraint{"nic/*/queues/*", "irq/*", "", When::Always, "queues bring their interrupts with them"},
    Constraint{"nic/*/queues/*", "queue/*", "", When::Always, "queues bring their masks with them"},
    Constraint{"nic/*/ring/*", "irq/*", "", When::Always, "many drivers ask for their interrupts anew"},
    Constraint{"nic/*/rss/function", "nic/*/rss/indirection", "", When::Always, "a new function may reset the table"},
    Constraint{"nic/*/rss/function", "nic/*/rss/key", "", When::Always, "a new function may reset its key"},
    Constraint{"sysctl/net.ipv4.ip_forward", "sysctl/net.ipv4.conf.*", "", When::Always,
               "switching forwarding resets redirects of all interfaces (net/ipv4/devinet.c, inet_forward_change)"},
    Constraint{"sysctl/net.ipv*.conf.all.*", "sysctl/net.ipv*.conf.*", "", When::Always,
               "'all' is copied to, or combined with, each interface"},
    Constraint{"sysctl/net.ipv*.conf.default.*", "sysctl/net.ipv*.conf.*", "sysctl/net.ipv*.conf.all.*", When::Always,
               "'default' may reach interfaces that were never set (net/ipv4/devinet.c, devinet_copy_dflt_conf)"},
};

bool is_then(const Constraint& row, const Change& change)
{
    return matches(change.tunable, row.then) && !matches(change.tunable, row.first) &&
           (row.except.empty() || !matches(change.tunable, row.except));
}

bool binds(const Constraint& row, const Change& before, const Change& after)
{
    const bool up = matches(before.tunable, row.first) && is_then(row, after);
    if (row.when == When::Always) return up;
    if (up) return raises(before.from, before.to) && raises(after.from, after.to);
    const bool down = is_then(row, before) && matches(after.tunable, row.first);
    return down && lowers(before.from, before.to) && lowers(after.from, after.to);
}

bool goes_before(const Change& before, const Change& after)
{
    return std::ranges::any_of(table, [&](const Constraint& row) { return binds(row, before, after); });
}

} // namespace

std::span<const Constraint> constraints() { return table; }

std::vector<Change> ordered(std::vector<Change> changes)
{
    std::ranges::sort(changes, {}, [](const Change& change) { return to_text(change.tunable); });
    std::vector<Change> out;
    while (!changes.empty()) {
        const auto free = std::ranges::find_if(changes, [&](const Change& after) {
            return std::ranges::none_of(changes, [&](const Change& before) { return goes_before(before, after); });
        });
        ENSURE(free != changes.end()); // the table has no circle: tests/plan/order_test.cpp
        out.push_back(std::move(*free));
        changes.erase(free);
    }
    return out;
}

std::vector<Change> way_back(const std::vector<Change>& changes)
{
    std::vector<Change> back;
    std::ranges::transform(changes | std::views::reverse, std::back_inserter(back), inverse);
    return back;
}

} // namespace netwright::plan
