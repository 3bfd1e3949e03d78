// SPDX-License-Identifier: GPL-2.0-or-later
// Accept queues, SYN backlog and SYN cookies: what happens to a connection before the application has it.
//
// One limit rules a listener: min(listen()'s argument, somaxconn at that moment), kept until listen() is called again
// (net/socket.c, __sys_listen). The accept queue is full when it holds more than that; a SYN or the last ACK of a
// handshake is then dropped in silence, and the client tries again after 1, 3, 7 s. Since 4.4 the same limit bounds the
// half-open connections; tcp_max_syn_backlog only counts where SYN cookies are off (net/ipv4/tcp_input.c,
// tcp_conn_request).
#include "advise/remedy.h"
#include "catalog/formulas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

namespace netwright::advise {
namespace {

constexpr std::int64_t modern_somaxconn = 4096; // SOMAXCONN since 5.4 (include/linux/socket.h)
constexpr std::int64_t old_somaxconn = 128;
constexpr KernelVersion larger_somaxconn{5, 4, 0};
constexpr std::uint64_t longest_backlog = 16384; // beyond, clients have given up before they are accepted
constexpr std::uint64_t many_drops = 100;        // since the listener was made
constexpr std::uint32_t smallest_judged = 16;    // a queue this short is full by design (one client at a time)
constexpr Nanoseconds accept_stall = std::chrono::milliseconds{100}; // where nobody said how long accept() pauses
constexpr std::uint64_t few_cookies = 100;                           // since boot: a burst or a scan
constexpr double honest_share = 0.5;                                 // of cookies that came back: clients, not a flood

std::string name_of(const Listener& listener)
{
    if (!listener.owner) return fmt::format(":{}", listener.port);
    return fmt::format(":{} ({})", listener.port, listener.owner->command);
}

bool reachable(const Listener& listener) { return !listener.address.starts_with("127.") && listener.address != "::1"; }

Evidence queue_evidence(const Listener& listener)
{
    return {fmt::format("sock_diag listener {}", subject_of(listener)),
            fmt::format("{} wait for accept(), limit {}, {} refused since listen()", listener.queued, listener.limit,
                        grouped(listener.drops))};
}

// The pause of accept() to bridge.
Nanoseconds stall_of(const Case& about) { return about.intent.stall ? about.intent.stall->value : accept_stall; }

std::uint64_t backlog_for(const Case& about, std::uint64_t connections_per_second)
{
    return catalog::accept_backlog({static_cast<double>(connections_per_second)}, stall_of(about));
}

std::uint64_t wanted_backlog(const Case& about, const Listener& listener)
{
    if (about.intent.connection_rate) return backlog_for(about, about.intent.connection_rate->value);
    const std::uint64_t doubled = std::bit_ceil(std::uint64_t{listener.limit} * 2);
    return std::clamp<std::uint64_t>(doubled, modern_somaxconn, longest_backlog);
}

// Both ends of min(backlog, somaxconn) must rise; only one of them is the kernel's.
void lengthen_queue(const Case& about, const Listener& listener, std::string_view rule, Finding& finding)
{
    const std::uint64_t want = wanted_backlog(about, listener);
    const auto somaxconn = about.host.sysctls.number("net.core.somaxconn");
    if (want > listener.limit && somaxconn && static_cast<std::uint64_t>(*somaxconn) < want)
        propose(finding, raise_sysctl(about, rule, "net.core.somaxconn", static_cast<std::int64_t>(want),
                                      fmt::format("a queue of {} for {}, now limited to {}", want, name_of(listener),
                                                  listener.limit)));
    if (want > listener.limit)
        finding.advice.push_back(fmt::format(
            "raise the backlog that the program passes to listen() to {} and restart it: a listener keeps its limit "
            "until listen() is called again",
            want));
    finding.advice.emplace_back("if the queue fills again, the program accepts too slowly: more accepting threads or "
                                "SO_REUSEPORT, not a longer queue");
    finding.side_effects = "a longer queue holds up to that many more established sockets and hides a slow accept loop";
}

// Can the overflows that the host counts now be put on this listener? Only if it is the sole one that ever refused.
bool only_one_refusing(const Case& about, const Listener& listener)
{
    if (!about.host.sockets) return false;
    return std::ranges::none_of(about.host.sockets->listeners, [&](const Listener& other) {
        return other.drops > 0 && subject_of(other) != subject_of(listener);
    });
}

Opinion judge_queue_overflow(const Listener& listener, const Case& about)
{
    if (listener.drops == 0) return std::vector<Finding>{};
    const Counter overflows = TRY(counter_of(about, "TcpExtListenOverflows"));
    if (overflows.total == 0) return std::vector<Finding>{}; // refused for another reason: listen-drops-elsewhere
    const bool now = overflows.growth > 0 && (only_one_refusing(about, listener) || listener.queued > listener.limit);
    const Severity since_boot = listener.drops >= many_drops ? Severity::Medium : Severity::Low;
    Finding finding = finding_of(now ? Severity::High : since_boot, now ? Confidence::Measured : Confidence::SinceBoot,
                                 fmt::format("The accept queue of {} overflows", name_of(listener)));
    finding.evidence.push_back(queue_evidence(listener));
    note(finding, counter_evidence(about, "TcpExtListenOverflows"));
    note(finding, sysctl_evidence(about, "net.core.somaxconn"));
    finding.why =
        fmt::format("The kernel had finished handshakes, but {} connections already waited for accept(). It drops "
                    "the SYN or the final ACK without an answer, and the client sends again after 1, 3 and 7 s.",
                    listener.limit);
    finding.cost = "clients of this port connect seconds late or time out, although nothing is logged";
    lengthen_queue(about, listener, "listen-queue-overflow", finding);
    return std::vector{std::move(finding)};
}

Opinion judge_queue_near_full(const Listener& listener, const Case& about)
{
    const bool full = listener.queued > listener.limit;
    if (listener.limit < smallest_judged && !full) return std::vector<Finding>{};
    if (std::uint64_t{listener.queued} * 5 < std::uint64_t{listener.limit} * 4) return std::vector<Finding>{};
    Finding finding = finding_of(full ? Severity::High : Severity::Medium, Confidence::Measured,
                                 fmt::format("{} connections wait for {} to accept them, of at most {}",
                                             listener.queued, name_of(listener), listener.limit));
    finding.evidence.push_back(queue_evidence(listener));
    finding.why =
        "The program takes connections more slowly than they arrive. When the queue is full, further handshakes "
        "are dropped without an answer.";
    finding.cost = "each waiting client sees the whole queue before it as latency; the next burst is refused";
    lengthen_queue(about, listener, "listen-queue-near-full", finding);
    return std::vector{std::move(finding)};
}

Opinion judge_backlog_small(const Listener& listener, const Case& about)
{
    const auto& rate = about.intent.connection_rate;
    if (!rate || !reachable(listener)) return std::vector<Finding>{};
    // The rate is the whole host's. One that was only seen says nothing of this port until it would fill this queue.
    const double stall_s = std::chrono::duration<double>(stall_of(about)).count();
    if (!rate->given && 2 * static_cast<double>(rate->value) * stall_s <= listener.limit) return std::vector<Finding>{};
    const std::uint64_t want = backlog_for(about, rate->value);
    const auto somaxconn = static_cast<std::uint64_t>(TRY(about.host.sysctls.number("net.core.somaxconn")));
    if (listener.limit >= want || listener.limit >= somaxconn) return std::vector<Finding>{};
    const Severity severity = rate->given ? Severity::Low : Severity::Info;
    Finding finding = finding_of(severity, Confidence::Derived,
                                 fmt::format("{} asks for a backlog of {}: short for {} connections/s",
                                             name_of(listener), listener.limit, grouped(rate->value)));
    finding.evidence = {queue_evidence(listener),
                        {"intent connection rate", fmt::format("{}/s, {}", rate->value, rate->reason)}};
    note(finding, sysctl_evidence(about, "net.core.somaxconn"));
    finding.why =
        fmt::format("The limit is the smaller of somaxconn and the program's own number; here the program's. A pause "
                    "of {} at that rate needs {} (twice what arrives, a power of two).",
                    duration_text(stall_of(about)), want);
    finding.cost = "a short stall of the program (garbage collection, a slow disk) refuses connections";
    finding.advice.push_back(
        fmt::format("if this port takes that load, let the program pass {} to listen() and restart it; "
                    "no sysctl can lengthen this queue",
                    want));
    finding.side_effects = "up to that many more sockets wait";
    return std::vector{std::move(finding)};
}

Opinion judge_somaxconn_small(const Case& about)
{
    const std::int64_t somaxconn = TRY(about.host.sysctls.number("net.core.somaxconn"));
    const auto& rate = about.intent.connection_rate;
    const auto need = rate ? static_cast<std::int64_t>(backlog_for(about, rate->value)) : 0;
    const std::int64_t want = std::max(modern_somaxconn, need);
    if (somaxconn >= want) return std::vector<Finding>{};
    const bool demanded = rate && rate->given && somaxconn < need;
    // What an old kernel gives everybody is no fault of this host, only a default that has been overtaken.
    const bool untouched = !demanded && somaxconn == old_somaxconn && about.host.kernel.version &&
                           *about.host.kernel.version < larger_somaxconn;
    Finding finding = finding_of(
        demanded ? Severity::Medium : Severity::Low, untouched ? Confidence::Convention : Confidence::Derived,
        fmt::format("No listener here can queue more than {} connections (somaxconn)", somaxconn));
    note(finding, sysctl_evidence(about, "net.core.somaxconn"));
    if (rate)
        finding.evidence.push_back({"intent connection rate", fmt::format("{}/s, {}", rate->value, rate->reason)});
    finding.why = fmt::format(
        "somaxconn caps every listen() backlog in this network namespace. The kernel's own default has "
        "been {} since 5.4{}.",
        modern_somaxconn, demanded ? fmt::format("; {} connections/s need {}", grouped(rate->value), need) : "");
    finding.cost = "bursts of connections are dropped although the programs asked for longer queues";
    propose(finding, raise_sysctl(about, "somaxconn-small", "net.core.somaxconn", want,
                                  demanded ? fmt::format("2 x {}/s x {}, a power of two", rate->value,
                                                         duration_text(stall_of(about)))
                                           : std::string("the kernel's own default since 5.4")));
    finding.advice.emplace_back(
        "restart the listening programs afterwards: a listener keeps its limit until listen() is called again");
    finding.side_effects = "none until programs ask for longer queues";
    return std::vector{std::move(finding)};
}

// Weight of a counter that shows harm: growth while we looked is news, a total since boot only a hint.
Severity weight(const Counter& counter, Severity growing) { return counter.growth > 0 ? growing : Severity::Low; }

Opinion judge_syn_drops_without_cookies(const Case& about)
{
    const Counter drops = TRY(counter_of(about, "TcpExtTCPReqQFullDrop"));
    if (drops.total == 0 || TRY(about.host.sysctls.number("net.ipv4.tcp_syncookies")) != 0)
        return std::vector<Finding>{};
    Finding finding = finding_of(weight(drops, Severity::High), confidence_of(drops),
                                 "SYNs are dropped because a SYN queue is full and SYN cookies are off");
    note(finding, counter_evidence(about, "TcpExtTCPReqQFullDrop"));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_syncookies"));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_max_syn_backlog"));
    finding.why =
        "Without cookies a full queue of half-open connections shuts the listener for everybody; with them the kernel "
        "answers without keeping state.";
    finding.cost = "a few hundred forged SYNs a second keep all clients out";
    propose(finding, set_sysctl(about, "syn-drops-without-cookies", "net.ipv4.tcp_syncookies", std::int64_t{1},
                                "answer SYNs without state while the queue is full"));
    finding.side_effects =
        "connections made from a cookie keep window scaling and SACK only if the client sends timestamps";
    finding.security = "closes an open door to SYN floods";
    return std::vector{std::move(finding)};
}

