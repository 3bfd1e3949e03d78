// SPDX-License-Identifier: GPL-2.0-or-later
// TCP buffers against the bandwidth-delay product, and what tcp_info says about windows.
//
// A path is full when bandwidth x RTT bytes are in flight. The receive window is about half of the receive buffer
// (tcp_adv_win_scale=1 up to 6.5, a measured ratio that starts at one half since 6.6), and the send buffer holds what
// is not yet acknowledged and what is not yet sent: so both maxima need twice the product. They bound autotuning only:
// min and default stay as they are, and net.core.rmem_max/wmem_max do not enter (net/ipv4/tcp_input.c,
// tcp_rcv_space_adjust and tcp_sndbuf_expand).
#include "advise/remedy.h"
#include "catalog/formulas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr double loss_that_costs = 0.001;          // above it, holes wait in the receive buffer while more arrives
constexpr std::uint64_t full_connections = 4;      // buffers this many connections may fill at once within tcp_mem
constexpr double sndbuf_share_that_matters = 0.10; // of the time with data to send
constexpr double rwnd_share_that_matters = 0.30;
constexpr std::uint64_t least_busy_us = 1'000'000; // less sending time says nothing

struct Path {
    BitRate bandwidth;
    Nanoseconds rtt{};
    bool given = false; // both by a person
    std::string reason;
    Bytes product;
};

std::optional<Path> path_of(const Intent& intent)
{
    if (!intent.bandwidth || !intent.rtt) return std::nullopt;
    return Path{intent.bandwidth->value, intent.rtt->value, intent.bandwidth->given && intent.rtt->given,
                fmt::format("bandwidth: {}; RTT: {}", intent.bandwidth->reason, intent.rtt->reason),
                bandwidth_delay_product(intent.bandwidth->value, intent.rtt->value)};
}

// Hosts whose load is not TCP of their own: a router's forwarded packets never meet a socket buffer.
bool forwards_or_datagrams(const Intent& intent)
{
    return std::ranges::all_of(workloads(intent), [](Workload one) {
        return one == Workload::Gateway || one == Workload::Game || one == Workload::Voip;
    });
}

// What one direction lacks.
struct Direction {
    std::string_view rule, key, counterpart, what;
};
constexpr Direction receiving{"tcp-receive-buffer-below-bdp", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "receive"};
constexpr Direction sending{"tcp-send-buffer-below-bdp", "net.ipv4.tcp_wmem", "net.ipv4.tcp_rmem", "send"};

bool lossy(const Case& about) { return about.intent.loss && about.intent.loss->value > loss_that_costs; }

// How many times the bandwidth-delay product a buffer needs.
unsigned factor_of(const Case& about, const Direction& direction)
{
    const auto quality = lossy(about) ? catalog::Path::Lossy : catalog::Path::Clean;
    return direction.key == sending.key ? catalog::send_products(quality) : catalog::receive_products(quality);
}

std::uint64_t wanted(const Case& about, const Path& path, const Direction& direction)
{
    const auto quality = lossy(about) ? catalog::Path::Lossy : catalog::Path::Clean;
    const auto maximum = direction.key == sending.key ? catalog::send_buffer_maximum : catalog::receive_buffer_maximum;
    return maximum(path.bandwidth, path.rtt, quality, Bytes{}).count;
}

// What TCP may use on the whole host. A child namespace does not show tcp_mem: there the kernel's own pressure point
// for this much memory stands for it, a sixteenth of what is free at boot (net/ipv4/tcp.c tcp_init_mem()).
Result<std::uint64_t> tcp_memory_limit(const Case& about)
{
    if (!about.host.memory) return std::unexpected(about.host.memory.error());
    const auto pages = about.host.sysctls.numbers("net.ipv4.tcp_mem");
    if (!pages && pages.error().kind == Error::Kind::Absent) return about.host.memory->total.count / 16;
    if (!pages) return std::unexpected(pages.error());
    if (pages->size() != 3 || pages->at(2) <= 0)
        return fail(Error::Kind::Malformed, "sysctl net.ipv4.tcp_mem: three page counts are expected");
    return static_cast<std::uint64_t>(pages->at(2)) * about.host.memory->page_size.count;
}

