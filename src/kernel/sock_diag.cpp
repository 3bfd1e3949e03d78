// SPDX-License-Identifier: GPL-2.0-or-later
// Asking sock_diag and reading its records.
#include "kernel/sock_diag.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace netwright::kernel {
namespace {

constexpr std::array<std::string_view, socket_states + 1> state_names{
    "unknown", "established", "syn-sent", "syn-recv",  "fin-wait-1", "fin-wait-2", "time-wait",
    "closed",  "close-wait",  "last-ack", "listening", "closing",    "syn-recv"};

void read_fixed_part(const inet_diag_msg& fixed, SocketRecord& record)
{
    record.family = fixed.idiag_family;
    record.state = static_cast<SocketState>(fixed.idiag_state);
    std::memcpy(record.local.address.data(), fixed.id.idiag_src, sizeof fixed.id.idiag_src);
    std::memcpy(record.remote.address.data(), fixed.id.idiag_dst, sizeof fixed.id.idiag_dst);
    record.local.port = ntohs(fixed.id.idiag_sport);
    record.remote.port = ntohs(fixed.id.idiag_dport);
    record.receive_queue = fixed.idiag_rqueue;
    record.send_queue = fixed.idiag_wqueue;
    record.uid = fixed.idiag_uid;
    record.inode = fixed.idiag_inode;
}

void read_info(std::span<const std::byte> payload, TcpInfo& info)
{
    info.length = std::min(payload.size(), sizeof info.values);
    auto* const bytes = reinterpret_cast<std::byte*>(&info.values);
    std::memcpy(bytes, payload.data(), info.length);
    std::memset(bytes + info.length, 0, sizeof info.values - info.length);
}

void read_attribute(std::uint16_t type, std::span<const std::byte> payload, SocketRecord& record)
{
    switch (type) {
    case INET_DIAG_INFO:
        read_info(payload, record.info);
        break;
    case INET_DIAG_SKMEMINFO: // has grown at its end: drops came last
        record.memory.fill(0);
        std::memcpy(record.memory.data(), payload.data(), std::min(payload.size(), sizeof record.memory));
        record.has_memory = payload.size() >= sizeof record.memory;
        break;
    case INET_DIAG_CONG: {
        const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
        record.congestion_control = text.substr(0, text.find('\0'));
        break;
    }
    default:
        break;
    }
}

std::uint8_t extensions(const SocketQuestion& question)
{
    unsigned bits = 0;
    if (question.memory) bits |= 1U << (INET_DIAG_SKMEMINFO - 1);
    if (question.info) bits |= 1U << (INET_DIAG_INFO - 1);
    if (question.congestion_control) bits |= 1U << (INET_DIAG_CONG - 1);
    return static_cast<std::uint8_t>(bits);
}

std::unexpected<Error> in_words(Error error, std::uint8_t protocol)
{
    const std::string_view name = protocol == IPPROTO_UDP ? "UDP" : "TCP";
    // ENOENT: no handler is registered and none could be loaded (net/core/sock_diag.c).
    if (error.kind == Error::Kind::Absent)
        return fail(Error::Kind::Unsupported,
                    fmt::format("this kernel does not list {} sockets (sock_diag: CONFIG_INET_{}DIAG, module {}_diag)",
                                name, protocol == IPPROTO_UDP ? "UDP_" : "", protocol == IPPROTO_UDP ? "udp" : "tcp"),
                    error.code);
    error.what = fmt::format("list {} sockets: {}", name, error.what);
    return std::unexpected(std::move(error));
}

} // namespace

std::string_view to_text(SocketState state)
{
    const auto index = static_cast<std::size_t>(state);
    return index < state_names.size() ? state_names[index] : state_names[0];
}

std::string address_text(const Endpoint& endpoint, std::uint8_t family)
{
    char text[INET6_ADDRSTRLEN];
    return ::inet_ntop(family, endpoint.address.data(), text, sizeof text) ? text : "";
}

Endpoint as_mapped(const Endpoint& endpoint, std::uint8_t family)
{
    if (family == AF_INET6) return endpoint;
    return {{0, 0, htonl(0xffff), endpoint.address[0]}, endpoint.port};
}

Result<void> parse_socket(std::span<const std::byte> payload, SocketRecord& record)
{
    inet_diag_msg fixed;
    if (payload.size() < sizeof fixed) return fail(Error::Kind::Malformed, "sock_diag: a record is cut short");
    std::memcpy(&fixed, payload.data(), sizeof fixed);
    if (fixed.idiag_family != AF_INET && fixed.idiag_family != AF_INET6)
        return fail(Error::Kind::Malformed, fmt::format("sock_diag: a record of family {}", fixed.idiag_family));
    if (fixed.idiag_state == 0 || fixed.idiag_state >= socket_states)
        return fail(Error::Kind::Malformed, fmt::format("sock_diag: a record in state {}", fixed.idiag_state));
    read_fixed_part(fixed, record);
    record.has_memory = false;
    record.info.length = 0;
    record.congestion_control = {};
    // A loop of its own: each_attribute() calls through a std::function, a million times for 100,000 sockets.
    for (auto rest = payload.subspan(NLMSG_ALIGN(sizeof fixed)); rest.size() >= sizeof(nlattr);) {
        nlattr head;
        std::memcpy(&head, rest.data(), sizeof head);
        if (head.nla_len < sizeof head || head.nla_len > rest.size()) break;
        read_attribute(head.nla_type & NLA_TYPE_MASK, rest.subspan(sizeof head, head.nla_len - sizeof head), record);
        rest = rest.subspan(std::min<std::size_t>(NLA_ALIGN(head.nla_len), rest.size()));
    }
    return {};
}

Result<void> each_socket(Netlink& netlink, const SocketQuestion& question, const EachSocket& each,
                         const std::function<void()>& restart)
{
    SocketRecord record;
    Result<void> parsed;
    const auto one_family = [&](std::uint8_t family) {
        inet_diag_req_v2 body{};
        body.sdiag_family = family;
        body.sdiag_protocol = question.protocol;
        body.idiag_ext = extensions(question);
        body.idiag_states = question.states;
        Request request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
        request.header(body);
        return netlink.ask(NETLINK_SOCK_DIAG, request, [&](const nlmsghdr& message) {
            if (message.nlmsg_type != SOCK_DIAG_BY_FAMILY || message.nlmsg_len < NLMSG_HDRLEN) return;
            const auto* const start = reinterpret_cast<const std::byte*>(&message);
            if (auto read = parse_socket({start + NLMSG_HDRLEN, message.nlmsg_len - NLMSG_HDRLEN}, record); !read)
                parsed = std::move(read);
            else
                each(record);
        });
    };
    for (int attempt = 1;; ++attempt) {
        auto asked = one_family(AF_INET);
        if (asked) asked = one_family(AF_INET6);
        if (asked) return parsed;
        if (asked.error().kind != Error::Kind::Interrupted || attempt == 4)
            return in_words(asked.error(), question.protocol);
        restart();
    }
}

} // namespace netwright::kernel
