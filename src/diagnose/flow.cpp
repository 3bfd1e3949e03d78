// SPDX-License-Identifier: GPL-2.0-or-later
// What limits or breaks single connections: loss on the path, windows, buffers, packets too large for it.
#include "base/text.h"
#include "base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

constexpr double lossy = 0.01, very_lossy = 0.05; // share of segments sent again
constexpr std::uint64_t few_retransmits = 5;
constexpr std::uint64_t limited_percent = 30; // of the time with data to send
constexpr std::uint64_t busy_percent = 20;    // of the time we looked
constexpr std::uint32_t stuck_timeouts = 2;   // in a row, over both moments
constexpr std::size_t most_victims = 3;

const std::vector<Connection>* waiting(const Scene& scene)
{
    return scene.now.sockets && scene.now.sockets->waiting ? &*scene.now.sockets->waiting : nullptr;
}

std::unexpected<Error> no_sockets(const Scene& scene)
{
    return std::unexpected(scene.now.sockets ? scene.now.sockets->waiting.error() : scene.now.sockets.error());
}

// What happened to a connection while we looked. One that was not there before may have been idle: no more than the
// time we looked can be ours.
struct Spent {
    std::uint64_t busy_us = 0, limited_us = 0;
};

Spent spent(const Scene& scene, const Connection& now, std::uint64_t Connection::* limited)
{
    const Connection* const before = connection_before(scene, now);
    const auto most = static_cast<std::uint64_t>(std::chrono::microseconds(scene.now.interval).count());
    const std::uint64_t busy = growth_u64(before ? before->busy_us : 0, now.busy_us);
    return {std::min(busy, most), std::min(growth_u64(before ? before->*limited : 0, now.*limited), most)};
}

bool is_limited(const Scene& scene, const Spent& spent)
{
    const auto looked = static_cast<std::uint64_t>(std::chrono::microseconds(scene.now.interval).count());
    return spent.busy_us * 100 >= looked * busy_percent && spent.limited_us * 100 >= spent.busy_us * limited_percent;
}

Sighting limited_by(const Connection& connection, const Spent& spent, std::string_view by)
{
    Sighting sighting;
    sighting.victim = connection_words(connection);
    sighting.pid = connection.owner ? connection.owner->pid : 0;
    sighting.evidence = {
        {"tcp_info of the connection (ss -ti)", fmt::format("{} % of the time with data to send, {} was the limit",
                                                            spent.limited_us * 100 / spent.busy_us, by)},
        {"window the peer gives", fmt::format("{} bytes", connection.peer_window)},
        {"send buffer", fmt::format("{} of {} bytes in use", connection.send_memory, connection.send_buffer)},
        {"round trip", fmt::format("{} us (smallest {} us)", connection.rtt_us, connection.min_rtt_us)}};
    return sighting;
}

Sightings look_limited(const Scene& scene, std::uint64_t Connection::* limited, std::string_view by,
                       bool (*fits)(const Connection&))
{
    const auto* const connections = waiting(scene);
    if (!connections) return no_sockets(scene);
    std::vector<Sighting> seen;
    for (const Connection& connection : *connections) {
        if (connection.busy_us == 0 || !fits(connection)) continue;
        const Spent time = spent(scene, connection, limited);
        if (!is_limited(scene, time)) continue;
        seen.push_back(limited_by(connection, time, by));
        if (seen.size() == most_victims) break;
    }
    return seen;
}

bool window_closed(const Connection& connection) { return connection.peer_window < connection.mss; }

Sightings look_window_small(const Scene& scene, const Cause&)
{
    return look_limited(scene, &Connection::rwnd_limited_us, "the peer's window",
                        [](const Connection& connection) { return !window_closed(connection); });
}

Sightings look_window_closed(const Scene& scene, const Cause&)
{
    return look_limited(scene, &Connection::rwnd_limited_us, "the peer's window", window_closed);
}

