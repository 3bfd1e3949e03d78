// SPDX-License-Identifier: GPL-2.0-or-later
// Ephemeral ports and TIME_WAIT: what an outgoing connection needs, and what a closed one leaves behind.
//
// A source port is free for connect() as long as (source, destination address, destination port) is not in use with it:
// the range bounds connections to ONE destination, TIME_WAIT included, not those of the host. TIME_WAIT lasts 60 s
// whatever tcp_fin_timeout says (include/net/tcp.h, TCP_TIMEWAIT_LEN). tcp_tw_reuse concerns connect() only and needs
// timestamps on both ends (net/ipv4/tcp_ipv4.c, tcp_twsk_unique).
#include "advise/remedy.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

namespace netwright::advise {
namespace {

constexpr double many_ports = 0.70; // of the range: the search for a free one gets long
constexpr double most_ports = 0.90;
constexpr std::int64_t first_port = 10240;    // below it live the services that people know by number
constexpr std::int64_t default_first = 32768; // ip_local_port_range since 4.2
constexpr std::int64_t last_port = 65535;
constexpr std::uint64_t time_wait_bytes = 256;
constexpr std::int64_t most_buckets = 1 << 20; // 256 MiB of TIME_WAIT
constexpr double buckets_nearly_used = 0.95;

struct PortRange {
    std::int64_t first = 0, last = 0;
    bool contains(std::int64_t port) const { return port >= first && port <= last; }
    std::int64_t size() const { return std::max<std::int64_t>(last - first + 1, 0); }
};

Result<PortRange> port_range(const Case& about)
{
    const auto numbers = TRY(about.host.sysctls.numbers("net.ipv4.ip_local_port_range"));
    if (numbers.size() != 2)
        return fail(Error::Kind::Malformed, "sysctl net.ipv4.ip_local_port_range: two ports are expected");
    return PortRange{numbers[0], numbers[1]};
}

Result<PortRange> parse_port_range(std::string_view word)
{
    const auto ends = split(word, '-');
    if (ends.empty() || ends.size() > 2)
        return fail(Error::Kind::Malformed, fmt::format("'{}' is not a range of ports", word));
    return PortRange{TRY(parse_int(ends.front())), TRY(parse_int(ends.back()))};
}

// ip_local_reserved_ports: "8080,9100-9110", or empty.
Result<std::vector<PortRange>> reserved_ports(const Case& about)
{
    std::vector<PortRange> ranges;
    const std::string_view text = trim(TRY(about.host.sysctls.text("net.ipv4.ip_local_reserved_ports")));
    if (text.empty()) return ranges;
    for (const std::string_view word : split(text, ','))
        ranges.push_back(TRY(parse_port_range(trim(word))));
    return ranges;
}

bool covers(const std::vector<PortRange>& ranges, std::int64_t port)
{
    return std::ranges::any_of(ranges, [&](const PortRange& range) { return range.contains(port); });
}

// Listening ports in `range` that a restart could find taken by an outgoing connection.
Result<std::vector<Listener>> exposed(const Case& about, const PortRange& range)
{
    if (!about.host.sockets) return std::unexpected(about.host.sockets.error());
    const auto reserved = TRY(reserved_ports(about));
    std::vector<Listener> found;
    for (const Listener& listener : about.host.sockets->listeners) {
        const auto known = [&](const Listener& other) { return other.port == listener.port; };
        if (range.contains(listener.port) && !covers(reserved, listener.port) && std::ranges::none_of(found, known))
            found.push_back(listener);
    }
    std::ranges::sort(found, {}, &Listener::port);
    return found;
}

std::string names(const std::vector<Listener>& listeners)
{
    std::string text;
    for (const Listener& listener : listeners)
        text += fmt::format("{}{}{}", text.empty() ? "" : ", ", listener.port,
                            listener.owner ? " (" + listener.owner->command + ")" : std::string());
    return text;
}

// What is reserved now and these ports beside it. The kernel takes a list in any order and shows it sorted and merged
// (kernel/sysctl.c, proc_do_large_bitmap), so it is built that way: what is read back equals what was written.
std::string reservation(std::vector<PortRange> ranges, const std::vector<Listener>& more)
{
    for (const Listener& listener : more)
        ranges.push_back({listener.port, listener.port});
    std::ranges::sort(ranges, {}, &PortRange::first);
    std::vector<PortRange> merged;
    for (const PortRange& range : ranges) {
        if (merged.empty() || range.first > merged.back().last + 1)
            merged.push_back(range);
        else
            merged.back().last = std::max(merged.back().last, range.last);
    }
    std::string text;
    for (const PortRange& range : merged)
        text += fmt::format("{}{}{}", text.empty() ? "" : ",", range.first,
                            range.last > range.first ? fmt::format("-{}", range.last) : std::string());
    return text;
}

Result<void> reserve(const Case& about, std::string_view rule, const std::vector<Listener>& listeners, Finding& finding)
{
    if (listeners.empty()) return {};
    const auto reserved = TRY(reserved_ports(about));
    propose(finding,
            set_sysctl(about, rule, "net.ipv4.ip_local_reserved_ports", reservation(reserved, listeners),
                       fmt::format("keep the listening ports {} out of the automatic choice", names(listeners))));
    return {};
}

// Wider, but never over a listening port: those are reserved first.
Result<void> widen(const Case& about, const PortRange& now, Finding& finding)
{
    const PortRange wide{std::min(now.first, first_port), std::max(now.last, last_port)};
    if (wide.size() == now.size()) return {};
    const auto listeners = TRY(exposed(about, wide));
    TRY_VOID(reserve(about, "ephemeral-ports-short", listeners, finding));
    propose(finding, set_sysctl(about, "ephemeral-ports-short", "net.ipv4.ip_local_port_range",
                                std::vector{wide.first, wide.last},
                                fmt::format("{} instead of {} ports to each destination, listeners reserved",
                                            wide.size(), now.size())));
    return {};
}

Result<void> reuse_time_wait(const Case& about, Finding& finding)
{
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_tw_reuse")) == 1) return {};
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_timestamps")) == 0) {
        finding.advice.emplace_back("tcp_tw_reuse would help, but needs tcp_timestamps=1 on both ends");
        return {};
    }
    propose(finding,
            set_sysctl(about, "ephemeral-ports-short", "net.ipv4.tcp_tw_reuse", std::int64_t{1},
                       "outgoing connections may take over a port in TIME_WAIT after 1 s, guarded by timestamps"));
    return {};
}

Opinion judge_ports_short(const Case& about)
{
    if (!about.host.sockets) return std::unexpected(about.host.sockets.error());
    const auto& busiest = about.host.sockets->busiest;
    if (!busiest) {
        if (busiest.error().kind == Error::Kind::Absent) return std::vector<Finding>{}; // no outgoing connection at all
        return std::unexpected(busiest.error());
    }
    const PortRange range = TRY(port_range(about));
    if (range.size() == 0)
        return fail(Error::Kind::Malformed, "sysctl net.ipv4.ip_local_port_range: the range is empty");
    const double used = static_cast<double>(busiest->connections) / static_cast<double>(range.size());
    if (used < many_ports) return std::vector<Finding>{};
    Finding finding = finding_of(used >= most_ports ? Severity::High : Severity::Medium, Confidence::Measured,
                                 fmt::format("{:.0f} % of the source ports towards {}:{} are taken",
                                             std::min(used, 1.0) * 100, busiest->address, busiest->port));
    finding.evidence.push_back(
        {fmt::format("sock_diag, connections to {}:{} (TIME_WAIT included)", busiest->address, busiest->port),
         grouped(busiest->connections)});
    for (const std::string_view key : {"net.ipv4.ip_local_port_range", "net.ipv4.tcp_tw_reuse"})
        note(finding, sysctl_evidence(about, key));
    if (about.host.sockstat)
        finding.evidence.push_back({"/proc/net/sockstat TCP tw", grouped(about.host.sockstat->tcp_time_wait)});
    finding.why = fmt::format(
        "Each connection from one address to one destination needs its own port out of {}, and keeps it for 60 s after "
        "this side closed first.",
        range.size());
    finding.cost = "connect() gets slow, then fails with EADDRNOTAVAIL";
    TRY_VOID(reuse_time_wait(about, finding));
    TRY_VOID(widen(about, range, finding));
    finding.advice.emplace_back(
        "keep connections to this destination open and pool them: that beats every kernel setting");
    finding.advice.emplace_back("programs that bind a source address before connect() need IP_BIND_ADDRESS_NO_PORT");
    if (runs(about, "kubelet"))
        finding.advice.emplace_back("add the NodePort range (30000-32767 by default) to ip_local_reserved_ports");
    finding.side_effects =
        "a service that starts later on a port inside the range may find it in use; reserve its port too";
    return std::vector{std::move(finding)};
}

Opinion judge_time_wait_overflow(const Case& about)
{
    const Counter overflow = TRY(counter_of(about, "TcpExtTCPTimeWaitOverflow"));
    const std::int64_t buckets = TRY(about.host.sysctls.number("net.ipv4.tcp_max_tw_buckets"));
    if (!about.host.sockstat) return std::unexpected(about.host.sockstat.error());
    const std::uint64_t waiting = about.host.sockstat->tcp_time_wait;
    const bool full = buckets > 0 && static_cast<double>(waiting) >= buckets_nearly_used * static_cast<double>(buckets);
    if (overflow.total == 0 && !full) return std::vector<Finding>{};
    const bool now = overflow.growth > 0 || full;
    Finding finding =
        finding_of(now ? Severity::Medium : Severity::Low, now ? Confidence::Measured : Confidence::SinceBoot,
                   "Connections skip TIME_WAIT because its table is full");
    note(finding, counter_evidence(about, "TcpExtTCPTimeWaitOverflow"));
    finding.evidence.push_back({"/proc/net/sockstat TCP tw", grouped(waiting)});
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_max_tw_buckets"));
    finding.why = "Beyond tcp_max_tw_buckets a closed connection is forgotten at once. A late segment of it can then "
                  "be taken for one of a "
                  "new connection, and a lost last ACK is answered with a reset.";
    finding.cost = "rare resets and, at worst, wrong data; TIME_WAIT entries themselves cost only 256 bytes each";
    const std::int64_t want = std::min(
        static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(buckets, 1)) * 2)),
        most_buckets);
    if (now) // an overflow of the past is no reason to double the table at every plan
        propose(finding, raise_sysctl(about, "time-wait-overflow", "net.ipv4.tcp_max_tw_buckets", want,
                                      fmt::format("twice the table, {} of memory when full",
                                                  to_text(Bytes{static_cast<std::uint64_t>(want) * time_wait_bytes}))));
    finding.advice.emplace_back("let the clients close first, or keep connections open");
    finding.side_effects = "memory, 256 bytes an entry";
    return std::vector{std::move(finding)};
}

