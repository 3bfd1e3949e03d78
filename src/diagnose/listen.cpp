// SPDX-License-Identifier: GPL-2.0-or-later
// Listening sockets: the accept queue, the SYN queue, and connections nobody listens for.
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

std::uint64_t refused_by(const Scene& scene, const Listener& listener)
{
    const Listener* const before = listener_before(scene, listener);
    return growth_u64(before ? before->drops : 0, listener.drops);
}

// What listen() was called with is min(backlog, somaxconn): where both are equal, somaxconn may be what holds it down.
void add_remedy(const Scene& scene, const Cause& cause, const Listener& listener, Sighting& sighting)
{
    const auto most = scene.now.sysctls.number("net.core.somaxconn");
    sighting.advice = {"make the program accept faster: more threads, SO_REUSEPORT, no work between two accept() calls",
                       "then raise the backlog it passes to listen(), and restart it"};
    if (!most || std::int64_t{listener.limit} < *most) return;
    sighting.remedy = raise_sysctl(scene, cause, "net.core.somaxconn", std::max<std::int64_t>(4096, *most * 2),
                                   fmt::format("the queue of {} is as long as somaxconn allows", listener.port));
}

Sighting overflowing(const Scene& scene, const Cause& cause, const Listener& listener, std::uint64_t refused)
{
    Sighting sighting;
    const std::string name = socket_words(listener.address, listener.port);
    sighting.events = refused;
    sighting.victim = with_owner(name, listener.owner);
    sighting.pid = listener.owner ? listener.owner->pid : 0;
    sighting.severity = per_second(scene, refused) > 5 ? Severity::Critical : Severity::High;
    sighting.evidence = {
        {fmt::format("listener {} (sock_diag)", name),
         fmt::format("{} refused; {} wait of {} that fit", in_time(scene, refused), listener.queued, listener.limit)},
        sysctl_seen(scene, "net.core.somaxconn")};
    std::ranges::move(counter_evidence(scene, cause.counters), std::back_inserter(sighting.evidence));
    add_remedy(scene, cause, listener, sighting);
    return sighting;
}

// A full accept queue raises no drop event (6.18), but the listener counts what it refused. Its count also holds SYNs
// that found the SYN queue full: only ListenOverflows says that accept queues are what is full.
Sightings look_accept_queue(const Scene& scene, const Cause& cause)
{
    const std::uint64_t overflows = TRY(growth(scene, cause.counters));
    if (!scene.now.sockets) return std::unexpected(scene.now.sockets.error());
    std::vector<Sighting> seen;
    if (overflows == 0) return seen;
    for (const Listener& listener : scene.now.sockets->listeners)
        if (const std::uint64_t refused = refused_by(scene, listener); refused > 0)
            seen.push_back(overflowing(scene, cause, listener, refused));
    if (seen.empty()) { // the listener has gone meanwhile
        seen.push_back(counted(scene, cause));
        seen.back().severity = Severity::Medium;
    }
    return seen;
}

Sightings look_syn_queue(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (seen.empty() || !scene.now.sockets) return seen;
    for (const StateCount& state : scene.now.sockets->tcp_states)
        if (state.state == "syn-recv")
            seen[0].evidence.push_back({"connections in syn-recv (sock_diag)", fmt::format("{}", state.count)});
    const auto came_back = growth(scene, "TcpExtSyncookiesRecv");
    if (came_back) seen[0].evidence.push_back({"cookies that came back", in_time(scene, *came_back)});
    return seen;
}

Sightings look_no_cookies(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (seen.empty()) return seen;
    seen[0].evidence.push_back(sysctl_seen(scene, "net.ipv4.tcp_syncookies"));
    seen[0].remedy =
        set_sysctl(scene, cause, "net.ipv4.tcp_syncookies", 1, "answer SYNs without state while the queue is full");
    return seen;
}

// Resets are also sent for other reasons: the drop reason tells, and where it cannot be seen, resets together with
// nothing that explains them.
Sightings look_no_listener(const Scene& scene, const Cause& cause)
{
    const std::uint64_t sent = TRY(growth(scene, "TcpOutRsts"));
    if (!scene.drops) {
        const std::uint64_t other =
            growth(scene, "TcpExtTCPAbortOnClose").value_or(0) + growth(scene, "TcpExtTCPAbortOnData").value_or(0);
        if (sent <= other + cause.least) return std::vector<Sighting>{};
        Sighting sighting;
        sighting.events = sent - other;
        sighting.evidence = counter_evidence(scene, "TcpOutRsts");
        return std::vector{std::move(sighting)};
    }
    auto seen = TRY(count_by_port(scene, cause));
    for (Sighting& sighting : seen)
        std::ranges::move(counter_evidence(scene, "TcpOutRsts"), std::back_inserter(sighting.evidence));
    return seen;
}

