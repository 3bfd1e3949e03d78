// SPDX-License-Identifier: GPL-2.0-or-later
// Connections counted by process.
#include "host/socket_owners.h"

#include "kernel/process_table.h"
#include "kernel/sock_diag.h"
#include "kernel/socket_owners.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <map>

namespace netwright::host {
namespace {

constexpr std::size_t most_owners = 64;
using Counts = std::map<std::uint32_t, std::uint64_t>;

Result<Counts> count_with_bpf()
{
    Counts counts;
    kernel::OwnedSocket before;
    TRY_VOID(kernel::each_owned_socket([&](const kernel::OwnedSocket& socket) {
        if (socket.protocol != IPPROTO_TCP ||
            socket.state != static_cast<std::uint8_t>(kernel::SocketState::Established))
            return;
        // inetd hands a connection over as descriptors 0, 1 and 2: neighbours that are one socket count once.
        if (socket.inode != before.inode || socket.pid != before.pid) ++counts[socket.pid];
        before = socket;
    }));
    return counts;
}

Result<std::vector<std::uint32_t>> established_inodes(kernel::Netlink& netlink)
{
    std::vector<std::uint32_t> inodes;
    TRY_VOID(kernel::each_socket(
        netlink, {IPPROTO_TCP, kernel::bit(kernel::SocketState::Established)},
        [&](const kernel::SocketRecord& record) { inodes.push_back(record.inode); }, [&] { inodes.clear(); }));
    std::ranges::sort(inodes);
    return inodes;
}

Result<Counts> count_descriptors(kernel::Kernel& kernel, std::string& seen_through)
{
    const auto established = TRY(established_inodes(*kernel.netlink));
    Counts counts;
    std::pair<std::uint32_t, std::uint32_t> before{};
    const auto walked = TRY(kernel::each_socket_descriptor(kernel.files, [&](std::uint32_t pid, std::uint32_t inode) {
        const std::pair now{pid, inode};
        if (now != before && std::ranges::binary_search(established, inode)) ++counts[pid];
        before = now;
    }));
    if (walked.refused) seen_through += "; other users' processes were not seen";
    return counts;
}

std::vector<OwnerCount> most_of(const kernel::Files& files, const Counts& counts)
{
    std::vector<OwnerCount> owners;
    for (const auto& [pid, connections] : counts)
        owners.push_back({pid, {}, connections});
    std::ranges::stable_sort(owners, std::ranges::greater{}, &OwnerCount::connections);
    if (owners.size() > most_owners) owners.resize(most_owners);
    for (auto& owner : owners)
        owner.command = kernel::command_of(files, owner.pid).value_or("");
    return owners;
}

} // namespace

Result<ConnectionOwners> collect_connection_owners(kernel::Kernel& kernel, OwnerSource source)
{
    if (!kernel.files.is_live()) return fail(Error::Kind::Unsupported, "a captured tree holds no sockets");
    std::string seen_through = "BPF iter/task_file";
    auto counts = source == OwnerSource::Best ? count_with_bpf() : fail(Error::Kind::Rejected, "BPF was not asked for");
    if (!counts) {
        seen_through = fmt::format("/proc/PID/fd ({})", counts.error().what);
        counts = count_descriptors(kernel, seen_through);
    }
    if (!counts) return std::unexpected(counts.error());
    return ConnectionOwners{most_of(kernel.files, *counts), std::move(seen_through)};
}

} // namespace netwright::host
