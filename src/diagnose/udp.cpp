// SPDX-License-Identifier: GPL-2.0-or-later
// UDP: receive and send buffers, ports nobody has, filters, memory.
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

Sighting dropping(const Scene& scene, const UdpSocket& socket, std::uint64_t lost)
{
    Sighting sighting;
    const std::string name = socket_words(socket.address, socket.port);
    sighting.events = lost;
    sighting.victim = with_owner(name, socket.owner);
    sighting.pid = socket.owner ? socket.owner->pid : 0;
    sighting.evidence = {{fmt::format("UDP socket {} (sock_diag)", name),
                          fmt::format("{} dropped; {} bytes wait of {} that fit", in_time(scene, lost),
                                      socket.receive_queue, socket.receive_buffer)}};
    return sighting;
}

// A socket counts the drops of filters and checksums too: only those whose buffer is full, or the counter, tell.
Sightings look_receive_buffer(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (seen.empty()) return seen;
    if (!scene.now.sockets) return seen;
    std::vector<Sighting> sockets;
    for (const UdpSocket& socket : scene.now.sockets->udp) {
        const UdpSocket* const before = udp_before(scene, socket);
        const std::uint64_t lost = growth_u64(before ? before->drops : 0, socket.drops);
        if (lost == 0) continue;
        sockets.push_back(dropping(scene, socket, lost));
        std::ranges::move(counter_evidence(scene, cause.counters), std::back_inserter(sockets.back().evidence));
        std::ranges::move(drop_evidence(scene, cause.reasons), std::back_inserter(sockets.back().evidence));
        sockets.back().evidence.push_back(sysctl_seen(scene, "net.core.rmem_max"));
    }
    return sockets.empty() ? seen : sockets;
}

// A drop in the local queue is counted as a failed send too; then the queue is the cause.
Sightings look_send_buffer(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (!seen.empty()) seen[0].evidence.push_back(sysctl_seen(scene, "net.core.wmem_default"));
    return seen;
}

constexpr std::array causes{
    Cause{.id = "udp-receive-buffer-full",
          .layer = Layer::Socket,
          .severity = Severity::High,
          .symptoms = drops,
          .what = "full UDP receive buffers",
          .unit = "datagrams dropped",
          .counters = "UdpRcvbufErrors+Udp6RcvbufErrors UdpLiteRcvbufErrors",
          .reasons = "udp:SOCKET_RCVBUFF SOCKET_RCVBUFF",
          .look = look_receive_buffer,
          .title = "A program does not read UDP datagrams as fast as they come: its receive buffer is full",
          .why = "What does not fit into the socket's buffer is dropped; UDP never says so to anybody.",
          .confirm = "ss -uamp   (skmem: r near rb, d grows)\nnstat -az UdpRcvbufErrors",
          .advice = "read faster: recvmmsg(), UDP_GRO, several sockets with SO_REUSEPORT, a thread of its own\n"
                    "for bursts: a larger SO_RCVBUF, and net.core.rmem_max first if it is the cap",
          .cost = "a larger buffer is memory and delay; it absorbs bursts and cures no reader that is too slow",
          .no_use = "netdev_max_backlog, udp_mem: the packet got past them"},
    Cause{.id = "udp-memory",
          .layer = Layer::Socket,
          .severity = Severity::High,
          .symptoms = drops,
          .what = "UDP's memory limit",
          .unit = "datagrams dropped",
          .counters = "UdpMemErrors+Udp6MemErrors",
          .title = "UDP sockets together use all the memory they may: udp_mem",
          .why = "The sum over all sockets of the host reached the third value of udp_mem (or the cgroup's limit).",
          .confirm = "grep UDP /proc/net/sockstat   (mem, in pages, near the third value of net.ipv4.udp_mem)",
          .advice = "find the sockets that hold it (ss -uamp, r); smaller buffers or readers that keep up\n"
                    "raise net.ipv4.udp_mem only if the host has memory to spare",
          .cost = "kernel memory that cannot be swapped"},
    Cause{.id = "udp-no-port",
          .layer = Layer::Socket,
          .severity = Severity::Low,
          .symptoms = drops | refused,
          .what = "UDP ports nobody has",
          .unit = "datagrams to ports nobody has",
          .counters = "UdpNoPorts+Udp6NoPorts",
          .reasons = "udp:NO_SOCKET",
          .least = 3,
          .look = count_by_port,
          .title = "UDP datagrams arrive for a port no program has",
          .why =
              "Nobody is bound to the port: the kernel answers with ICMP 'port unreachable' (rate-limited). A program "
              "that is down or bound elsewhere, late answers, or a scan.",
          .confirm = "ss -uln   (the port is missing)\ntcpdump -ni any 'icmp[0] == 3 and icmp[1] == 3'",
          .advice = "start the program, or bind it to the address that is used; scans are harmless",
          .cost = "none: nothing in the kernel is to be tuned"},
    Cause{.id = "udp-send-buffer-full",
          .layer = Layer::Socket,
          .symptoms = drops | throughput,
          .what = "full UDP send buffers",
          .unit = "sends refused",
          .counters = "UdpSndbufErrors+Udp6SndbufErrors",
          .look = look_send_buffer,
          .because_of = "qdisc-full tap-queue-full",
          .title = "A program sends UDP faster than its send buffer empties",
          .why =
              "What is sent stays in the socket's buffer until it has left the device. A full buffer refuses the send "
              "(EAGAIN), and a program that does not look at the result loses the datagram.",
          .confirm = "ss -uamp   (skmem: t near tb)\nnstat -az UdpSndbufErrors\ntc -s qdisc   (backlog, no drops)",
          .advice = "wait for the socket to be writable and send again; pace the sender\n"
                    "SO_SNDBUF only for bursts the link can carry away",
          .cost = "a larger send buffer is delay in the local queue"},
    Cause{.id = "udp-checksum",
          .layer = Layer::Transport,
          .severity = Severity::High,
          .symptoms = drops,
          .what = "wrong UDP checksums",
          .unit = "datagrams dropped",
          .counters = "UdpInCsumErrors+Udp6InCsumErrors",
          .reasons = "UDP_CSUM",
          .least = 3,
          .title = "UDP datagrams arrive with a wrong checksum",
          .why = "Something on the way changes packets: a broken NIC, cable or tunnel, or an offload that leaves the "
                 "checksum to hardware that does not fill it in.",
          .confirm = "nstat -az UdpInCsumErrors\ntcpdump -vvni DEV udp   (bad udp cksum, on the receiver)",
          .advice =
              "compare paths and senders; switch one offload off at a time (ethtool -K DEV rx off, sender: tx off)",
          .cost = "a switched-off offload costs CPU"},
    Cause{.id = "socket-filter",
          .layer = Layer::Socket,
          .nature = Nature::Policy,
          .severity = Severity::Low,
          .symptoms = drops,
          .what = "programs' own socket filters",
          .unit = "packets dropped",
          .reasons = "SOCKET_FILTER",
          .title = "A program's own socket filter drops packets",
          .why = "The program attached a BPF filter (SO_ATTACH_FILTER, SO_ATTACH_BPF) that refuses these packets. UDP "
                 "counts them as InErrors.",
          .confirm = "ss -uap0 --bpf   (filters of packet sockets)\nbpftool prog list",
          .advice = "nothing, if the filter is meant; else look at the program that attached it",
          .cost = "none: advice only"},
};

} // namespace

std::span<const Cause> udp_causes() { return causes; }

} // namespace netwright::diagnose
