// SPDX-License-Identifier: GPL-2.0-or-later
// Counters, tcp_info and CPU time between two moments.
#include "measure/ledger.h"

#include "base/text.h"
#include "kernel/files.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace netwright::measure {
namespace {

constexpr std::size_t most_sampled = 64; // flows whose tcp_info is looked at in one sample

double seconds(const timeval& time)
{
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::optional<tcp_info> info_of(int socket)
{
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return std::nullopt;
    return info;
}

Result<std::uint64_t> number_after(std::string_view text, std::string_view line_start, std::size_t word)
{
    for (std::string_view line; next_line(text, line);) {
        if (!line.starts_with(line_start)) continue;
        const auto words = split_words(line);
        if (words.size() <= word) break;
        return parse_unsigned(words[word]);
    }
    return fail(Error::Kind::Malformed, "no line '" + std::string(line_start) + "'");
}

} // namespace

Result<std::uint64_t> parse_softirq_ticks(std::string_view text)
{
    return number_after(text, "cpu ", 7); // user nice system idle iowait irq softirq (fs/proc/stat.c)
}

Result<std::uint64_t> parse_tcp_pages(std::string_view text)
{
    return number_after(text, "TCP: ", 10); // TCP: inuse N orphan N tw N alloc N mem N (net/ipv4/proc.c)
}

CpuUse cpu_use()
{
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    CpuUse use{seconds(used.ru_utime), seconds(used.ru_stime), 0};
    if (const auto text = kernel::Files::live().read("proc/stat"))
        use.softirq_s =
            static_cast<double>(parse_softirq_ticks(*text).value_or(0)) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    return use;
}

std::uint64_t tcp_memory()
{
    const auto text = kernel::Files::live().read("proc/net/sockstat");
    if (!text) return 0;
    return parse_tcp_pages(*text).value_or(0) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

Totals totals_of(const std::list<Crew>& crews)
{
    Totals sum;
    for (const Crew& crew : crews)
        for (const Tally* tally : crew.tallies()) {
            sum.sent += tally->sent.get();
            sum.received += tally->received.get();
            sum.operations += tally->operations.get();
            sum.failures += tally->failures.get();
            sum.highest += tally->highest.get();
            sum.reordered += tally->reordered.get();
        }
    return sum;
}

Ledger::Moment Ledger::now() const
{
    Moment moment;
    moment.time = Clock::now();
    moment.totals = totals_of(crews_);
    for (const Crew& crew : crews_)
        for (const int socket : crew.tcp_sockets())
            if (const auto info = info_of(socket)) {
                moment.segments += info->tcpi_data_segs_out;
                moment.retransmits += info->tcpi_total_retrans;
            }
    moment.memory = tcp_memory();
    moment.cpu = cpu_use();
    return moment;
}

void Ledger::begin() { begin_ = now(); }
void Ledger::end() { end_ = now(); }

void Ledger::sample()
{
    std::size_t looked_at = 0;
    for (const Crew& crew : crews_)
        for (const int socket : crew.tcp_sockets()) {
            if (++looked_at > most_sampled) return;
            const auto info = info_of(socket);
            if (!info || info->tcpi_data_segs_out == 0) continue;
            rtt_us_.record(info->tcpi_rtt);
            cwnd_.record(info->tcpi_snd_cwnd);
            if (congestion_.empty()) congestion_ = congestion_of(socket);
        }
}

EndResult Ledger::result() const
{
    EndResult result;
    const Totals &from = begin_.totals, &to = end_.totals;
    result.seconds = std::chrono::duration<double>(end_.time - begin_.time).count();
    result.bytes_sent = to.sent - from.sent;
    result.bytes_received = to.received - from.received;
    result.operations = to.operations - from.operations;
    result.failures = to.failures - from.failures;
    const std::uint64_t expected = to.highest - from.highest;
    // A late datagram counts as an operation now, and its number was expected when its successor came.
    result.lost = expected > result.operations ? expected - result.operations : 0;
    result.reordered = to.reordered - from.reordered;
    result.segments = end_.segments - std::min(begin_.segments, end_.segments);
    result.retransmits = end_.retransmits - std::min(begin_.retransmits, end_.retransmits);
    result.rtt_us = rtt_us_;
    result.cwnd = cwnd_;
    result.congestion = congestion_;
    result.user_s = end_.cpu.user_s - begin_.cpu.user_s;
    result.system_s = end_.cpu.system_s - begin_.cpu.system_s;
    result.softirq_s = end_.cpu.softirq_s - begin_.cpu.softirq_s;
    result.tcp_memory = end_.memory - std::min(opened_memory_, end_.memory);
    for (const Crew& crew : crews_) {
        if (result.failures > 0 && result.first_failure.empty()) result.first_failure = crew.first_failure();
        for (const Tally* tally : crew.tallies()) {
            result.latency_ns.merge(tally->latency);
            result.delay_ns.merge(tally->delay);
            result.variation_ns.merge(tally->variation);
            result.jitter_ns = std::max(result.jitter_ns, tally->jitter_ns);
        }
    }
    return result;
}

} // namespace netwright::measure
