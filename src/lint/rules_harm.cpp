// SPDX-License-Identifier: GPL-2.0-or-later
// Values that hurt, with the harm; and values that open a door, with who may come in. One row each.
#include "base/text.h"
#include "lint/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace netwright::lint {
namespace {

constexpr std::int64_t greatest_number = std::numeric_limits<std::int64_t>::max();
constexpr KernelVersion any_kernel{0, 0, 0}, no_end{9999, 0, 0};

struct Harm {
    std::string_view glob;
    std::int64_t least, most; // values that hurt, both inclusive
    std::string_view harm;
    std::string_view better; // "" comments the line out
    Level level = Level::Warning;
    KernelVersion from = any_kernel, before = no_end;
};
constexpr std::array harms{
    Harm{"net.ipv4.tcp_tw_recycle", 1, greatest_number,
         "Clients behind one NAT share its address but not their clocks: their connections are dropped at random.", "",
         Level::Error, any_kernel, KernelVersion{4, 12, 0}},
    Harm{"net.ipv4.tcp_timestamps", 0, 0,
         "Without time stamps old segments are taken for new ones once sequence numbers wrap (3.4 s at 10 Gbit/s), "
         "tcp_tw_reuse stops working, and connections made from SYN cookies lose window scaling and SACK. It saves 12 "
         "bytes a packet.",
         "1"},
    Harm{"net.ipv4.tcp_sack", 0, 0,
         "Every loss makes the sender guess what is missing. It was a stopgap for the bugs of 2019, which are fixed.",
         "1"},
    Harm{"net.ipv4.tcp_dsack", 0, 0, "Peers no longer learn that they sent something twice for nothing.", "1"},
    Harm{"net.ipv4.tcp_window_scaling", 0, 0, "No connection can have more than 64 KiB in flight: 5 Mbit/s at 100 ms.",
         "1"},
    Harm{"net.ipv4.tcp_moderate_rcvbuf", 0, 0, "Receive buffers stay at tcp_rmem's second number and never grow.", "1"},
    Harm{"net.ipv4.tcp_early_retrans", 0, 2, "Losses at the end of a flow wait for the retransmission timer.", "3"},
    Harm{"net.ipv4.tcp_recovery", 0, 0, "RACK, which finds lost segments by time, is off.", "1"},
    Harm{"net.ipv4.tcp_abort_on_overflow", 1, 1,
         "A short stall of accept() resets clients that a moment later would have been served. The queue that "
         "overflows needs the cure.",
         "0"},
    Harm{"net.ipv4.tcp_max_tw_buckets", 0, 16383,
         "Beyond it connections skip TIME_WAIT, and late segments of one reach the next. TIME_WAIT on the side that "
         "accepts costs 256 bytes and no port.",
         ""},
    Harm{"net.ipv4.tcp_max_orphans", 0, 8191,
         "Closed sockets that still have data to send are reset when there are more: the last bytes of answers are "
         "lost.",
         ""},
    Harm{"net.ipv4.tcp_retries2", 0, 4,
         "Connections die within a few seconds without an answer; RFC 1122 asks for at least 100 s, retries2 = 8.",
         "8"},
    Harm{"net.ipv4.tcp_adv_win_scale", -31, -1,
         "A negative value makes windows smaller: -2 offers a quarter of the buffer.", "1", Level::Warning, any_kernel,
         KernelVersion{6, 6, 0}},
    Harm{"net.ipv4.ip_no_pmtu_disc", 1, 2, "Packets are cut to the smallest size any path may have.", "0"},
    Harm{"net.ipv4.tcp_ecn_fallback", 0, 0, "Paths that drop ECN packets are no longer tried without.", "1"},
    Harm{"net.netfilter.nf_conntrack_tcp_timeout_established", 1, 3599,
         "Idle connections are forgotten and cut: keepalive starts after two hours by default, and RFC 5382 asks NATs "
         "for 2 h 4 min.",
         "7440"},
    Harm{"net.netfilter.nf_conntrack_tcp_timeout_established", 3600, 7439,
         "Connections that are idle longer than this are forgotten; keepalive starts after two hours by default, and "
         "RFC 5382 asks NATs for 2 h 4 min. Programs that send more often are safe.",
         "7440", Level::Note},
    Harm{"net.core.netdev_max_backlog", 10'001, greatest_number,
         "This queue, one for each CPU, is used by RPS, loopback and tunnels; a NAPI driver without RPS never touches "
         "it. So many packets wait tens of milliseconds. Raise it in steps while softnet_stat's second column grows.",
         "", Level::Note},
    Harm{"vm.zone_reclaim_mode", 1, 7,
         "Allocations wait for reclaim on their own node instead of taking a page next "
         "door.",
         "0"},
};

struct Opening {
    std::string_view glob;
    std::int64_t least, most;
    std::string_view risk;
    std::string_view better;
    Level level = Level::Warning;
};
constexpr std::array openings{
    Opening{"net.ipv4.tcp_syncookies", 0, 0, "A SYN flood fills the queue and nobody can connect.", "1"},
    Opening{"net.ipv4.conf.*.accept_source_route", 1, 1, "Senders choose the way of packets, past filters.", "0"},
    Opening{"net.ipv6.conf.*.accept_source_route", 1, 1, "Senders choose the way of packets, past filters.", "0"},
    Opening{"net.ipv4.conf.*.accept_redirects", 1, 1, "Whoever is on the segment can bend this host's routes.", "0"},
    Opening{"net.ipv6.conf.*.accept_redirects", 1, 1, "Whoever is on the segment can bend this host's routes.", "0"},
    Opening{"net.ipv4.conf.*.route_localnet", 1, 1,
            "Services bound to 127.0.0.1 can be reached from the segment (CVE-2020-8558).", "0"},
    Opening{"net.ipv4.conf.*.bc_forwarding", 1, 1, "Directed broadcasts let the network amplify attacks.", "0"},
    Opening{"net.ipv4.conf.all.rp_filter", 0, 0,
            "Packets with forged senders are taken in. Where routes are asymmetric, 2 (loose) is right.", "2",
            Level::Note},
    Opening{"net.ipv4.icmp_echo_ignore_broadcasts", 0, 0,
            "The host answers pings to broadcast addresses: an "
            "amplifier.",
            "1"},
    Opening{"net.ipv4.icmp_ratelimit", 0, 0, "Errors are sent without limit to whoever provokes them.", "1000"},
    Opening{"net.ipv4.tcp_challenge_ack_limit", 1, 999,
            "A small shared limit lets others find out about connections (CVE-2016-5696).", ""},
    Opening{"net.netfilter.nf_conntrack_helper", 1, 1,
            "Helpers read any traffic on their port and open holes in the firewall; assign them by rule.", "0"},
    Opening{"kernel.unprivileged_bpf_disabled", 0, 0, "Every user may load BPF programs, against the verifier's bugs.",
            "2"},
};

std::string_view unit_of(const Setting& setting) { return setting.parameter ? setting.parameter->unit : ""; }

TextFix better(const Setting& setting, std::string_view value)
{
    return value.empty() ? comment_out(setting) : write_value(setting, std::string(value));
}

bool in_range(const Setting& setting, std::int64_t least, std::int64_t most)
{
    return setting.numbers.size() == 1 && setting.numbers[0] >= least && setting.numbers[0] <= most;
}

bool wants_asymmetric_routes(Workload workload)
{
    return workload == Workload::Kubernetes || workload == Workload::Gateway;
}

constexpr std::int64_t much_for_one = 1 << 20;

} // namespace