// A full buffer of which every byte is on its way: neither the window nor congestion control holds anything back.
bool full_and_in_flight(const Connection& connection)
{
    return connection.send_buffer > 0 && connection.not_sent == 0 && connection.send_memory >= connection.send_buffer;
}

Sighting filled(const Connection& now, const Connection& before)
{
    Sighting sighting;
    sighting.victim = connection_words(now);
    sighting.pid = now.owner ? now.owner->pid : 0;
    sighting.evidence = {{"send buffer, at both moments (ss -tm: w, tb)",
                          fmt::format("{} of {} bytes in use, all of it in flight", now.send_memory, now.send_buffer)},
                         {"delivered meanwhile", fmt::format("{} bytes", now.bytes_acked - before.bytes_acked)},
                         {"round trip", fmt::format("{} us (smallest {} us)", now.rtt_us, now.min_rtt_us)}};
    return sighting;
}

// The kernel's own clock (sndbuf_limited) runs only where congestion control has grown well past the buffer; a buffer
// that is seen full of what is in flight tells as much.
Sightings look_send_buffer(const Scene& scene, const Cause&)
{
    auto seen = TRY(look_limited(scene, &Connection::sndbuf_limited_us, "our send buffer",
                                 [](const Connection& connection) { return !full_and_in_flight(connection); }));
    for (const Connection& connection : *waiting(scene)) {
        const Connection* const before = connection_before(scene, connection);
        if (!before || !full_and_in_flight(connection) || !full_and_in_flight(*before)) continue;
        if (growth_u64(before->bytes_acked, connection.bytes_acked) < connection.send_queue)
            continue; // it stands still
        if (seen.size() < most_victims) seen.push_back(filled(connection, *before));
    }
    return seen;
}

// The connection with most retransmissions while we looked.
const Connection* most_retransmits(const Scene& scene)
{
    const auto* const connections = waiting(scene);
    if (!connections) return nullptr;
    const Connection* most = nullptr;
    std::uint64_t count = 0;
    for (const Connection& connection : *connections) {
        const Connection* const before = connection_before(scene, connection);
        const std::uint64_t grown = growth_u64(before ? before->retransmits : 0, connection.retransmits);
        if (grown <= count || connection.state == "syn-sent") continue;
        count = grown;
        most = &connection;
    }
    return most;
}

// Segments sent again: because they were lost, or although they had arrived, as the peer reported (DSACK).
struct Repeats {
    std::uint64_t sent = 0, lost = 0, needless = 0;
};

Result<Repeats> repeats(const Scene& scene)
{
    Repeats seen;
    seen.sent = TRY(growth(scene, "TcpOutSegs"));
    const std::uint64_t again = TRY(growth(scene, "TcpRetransSegs"));
    const std::uint64_t handshakes = growth(scene, "TcpExtTCPSynRetrans").value_or(0);
    const std::uint64_t data = again - std::min(again, handshakes);
    const std::uint64_t reports = growth(scene, "TcpExtTCPDSACKRecv").value_or(0); // each of one segment or more
    seen.needless = std::min(data, growth(scene, "TcpExtTCPDSACKRecvSegs").value_or(reports));
    seen.lost = data - seen.needless;
    return seen;
}

std::vector<Sighting> repeated(const Scene& scene, const Cause& cause, std::uint64_t segments, std::uint64_t sent)
{
    Sighting sighting = counted(scene, cause);
    sighting.events = segments;
    sighting.evidence.insert(
        sighting.evidence.begin(),
        {std::string(cause.unit),
         fmt::format("{:.1f} % of {}", static_cast<double>(segments) * 100 / static_cast<double>(sent), sent)});
    if (const Connection* const worst = most_retransmits(scene)) {
        sighting.victim = connection_words(*worst);
        sighting.evidence.push_back(
            {"its round trip", fmt::format("{} us (smallest {} us)", worst->rtt_us, worst->min_rtt_us)});
    }
    return {std::move(sighting)};
}