Opinion judge_reuse_without_timestamps(const Case& about)
{
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_tw_reuse")) != 1) return std::vector<Finding>{};
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_timestamps")) != 0) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived, "tcp_tw_reuse has no effect: timestamps are off");
    for (const std::string_view key : {"net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_timestamps"})
        note(finding, sysctl_evidence(about, key));
    finding.why = "A port in TIME_WAIT is taken over only if the old connection used timestamps: they tell old "
                  "segments from new ones.";
    finding.cost = "outgoing connections run out of ports as if the setting were not there";
    propose(finding, set_sysctl(about, "tw-reuse-without-timestamps", "net.ipv4.tcp_timestamps", std::int64_t{1},
                                "tcp_tw_reuse depends on it"));
    finding.side_effects = "12 bytes in each segment";
    finding.security = "brings back the protection against wrapped sequence numbers";
    return std::vector{std::move(finding)};
}

Opinion judge_listeners_in_range(const Case& about)
{
    const PortRange range = TRY(port_range(about));
    const PortRange known{range.first, std::min(range.last, default_first - 1)};
    const auto listeners = TRY(exposed(about, known));
    if (listeners.empty()) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Low, Confidence::Derived,
                   fmt::format("Outgoing connections may take the port of a service: {}", names(listeners)));
    note(finding, sysctl_evidence(about, "net.ipv4.ip_local_port_range"));
    note(finding, sysctl_evidence(about, "net.ipv4.ip_local_reserved_ports"));
    finding.evidence.push_back({"sock_diag, listening ports inside the range", names(listeners)});
    finding.why = "connect() and bind(0) choose any free port of ip_local_port_range. While a service is down for a "
                  "restart, its port is free.";
    finding.cost = "the service fails to start with EADDRINUSE, now and then";
    TRY_VOID(reserve(about, "listeners-in-port-range", listeners, finding));
    finding.side_effects = "none: bind() to a reserved port by number still works";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"ephemeral-ports-short", "Do outgoing connections to one destination run out of source ports?",
         "Counts the connections, TIME_WAIT included, to the busiest remote address and port against "
         "ip_local_port_range. Medium from 70 %, "
         "High from 90 %. The remedy is tcp_tw_reuse=1 (only with timestamps) and a range from 10240 to 65535 with "
         "every listening port in it "
         "reserved. tcp_fin_timeout is never proposed: it does not shorten TIME_WAIT. TIME_WAIT of incoming "
         "connections uses no ports.",
         "net/ipv4/inet_hashtables.c __inet_hash_connect; net/ipv4/tcp_ipv4.c tcp_twsk_unique", judge_ports_short},
    Rule{"time-wait-overflow", "Is TIME_WAIT skipped because its table is full?",
         "TcpExt.TCPTimeWaitOverflow, or a table that is at least 95 % full. The limit is doubled, to at most "
         "1,048,576 entries of 256 bytes.",
         "net/ipv4/tcp_minisocks.c tcp_time_wait", judge_time_wait_overflow},
    Rule{"tw-reuse-without-timestamps", "Is tcp_tw_reuse set where it cannot work?",
         "tcp_tw_reuse=1 with tcp_timestamps=0. With timestamps on, tcp_tw_reuse is harmless and left alone.",
         "net/ipv4/tcp_ipv4.c tcp_twsk_unique", judge_reuse_without_timestamps},
    Rule{"listeners-in-port-range", "Can an outgoing connection take the port of a service?",
         "Listening ports inside ip_local_port_range, below 32768 and not in ip_local_reserved_ports. Ports from 32768 "
         "on are left alone: with "
         "the default range they are mostly chosen by the kernel itself.",
         "net/ipv4/inet_connection_sock.c inet_csk_find_open_port; Documentation/networking/ip-sysctl.rst",
         judge_listeners_in_range},
};

} // namespace

std::span<const Rule> port_rules() { return rules; }

} // namespace netwright::advise
