// SPDX-License-Identifier: GPL-2.0-or-later
// The settings that workloads want, each by a formula: constants only where nothing can be computed.
#include "advise/remedy.h"
#include "advise/workloads.h"
#include "base/text.h"
#include "catalog/formulas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

using enum Workload;
using Wanted = Result<std::optional<Value>>;

constexpr std::uint64_t many_half_open = 256, many_orphans = 1000, many_half_closed = 1000;
constexpr Nanoseconds usual_stall = std::chrono::milliseconds{100};
constexpr std::uint64_t media_payload = 200, tick_payload = 64; // bytes: 20 ms of G.711 is 160 + 12; a player's input

Wanted value(std::uint64_t number) { return Value{static_cast<std::int64_t>(number)}; }
Wanted nothing() { return std::optional<Value>{}; }

template <std::int64_t Number>
Wanted constant(const Case&)
{
    return std::optional<Value>{Value{Number}};
}

std::uint64_t sockets_in(const Case& about, std::string_view state)
{
    if (!about.host.sockets) return 0;
    const auto& states = about.host.sockets->tcp_states;
    const auto found = std::ranges::find(states, state, &StateCount::state);
    return found == states.end() ? 0 : found->count;
}

Wanted few_handshake_retries(const Case& about)
{
    return sockets_in(about, "syn-recv") >= many_half_open ? value(3) : nothing();
}

Wanted short_orphan_life(const Case& about)
{
    if (!about.host.sockstat) return std::unexpected(about.host.sockstat.error());
    return about.host.sockstat->tcp_orphans >= many_orphans ? value(3) : nothing();
}

Wanted short_half_closed(const Case& about)
{
    return sockets_in(about, "fin-wait-2") >= many_half_closed ? value(30) : nothing();
}

Wanted datagram_buffer(const Case& about, std::uint64_t payload)
{
    if (!about.intent.datagram_rate) return nothing();
    const Nanoseconds stall = about.intent.stall ? about.intent.stall->value : usual_stall;
    const catalog::PerSecond rate{static_cast<double>(about.intent.datagram_rate->value)};
    return value(catalog::udp_receive_request(rate, stall, payload).count);
}

Wanted tick_buffer(const Case& about) { return datagram_buffer(about, tick_payload); }
Wanted media_buffer(const Case& about) { return datagram_buffer(about, media_payload); }

struct PortRange {
    std::int64_t first, last;
};

bool covers(std::string_view reserved, const PortRange& wanted)
{
    for (const std::string_view part : split(reserved, ',')) {
        const auto ends = split(part, '-');
        const auto first = parse_int(trim(ends.front())), last = parse_int(trim(ends.back()));
        if (first && last && *first <= wanted.first && *last >= wanted.last) return true;
    }
    return false;
}

// Outgoing connections could take ports that a service will want later: only where the two ranges meet.
Wanted reserve(const Case& about, const PortRange& wanted)
{
    const auto range = TRY(about.host.sysctls.numbers("net.ipv4.ip_local_port_range"));
    const std::string_view reserved = TRY(about.host.sysctls.text("net.ipv4.ip_local_reserved_ports"));
    const bool meet = range.size() == 2 && range[0] <= wanted.last && range[1] >= wanted.first;
    if (!meet || covers(reserved, wanted)) return nothing();
    const std::string more = fmt::format("{}-{}", wanted.first, wanted.last);
    return Value{trim(reserved).empty() ? more : fmt::format("{},{}", trim(reserved), more)};
}

Wanted reserve_media_ports(const Case& about) { return reserve(about, {10000, 20000}); }
Wanted reserve_node_ports(const Case& about) { return reserve(about, {30000, 32767}); }

Wanted balance_by_ports(const Case& about)
{
    if (!about.host.routes) return std::unexpected(about.host.routes.error());
    const bool several =
        std::ranges::any_of(*about.host.routes, [](const Route& route) { return route.next_hops > 1; });
    return several ? value(1) : nothing();
}

bool serves_itself(const Listener& listener)
{
    return listener.port != 22 && !listener.address.starts_with("127.") && listener.address != "::1";
}

Wanted no_early_demux(const Case& about)
{
    if (!about.host.sockets) return std::unexpected(about.host.sockets.error());
    return std::ranges::any_of(about.host.sockets->listeners, serves_itself) ? nothing() : value(0);
}