// The largest maximum at which a few full connections still fit into TCP's memory. Receive and send buffers share it,
// and a buffer's maximum is on average half used in each direction: n x (rmem + wmem) / 4.
Result<std::uint64_t> affordable(const Case& about)
{
    return (TRY(tcp_memory_limit(about)) * 2 / full_connections) >> 20 << 20;
}

Result<std::vector<std::int64_t>> three(const Case& about, std::string_view key)
{
    auto numbers = TRY(about.host.sysctls.numbers(key));
    if (numbers.size() == 3) return numbers;
    return fail(Error::Kind::Malformed, fmt::format("sysctl {}: min, default and max are expected", key));
}

std::string formula(unsigned factor, const Path& path, std::uint64_t want)
{
    const bool capped = want / factor < path.product.count;
    return fmt::format("{} x {} x {} / 8 = {} x {}, {}: {}", factor, to_text(path.bandwidth), duration_text(path.rtt),
                       factor, to_text(path.product), capped ? "capped at 256 MiB" : "rounded up to 1 MiB", want);
}

void explain_buffer(Finding& finding, const Direction& direction, unsigned factor, const Path& path,
                    std::int64_t largest)
{
    finding.why =
        fmt::format("{} x {} is a bandwidth-delay product of {}: that much must be in flight to fill the path. About "
                    "half of a {} buffer is usable for it{}, so its maximum must be {} times that; it is {}.",
                    to_text(path.bandwidth), duration_text(path.rtt), to_text(path.product), direction.what,
                    factor > 2 ? ", and on this lossy path it also holds all that was sent since a loss" : "", factor,
                    to_text(Bytes{static_cast<std::uint64_t>(largest)}));
    const double share = static_cast<double>(largest) / 2 / static_cast<double>(path.product.count);
    finding.cost = share < 0.01 ? "one connection reaches less than 1 % of the bandwidth"
                                : fmt::format("one connection reaches at most about {:.0f} % of the bandwidth",
                                              std::min(share, 1.0) * 100);
    finding.side_effects =
        "a connection that really needs it may hold that much kernel memory; other connections and new ones "
        "stay as small as before (min and default do not change)";
}

Result<void> remedy_buffer(const Case& about, const Direction& direction, const Path& path, Finding& finding)
{
    const auto now = TRY(three(about, direction.key));
    const std::uint64_t want = wanted(about, path, direction);
    const std::uint64_t fits = TRY(affordable(about));
    const auto target = static_cast<std::int64_t>(std::min(want, fits));
    if (fits < want)
        finding.advice.push_back(
            fmt::format("memory allows only {} (tcp_mem, {} full connections): more needs more RAM or a "
                        "larger tcp_mem",
                        to_text(Bytes{fits}), full_connections));
    if (target <= now[2]) return {};
    auto changes = set_sysctl(about, direction.rule, direction.key, std::vector{now[0], now[1], target},
                              fits < want ? fmt::format("as much of {} x {} as tcp_mem affords",
                                                        factor_of(about, direction), to_text(path.product))
                                          : formula(factor_of(about, direction), path, want));
    // The key's own risk is memory; a maximum that fits into tcp_mem with room to spare has little of it.
    if (changes && fits >= want)
        for (Change& change : *changes)
            change.risk = Risk::Low;
    propose(finding, std::move(changes));
    return {};
}

