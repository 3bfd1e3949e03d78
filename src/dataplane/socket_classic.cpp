// SPDX-License-Identifier: GPL-2.0-or-later
// Making classic BPF programs, and putting them into sockets.
#include "dataplane/socket_classic.h"

#include "dataplane/socket_entry.h"
#include "kernel/process_socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace netwright::dataplane {
namespace {

constexpr int attach_reuseport = 51; // SO_ATTACH_REUSEPORT_CBPF (Linux 4.5)
constexpr std::uint32_t long_header = 0x80;

sock_filter statement(int code, std::uint32_t k) { return BPF_STMT(static_cast<std::uint16_t>(code), k); }
sock_filter jump(int code, std::uint32_t k, std::uint8_t yes, std::uint8_t no)
{
    return BPF_JUMP(static_cast<std::uint16_t>(code), k, yes, no);
}

Result<void> put_program(const kernel::ProcessSocket& socket, int option, std::vector<sock_filter>& program)
{
    const sock_fprog wanted{static_cast<unsigned short>(program.size()), program.data()};
    if (::setsockopt(socket.fd.get(), SOL_SOCKET, option, &wanted, sizeof wanted) == 0) return {};
    if (errno == EINVAL && option == attach_reuseport)
        return fail(Error::Kind::Rejected,
                    "the sockets are no group: the service must set SO_REUSEPORT before it binds "
                    "them",
                    EINVAL);
    return std::unexpected(errno_error("put a program into a socket", errno));
}

std::vector<kernel::ProcessSocket> of_port(std::vector<kernel::ProcessSocket> sockets, std::uint8_t protocol,
                                           std::uint16_t port)
{
    std::erase_if(sockets, [&](const kernel::ProcessSocket& socket) {
        const bool internet = socket.family == AF_INET || socket.family == AF_INET6;
        return !internet || socket.protocol != protocol || socket.port != port ||
               (protocol == IPPROTO_TCP && !socket.listening);
    });
    return sockets;
}

std::unexpected<Error> no_socket(std::uint32_t pid, std::string_view what)
{
    return fail(Error::Kind::Absent, fmt::format("process {} has no {}", pid, what));
}

std::vector<std::uint64_t> cookies_of(const std::vector<kernel::ProcessSocket>& sockets)
{
    std::vector<std::uint64_t> cookies;
    std::ranges::transform(sockets, std::back_inserter(cookies), &kernel::ProcessSocket::cookie);
    return cookies;
}

} // namespace

std::vector<sock_filter> spread_program(const SocketSpread& spread, unsigned members)
{
    if (spread.by == SocketSpread::By::Cpu)
        return {statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_CPU)),
                statement(BPF_ALU | BPF_MOD | BPF_K, members), statement(BPF_RET | BPF_A, 0)};
    // A long header has flags, a version of four bytes and a length before the ID; a short one has flags alone.
    return {statement(BPF_LD | BPF_B | BPF_ABS, 0),
            jump(BPF_JMP | BPF_JSET | BPF_K, long_header, 0, 2),
            statement(BPF_LD | BPF_B | BPF_ABS, 6 + spread.at),
            jump(BPF_JMP | BPF_JA, 1, 0, 0),
            statement(BPF_LD | BPF_B | BPF_ABS, 1 + spread.at),
            statement(BPF_ALU | BPF_MOD | BPF_K, members),
            statement(BPF_RET | BPF_A, 0)};
}

Result<unsigned> spread_sockets(const std::filesystem::path& root, const std::string& name,
                                const ServiceSocket& service, const SocketSpread& spread)
{
    if (spread.by == SocketSpread::By::ConnectionId && service.protocol != IPPROTO_UDP)
        return fail(Error::Kind::Rejected, "connection IDs are QUIC's, which is UDP");
    NewEntry entry = TRY(NewEntry::make(root, name));
    const auto sockets = of_port(TRY(kernel::sockets_of_process(service.pid)), service.protocol, service.port);
    if (sockets.empty()) return no_socket(service.pid, fmt::format("socket of port {}", service.port));
    const auto members = spread.members ? spread.members : static_cast<unsigned>(sockets.size());
    auto program = spread_program(spread, members);
    TRY_VOID(put_program(sockets.front(), attach_reuseport, program)); // the group has one, for all its members
    TRY_VOID(entry.keep(
        {name, SocketWork::Spread,
         fmt::format("process {}'s port {} over {} sockets by {}", service.pid, service.port, members,
                     spread.by == SocketSpread::By::Cpu ? "CPU"
                                                        : fmt::format("byte {} of the connection ID", spread.at)),
         service.pid, cookies_of(sockets)}));
    return members;
}

Result<unsigned> filter_sockets(const std::filesystem::path& root, const std::string& name,
                                const FilteredSocket& wanted, const std::string& expression)
{
    NewEntry entry = TRY(NewEntry::make(root, name));
    const bool packets = wanted.protocol == 0;
    auto program = TRY(compile_filter(expression, packets));
    auto sockets = TRY(kernel::sockets_of_process(wanted.pid));
    if (packets)
        std::erase_if(sockets, [](const auto& socket) { return socket.family != AF_PACKET; });
    else
        sockets = of_port(std::move(sockets), wanted.protocol, wanted.port);
    if (sockets.empty())
        return no_socket(wanted.pid, packets ? "packet socket" : fmt::format("socket of port {}", wanted.port));
    for (const kernel::ProcessSocket& socket : sockets)
        TRY_VOID(put_program(socket, SO_ATTACH_FILTER, program));
    TRY_VOID(entry.keep(
        {name, SocketWork::Filter,
         fmt::format("process {}'s {} take only: {}", wanted.pid,
                     packets ? "packet sockets" : fmt::format("sockets of port {}", wanted.port), expression),
         wanted.pid, cookies_of(sockets)}));
    return static_cast<unsigned>(sockets.size());
}

} // namespace netwright::dataplane
