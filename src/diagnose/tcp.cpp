// SPDX-License-Identifier: GPL-2.0-or-later
// What TCP itself refuses, gives up or resets: memory, checksums, timers, closes that lose data.
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

Sightings look_time_wait(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (seen.empty()) return seen;
    seen[0].evidence.push_back(sysctl_seen(scene, "net.ipv4.tcp_max_tw_buckets"));
    const auto limit = scene.now.sysctls.number("net.ipv4.tcp_max_tw_buckets");
    if (limit && *limit < 262144)
        seen[0].remedy = raise_sysctl(scene, cause, "net.ipv4.tcp_max_tw_buckets",
                                      std::max<std::int64_t>(65536, *limit * 2), "room for the connections that close");
    return seen;
}

// A single socket that is over its own limit drops for the same reason as all sockets over theirs.
std::uint64_t own_limit(const Scene& scene)
{
    return growth(scene, "TcpExtTCPRcvQDrop").value_or(0) + growth(scene, "TcpExtTCPOFODrop").value_or(0);
}

// All sockets together are where the kernel presses. The counter moves when that begins, perhaps before we looked.
bool is_pressed(const Scene& scene)
{
    const auto limits = scene.now.sysctls.numbers("net.ipv4.tcp_mem"); // not visible in other namespaces than the first
    return limits && limits->size() == 3 && scene.now.sockstat &&
           scene.now.sockstat->tcp_memory_pages >= static_cast<std::uint64_t>(std::max<std::int64_t>(0, (*limits)[1]));
}

Sightings look_memory(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    const std::uint64_t pressed = growth(scene, "TcpExtTCPAbortOnMemory+TcpExtTCPMemoryPressures").value_or(0);
    if (pressed == 0 && !is_pressed(scene) && dropped(scene, cause.reasons) <= own_limit(scene)) seen.clear();
    if (seen.empty() || !scene.now.sockstat) return seen;
    seen[0].evidence.push_back({"/proc/net/sockstat TCP mem (the whole host's)",
                                fmt::format("{} pages", scene.now.sockstat->tcp_memory_pages)});
    seen[0].evidence.push_back(sysctl_seen(scene, "net.ipv4.tcp_mem"));
    return seen;
}

// Collapsing what is queued (PruneCalled) is work, not loss: it only stands beside the loss.
Sightings look_pruned(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (!seen.empty())
        std::ranges::move(counter_evidence(scene, "TcpExtPruneCalled TcpExtTCPRcvCollapsed"),
                          std::back_inserter(seen[0].evidence));
    return seen;
}

Sightings look_orphans(const Scene& scene, const Cause& cause)
{
    const auto most = scene.now.sysctls.number("net.ipv4.tcp_max_orphans");
    if (!scene.now.sockstat) return std::unexpected(scene.now.sockstat.error());
    if (!most) return std::unexpected(most.error());
    const std::uint64_t orphans = scene.now.sockstat->tcp_orphans;
    if (orphans * 2 < static_cast<std::uint64_t>(*most)) return std::vector<Sighting>{};
    Sighting sighting = counted(scene, cause);
    sighting.evidence.insert(sighting.evidence.begin(), {"/proc/net/sockstat TCP orphan (the whole host's)",
                                                         fmt::format("{} of {}", orphans, *most)});
    return std::vector{std::move(sighting)};
}

// Connections that were refused from outside: attempts that failed while nothing here explains it.
Sightings look_refused_by_peer(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (seen.empty()) return seen;
    const std::uint64_t timeouts = growth(scene, "TcpExtTCPAbortOnTimeout").value_or(0); // no answer, so no refusal
    const std::uint64_t tried = growth(scene, "TcpActiveOpens").value_or(0);             // else clients broke off
    if (timeouts >= seen[0].events || tried < cause.least) seen.clear();
    return seen;
}

