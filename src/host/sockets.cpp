// SPDX-License-Identifier: GPL-2.0-or-later
// The socket summary, in questions that each cost only what they must: LISTEN alone (the small listener table), then
// one walk of the established hash that also counts the other states, then UDP; owners only of what is listed.
#include "host/sockets.h"

#include "host/collect.h"
#include "host/connection_tally.h"
#include "host/waiting_connections.h"
#include "kernel/process_table.h"
#include "kernel/sock_diag.h"
#include "kernel/socket_owners.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <functional>

namespace netwright::host {
namespace {

using kernel::SocketRecord;
using kernel::SocketState;

constexpr std::size_t worst_udp_sockets = 64;

// BOUND_INACTIVE and CLOSE are left out: sockets without a connection, which old kernels do not list at all.
constexpr std::uint32_t connection_states =
    kernel::every_state & ~kernel::bit(SocketState::Listen) & ~kernel::bit(SocketState::Close);
constexpr std::array counted_states{SocketState::Established, SocketState::SynSent,  SocketState::SynReceived,
                                    SocketState::FinWait1,    SocketState::FinWait2, SocketState::TimeWait,
                                    SocketState::CloseWait,   SocketState::LastAck,  SocketState::Closing};

Listener listener_from(const SocketRecord& record)
{
    Listener listener;
    listener.address = kernel::address_text(record.local, record.family);
    listener.port = record.local.port;
    listener.queued = record.receive_queue;
    listener.limit = record.send_queue;
    listener.drops = record.memory[SK_MEMINFO_DROPS];
    listener.uid = record.uid;
    listener.inode = record.inode;
    listener.congestion_control = record.congestion_control;
    return listener;
}

UdpSocket udp_from(const SocketRecord& record)
{
    UdpSocket socket;
    socket.address = kernel::address_text(record.local, record.family);
    socket.port = record.local.port;
    socket.receive_queue = record.receive_queue;
    socket.receive_buffer = record.memory[SK_MEMINFO_RCVBUF];
    socket.drops = record.memory[SK_MEMINFO_DROPS];
    socket.inode = record.inode;
    return socket;
}

bool worse(const UdpSocket& a, const UdpSocket& b)
{
    if (a.drops != b.drops) return a.drops > b.drops;
    if (a.receive_queue != b.receive_queue) return a.receive_queue > b.receive_queue;
    return a.port < b.port;
}

Result<std::vector<Listener>> list_listeners(kernel::Netlink& netlink)
{
    std::vector<Listener> listeners;
    const kernel::SocketQuestion question{.protocol = IPPROTO_TCP,
                                          .states = kernel::bit(SocketState::Listen),
                                          .memory = true,
                                          .congestion_control = true};
    TRY_VOID(kernel::each_socket(
        netlink, question, [&](const SocketRecord& record) { listeners.push_back(listener_from(record)); },
        [&] { listeners.clear(); }));
    std::ranges::stable_sort(listeners, {}, [](const Listener& l) { return std::tie(l.port, l.address); });
    return listeners;
}

Result<void> tally_connections(kernel::Netlink& netlink, ConnectionTally& tally, WaitingConnections& waiting)
{
    const kernel::SocketQuestion question{
        .protocol = IPPROTO_TCP, .states = connection_states, .memory = true, .info = true, .congestion_control = true};
    return kernel::each_socket(
        netlink, question,
        [&](const SocketRecord& record) {
            tally.add(record);
            waiting.add(record);
        },
        [&] {
            tally.clear();
            waiting.clear();
        });
}

// How many there are; the worst go to `sockets`, kept as a heap whose top is the least bad.
Result<std::uint64_t> list_udp(kernel::Netlink& netlink, std::vector<UdpSocket>& sockets)
{
    std::uint64_t count = 0;
    const kernel::SocketQuestion question{.protocol = IPPROTO_UDP, .states = kernel::every_state, .memory = true};
    const auto asked = kernel::each_socket(
        netlink, question,
        [&](const SocketRecord& record) {
            ++count;
            if (record.memory[SK_MEMINFO_DROPS] == 0 && record.receive_queue == 0) return;
            sockets.push_back(udp_from(record));
            std::ranges::push_heap(sockets, worse);
            if (sockets.size() <= worst_udp_sockets) return;
            std::ranges::pop_heap(sockets, worse);
            sockets.pop_back();
        },
        [&] {
            count = 0;
            sockets.clear();
        });
    if (!asked) return std::unexpected(asked.error());
    std::ranges::sort_heap(sockets, worse);
    return count;
}

Result<SocketOwner> owner_of(const kernel::Files& files, const kernel::OwnerSearch& search, std::uint64_t inode)
{
    if (inode == 0) return fail(Error::Kind::Absent, "no process: the kernel's own socket");
    const std::uint32_t pid = search.owner_of(static_cast<std::uint32_t>(inode));
    if (pid != 0) return SocketOwner{pid, kernel::command_of(files, pid).value_or("")};
    if (search.refused)
        return fail(Error::Kind::Refused,
                    "read /proc/PID/fd of other users' processes: permission denied (run as root)");
    if (!search.complete)
        return fail(Error::Kind::Interrupted, fmt::format("not among the first {} descriptors, where the search ended",
                                                          kernel::owner_search_limit));
    return fail(Error::Kind::Absent, "no process visible here holds it");
}

void find_owners(const kernel::Files& files, std::vector<Listener>& listeners, std::vector<UdpSocket>& udp,
                 std::vector<Connection>& waiting)
{
    std::vector<std::uint32_t> inodes;
    for (const auto& listener : listeners)
        inodes.push_back(static_cast<std::uint32_t>(listener.inode));
    for (const auto& socket : udp)
        inodes.push_back(static_cast<std::uint32_t>(socket.inode));
    for (const auto& connection : waiting)
        inodes.push_back(static_cast<std::uint32_t>(connection.inode));
    const auto search = kernel::find_owners(files, std::move(inodes));
    const auto owner = [&](std::uint64_t inode) -> Result<SocketOwner> {
        if (!search) return std::unexpected(search.error());
        return owner_of(files, *search, inode);
    };
    for (auto& listener : listeners)
        listener.owner = owner(listener.inode);
    for (auto& socket : udp)
        socket.owner = owner(socket.inode);
    for (auto& connection : waiting)
        connection.owner = owner(connection.inode);
}

// Without the range no connection counts as outgoing, and busiest says why.
Result<PortRange> ephemeral_ports(const kernel::Files& files)
{
    return parse_port_range(TRY(files.read("proc/sys/net/ipv4/ip_local_port_range")));
}

} // namespace

Result<std::vector<Listener>> collect_listeners(kernel::Kernel& kernel)
{
    auto listeners = list_listeners(*kernel.netlink);
    std::vector<UdpSocket> no_udp;
    std::vector<Connection> no_connections;
    if (listeners) find_owners(kernel.files, *listeners, no_udp, no_connections);
    return listeners;
}

Result<SocketSummary> collect_sockets(kernel::Kernel& kernel)
{
    SocketSummary summary;
    summary.listeners = TRY(list_listeners(*kernel.netlink));
    const auto ephemeral = ephemeral_ports(kernel.files);
    ConnectionTally tally(ephemeral.value_or(PortRange{}));
    for (const auto& listener : summary.listeners)
        tally.listens_on(listener.port);
    WaitingConnections waiting;
    TRY_VOID(tally_connections(*kernel.netlink, tally, waiting));
    for (const SocketState state : counted_states)
        summary.tcp_states.push_back({std::string(kernel::to_text(state)), tally.count(state)});
    summary.tcp_states.push_back({std::string(kernel::to_text(SocketState::Listen)), summary.listeners.size()});
    summary.established = tally.groups();
    summary.busiest = ephemeral ? tally.busiest() : std::unexpected(ephemeral.error());
    summary.udp_sockets = list_udp(*kernel.netlink, summary.udp);
    summary.waiting = waiting.take();
    find_owners(kernel.files, summary.listeners, summary.udp, *summary.waiting);
    // They load a BPF program or walk every descriptor: collect_connection_owners() does, for who asks.
    summary.owners = fail(Error::Kind::Absent, "not asked for: netwright capture --owners counts them");
    return summary;
}

} // namespace netwright::host