Opinion judge_buffer(const Case& about, const Direction& direction)
{
    const auto path = path_of(about.intent);
    if (!path || forwards_or_datagrams(about.intent)) return std::vector<Finding>{};
    const auto now = TRY(three(about, direction.key));
    if (static_cast<std::uint64_t>(std::max<std::int64_t>(now[2], 0)) >= wanted(about, *path, direction))
        return std::vector<Finding>{};
    Finding finding = finding_of(path->given ? Severity::Medium : Severity::Info, Confidence::Derived,
                                 fmt::format("The largest TCP {} buffer is too small for {} over {}", direction.what,
                                             to_text(path->bandwidth), duration_text(path->rtt)));
    note(finding, sysctl_evidence(about, direction.key));
    finding.evidence.push_back(
        {"bandwidth-delay product", fmt::format("{} ({})", to_text(path->product), path->reason)});
    explain_buffer(finding, direction, factor_of(about, direction), *path, now[2]);
    if (path->given) TRY_VOID(remedy_buffer(about, direction, *path, finding));
    if (!path->given)
        finding.advice.emplace_back(
            "say --bandwidth and --rtt if peers that far away matter here: then netwright plans the size");
    return std::vector{std::move(finding)};
}

Opinion judge_receive_buffer(const Case& about) { return judge_buffer(about, receiving); }
Opinion judge_send_buffer(const Case& about) { return judge_buffer(about, sending); }

// Time with data to send, summed over all established connections, and what held it back.
struct Limited {
    std::uint64_t busy_us = 0, by_peer_us = 0, by_us_us = 0, connections = 0, readers_behind = 0;
};

Result<Limited> limited(const Case& about)
{
    if (!about.host.sockets) return std::unexpected(about.host.sockets.error());
    Limited sum;
    for (const ConnectionGroup& group : about.host.sockets->established) {
        sum.busy_us += group.busy_us;
        sum.by_peer_us += group.rwnd_limited_us;
        sum.by_us_us += group.sndbuf_limited_us;
        sum.connections += group.connections;
        sum.readers_behind += group.receive_buffer_full;
    }
    return sum;
}

double share(std::uint64_t part, std::uint64_t whole)
{
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

Evidence limited_evidence(std::string_view field, std::uint64_t part, const Limited& sum)
{
    return {fmt::format("tcp_info {} over {} connections", field, grouped(sum.connections)),
            fmt::format("{:.0f} % of {} with data to send", share(part, sum.busy_us) * 100,
                        duration_text(std::chrono::microseconds(sum.busy_us)))};
}

Opinion judge_send_limited(const Case& about)
{
    const Limited sum = TRY(limited(about));
    if (sum.busy_us < least_busy_us || share(sum.by_us_us, sum.busy_us) < sndbuf_share_that_matters)
        return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Medium, Confidence::Measured, "Connections wait for room in their own send buffer");
    finding.evidence.push_back(limited_evidence("sndbuf_limited", sum.by_us_us, sum));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_wmem"));
    finding.why =
        "The peer's window and the congestion window would allow more, but the send buffer was full of unacknowledged "
        "data and the application could not add to it: tcp_wmem's maximum or a fixed SO_SNDBUF is the limit.";
    finding.cost = "throughput stays below what the path offers";
    if (const auto path = path_of(about.intent)) {
        const auto now = TRY(three(about, sending.key));
        if (static_cast<std::uint64_t>(now[2]) < wanted(about, *path, sending))
            TRY_VOID(remedy_buffer(about, sending, *path, finding));
    }
    finding.advice.emplace_back("look for SO_SNDBUF in the sending programs: it switches autotuning off; remove it");
    if (finding.remedy.empty())
        finding.advice.emplace_back("say --bandwidth and --rtt: the right maximum follows from them");
    finding.side_effects = "more unsent data may wait in a socket; tcp_notsent_lowat bounds it where latency matters";
    return std::vector{std::move(finding)};
}

