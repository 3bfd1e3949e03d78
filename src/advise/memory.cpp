// SPDX-License-Identifier: GPL-2.0-or-later
// Memory under sockets: TCP's and UDP's shares of the host, pruned receive queues, datagrams without room.
//
// tcp_mem and udp_mem are host-wide and count pages: below the second number TCP grows freely, above it it stops
// growing buffers, above the third allocations fail (net/core/sock.c, __sk_mem_raise_allocated). Both are absent in a
// child network namespace. A UDP socket's limit counts truesize, not payload: 832 bytes for a small datagram
// (net/ipv4/udp.c, __udp_enqueue_schedule_skb).
#include "advise/remedy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr double near_pressure = 0.8;
constexpr std::uint64_t tcp_share_of_memory = 8; // tcp_mem's limit may grow to RAM/8 (the kernel starts near 1/11)
constexpr std::int64_t largest_udp_request = 64LL << 20; // of rmem_max: any user may pin twice that per socket
constexpr std::uint64_t few_datagrams = 1000;            // lost since boot, over any uptime: a restart, a scan

struct Account {
    std::vector<std::int64_t> limits; // low, pressure, high, in pages
    std::uint64_t page = 4096;
    std::uint64_t memory = 0; // bytes
};

Result<Account> account(const Case& about, std::string_view key)
{
    Account account{TRY(about.host.sysctls.numbers(key))};
    if (account.limits.size() != 3)
        return fail(Error::Kind::Malformed, fmt::format("sysctl {}: three page counts are expected", key));
    if (!about.host.memory) return std::unexpected(about.host.memory.error());
    account.page = about.host.memory->page_size.count;
    account.memory = about.host.memory->total.count;
    return account;
}

Evidence pages_evidence(std::string_view protocol, std::uint64_t pages, const Account& account)
{
    return {fmt::format("/proc/net/sockstat {} mem", protocol),
            fmt::format("{} pages ({}); pressure at {}, limit {}", grouped(pages), to_text(Bytes{pages * account.page}),
                        account.limits[1], account.limits[2])};
}

void raise_tcp_mem(const Case& about, const Account& account, Finding& finding)
{
    const auto high = static_cast<std::int64_t>(account.memory / tcp_share_of_memory / account.page);
    if (high <= account.limits[2]) {
        finding.advice.emplace_back(
            "tcp_mem already grants TCP an eighth of the memory: fewer or smaller buffers, or more RAM");
        return;
    }
    propose(
        finding,
        raise_sysctl(about, "tcp-memory-pressure", "net.ipv4.tcp_mem", std::vector{high / 2, high * 2 / 3, high},
                     fmt::format("limit = RAM / {} in pages, pressure 2/3 and low 1/2 of it", tcp_share_of_memory)));
}

Opinion judge_tcp_memory(const Case& about)
{
    const Counter pressures = TRY(counter_of(about, "TcpExtTCPMemoryPressures"));
    const Account limits = TRY(account(about, "net.ipv4.tcp_mem"));
    if (!about.host.sockstat) return std::unexpected(about.host.sockstat.error());
    const std::uint64_t pages = about.host.sockstat->tcp_memory_pages;
    const bool pressed = pages >= static_cast<std::uint64_t>(limits.limits[1]);
    const bool near = static_cast<double>(pages) >= near_pressure * static_cast<double>(limits.limits[1]);
    if (!near && pressures.total == 0) return std::vector<Finding>{};
    const bool now = pressed || pressures.growth > 0;
    Finding finding =
        finding_of(now ? Severity::High : Severity::Low, near || now ? Confidence::Measured : Confidence::SinceBoot,
                   now    ? "TCP is short of memory: buffers no longer grow"
                   : near ? "TCP's memory is nearly at the point where buffers stop growing"
                          : "TCP was short of memory at some time since boot");
    finding.evidence.push_back(pages_evidence("TCP", pages, limits));
    for (const std::string_view name : {"TcpExtTCPMemoryPressures", "TcpExtTCPAbortOnMemory"})
        note(finding, counter_evidence(about, name));
    finding.why =
        "Above tcp_mem's second number TCP trims windows and stops growing buffers on the whole host; above the third, "
        "sockets fail to allocate and may be reset.";
    finding.cost = "throughput of all connections collapses together";
    if (now) raise_tcp_mem(about, limits, finding);
    finding.advice.emplace_back("look for slow readers first (ss -tm, large r and t): they hold the memory");
    finding.side_effects = "TCP may take more kernel memory, which cannot be swapped";
    return std::vector{std::move(finding)};
}