bool is_share(std::uint64_t segments, double share, std::uint64_t sent)
{
    return segments >= few_retransmits && static_cast<double>(segments) >= share * static_cast<double>(sent);
}

Sightings look_loss(const Scene& scene, const Cause& cause)
{
    const Repeats seen = TRY(repeats(scene));
    const bool only_not_told_yet = seen.lost * 3 < seen.needless; // DSACKs come a round trip after the repeats
    if (!is_share(seen.lost, lossy, seen.sent) || only_not_told_yet) return std::vector<Sighting>{};
    auto sightings = repeated(scene, cause, seen.lost, seen.sent);
    if (is_share(seen.lost, very_lossy, seen.sent)) sightings[0].severity = Severity::High;
    return sightings;
}

Sightings look_needless(const Scene& scene, const Cause& cause)
{
    const Repeats seen = TRY(repeats(scene));
    if (!is_share(seen.needless, lossy, seen.sent)) return std::vector<Sighting>{};
    auto sightings = repeated(scene, cause, seen.needless, seen.sent);
    std::ranges::move(counter_evidence(scene, "TcpRetransSegs TcpExtTCPSACKReorder+TcpExtTCPTSReorder "
                                              "TcpExtTCPDSACKUndo TcpExtTCPSpuriousRTOs"),
                      std::back_inserter(sightings[0].evidence));
    return sightings;
}

Sightings look_syn_unanswered(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    const auto* const connections = waiting(scene);
    if (!connections) return seen;
    const auto found = std::ranges::find_if(*connections, [](const Connection& connection) {
        return connection.state == "syn-sent" && connection.timeouts_running > 0;
    });
    if (seen.empty()) return seen;
    if (found == connections->end()) {
        // SYNs that were answered in the end, and SYN-ACKs, are counted alike: one alone is everyday loss.
        if (seen[0].events < few_retransmits) seen.clear();
        return seen;
    }
    seen[0].victim = connection_words(*found);
    seen[0].pid = found->owner ? found->owner->pid : 0;
    seen[0].severity = Severity::High;
    return seen;
}

// No progress over both moments, timeouts in a row, but the connection lived: small packets passed, full ones do not.
bool stuck(const Connection& now, const Connection* before)
{
    const bool still = !before || before->bytes_acked == now.bytes_acked;
    return now.state == "established" && now.in_flight > 0 && now.timeouts_running >= stuck_timeouts && still;
}

// So far only small segments were acknowledged.
bool only_small_passed(const Connection& now)
{
    const std::uint64_t unacked = std::uint64_t{now.in_flight} + now.retransmits;
    const std::uint64_t acked_segments = now.segments_sent > unacked ? now.segments_sent - unacked : 1;
    return now.bytes_acked / acked_segments < now.mss / 2 && now.send_queue >= now.mss;
}

Sightings look_black_hole(const Scene& scene, const Cause& cause)
{
    const auto* const connections = waiting(scene);
    if (!connections) return no_sockets(scene);
    std::vector<Sighting> seen;
    for (const Connection& connection : *connections) {
        if (!stuck(connection, connection_before(scene, connection)) || !only_small_passed(connection)) continue;
        Sighting sighting;
        sighting.events = connection.timeouts_running;
        sighting.victim = connection_words(connection);
        sighting.pid = connection.owner ? connection.owner->pid : 0;
        sighting.evidence = {{"timeouts in a row (ss -ti: backoff)", fmt::format("{}", connection.timeouts_running)},
                             {"segment size and path MTU it believes in",
                              fmt::format("{} and {} bytes", connection.mss, connection.path_mtu)},
                             {"delivered so far", fmt::format("{} bytes in small segments; {} bytes wait in full ones",
                                                              connection.bytes_acked, connection.send_queue)},
                             sysctl_seen(scene, "net.ipv4.tcp_mtu_probing")};
        std::ranges::move(counter_evidence(scene, cause.counters), std::back_inserter(sighting.evidence));
        sighting.remedy =
            set_sysctl(scene, cause, "net.ipv4.tcp_mtu_probing", 1, "find the size that passes without ICMP");
        seen.push_back(std::move(sighting));
        if (seen.size() == most_victims) break;
    }
    return seen;
}