Verdict judge_harmful(const Setting& setting, const Scene& scene)
{
    const KernelVersion kernel = scene.target().kernel;
    for (const Harm& row : harms)
        if (in_range(setting, row.least, row.most) && kernel >= row.from && kernel < row.before &&
            glob_match(row.glob, setting.key))
            return Remark{setting.value_at, fmt::format("{} = {} does harm", setting.key, setting.value),
                          std::string(row.harm), better(setting, row.better), row.level};
    return std::nullopt;
}

Verdict judge_security(const Setting& setting, const Scene& scene)
{
    for (const Opening& row : openings) {
        if (!in_range(setting, row.least, row.most) || !glob_match(row.glob, setting.key)) continue;
        if (setting.key.ends_with(".rp_filter") && wants_asymmetric_routes(scene.target().workload))
            return std::nullopt;
        return Remark{setting.value_at, fmt::format("{} = {} weakens this host", setting.key, setting.value),
                      std::string(row.risk), better(setting, row.better), row.level};
    }
    return std::nullopt;
}

Verdict judge_large_initial_buffer(const Setting& setting, const Scene&)
{
    const bool core = setting.is("net.core.rmem_default") || setting.is("net.core.wmem_default");
    if (core && in_range(setting, much_for_one + 1, greatest_number))
        return Remark{setting.value_at,
                      fmt::format("every UDP, raw and unix socket may hold {} {}", setting.value, unit_of(setting)),
                      "It multiplies with every socket, and queues that nobody reads grow before anything is dropped. "
                      "TCP ignores it; programs that need much ask with SO_RCVBUF or SO_SNDBUF.",
                      comment_out(setting),
                      {}};
    const bool receive = setting.is("net.ipv4.tcp_rmem"), send = setting.is("net.ipv4.tcp_wmem");
    if ((!receive && !send) || setting.numbers.size() != 3) return std::nullopt;
    const std::int64_t first = setting.numbers[1], own = receive ? 131072 : 16384;
    if (first <= (receive ? much_for_one : own)) return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("{} starts every connection with a buffer of {} bytes", setting.key, first),
                  "Autotuning grows buffers where it helps; a large start is granted to every connection, idle ones "
                  "included, and speeds up none.",
                  write_value(setting, fmt::format("{} {} {}", setting.numbers[0], own, setting.numbers[2])),
                  first > much_for_one ? Level::Warning : Level::Note};
}

Verdict judge_too_much_memory(const Setting& setting, const Scene& scene)
{
    const auto& memory = scene.target().memory;
    if (!memory || setting.numbers.empty() || setting.numbers.back() < 0) return std::nullopt;
    const auto last = static_cast<std::uint64_t>(setting.numbers.back());
    const std::uint64_t pages = memory->count / scene.target().page.count;
    const bool counts_pages = setting.is("net.ipv4.tcp_mem") || setting.is("net.ipv4.udp_mem");
    if (counts_pages && setting.numbers.size() == 3 && last > pages / 4 && last <= pages / 2)
        return Remark{setting.value_at,
                      fmt::format("{} allows more than a quarter of this host's memory", setting.key),
                      "Memory of sockets cannot be swapped out; under load it is taken from everything else.",
                      no_fix(fmt::format("at most {} pages", pages / 4)),
                      {}};
    if (setting.is("vm.min_free_kbytes") && last > memory->count / 1024 / 20)
        return Remark{setting.value_at,
                      "vm.min_free_kbytes keeps more than a twentieth of this host's memory idle",
                      "So much is never given to programs, and reclaim starts far too early.",
                      no_fix(fmt::format("at most {}", memory->count / 1024 / 20)),
                      {}};
    return std::nullopt;
}

} // namespace netwright::lint