Opinion judge_cookies_sent(const Case& about)
{
    const Counter sent = TRY(counter_of(about, "TcpExtSyncookiesSent"));
    if (sent.growth == 0 && sent.total < few_cookies) return std::vector<Finding>{};
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_syncookies")) == 2)
        return std::vector<Finding>{}; // always, on purpose
    const Counter back = TRY(counter_of(about, "TcpExtSyncookiesRecv"));
    const bool growing = sent.growth > 0;
    const double share = growing ? static_cast<double>(back.growth) / static_cast<double>(sent.growth)
                                 : static_cast<double>(back.total) / static_cast<double>(sent.total);
    const bool honest = share >= honest_share;
    Finding finding = finding_of(weight(sent, Severity::Medium), confidence_of(sent),
                                 honest ? "SYN queues fill up with real clients: SYN cookies are being sent"
                                        : "SYN cookies are being sent and few come back: a SYN flood or lost replies");
    note(finding, counter_evidence(about, "TcpExtSyncookiesSent"));
    note(finding, counter_evidence(about, "TcpExtSyncookiesRecv"));
    finding.why =
        fmt::format("Cookies go out only when a listener's SYN queue is full, and that is as long as its backlog. "
                    "{:.0f} % of them came back as a connection{}.",
                    share * 100, honest ? ": these are clients" : "");
    finding.cost = honest ? "connections from a cookie lose window scaling and SACK when the client sends no timestamps"
                          : "CPU, and a flood that may grow; the cookies are what keeps the port open";
    finding.advice =
        honest ? std::vector<std::string>{"raise the backlog the program passes to listen(), and somaxconn with it"}
               : std::vector<std::string>{"keep tcp_syncookies=1; tcp_synack_retries=2 frees the queue sooner",
                                          "filter the sources if it goes on; tcp_max_syn_backlog does not help"};
    finding.side_effects = "none: advice only";
    finding.security = honest ? "" : "SYN cookies are doing their work: do not switch them off";
    return std::vector{std::move(finding)};
}

