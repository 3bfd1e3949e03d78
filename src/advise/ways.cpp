// SPDX-License-Identifier: GPL-2.0-or-later
// Judging ways by their runs.
#include "advise/ways.h"

#include "base/median.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace netwright::advise {
namespace {

constexpr double lost_at_most = 0.001; // of the packets sent
constexpr double reached = 0.9;        // of the rate that was wanted: below, a run says nothing of that rate
constexpr std::size_t fewest_runs = 3;

constexpr std::array<std::string_view, 1> stack_takes{"nothing: filters, routing, ss, tcpdump and sockets all work"};
constexpr std::array<std::string_view, 4> xdp_takes{
    "what it drops or sends on is never seen by nftables, connection tracking, tcpdump or sockets",
    "it is fast only where the driver has native XDP (netwright bypass tells)",
    "the MTU must fit a page (about 3500 bytes) unless program and driver know frames of several buffers",
    "large receive offload must be off; the program is checked by the kernel and can keep no state but in maps"};
constexpr std::array<std::string_view, 4> af_xdp_takes{
    "all packets of the queue it is bound to: the stack sees none of them",
    "each frame is copied once; routing, ARP and checksums are the program's work",
    "a program that must run, be watched and be restarted; while it is away, its queue is not served",
    "as many queues and programs as packets need; memory is locked for the frames"};
constexpr std::array<std::string_view, 3> zero_copy_takes{
    "all packets of the queue, as with copying; its memory is the NIC's",
    "only some drivers can; binding resets the queue, and other settings of the NIC may not change meanwhile",
    "the number of queues and rings cannot be changed while it is bound"};
constexpr std::array<std::string_view, 3> packet_takes{
    "a CPU, whole: it polls whether packets come or not",
    "nothing from the kernel, which handles each packet as well: what it drops must be dropped there, too",
    "another stack: routing, ARP and sockets are the program's work; ss, nftables and iptables know nothing of it"};
constexpr std::array<std::string_view, 4> dpdk_takes{
    "a CPU, whole: it polls whether packets come or not",
    "all packets of its queues; with the NIC's own poll-mode driver the whole NIC: no ip, ss, tcpdump, nftables or "
    "iptables on it, and no address of the host's (netwright bypass tells which driver it would be)",
    "huge pages and VFIO for that driver", "another stack: routing, ARP and sockets are the program's work"};

enum class Kept { Up, Not, Unknown };

Kept kept_up(const WayRun& run, double wanted)
{
    if (run.sent == 0 || run.seconds <= 0) return Kept::Unknown;
    const double sent = static_cast<double>(run.sent);
    if (static_cast<double>(run.handled) < sent * (1 - lost_at_most)) return Kept::Not;
    return sent / run.seconds >= wanted * reached ? Kept::Up : Kept::Unknown;
}

std::ptrdiff_t runs_that(const WayFigures& figures, double wanted, Kept kept)
{
    return std::ranges::count_if(figures.runs, [&](const WayRun& run) { return kept_up(run, wanted) == kept; });
}

std::string why_unclear(const WayFigures& figures, double wanted)
{
    return fmt::format(
        "{} kept up in {} of {} runs{}", to_text(figures.way), runs_that(figures, wanted, Kept::Up),
        figures.runs.size(),
        runs_that(figures, wanted, Kept::Unknown) > 0 ? " (the generator did not reach the rate in every run)" : "");
}

std::vector<double> values_of(const WayFigures& figures, double (*quantity)(const WayRun& run))
{
    std::vector<double> values;
    for (const WayRun& run : figures.runs)
        values.push_back(quantity(run));
    return values;
}

double lost_of(const WayRun& run)
{
    return run.sent > run.handled ? 1 - static_cast<double>(run.handled) / static_cast<double>(run.sent) : 0;
}

std::string_view past(WayTask task) { return task == WayTask::Drop ? "dropped" : "forwarded"; }

} // namespace

double rate_of(const WayRun& run) { return run.rate(); }

double cpu_of(const WayRun& run)
{
    return run.handled > 0 ? run.cpu_seconds * 1e6 / static_cast<double>(run.handled) : 0;
}

WaySummary summarize(const WayFigures& figures)
{
    if (figures.runs.empty()) return {};
    const auto rates = values_of(figures, rate_of);
    return {median(rates), std::ranges::min(rates), std::ranges::max(rates), median(values_of(figures, cpu_of)),
            median(values_of(figures, lost_of))};
}

std::optional<double> ratio(const WayFigures& figures, const WayFigures& base, double (*quantity)(const WayRun& run))
{
    if (std::min(figures.runs.size(), base.runs.size()) < fewest_runs) return std::nullopt;
    const auto ones = values_of(figures, quantity), others = values_of(base, quantity);
    const bool apart =
        std::ranges::min(ones) > std::ranges::max(others) || std::ranges::max(ones) < std::ranges::min(others);
    if (!apart || std::ranges::min(others) <= 0) return std::nullopt;
    return median(ones) / median(others);
}

WayVerdict judge_way(const WayFigures& figures, double wanted)
{
    if (figures.runs.empty()) return WayVerdict::Absent;
    if (figures.runs.size() < fewest_runs) return WayVerdict::Unclear;
    const auto all = static_cast<std::ptrdiff_t>(figures.runs.size());
    if (runs_that(figures, wanted, Kept::Up) == all) return WayVerdict::Meets;
    return runs_that(figures, wanted, Kept::Not) == all ? WayVerdict::Fails : WayVerdict::Unclear;
}

WayAdvice recommend_way(std::span<const WayFigures> figures, WayTask task, double wanted)
{
    std::vector<std::string> unclear;
    for (const Way way : all_ways) { // the simplest first
        const auto one = std::ranges::find_if(
            figures, [&](const WayFigures& candidate) { return candidate.way == way && candidate.task == task; });
        if (one == figures.end()) continue;
        const WayVerdict verdict = judge_way(*one, wanted);
        if (verdict == WayVerdict::Unclear) unclear.push_back(why_unclear(*one, wanted));
        if (verdict != WayVerdict::Meets) continue;
        std::string reason =
            fmt::format("the simplest way that {} {} in every run", past(task), packet_rate_text(wanted));
        if (!unclear.empty())
            reason += fmt::format("; a simpler one may do, but there is not enough data: {}", fmt::join(unclear, "; "));
        return {way, std::move(reason)};
    }
    if (unclear.empty()) return {std::nullopt, fmt::format("no way here {} {}", past(task), packet_rate_text(wanted))};
    return {std::nullopt, fmt::format("not enough data: {}", fmt::join(unclear, "; "))};
}

std::span<const std::string_view> taken_away(Way way)
{
    switch (way) {
    case Way::Stack:
        return stack_takes;
    case Way::Xdp:
        return xdp_takes;
    case Way::AfXdpCopy:
        return af_xdp_takes;
    case Way::AfXdpZeroCopy:
        return zero_copy_takes;
    case Way::DpdkAfPacket:
        return packet_takes;
    case Way::DpdkAfXdp:
        break;
    }
    return dpdk_takes;
}

} // namespace netwright::advise
