// SPDX-License-Identifier: GPL-2.0-or-later
// Sockets as the kernel lists them (sock_diag(7)): one question, one streamed record a socket, nothing stored.
// What a question costs depends on its states: LISTEN alone looks at the small listener table only; any other state
// walks the established hash of the whole machine, whatever the namespace (net/ipv4/inet_diag.c inet_diag_dump_icsk).
#pragma once

#include "kernel/netlink.h"

#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace netwright::kernel {

// include/net/tcp_states.h; UDP sockets are Close, or Established once connected.
enum class SocketState : std::uint8_t {
    Established = 1,
    SynSent,
    SynReceived,
    FinWait1,
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
    NewSynReceived // only in masks: records show it as SynReceived
};
inline constexpr std::size_t socket_states = 12; // array size to index by a record's state
std::string_view to_text(SocketState state);     // "established", "time-wait", "listening": the words ss filters by
constexpr std::uint32_t bit(SocketState state) { return 1U << static_cast<unsigned>(state); }
inline constexpr std::uint32_t every_state = 0xfffU | bit(SocketState::NewSynReceived);

struct Endpoint {
    std::array<std::uint32_t, 4> address{}; // network order; IPv4 uses the first word only
    std::uint16_t port = 0;                 // host order
    bool operator==(const Endpoint&) const = default;
};
std::string address_text(const Endpoint& endpoint, std::uint8_t family); // "127.0.0.1", "::1"
// An IPv4 endpoint seen through an IPv6 socket (::ffff:192.0.2.1), and a plain one, as the same value.
Endpoint as_mapped(const Endpoint& endpoint, std::uint8_t family);

// tcp_info as far as this kernel filled it: it has grown at its end since 2.6, and holds less on older kernels.
class TcpInfo {
public:
    tcp_info values{};
    std::size_t length = 0; // 0: the record has none (time-wait, syn-recv, UDP)
    explicit operator bool() const { return length != 0; }
    template <class Field>
    bool has(Field tcp_info::* field) const
    {
        const auto start =
            reinterpret_cast<const std::byte*>(&(values.*field)) - reinterpret_cast<const std::byte*>(&values);
        return static_cast<std::size_t>(start) + sizeof(Field) <= length;
    }
};

struct SocketRecord {
    std::uint8_t family = 0;
    SocketState state = SocketState::Close;
    Endpoint local, remote;
    // For LISTEN: what waits for accept(), and the limit. Else bytes not read yet, and not acknowledged yet.
    std::uint32_t receive_queue = 0, send_queue = 0;
    std::uint32_t uid = 0, inode = 0; // inode 0: no descriptor (time-wait, orphans, kernel sockets)
    bool has_memory = false;
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{}; // indexed by SK_MEMINFO_…
    TcpInfo info;
    std::string_view congestion_control; // borrowed from the message
};

// Reads what follows nlmsghdr. Malformed: too short for its fixed part, or of an unknown family or state.
Result<void> parse_socket(std::span<const std::byte> payload, SocketRecord& record);

struct SocketQuestion {
    std::uint8_t protocol; // IPPROTO_TCP, IPPROTO_UDP
    std::uint32_t states;  // bit(SocketState::…) | …
    bool memory = false, info = false, congestion_control = false;
};

using EachSocket = std::function<void(const SocketRecord&)>;

// IPv4 and IPv6 sockets of the calling thread's namespace. A disturbed dump starts over: `restart` forgets what was
// gathered. Unsupported: this kernel has no sock_diag for the protocol. Needs no rights.
Result<void> each_socket(Netlink& netlink, const SocketQuestion& question, const EachSocket& each,
                         const std::function<void()>& restart);

} // namespace netwright::kernel