Opinion judge_drops_elsewhere(const Case& about)
{
    const Counter drops = TRY(counter_of(about, "TcpExtListenDrops"));
    const Counter overflows = TRY(counter_of(about, "TcpExtListenOverflows"));
    const Counter full = TRY(counter_of(about, "TcpExtTCPReqQFullDrop"));
    const std::uint64_t explained = overflows.growth + full.growth;
    if (drops.growth <= explained) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Measured,
                                 "Listeners drop connection attempts although their queues have room");
    for (const std::string_view name : {"TcpExtListenDrops", "TcpExtListenOverflows", "TcpExtTCPReqQFullDrop"})
        note(finding, counter_evidence(about, name));
    finding.why =
        "ListenDrops counts every refused attempt; the two queue counters explain only part of them. What is left is "
        "missing memory for the new socket, no route back to the client, or a security module's refusal.";
    finding.cost = "those clients see a timeout";
    finding.advice.emplace_back("look at routes back to the clients, at memory pressure, and at the drop reason: "
                                "perf trace -e skb:kfree_skb");
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_abort_on_overflow(const Case& about)
{
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_abort_on_overflow")) == 0) return std::vector<Finding>{};
    const auto overflows = counter_of(about, "TcpExtListenOverflows");
    const bool happened = overflows && overflows->growth > 0;
    Finding finding =
        finding_of(happened ? Severity::Medium : Severity::Low, happened ? Confidence::Measured : Confidence::Derived,
                   "A full accept queue resets clients instead of letting them try again");
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_abort_on_overflow"));
    note(finding, counter_evidence(about, "TcpExtListenOverflows"));
    finding.why = "With tcp_abort_on_overflow=1 the kernel answers the last ACK of a handshake with a reset when the "
                  "accept queue "
                  "is full. Without it the client's data retransmission finds room a moment later.";
    finding.cost = "a short burst becomes visible as 'connection reset' errors";
    propose(finding, set_sysctl(about, "abort-on-overflow", "net.ipv4.tcp_abort_on_overflow", std::int64_t{0},
                                "let bursts recover by retransmission, the kernel's default"));
    finding.side_effects = "clients of a server that never recovers time out instead of failing at once";
    return std::vector{std::move(finding)};
}