Opinion judge_peer_window(const Case& about)
{
    const Limited sum = TRY(limited(about));
    if (sum.busy_us < least_busy_us || share(sum.by_peer_us, sum.busy_us) < rwnd_share_that_matters)
        return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Low, Confidence::Measured, "Peers' receive windows hold back what this host sends");
    finding.evidence.push_back(limited_evidence("rwnd_limited", sum.by_peer_us, sum));
    finding.why =
        "This host had data and was allowed to send by congestion control, but the peers had no window open: they read "
        "slowly, or their receive buffers are small for the path.";
    finding.cost = "throughput is decided by the receivers; no setting of this host changes it";
    finding.advice = {
        "on the peers: raise tcp_rmem's maximum, remove SO_RCVBUF, or read faster (netwright audit there)",
        "nothing is lost: flow control works as designed"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_slow_reader(const Case& about)
{
    const Counter closed = TRY(counter_of(about, "TcpExtTCPToZeroWindowAdv"));
    const Limited sum = TRY(limited(about));
    if (closed.growth == 0 || sum.readers_behind == 0) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Low, Confidence::Measured, "Programs on this host read more slowly than their peers send");
    note(finding, counter_evidence(about, "TcpExtTCPToZeroWindowAdv"));
    finding.evidence.push_back(
        {"sock_diag, receive queue at 7/8 of its buffer", fmt::format("{} connections", sum.readers_behind)});
    finding.why =
        "Receive buffers are full because the application does not read; the kernel closed the window so that nothing "
        "is lost. The buffer is not too small: it is not emptied.";
    finding.cost = "the senders wait";
    finding.advice.emplace_back(
        "find the reader (ss -tmp, large Recv-Q) and make it faster; a larger tcp_rmem only absorbs bursts");
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_autotuning_off(const Case& about)
{
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_moderate_rcvbuf")) != 0) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Medium, Confidence::Derived, "Receive buffers do not grow: autotuning is off");
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_moderate_rcvbuf"));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_rmem"));
    finding.why =
        "With tcp_moderate_rcvbuf=0 every connection keeps tcp_rmem's default as its receive buffer, and its window "
        "stays near half of that, whatever the path needs.";
    finding.cost = "inbound transfers over distance crawl (64 KiB a round trip is 10 Mbit/s at 50 ms)";
    propose(finding, set_sysctl(about, "tcp-autotuning-off", "net.ipv4.tcp_moderate_rcvbuf", std::int64_t{1},
                                "let receive buffers follow what applications drain, the kernel's default"));
    finding.side_effects = "busy connections use more memory, up to tcp_rmem's maximum";
    return std::vector{std::move(finding)};
}

Opinion judge_window_scaling(const Case& about)
{
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_window_scaling")) != 0) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::High, Confidence::Derived, "TCP windows end at 64 KiB: window scaling is off");
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_window_scaling"));
    finding.why =
        "The scale is agreed in the handshake. Without it no window, in either direction, can exceed 65,535 bytes.";
    finding.cost = "at most 64 KiB a round trip and connection: 10 Mbit/s at 50 ms, 105 Mbit/s at 5 ms";
    propose(finding, set_sysctl(about, "tcp-window-scaling-off", "net.ipv4.tcp_window_scaling", std::int64_t{1},
                                "allow windows above 65,535 bytes, the kernel's default"));
    finding.side_effects = "none known on paths of this century; reaches new connections only";
    return std::vector{std::move(finding)};
}

Opinion judge_buffer_order(const Case& about)
{
    std::vector<Finding> findings;
    for (const std::string_view key : {receiving.key, sending.key}) {
        const auto now = TRY(three(about, key));
        if (now[0] <= now[1] && now[1] <= now[2]) continue;
        Finding finding =
            finding_of(Severity::Medium, Confidence::Derived, fmt::format("{} is not in ascending order", key));
        finding.subject = key;
        note(finding, sysctl_evidence(about, key));
        finding.why =
            "min, default and max must rise. The kernel accepts any order, and then connections start above what "
            "autotuning may give them and shrink.";
        finding.cost = "windows that shrink after the start, and throughput nobody expects";
        std::vector<std::int64_t> sorted = now;
        std::ranges::sort(sorted);
        propose(finding, raise_sysctl(about, "tcp-buffer-order", key, std::vector{now[0], now[1], sorted[2]},
                                      "the maximum must not be below the default"));
        finding.side_effects = "none";
        findings.push_back(std::move(finding));
    }
    return findings;
}

