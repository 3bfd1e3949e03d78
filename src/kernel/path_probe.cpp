// SPDX-License-Identifier: GPL-2.0-or-later
// Raw ICMP sockets: IP_PMTUDISC_PROBE sets DF and ignores what is remembered of the path (net/ipv4/ip_output.c), and
// IP_RECVERR hands over what hops complain of.
#include "kernel/path_probe.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace netwright::kernel {
namespace {

using Verdict = PathAnswer::Verdict;
using Clock = std::chrono::steady_clock;

constexpr std::size_t ipv4_header = 20, ipv6_header = 40, icmp_header = 8;

std::uint16_t checksum(std::span<const std::uint8_t> bytes)
{
    std::uint32_t sum = 0;
    for (std::size_t place = 0; place < bytes.size(); ++place)
        sum += static_cast<std::uint32_t>(bytes[place]) << (place % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

struct Name {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Name name_of(const PathQuestion& question)
{
    Name name;
    if (question.destination.is_ipv6) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_scope_id = ::if_nametoindex(question.nic.c_str());
        std::memcpy(&address.sin6_addr, question.destination.address.data(), sizeof address.sin6_addr);
        std::memcpy(&name.storage, &address, name.size = sizeof address);
    } else {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        std::memcpy(&address.sin_addr, question.destination.address.data(), sizeof address.sin_addr);
        std::memcpy(&name.storage, &address, name.size = sizeof address);
    }
    return name;
}

Result<Fd> open_socket(const PathQuestion& question)
{
    const bool six = question.destination.is_ipv6;
    Fd socket(
        ::socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, six ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP}));
    if (!socket) return std::unexpected(errno_error("open a socket to probe the path", errno));
    const int level = six ? int{IPPROTO_IPV6} : int{IPPROTO_IP}, probe = six ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;
    const int on = 1, room = 1 << 20;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    const bool set =
        ::setsockopt(socket.get(), level, six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &probe, sizeof probe) == 0 &&
        ::setsockopt(socket.get(), level, six ? IPV6_RECVERR : IP_RECVERR, &on, sizeof on) == 0 &&
        ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, question.nic.c_str(),
                     static_cast<socklen_t>(question.nic.size() + 1)) == 0;
    if (!set) return std::unexpected(errno_error("prepare a socket to probe the path", errno));
    const Name name = name_of(question);
    if (::connect(socket.get(), name.get(), name.size) != 0)
        return std::unexpected(errno_error("probe " + address_text(question.destination), errno));
    return socket;
}

std::vector<std::uint8_t> echo(const PathQuestion& question, std::uint16_t id, std::uint16_t sequence)
{
    const std::size_t header = question.destination.is_ipv6 ? ipv6_header : ipv4_header;
    const std::size_t size = question.packet > header + icmp_header ? question.packet - header : icmp_header;
    std::vector<std::uint8_t> bytes(size);
    bytes[0] = question.destination.is_ipv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    const std::array<std::uint16_t, 2> marks{htons(id), htons(sequence)};
    std::memcpy(bytes.data() + 4, marks.data(), sizeof marks);
    if (question.destination.is_ipv6) return bytes; // the kernel fills in the checksum
    const std::uint16_t sum = htons(checksum(bytes));
    std::memcpy(bytes.data() + 2, &sum, sizeof sum);
    return bytes;
}

bool is_our_answer(const PathQuestion& question, std::span<const std::uint8_t> packet, std::uint16_t id)
{
    if (!question.destination.is_ipv6) { // raw IPv4 sockets get the IP header too
        if (packet.empty() || packet.size() < (packet[0] & 0x0fU) * 4U) return false;
        packet = packet.subspan((packet[0] & 0x0fU) * 4U);
    }
    if (packet.size() < icmp_header) return false;
    const std::uint8_t type = question.destination.is_ipv6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
    std::uint16_t its = 0;
    std::memcpy(&its, packet.data() + 4, sizeof its);
    return packet[0] == type && ntohs(its) == id;
}

std::string offender(const sock_extended_err& error)
{
    const auto* const from = SO_EE_OFFENDER(&error);
    char text[INET6_ADDRSTRLEN] = "";
    if (from->sa_family == AF_INET)
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(from)->sin_addr, text, sizeof text);
    if (from->sa_family == AF_INET6)
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr, text, sizeof text);
    return text;
}

// What a hop complained of; nothing if it is another complaint.
std::optional<PathAnswer> read_complaint(const Fd& socket)
{
    std::array<char, 2048> data{};
    alignas(cmsghdr) std::array<char, 512> control{};
    iovec part{data.data(), data.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(socket.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
        const bool error = (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_RECVERR) ||
                           (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_RECVERR);
        const auto& what = *reinterpret_cast<const sock_extended_err*>(CMSG_DATA(one));
        if (error && what.ee_errno == EMSGSIZE) return PathAnswer{Verdict::TooBig, what.ee_info, offender(what)};
    }
    return std::nullopt;
}

std::optional<PathAnswer> wait(const Fd& socket, const PathQuestion& question, std::uint16_t id)
{
    std::vector<std::uint8_t> buffer(question.packet + 128U);
    const auto end = Clock::now() + question.patience;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        pollfd waiting{socket.get(), POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return std::nullopt;
        if ((waiting.revents & POLLERR) != 0)
            if (auto complaint = read_complaint(socket)) return complaint;
        const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0 && is_our_answer(question, std::span(buffer).first(static_cast<std::size_t>(got)), id))
            return PathAnswer{Verdict::Carried, 0, ""};
    }
}

} // namespace

Result<PathAnswer> ask_path(const PathQuestion& question)
{
    const Fd socket = TRY(open_socket(question));
    const auto id = static_cast<std::uint16_t>(::getpid());
    for (int attempt = 0; attempt < question.tries; ++attempt) {
        const auto bytes = echo(question, id, static_cast<std::uint16_t>(attempt));
        if (::send(socket.get(), bytes.data(), bytes.size(), 0) < 0) {
            if (errno == EMSGSIZE) return read_complaint(socket).value_or(PathAnswer{Verdict::TooBig, 0, ""});
            if (errno != EHOSTUNREACH && errno != ECONNREFUSED && errno != ENOBUFS)
                return std::unexpected(errno_error("probe " + address_text(question.destination), errno));
        }
        if (auto answer = wait(socket, question, id)) return *std::move(answer);
    }
    return PathAnswer{};
}

} // namespace netwright::kernel