std::uint32_t longest_limit(const Case& about)
{
    std::uint32_t longest = 0;
    if (about.host.sockets)
        for (const Listener& listener : about.host.sockets->listeners)
            longest = std::max(longest, listener.limit);
    return longest;
}

Opinion judge_syn_backlog_short(const Case& about)
{
    const std::int64_t backlog = TRY(about.host.sysctls.number("net.ipv4.tcp_max_syn_backlog"));
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_syncookies")) != 0) return std::vector<Finding>{};
    if (!about.host.sockets) return std::unexpected(about.host.sockets.error());
    const std::uint32_t longest = longest_limit(about);
    if (backlog >= static_cast<std::int64_t>(longest)) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 "tcp_max_syn_backlog cuts the listeners' SYN queues, because SYN cookies are off");
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_max_syn_backlog"));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_syncookies"));
    finding.evidence.push_back({"sock_diag, longest listen limit", std::to_string(longest)});
    finding.why =
        "While cookies are off, new SYNs from unknown peers are refused once three quarters of tcp_max_syn_backlog are "
        "half open, whatever the listener's own limit.";
    finding.cost = "slow or distant clients are refused in a burst";
    // No change of its own: syncookies-off proposes the cure, and then this limit is not consulted at all.
    finding.advice.push_back(
        fmt::format("switch tcp_syncookies on: this limit then does not count at all. If they must stay off: "
                    "net.ipv4.tcp_max_syn_backlog={}",
                    longest));
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

