// SPDX-License-Identifier: GPL-2.0-or-later
// One function an answer; each returns nothing where the snapshot does not tell.
#include "advise/infer.h"

#include "advise/remedy.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

namespace netwright::advise {
namespace {

// Fewer connections are an anecdote: an ssh session is no reason to size buffers.
constexpr std::uint64_t enough_connections = 20;
constexpr std::uint64_t enough_bytes = 10'000'000;
constexpr std::uint64_t enough_datagrams = 100; // a second
constexpr double busy_table = 0.1;              // share of the connection tracking table in use

template <class T>
std::optional<Answer<T>> answer(T value, std::string reason)
{
    return Answer<T>{value, false, std::move(reason)};
}

std::optional<Answer<Nanoseconds>> infer_rtt(const Snapshot& host)
{
    if (!host.sockets) return std::nullopt;
    Distribution smallest;
    for (const ConnectionGroup& group : host.sockets->established)
        smallest.merge(group.min_rtt_us);
    const std::uint64_t rtt_us = smallest.quantile(0.9);
    if (smallest.count() < enough_connections || rtt_us == 0) return std::nullopt;
    return answer(Nanoseconds{std::chrono::microseconds{rtt_us}},
                  fmt::format("90th percentile of the smallest round trips of {} established connections",
                              grouped(smallest.count())));
}

std::optional<Answer<BitRate>> infer_bandwidth(const Snapshot& host)
{
    if (!host.nics) return std::nullopt;
    const Nic* slowest = nullptr;
    std::size_t told = 0;
    for (const Nic& nic : *host.nics) {
        if (!nic.physical || !nic.up || !nic.carrier || !nic.speed_mbit || *nic.speed_mbit == 0) continue;
        ++told;
        if (slowest == nullptr || *nic.speed_mbit < *slowest->speed_mbit) slowest = &nic;
    }
    if (slowest == nullptr) return std::nullopt; // virtio and other paravirtual drivers often tell no speed
    const BitRate rate{std::uint64_t{*slowest->speed_mbit} * 1'000'000};
    return answer(rate, told == 1 ? fmt::format("speed of {}", slowest->name)
                                  : fmt::format("speed of {}, the slowest of {} interfaces", slowest->name, told));
}

std::optional<Answer<double>> infer_loss(const Snapshot& host)
{
    if (!host.sockets) return std::nullopt;
    std::uint64_t sent = 0, again = 0, connections = 0;
    for (const ConnectionGroup& group : host.sockets->established) {
        sent += group.bytes_sent;
        again += group.bytes_retransmitted;
        connections += group.connections;
    }
    if (sent < enough_bytes || again > sent) return std::nullopt;
    return answer(static_cast<double>(again) / static_cast<double>(sent),
                  fmt::format("{} of {} sent again over {} established connections", to_text(Bytes{again}),
                              to_text(Bytes{sent}), grouped(connections)));
}

// CurrEstab of /proc/net/snmp counts CLOSE-WAIT too; sock_diag, where it answered, counts exactly.
std::optional<Answer<std::uint64_t>> infer_connections(const Snapshot& host)
{
    if (host.sockets) {
        const auto& states = host.sockets->tcp_states;
        const auto established = std::ranges::find(states, "established", &StateCount::state);
        if (established != states.end()) return answer(established->count, "established now");
    }
    if (!host.protocols) return std::nullopt;
    const auto current = host.protocols->at("TcpCurrEstab");
    if (!current) return std::nullopt;
    return answer(current->total, "Tcp CurrEstab of /proc/net/snmp, now");
}

// Growth of some protocol counters a second, over the interval between the two samples.
std::optional<Answer<std::uint64_t>> infer_rate(const Snapshot& host, std::initializer_list<std::string_view> counters,
                                                std::string_view what)
{
    const auto interval_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, host.interval.count()));
    if (!host.protocols || interval_ms == 0) return std::nullopt;
    std::optional<std::uint64_t> grown;
    for (const std::string_view name : counters)
        if (const auto counter = host.protocols->at(name)) grown = grown.value_or(0) + counter->growth;
    if (!grown) return std::nullopt;
    return answer(*grown * 1000 / interval_ms,
                  fmt::format("{} {} in {}", grouped(*grown), what, duration_text(host.interval)));
}

// A trickle of DNS answers says nothing about what the host is for.
std::optional<Answer<std::uint64_t>> infer_datagram_rate(const Snapshot& host)
{
    auto rate = infer_rate(host, {"UdpInDatagrams", "Udp6InDatagrams"}, "UDP datagrams received");
    return rate && rate->value >= enough_datagrams ? rate : std::nullopt;
}

bool runs(const Snapshot& host, std::string_view name)
{
    return host.services && std::ranges::any_of(*host.services, [&](const Service& service) {
               return service.name == name && service.running;
           });
}

// Listeners a router has for itself: ssh, and what answers on loopback only.
bool serves(const Listener& listener)
{
    return listener.port != 22 && !listener.address.starts_with("127.") && listener.address != "::1";
}

bool is_gateway(const Snapshot& host)
{
    const auto forward = host.sysctls.number("net.ipv4.ip_forward");
    if (!forward || *forward != 1 || !host.conntrack || !host.sockets) return false;
    const auto& limit = host.conntrack->limit;
    if (!limit || *limit == 0) return false;
    const double used = static_cast<double>(host.conntrack->count) / static_cast<double>(*limit);
    return used >= busy_table && std::ranges::none_of(host.sockets->listeners, serves);
}

Answer<Workload> infer_workload(const Snapshot& host)
{
    if (runs(host, "kubelet")) return {Workload::Kubernetes, false, "kubelet is running"};
    if (is_gateway(host))
        return {
            Workload::Gateway, false,
            fmt::format("it forwards, tracks {} connections and serves none itself", grouped(host.conntrack->count))};
    return {Workload::General, false, "nothing was said, and nothing on this host makes it plain"};
}

} // namespace

Intent infer(const Snapshot& host, Intent given)
{
    if (!given.workload.given) given.workload = infer_workload(host);
    if (!given.rtt) given.rtt = infer_rtt(host);
    if (!given.bandwidth) given.bandwidth = infer_bandwidth(host);
    if (!given.loss) given.loss = infer_loss(host);
    if (!given.connections) given.connections = infer_connections(host);
    if (!given.connection_rate) given.connection_rate = infer_rate(host, {"TcpPassiveOpens"}, "connections accepted");
    if (!given.datagram_rate) given.datagram_rate = infer_datagram_rate(host);
    return given;
}

} // namespace netwright::advise