constexpr std::array causes{
    Cause{.id = "tcp-checksum",
          .layer = Layer::Transport,
          .severity = Severity::High,
          .symptoms = drops | throughput | latency,
          .what = "wrong TCP checksums",
          .unit = "segments dropped",
          .counters = "TcpInCsumErrors",
          .reasons = "TCP_CSUM",
          .least = 3,
          .title = "TCP segments arrive with a wrong checksum",
          .why = "Something on the way changes packets: a broken NIC, cable or tunnel, or an offload that leaves the "
                 "checksum to hardware that does not fill it in. TCP sends them again, which costs time.",
          .confirm = "nstat -az TcpInCsumErrors\ntcpdump -vvni DEV tcp   (incorrect cksum, on the receiver)",
          .advice =
              "compare paths and senders; switch one offload off at a time (ethtool -K DEV rx off, sender: tx off)",
          .cost = "a switched-off offload costs CPU"},
    Cause{
        .id = "receive-memory-pruned",
        .layer = Layer::Transport,
        .severity = Severity::High,
        .symptoms = drops | throughput | latency,
        .what = "received data thrown away for lack of buffer",
        .unit = "times data was thrown away",
        .counters = "TcpExtRcvPruned TcpExtOfoPruned TcpExtTCPRcvQDrop TcpExtTCPOFODrop",
        .reasons = "TCP_OFO_QUEUE_PRUNE TCP_OFO_DROP",
        .look = look_pruned,
        .because_of = "tcp-memory",
        .title = "TCP throws received data away: the receive buffer is too small for what it promised",
        .why =
            "A segment takes more memory than its bytes. With a fixed or small buffer and small segments, memory runs "
            "out before the window does: the kernel collapses, then drops, and the peer sends again.",
        .confirm = "nstat -az TcpExtPruneCalled TcpExtRcvPruned TcpExtTCPRcvCollapsed\nss -tmn   (skmem: r near rb)",
        .advice = "leave SO_RCVBUF alone, so that the kernel sizes the buffer itself; else set it larger\n"
                  "raise the third value of net.ipv4.tcp_rmem; the sender: fewer, larger writes",
        .cost = "memory for every connection that uses it"},
    Cause{.id = "tcp-memory",
          .layer = Layer::Socket,
          .severity = Severity::High,
          .symptoms = drops | throughput | resets,
          .what = "TCP's memory limit",
          .unit = "segments dropped or connections ended",
          .counters = "TcpExtTCPAbortOnMemory TcpExtTCPMemoryPressures",
          .reasons = "PROTO_MEM",
          .look = look_memory,
          .title = "Sockets have used up the memory they may use (tcp_mem, udp_mem, or the cgroup's limit)",
          .why = "Under pressure buffers no longer grow; at the limit segments are dropped and connections reset.",
          .confirm = "grep TCP: /proc/net/sockstat   (mem, in pages, against net.ipv4.tcp_mem)\n"
                     "a container: memory.stat sock, memory.events",
          .advice = "find the connections that hold it (ss -tm); programs that do not read or peers that have gone\n"
                    "raise net.ipv4.tcp_mem (pages!) or the cgroup's limit only if there is memory to spare",
          .cost = "kernel memory that cannot be swapped"},
    Cause{.id = "socket-backlog-full",
          .layer = Layer::Socket,
          .symptoms = drops | throughput | latency,
          .what = "sockets their program holds locked",
          .unit = "segments dropped",
          .counters = "TcpExtTCPBacklogDrop",
          .reasons = "SOCKET_BACKLOG",
          .title = "Segments are dropped because the program holds its socket locked",
          .why = "While a program is inside a system call on the socket, segments wait in its backlog; that is full.",
          .confirm = "nstat -az TcpExtTCPBacklogDrop\nss -tm   (skmem: bl)",
          .advice = "smaller reads and writes, MSG_ZEROCOPY with care; a larger receive buffer widens the backlog",
          .cost = "memory for every connection that uses it"},
    Cause{.id = "time-wait-overflow",
          .layer = Layer::Transport,
          .symptoms = resets | refused,
          .what = "a full time-wait table",
          .unit = "connections closed without time-wait",
          .counters = "TcpExtTCPTimeWaitOverflow",
          .look = look_time_wait,
          .title = "The time-wait table is full: connections end without its protection",
          .why =
              "Past tcp_max_tw_buckets the kernel skips time-wait: late segments of an old connection may reach a new "
              "one, and the last ACK is not repeated.",
          .confirm = "nstat -az TcpExtTCPTimeWaitOverflow\ngrep TCP: /proc/net/sockstat   (tw)",
          .advice = "let the client close, keep connections open; raise net.ipv4.tcp_max_tw_buckets",
          .cost = "about 256 bytes for each",
          .no_use = "tcp_fin_timeout does not shorten time-wait"},
    Cause{.id = "orphans",
          .layer = Layer::Transport,
          .symptoms = resets,
          .what = "connections without a program",
          .unit = "connections ended for lack of memory",
          .counters = "TcpExtTCPAbortOnMemory",
          .look = look_orphans,
          .title = "Many closed connections still try to deliver their data (orphans)",
          .why = "The program has closed, the peer does not take the rest. At tcp_max_orphans the kernel resets them.",
          .confirm = "grep TCP: /proc/net/sockstat   (orphan)\nss -tan state fin-wait-1   (Send-Q)",
          .advice = "find out why peers vanish; net.ipv4.tcp_orphan_retries=3 gives up sooner",
          .cost = "slow clients may lose the end of what was sent"},
    Cause{.id = "peer-gone",
          .layer = Layer::Path,
          .severity = Severity::High,
          .symptoms = latency | resets,
          .what = "connections given up because nobody answers",
          .unit = "connections given up",
          .counters = "TcpExtTCPAbortOnTimeout",
          .because_of = "syn-unanswered firewall-drop conntrack-full no-route neighbour-unresolved pmtu-black-hole",
          .title = "Connections are given up: the peer has stopped answering",
          .why = "Retransmissions, window probes or keepalives went unanswered until TCP, or the program's "
                 "TCP_USER_TIMEOUT, gave up. The peer is gone, or a firewall between forgot the connection.",
          .confirm = "ss -tano   (timer:(on,…) with many retries)\nping and tcptraceroute to the peer",
          .advice = "idle connections through NAT or firewalls: keepalive below their timeout\n"
                    "fail sooner on purpose: TCP_USER_TIMEOUT in the program, or net.ipv4.tcp_retries2",
          .cost = "shorter limits end connections that a longer outage would have survived"},
    Cause{.id = "closed-with-unread-data",
          .layer = Layer::Application,
          .symptoms = resets,
          .what = "programs that close before they have read everything",
          .unit = "connections reset",
          .counters = "TcpExtTCPAbortOnClose TcpExtTCPAbortOnData",
          .least = 3,
          .look = count_against_opens,
          .title = "A program closes connections before it has read everything: the peer sees 'connection reset'",
          .why =
              "Closing with unread data, or with data still coming, makes the kernel send a reset; the peer may lose "
              "what was already on its way to it, such as an answer.",
          .confirm = "nstat -az TcpExtTCPAbortOnClose TcpExtTCPAbortOnData\ntcpdump 'tcp[tcpflags] & tcp-rst != 0'",
          .advice = "the program: shutdown(SHUT_WR), read to the end, then close()",
          .cost = "none: ordinary where a server cuts off requests on purpose"},
    Cause{.id = "refused-by-peer",
          .layer = Layer::Path,
          .symptoms = refused | resets,
          .what = "connections refused by other hosts",
          .unit = "connection attempts refused",
          .counters = "TcpAttemptFails",
          .least = 3,
          .look = look_refused_by_peer,
          .because_of = "no-tcp-listener firewall-reject firewall-drop accept-queue-full syn-unanswered no-route "
                        "descriptor-limit syn-queue-full syn-queue-cookies neighbour-unresolved",
          .title = "Other hosts refuse the connections this host tries to make",
          .why = "The answer to a SYN was a reset or an ICMP error: nothing listens there, or a firewall refuses.",
          .confirm = "nstat -az TcpAttemptFails\ntcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0'   (from whom)",
          .advice = "look at the service on the other side, its address and its firewall",
          .cost = "none: nothing on this host is to be tuned"},
    Cause{.id = "reset-by-peer",
          .layer = Layer::Path,
          .symptoms = resets,
          .what = "connections reset by other hosts",
          .unit = "connections reset",
          .counters = "TcpEstabResets",
          .least = 3,
          .look = count_against_opens,
          .because_of = "closed-with-unread-data peer-gone tcp-memory no-tcp-listener",
          .title = "Established connections are reset",
          .why = "A reset came in, or a program here closed hard (SO_LINGER 0).",
          .confirm = "tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0'   (who sends them)",
          .advice = "from outside: look at the peer or the device between; from here: which program uses SO_LINGER 0",
          .cost = "none: advice only"},
    Cause{.id = "tcp-signature",
          .layer = Layer::Transport,
          .symptoms = drops | refused,
          .what = "TCP signatures that do not fit",
          .unit = "segments dropped",
          .counters = "TcpExtTCPMD5NotFound+TcpExtTCPMD5Unexpected+TcpExtTCPMD5Failure "
                      "TcpExtTCPAORequired+TcpExtTCPAOBad+TcpExtTCPAOKeyNotFound",
          .reasons = "TCP_MD5NOTFOUND TCP_MD5UNEXPECTED TCP_MD5FAILURE TCP_AONOTFOUND TCP_AOUNEXPECTED "
                     "TCP_AOKEYNOTFOUND TCP_AOFAILURE TCP_AUTH_HDR",
          .title = "TCP segments are dropped because their signature is missing or wrong (MD5 or TCP-AO)",
          .why = "The socket demands signed segments, as BGP does; the peer has no key or another one.",
          .confirm = "nstat -az 'TcpExtTCPMD5*' 'TcpExtTCPAO*'",
          .advice = "the same key on both sides, for these very addresses",
          .cost = "none: advice only"},
    Cause{.id = "old-timestamps",
          .layer = Layer::Transport,
          .symptoms = drops | refused,
          .what = "TCP timestamps from the past",
          .unit = "segments dropped",
          .counters = "TcpExtPAWSEstab",
          .reasons = "TCP_RFC7323_PAWS TCP_RFC7323_TW_PAWS",
          .least = 3,
          .title = "TCP drops segments whose timestamps lie in the past",
          .why = "Several machines behind one address, or a middlebox that changes timestamps.",
          .confirm = "nstat -az TcpExtPAWSEstab TcpExtPAWSTimewait",
          .advice = "look for NAT or load balancers that mix clients; keep tcp_timestamps as it is",
          .cost = "none: advice only"},
};

} // namespace

std::span<const Cause> tcp_causes() { return causes; }

} // namespace netwright::diagnose