Opinion judge_udp_memory(const Case& about)
{
    const Counter errors = TRY(counter_of(about, "UdpMemErrors"));
    const Account limits = TRY(account(about, "net.ipv4.udp_mem"));
    if (!about.host.sockstat) return std::unexpected(about.host.sockstat.error());
    const std::uint64_t pages = about.host.sockstat->udp_memory_pages;
    const bool near = static_cast<double>(pages) >= near_pressure * static_cast<double>(limits.limits[2]);
    if (!near && errors.total == 0) return std::vector<Finding>{};
    Finding finding = finding_of(errors.growth > 0 ? Severity::High
                                 : near            ? Severity::Medium
                                                   : Severity::Low,
                                 near ? Confidence::Measured : confidence_of(errors),
                                 "UDP has, or had, no memory left for datagrams");
    finding.evidence.push_back(pages_evidence("UDP", pages, limits));
    note(finding, counter_evidence(about, "UdpMemErrors"));
    finding.why =
        "When all UDP sockets together hold udp_mem's third number of pages, arriving datagrams are dropped whatever "
        "room their own socket has.";
    finding.cost = "datagrams of every UDP service on the host are lost";
    finding.advice = {"find the sockets that hold it (ss -uam, large r) and make their programs read",
                      "raise udp_mem only if the memory is really there: the kernel starts with about 19 % of it"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

struct Prune {
    std::string_view name;
    bool loses; // data that had arrived is thrown away
};
constexpr std::array prunes{
    Prune{"TcpExtPruneCalled", false}, Prune{"TcpExtRcvPruned", true},      Prune{"TcpExtOfoPruned", true},
    Prune{"TcpExtTCPRcvQDrop", true},  Prune{"TcpExtTCPBacklogDrop", true},
};

constexpr std::uint64_t prunes_that_matter = 10; // while we looked; fewer is one slow reader's bad moment

Opinion judge_prune(const Case& about)
{
    Finding finding = finding_of(Severity::Low, Confidence::Measured,
                                 "TCP throws away data it had received, for want of buffer space");
    bool growing = false, losing = false;
    for (const Prune& prune : prunes) {
        const auto counter = counter_of(about, prune.name);
        if (!counter && !about.host.protocols) return std::unexpected(counter.error());
        if (!counter || counter->growth == 0) continue;
        growing = growing || counter->growth >= prunes_that_matter;
        losing = losing || (prune.loses && counter->growth >= prunes_that_matter);
        note(finding, counter_evidence(about, prune.name));
    }
    if (!growing) return std::vector<Finding>{};
    finding.severity = losing ? Severity::Medium : Severity::Low;
    if (!losing) finding.title = "TCP compacts receive queues because they hold more memory than data";
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_rmem"));
    finding.why =
        "Small or out-of-order segments take more memory than their payload. When a socket exceeds its receive buffer, "
        "the kernel copies them together, and if that is not enough drops what the peer then has to send again.";
    finding.cost = losing ? "retransmissions on a clean network, and CPU time" : "CPU time in softirq, short stalls";
    finding.advice = {
        "keep GRO on, and look for the cause of reordering or loss",
        "a larger tcp_rmem maximum helps if connections sit at it (ss -tm, rb); remove SO_RCVBUF",
        "TCPBacklogDrop: the program holds its socket for too long in one call; smaller reads and writes"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

struct Lost {
    Counter v4, v6;
    std::uint64_t growth() const { return v4.growth + v6.growth; }
    std::uint64_t total() const { return v4.total + v6.total; }
};

const UdpSocket* worst_socket(const Case& about)
{
    if (!about.host.sockets) return nullptr;
    const auto& sockets = about.host.sockets->udp;
    const auto worst = std::ranges::max_element(sockets, {}, &UdpSocket::drops);
    return worst == sockets.end() || worst->drops == 0 ? nullptr : &*worst;
}

std::string name_of(const UdpSocket& socket)
{
    return socket.owner ? fmt::format("UDP port {} ({})", socket.port, socket.owner->command)
                        : fmt::format("UDP port {}", socket.port);
}

// What a person can do depends on who chose the buffer: nobody, rmem_max's cap, or the program.
Result<void> enlarge(const Case& about, const UdpSocket& socket, Finding& finding)
{
    const std::int64_t cap = TRY(about.host.sysctls.number("net.core.rmem_max"));
    const std::int64_t unasked = TRY(about.host.sysctls.number("net.core.rmem_default"));
    if (socket.receive_buffer == static_cast<std::uint64_t>(unasked) && unasked != 2 * cap) {
        finding.advice.push_back(
            fmt::format("{} never asked for a buffer: let it set SO_RCVBUF (up to {} here; the kernel doubles "
                        "it)",
                        name_of(socket), cap));
        return {};
    }
    if (socket.receive_buffer < static_cast<std::uint64_t>(2 * cap)) {
        finding.advice.push_back(fmt::format("{} chose its buffer of {} bytes itself: let it ask for more",
                                             name_of(socket), socket.receive_buffer));
        return {};
    }
    const std::int64_t want = std::min(2 * cap, largest_udp_request);
    if (want > cap)
        propose(finding, raise_sysctl(about, "udp-receive-drops", "net.core.rmem_max", want,
                                      fmt::format("{} is stopped by rmem_max ({}): twice that, at most 64 MiB",
                                                  name_of(socket), cap)));
    finding.advice.push_back(fmt::format("restart {} afterwards: a socket asks for its buffer once", name_of(socket)));
    return {};
}

Opinion judge_udp_drops(const Case& about)
{
    Lost lost{TRY(counter_of(about, "UdpRcvbufErrors")), {}};
    if (const auto v6 = counter_of(about, "Udp6RcvbufErrors")) lost.v6 = *v6;
    if (lost.growth() == 0 && lost.total() < few_datagrams) return std::vector<Finding>{};
    const UdpSocket* socket = worst_socket(about);
    Finding finding = finding_of(lost.growth() > 0 ? Severity::High : Severity::Low,
                                 lost.growth() > 0 ? Confidence::Measured : Confidence::SinceBoot,
                                 fmt::format("Datagrams are lost because {} does not read them in time",
                                             socket != nullptr ? name_of(*socket) : std::string("a UDP program")));
    note(finding, counter_evidence(about, "UdpRcvbufErrors"));
    if (lost.v6.total > 0) note(finding, counter_evidence(about, "Udp6RcvbufErrors"));
    if (socket != nullptr)
        finding.evidence.push_back({fmt::format("sock_diag UDP {}:{}", socket->address, socket->port),
                                    fmt::format("{} dropped, {} of {} bytes used now", grouped(socket->drops),
                                                socket->receive_queue, socket->receive_buffer)});
    finding.why = "A datagram that finds its socket's receive buffer full is dropped. The limit counts kernel memory, "
                  "not payload: "
                  "a datagram of 64 bytes costs 832, one of 1,400 costs 2,315.";
    finding.cost = "lost messages, retried or missing in the application";
    if (socket != nullptr) TRY_VOID(enlarge(about, *socket, finding));
    finding.advice.emplace_back(
        "if losses go on, the program is too slow: recvmmsg, UDP_GRO, or several sockets with SO_REUSEPORT");
    finding.side_effects = "any local program may ask for twice rmem_max of kernel memory per socket";
    finding.security = "raising rmem_max lets unprivileged users pin more kernel memory";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"tcp-memory-pressure", "Is TCP as a whole short of memory?",
         "TcpExt.TCPMemoryPressures counts entries into pressure; /proc/net/sockstat shows the pages now. High when it "
         "happens now, "
         "Low at 80 % of the pressure value or for a total since boot. While it happens the limit is raised to at most "
         "an eighth of "
         "RAM. Not judged in a child namespace: tcp_mem belongs to the host.",
         "net/core/sock.c __sk_mem_raise_allocated; net/ipv4/tcp.c tcp_init_mem", judge_tcp_memory},
    Rule{"udp-memory-pressure", "Is UDP as a whole short of memory?",
         "Udp.MemErrors (since 5.11) counts datagrams dropped at udp_mem's limit. No value is proposed: the kernel "
         "already grants "
         "UDP about 19 % of memory, and the cause is a program that does not read.",
         "net/ipv4/udp.c __udp_enqueue_schedule_skb", judge_udp_memory},
    Rule{"tcp-receive-pruned", "Does TCP compact or drop what it has received?",
         "Growth of PruneCalled, RcvPruned, OfoPruned, TCPRcvQDrop and TCPBacklogDrop between two samples; totals "
         "since boot are "
         "ignored. Medium when data is dropped, Low when it is only compacted.",
         "net/ipv4/tcp_input.c tcp_prune_queue", judge_prune},
    Rule{"udp-receive-drops", "Are datagrams lost because a socket's receive buffer is full?",
         "Udp.RcvbufErrors and Udp6RcvbufErrors; sock_diag names the socket that dropped most. High while they grow, "
         "Low from 1,000 "
         "since boot. rmem_max is doubled (at most 64 MiB) only if that socket's buffer is exactly what rmem_max "
         "allowed (twice it): "
         "otherwise the program, not the kernel, chose the size. rmem_default is never raised: it would apply to every "
         "socket.",
         "net/ipv4/udp.c __udp_enqueue_schedule_skb; net/core/sock.c __sock_set_rcvbuf", judge_udp_drops},
};

} // namespace

std::span<const Rule> memory_rules() { return rules; }

} // namespace netwright::advise