constexpr std::string_view listen_sources =
    "net/socket.c __sys_listen; net/ipv4/tcp_input.c tcp_conn_request; listen(2)";

constexpr std::array rules{
    Rule{
        "listen-queue-overflow", "Did a listener refuse connections because its accept queue was full?",
        "Looks at the drops each listening socket counted itself and at TcpExt.ListenOverflows. High only if overflows "
        "grew while we looked and can be put on this listener; a total since the listener was made is Low, from 100 on "
        "Medium. The remedy lengthens the queue to twice its limit (or to the given connection rate over a pause of "
        "0.1 s), "
        "at least 4096 and at most 16384: longer queues only keep clients waiting that have given up.",
        listen_sources, judge_queue_overflow},
    Rule{"listen-queue-near-full", "Is a listener's accept queue at least four fifths full right now?",
         "The queue length and its limit come from sock_diag. Queues with a limit below 16 are left alone unless they "
         "overflow: they belong to programs that serve one client at a time.",
         listen_sources, judge_queue_near_full},
    Rule{"listen-backlog-small", "Does a program ask for a shorter queue than the connection rate needs?",
         "Judged only when a connection rate was given or seen, and only for addresses other hosts can reach. The need "
         "is "
         "2 x rate x 0.1 s, a power of two between 1024 and 16384. Only the program can raise its own number.",
         listen_sources, judge_backlog_small},
    Rule{"somaxconn-small", "Does somaxconn cap all queues below the kernel's own default or the need?",
         "4096 has been the default since 5.4 (128 before, where 128 is only a convention's matter). A larger value is "
         "asked for only when a connection rate "
         "needs "
         "it. A value above the need is left alone: it is harmless.",
         "include/linux/socket.h SOMAXCONN; net/socket.c __sys_listen", judge_somaxconn_small},
    Rule{"syn-drops-without-cookies", "Were SYNs dropped that SYN cookies would have answered?",
         "TcpExt.TCPReqQFullDrop grows only where tcp_syncookies=0. High while it grows, Low for a total since boot.",
         "net/ipv4/tcp_input.c tcp_conn_request", judge_syn_drops_without_cookies},
    Rule{"syn-cookies-sent", "Do SYN queues fill up so that the kernel answers with cookies?",
         "TcpExt.SyncookiesSent grows when a listener's SYN queue is full. The share that comes back tells clients "
         "(half or "
         "more) from a flood. Fewer than 100 since boot and none now are ignored; so is tcp_syncookies=2, which always "
         "sends.",
         "net/ipv4/tcp_input.c tcp_conn_request; net/ipv4/syncookies.c", judge_cookies_sent},
    Rule{"listen-drops-elsewhere", "Are connection attempts dropped for another reason than full queues?",
         "TcpExt.ListenDrops minus ListenOverflows and TCPReqQFullDrop, judged only on growth between two samples.",
         "net/ipv4/tcp_ipv4.c tcp_v4_syn_recv_sock", judge_drops_elsewhere},
    Rule{"abort-on-overflow", "Does a full accept queue reset clients?",
         "tcp_abort_on_overflow=1 turns a short burst into errors. The kernel's documentation asks to set it only "
         "where the "
         "program cannot be made faster and clients must fail at once.",
         "net/ipv4/tcp_minisocks.c tcp_check_req; Documentation/networking/ip-sysctl.rst", judge_abort_on_overflow},
    Rule{"syn-backlog-short", "Does tcp_max_syn_backlog limit half-open connections below the listeners' limits?",
         "Only judged while tcp_syncookies=0: with cookies on (the default) the kernel does not look at "
         "tcp_max_syn_backlog at "
         "all, and raising it changes nothing.",
         "net/ipv4/tcp_input.c tcp_conn_request", judge_syn_backlog_short},
};

} // namespace

std::span<const Rule> listen_rules() { return rules; }

} // namespace netwright::advise