constexpr std::array causes{
    Cause{.id = "accept-queue-full",
          .layer = Layer::Socket,
          .severity = Severity::High,
          .symptoms = drops | refused | latency,
          .what = "full accept queues",
          .unit = "connection attempts refused",
          .counters = "TcpExtListenOverflows",
          .reasons = "TCP_LISTEN_OVERFLOW",
          .look = look_accept_queue,
          .because_of = "descriptor-limit",
          .title = "A program does not accept connections as fast as they come: its accept queue is full",
          .why = "The handshake is done, or about to be, but the queue between kernel and accept() has no room. The "
                 "kernel drops the SYN or the last ACK in silence; the client tries again after 1, 3 and 7 seconds.",
          .confirm = "ss -ltn   (Recv-Q is above Send-Q for this port)\n"
                     "nstat -az TcpExtListenOverflows TcpExtListenDrops   (both grow together)",
          .advice = "make the program accept faster; raise the backlog it passes to listen()",
          .cost = "a longer queue holds more clients that wait; it hides short stalls and cures no slow program",
          .no_use = "tcp_max_syn_backlog: the accept queue is as long as min(listen backlog, somaxconn)"},
    Cause{.id = "syn-queue-cookies",
          .layer = Layer::Socket,
          .symptoms = drops | refused | latency,
          .what = "full SYN queues",
          .unit = "SYN cookies sent",
          .counters = "TcpExtTCPReqQFullDoCookies TcpExtSyncookiesSent",
          .look = look_syn_queue,
          .because_of = "accept-queue-full descriptor-limit",
          .title = "More half-open connections than a SYN queue holds: the kernel answers with SYN cookies",
          .why = "The SYN queue is as long as the listener's backlog. When it is full the kernel keeps no state and "
                 "answers with a cookie. Many cookies that come back are real clients; few are a flood.",
          .confirm = "ss -tan state syn-recv | wc -l   (near the listener's Send-Q)\n"
                     "nstat -az TcpExtSyncookiesSent TcpExtSyncookiesRecv   (do they come back?)",
          .advice =
              "real clients: raise the listener's backlog\n"
              "a flood: leave tcp_syncookies at 1; tcp_synack_retries=2 frees the queue sooner; filter the sources",
          .cost = "connections made from a cookie lose window scaling and SACK if the client sends no timestamps",
          .no_use = "tcp_max_syn_backlog is not looked at while cookies are on"},
    Cause{.id = "syn-queue-full",
          .layer = Layer::Socket,
          .severity = Severity::High,
          .symptoms = drops | refused | latency,
          .what = "SYNs dropped because cookies are off",
          .unit = "SYNs dropped",
          .counters = "TcpExtTCPReqQFullDrop",
          .look = look_no_cookies,
          .because_of = "accept-queue-full descriptor-limit",
          .title = "SYNs are dropped: the SYN queue is full and SYN cookies are off",
          .why = "Without cookies a full queue of half-open connections shuts the listener for everybody.",
          .confirm = "nstat -az TcpExtTCPReqQFullDrop   (it grows)\nsysctl net.ipv4.tcp_syncookies   (0)",
          .advice = "set net.ipv4.tcp_syncookies=1",
          .cost = "connections made from a cookie lose window scaling and SACK if the client sends no timestamps"},
    Cause{.id = "no-tcp-listener",
          .layer = Layer::Socket,
          .symptoms = drops | refused | resets,
          .what = "connections to ports nobody listens on",
          .unit = "connection attempts answered with a reset",
          .reasons = "tcp:NO_SOCKET",
          .least = 3,
          .look = look_no_listener,
          .title = "Clients connect to a TCP port nobody listens on and are refused",
          .why = "No socket listens on this address and port: the kernel answers with a reset, the client sees "
                 "'connection refused'. A program that is down, restarts or listens on another address; or a scan.",
          .confirm = "ss -ltn   (the port is missing, or bound to 127.0.0.1 only)\n"
                     "tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0'   (who is refused)",
          .advice = "start the program, or bind it to the address clients use; scans are harmless",
          .cost = "none: nothing in the kernel is to be tuned"},
};

} // namespace

std::span<const Cause> listen_causes() { return causes; }

} // namespace netwright::diagnose