constexpr std::string_view bdp_explanation =
    "Needs bandwidth and RTT: given, or seen in the snapshot. The maximum "
    "should be 2 x bandwidth x RTT / 8, rounded up to 1 MiB, "
    "at most 256 MiB (where more than 0.1 % is lost 5 x for receive and 4 x for send buffers: what was sent since a "
    "loss waits at both ends). "
    "Checked against memory: four connections with both "
    "buffers in use must fit into tcp_mem's limit, n x (rmem + wmem) / 4. "
    "Only the third number changes, never downwards; within that check its risk is low. An "
    "inferred path gives an info without a change. Routers and UDP workloads "
    "are left alone: forwarded packets meet no socket.";

constexpr std::array rules{
    Rule{"tcp-receive-buffer-below-bdp", "Can a receive buffer grow far enough for the path's bandwidth and delay?",
         bdp_explanation, "net/ipv4/tcp_input.c tcp_rcv_space_adjust; include/net/tcp.h tcp_win_from_space",
         judge_receive_buffer},
    Rule{"tcp-send-buffer-below-bdp", "Can a send buffer grow far enough for the path's bandwidth and delay?",
         bdp_explanation, "net/ipv4/tcp_input.c tcp_sndbuf_expand", judge_send_buffer},
    Rule{"tcp-send-buffer-limited", "Do connections wait for room in their own send buffers?",
         "tcp_info counts, for each connection, the time with data to send and how much of it the send buffer was the "
         "limit. From "
         "10 % on, over at least one second of sending, it is a finding. A size is proposed only when the path is "
         "known.",
         "net/ipv4/tcp.c tcp_get_info; include/uapi/linux/tcp.h tcpi_sndbuf_limited", judge_send_limited},
    Rule{"tcp-peer-window-limited", "Do the peers' windows hold back what this host sends?",
         "The same clocks for the peer's window (tcpi_rwnd_limited), from 30 % on. The remedy is on the peer: no local "
         "setting is "
         "proposed.",
         "include/uapi/linux/tcp.h tcpi_rwnd_limited", judge_peer_window},
    Rule{"tcp-slow-reader", "Do programs here leave their receive buffers full?",
         "Needs both: windows that closed while we looked (TcpExt.TCPToZeroWindowAdv) and connections whose receive "
         "queue fills "
         "seven eighths of the buffer now. Larger buffers do not cure a slow reader.",
         "net/ipv4/tcp_output.c tcp_select_window", judge_slow_reader},
    Rule{"tcp-autotuning-off", "Is the autotuning of receive buffers off?",
         "tcp_moderate_rcvbuf=0 pins every receive buffer to tcp_rmem's default. It is on by default and nothing is "
         "gained "
         "without it.",
         "net/ipv4/tcp_input.c tcp_rcv_space_adjust", judge_autotuning_off},
    Rule{"tcp-window-scaling-off", "Is window scaling off?",
         "Without the option (RFC 7323) no window exceeds 65,535 bytes. On by default.",
         "net/ipv4/tcp_output.c tcp_select_initial_window; RFC 7323", judge_window_scaling},
    Rule{"tcp-buffer-order", "Are tcp_rmem and tcp_wmem in ascending order?",
         "The kernel checks each number alone and accepts a maximum below the default. Only the maximum is raised; the "
         "two other "
         "numbers are never changed.",
         "net/ipv4/sysctl_net_ipv4.c", judge_buffer_order},
};

} // namespace

std::span<const Rule> buffer_rules() { return rules; }

} // namespace netwright::advise