Wanted more_icmp(const Case& about)
{
    return TRY(counter_of(about, "IcmpOutRateLimitGlobal")).growth > 0 ? value(10'000) : nothing();
}

Wanted files_for_all(const Case& about)
{
    if (!about.intent.connections) return nothing();
    return value(catalog::open_files_needed(about.intent.connections->value, 1));
}

constexpr std::array rows{
    Wish{{WebServer, Proxy},
         "net.ipv4.tcp_notsent_lowat",
         Sense::AtMost,
         constant<131072>,
         Confidence::Convention,
         "128 KiB",
         "lower: what waits unsent in the kernel cannot be overtaken by a more urgent answer of the same "
         "connection (HTTP/2, gRPC), and is lost work when the client goes",
         "a wake-up of the program for each 128 KiB"},
    Wish{{Bulk},
         "net.ipv4.tcp_notsent_lowat",
         Sense::AtMost,
         constant<524288>,
         Confidence::Convention,
         "512 KiB",
         "lower: less waits unsent in the kernel, so an aborted transfer wastes less memory",
         "a wake-up of the program for each 512 KiB"},
    Wish{{WebServer, Proxy},
         "net.ipv4.tcp_synack_retries",
         Sense::AtMost,
         few_handshake_retries,
         Confidence::Derived,
         "3, while 256 or more connections are half open",
         "half-open connections leave the queue after 15 s, not 63 s",
         "clients on very bad links get fewer tries"},
    Wish{{WebServer, IdleConnections},
         "net.ipv4.tcp_orphan_retries",
         Sense::Exactly,
         short_orphan_life,
         Confidence::Derived,
         "3, while 1000 or more closed sockets still wait for their peer (0 means 8)",
         "sockets of clients that vanished are freed sooner",
         "very slow clients may lose the end of an answer"},
    Wish{{WebServer, Proxy},
         "net.ipv4.tcp_fin_timeout",
         Sense::AtMost,
         short_half_closed,
         Confidence::Derived,
         "30 s, while 1000 or more sockets wait in FIN-WAIT-2",
         "closed sockets whose peer never answers are freed sooner; TIME_WAIT stays 60 s",
         "none for peers that answer"},
    Wish{{Proxy},
         "net.ipv4.tcp_syn_retries",
         Sense::AtMost,
         constant<3>,
         Confidence::Convention,
         "3: 1 + 2 + 4 + 8 = 15 s",
         "connect() to a dead upstream fails after 15 s instead of 127 s, so another is tried",
         "a path that is down for longer than 15 s fails connects"},
    Wish{{Database, IdleConnections},
         "net.ipv4.tcp_retries2",
         Sense::AtMost,
         constant<8>,
         Confidence::Convention,
         "8: about 100 s, the least RFC 1122 allows",
         "a session whose peer is gone ends after about 100 s instead of 15 minutes and gives back its locks",
         "outages of more than 100 s end sessions with data in flight"},
    Wish{{LowLatency},
         "net.core.busy_read",
         Sense::AtLeast,
         constant<50>,
         Confidence::Convention,
         "50 us",
         "a blocking read polls the card itself for 50 us instead of waiting for an interrupt",
         "the reading core is busy while it waits: only for hosts with cores of their own for it"},
    Wish{{LowLatency},
         "net.core.busy_poll",
         Sense::AtLeast,
         constant<50>,
         Confidence::Convention,
         "50 us",
         "poll() and select() do the same",
         "the polling core is busy while it waits"},
    Wish{{LowLatency},
         "net.ipv4.tcp_autocorking",
         Sense::Exactly,
         constant<0>,
         Confidence::Convention,
         "0",
         "a small write leaves at once, also while an earlier packet is still in the card's queue",
         "more and smaller packets"},
    Wish{{Game},
         "net.core.rmem_max",
         Sense::AtLeast,
         tick_buffer,
         Confidence::Derived,
         "datagrams a second x pause x 832 bytes / 2 (setsockopt doubles it)",
         "a program may ask for a buffer that holds what arrives while it pauses; small datagrams cost 832 bytes each",
         "any program of this host may ask for as much"},
    Wish{{Voip},
         "net.core.rmem_max",
         Sense::AtLeast,
         media_buffer,
         Confidence::Derived,
         "datagrams a second x pause x 1283 bytes / 2 (setsockopt doubles it)",
         "a media program may ask for a buffer that holds what arrives while it pauses",
         "any program of this host may ask for as much"},
    Wish{{Voip},
         "net.ipv4.ip_local_reserved_ports",
         Sense::Exactly,
         reserve_media_ports,
         Confidence::Derived,
         "10000-20000, where ip_local_port_range meets it",
         "an outgoing connection cannot take a port a call will need",
         "fewer ports for outgoing connections"},
    Wish{{Voip},
         "net.netfilter.nf_conntrack_udp_timeout_stream",
         Sense::AtLeast,
         constant<180>,
         Confidence::Convention,
         "180 s",
         "a call on hold keeps its entry, and so its way through NAT",
         "entries live longer"},
    Wish{{Gateway},
         "net.ipv4.fib_multipath_hash_policy",
         Sense::Exactly,
         balance_by_ports,
         Confidence::Derived,
         "1, where a route has several next hops",
         "flows are spread by addresses and ports, not by addresses alone",
         "fragments of one packet may take two ways; running flows move once"},
    Wish{{Gateway},
         "net.ipv4.ip_early_demux",
         Sense::Exactly,
         no_early_demux,
         Confidence::Convention,
         "0, where nothing but ssh listens here",
         "no search for a local socket before each packet that is passed on",
         "a little more work for the host's own connections"},
    Wish{{Gateway},
         "net.ipv4.icmp_msgs_per_sec",
         Sense::AtLeast,
         more_icmp,
         Confidence::Derived,
         "10,000, while messages are held back by the limit",
         "path MTU discovery through this host needs its ICMP messages",
         "more answers to floods"},
    Wish{{IdleConnections},
         "fs.nr_open",
         Sense::AtLeast,
         files_for_all,
         Confidence::Derived,
         "1.1 x connections + 512",
         "the ceiling of any process's limit of open files",
         "none until a service asks for it"},
    Wish{{IdleConnections},
         "fs.file-max",
         Sense::AtLeast,
         files_for_all,
         Confidence::Derived,
         "1.1 x connections + 512",
         "the host's limit of open files",
         "none until they are open"},
    Wish{{IdleConnections},
         "fs.epoll.max_user_watches",
         Sense::AtLeast,
         files_for_all,
         Confidence::Derived,
         "1.1 x connections + 512",
         "epoll_ctl() fails with ENOSPC beyond it",
         "160 bytes each while they exist"},
    Wish{{Kubernetes},
         "net.ipv4.neigh.default.gc_thresh1",
         Sense::AtLeast,
         constant<4096>,
         Confidence::Convention,
         "4096",
         "entries that are never cleaned up; the table serves all pods",
         "memory for entries that exist"},
    Wish{{Kubernetes},
         "net.ipv4.neigh.default.gc_thresh2",
         Sense::AtLeast,
         constant<8192>,
         Confidence::Convention,
         "8192",
         "from here on old entries go after 5 s",
         "memory for entries that exist"},
    Wish{{Kubernetes},
         "net.ipv4.neigh.default.gc_thresh3",
         Sense::AtLeast,
         constant<16384>,
         Confidence::Convention,
         "16384",
         "pods, nodes and services share one table over all namespaces",
         "memory for entries that exist"},
    Wish{{Kubernetes},
         "net.ipv6.neigh.default.gc_thresh1",
         Sense::AtLeast,
         constant<4096>,
         Confidence::Convention,
         "4096",
         "the same for IPv6",
         "memory for entries that exist"},
    Wish{{Kubernetes},
         "net.ipv6.neigh.default.gc_thresh2",
         Sense::AtLeast,
         constant<8192>,
         Confidence::Convention,
         "8192",
         "the same for IPv6",
         "memory for entries that exist"},
    Wish{{Kubernetes},
         "net.ipv6.neigh.default.gc_thresh3",
         Sense::AtLeast,
         constant<16384>,
         Confidence::Convention,
         "16384",
         "the same for IPv6",
         "memory for entries that exist"},
    Wish{{Kubernetes},
         "net.ipv4.ip_local_reserved_ports",
         Sense::Exactly,
         reserve_node_ports,
         Confidence::Derived,
         "30000-32767, where ip_local_port_range meets it",
         "an outgoing connection cannot take a NodePort",
         "fewer ports for outgoing connections"},
    Wish{{Kubernetes},
         "fs.inotify.max_user_instances",
         Sense::AtLeast,
         constant<8192>,
         Confidence::Convention,
         "8192",
         "kubelet, container runtimes and log shippers run as one user and share it",
         "memory for those that exist"},
    Wish{{Kubernetes},
         "fs.inotify.max_user_watches",
         Sense::AtLeast,
         constant<524288>,
         Confidence::Convention,
         "524,288",
         "the same",
         "about 1 KiB each while they exist"},
};

} // namespace

std::span<const Wish> wishes() { return rows; }

} // namespace netwright::advise