constexpr std::string_view local_losses =
    "qdisc-full backlog-full firewall-drop conntrack-full pmtu-black-hole xdp-drop tc-drop tap-queue-full "
    "neighbour-unresolved accept-queue-full descriptor-limit receive-memory-pruned tcp-checksum tcp-memory "
    "packet-too-big syn-queue-full syn-queue-cookies peer-gone no-route rp-filter nic-ring-full ip-checksum "
    "spoofed-source peer-window-closed slow-reader fragments-lost tcp-signature socket-backlog-full "
    "neighbour-table-full conntrack-invalid not-our-address ttl-expired firewall-reject";

constexpr std::array causes{
    Cause{.id = "pmtu-black-hole",
          .layer = Layer::Path,
          .severity = Severity::High,
          .symptoms = throughput | latency | drops,
          .what = "paths that swallow large packets",
          .unit = "timeouts",
          .counters = "TcpExtTCPTimeouts TcpExtTCPMTUPFail+TcpExtTCPMTUPSuccess",
          .look = look_black_hole,
          .because_of = "firewall-drop conntrack-full",
          .title = "Small packets pass and large ones vanish: the path's MTU is smaller than the kernel believes",
          .why = "A link on the way takes only smaller packets, and its ICMP 'fragmentation needed' does not arrive: a "
                 "firewall drops it, or a tunnel's MTU is wrong. Handshakes work, the first full segment hangs.",
          .confirm = "ping -M do -s 1472 PEER   (no answer)   ping -M do -s 1200 PEER   (answers)\ntracepath PEER",
          .advice = "correct the MTU of the tunnel or link; let ICMP type 3 code 4 (ICMPv6 type 2) through\n"
                    "on a router: clamp the MSS (nft: tcp option maxseg size set rt mtu)",
          .cost = "probing sends slightly smaller segments for a while",
          .no_use = "buffers and congestion control: the packets are too large, not too many"},
    Cause{.id = "peer-window-closed",
          .layer = Layer::Path,
          .symptoms = throughput | latency,
          .what = "peers that do not read",
          .unit = "",
          .look = look_window_closed,
          .because_of = "slow-reader",
          .title = "The peer does not read: its window is closed and this host waits",
          .why = "The program on the other side is slow or has stopped. Nothing is lost, no setting here helps.",
          .confirm = "ss -tinm   (snd_wnd 0, timer:(persist,…))\non the peer: ss -tn shows Recv-Q full",
          .advice = "look at the program on the other side",
          .cost = "none: nothing on this host is to be tuned"},
    Cause{.id = "peer-window-small",
          .layer = Layer::Path,
          .symptoms = throughput,
          .what = "receive windows that limit senders",
          .unit = "",
          .look = look_window_small,
          .title = "The peer's receive window is what limits throughput",
          .why =
              "The window is smaller than bandwidth times round trip: the sender stops and waits for every window. The "
              "receiver fixed SO_RCVBUF, its tcp_rmem is small, or its program reads slowly.",
          .confirm =
              "ss -ti   (rwnd_limited above half of busy)\non the peer: ss -tm, skmem rb; sysctl net.ipv4.tcp_rmem",
          .advice = "on the peer: leave SO_RCVBUF alone, raise the third value of net.ipv4.tcp_rmem, read faster",
          .cost = "memory on the peer for connections that use it",
          .no_use = "this host's tcp_wmem and congestion control"},
    Cause{.id = "send-buffer-small",
          .layer = Layer::Socket,
          .symptoms = throughput,
          .what = "send buffers that limit throughput",
          .unit = "",
          .look = look_send_buffer,
          .because_of = "path-loss",
          .title = "The send buffer is what limits throughput",
          .why =
              "What is sent stays in the buffer until it is acknowledged. The program fixed SO_SNDBUF below bandwidth "
              "times round trip, or tcp_wmem's third value is too small.",
          .confirm = "ss -tim   (sndbuf_limited above half of busy; skmem: tb)",
          .advice = "the program: leave SO_SNDBUF alone; then raise the third value of net.ipv4.tcp_wmem",
          .cost = "memory for connections that use it",
          .no_use = "net.core.wmem_max: it caps only what programs ask for themselves"},
    Cause{.id = "syn-unanswered",
          .layer = Layer::Path,
          .symptoms = refused | latency | drops,
          .what = "connection attempts without an answer",
          .unit = "SYNs sent again",
          .counters = "TcpExtTCPSynRetrans",
          .look = look_syn_unanswered,
          .because_of = local_losses,
          .title = "Connection attempts get no answer",
          .why =
              "The SYN or its answer is lost on the way, or dropped in silence by a firewall or a listener whose queue "
              "is full. Programs see delays of 1, 3, 7 seconds, then 'connection timed out'.",
          .confirm = "ss -tno state syn-sent\ntcpdump -ni any 'tcp[tcpflags] & tcp-syn != 0' on both sides",
          .advice = "is the host up, the route right, the firewall open, its accept queue full? Look on the other side",
          .cost = "none: nothing on this host is to be tuned",
          .no_use = "tcp_syn_retries: it only changes how soon programs hear of it"},
    Cause{.id = "path-loss",
          .layer = Layer::Path,
          .symptoms = throughput | latency | drops,
          .what = "loss on the path",
          .unit = "segments sent again",
          .counters = "TcpRetransSegs",
          .look = look_loss,
          .because_of = local_losses,
          .title = "Segments are lost on the path and sent again; nothing on this host drops them",
          .why = "Congestion, a policer, a bad link or a full queue elsewhere. CUBIC slows down at every loss.",
          .confirm = "ss -ti   (retrans, bytes_retrans)\nmtr -T -P PORT PEER, both ways: at which hop it begins",
          .advice = "find the hop; for a policer pace below its rate (fq maxrate); on lossy links try BBR\n"
                    "group by destination: one peer, one network, or all?",
          .cost = "BBR takes more than its share from CUBIC flows at a shallow queue",
          .no_use = "larger buffers and rings on this host: it loses nothing"},
    Cause{.id = "needless-repeats",
          .layer = Layer::Path,
          .symptoms = throughput | latency,
          .what = "repeats of segments that had arrived",
          .unit = "segments sent again although they had arrived",
          .counters = "TcpExtTCPDSACKRecvSegs TcpExtTCPDSACKRecv",
          .look = look_needless,
          .title = "Segments overtake each other, or acknowledgements come late: TCP repeats what had arrived",
          .why = "Peers report (DSACK) that they got segments twice. What came out of order was taken for lost, and "
                 "the congestion window shrank for nothing. Nothing was dropped.",
          .confirm = "nstat -az TcpExtTCPDSACKRecv TcpExtTCPSACKReorder TcpExtTCPSpuriousRTOs\n"
                     "ss -ti   (dsack_dups, reordering, reord_seen)",
          .advice =
              "look for balancing by packet: bonding round-robin, ECMP without a flow hash, receive steering that "
              "moves flows\n"
              "a small rto_min on the route: set it back; leave tcp_recovery, tcp_dsack and tcp_timestamps on",
          .cost = "a flow that stays on one link has that link's rate",
          .no_use = "BBR and larger buffers: no segment is lost"},
};

} // namespace

std::span<const Cause> flow_causes() { return causes; }

} // namespace netwright::diagnose
