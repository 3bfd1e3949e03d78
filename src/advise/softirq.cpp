// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about the softirq that receives packets: its budget, its per-CPU backlog, its flow limit.
//
// NET_RX (net/core/dev.c, net_rx_action) polls devices until netdev_budget packets or netdev_budget_usecs have passed,
// then counts a time_squeeze if work is left and lets ksoftirqd go on. Busy healthy hosts squeeze now and then, about
// once in ten million packets; it is the share of packets and its growth that say something.
// Packets that RPS, loopback, veth and tunnels hand to a CPU wait in its backlog of netdev_max_backlog; a NAPI driver
// without RPS never touches that queue.
#include "advise/nic_words.h"
#include "advise/softirq_rules.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr std::string_view softnet_file = "/proc/net/softnet_stat";

Counter sum(const std::vector<SoftnetCpu>& cpus, Counter SoftnetCpu::* member)
{
    Counter total;
    for (const SoftnetCpu& cpu : cpus) {
        total.total += (cpu.*member).total;
        total.growth += (cpu.*member).growth;
    }
    return total;
}

Evidence softnet_evidence(std::string_view column, const Counter& counter, std::chrono::milliseconds interval)
{
    return {fmt::format("{} {}", softnet_file, column), amount(counter, interval)};
}

// ── budget ────────────────────────────────────────────────────────────────────────────────────────────────────────

// A run ends after 300 packets by default, so 1 squeeze in 1,000 packets means that about a third of the runs end
// early.
constexpr double squeezed_often = 1e-3, squeezed_sometimes = 1e-4;
constexpr std::uint64_t fewest_squeezes = 10;
constexpr std::int64_t largest_budget = 1200, largest_budget_usecs = 20'000;

std::optional<Severity> weigh_squeeze(const Counter& squeezes, const Counter& packets,
                                      std::chrono::milliseconds interval)
{
    const auto share = [](std::uint64_t a, std::uint64_t b) {
        return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
    };
    if (interval.count() != 0 && squeezes.growth >= fewest_squeezes) {
        const double now = share(squeezes.growth, packets.growth);
        if (now >= squeezed_often) return Severity::Medium;
        if (now >= squeezed_sometimes) return Severity::Low;
        return std::nullopt;
    }
    if (squeezes.total >= fewest_squeezes && share(squeezes.total, packets.total) >= squeezed_often)
        return Severity::Info;
    return std::nullopt;
}

void propose_budget(Finding& finding, const Case& about)
{
    for (const auto& [key, most] : {std::pair<std::string_view, std::int64_t>{"net.core.netdev_budget", largest_budget},
                                    {"net.core.netdev_budget_usecs", largest_budget_usecs}}) {
        const auto now = about.host.sysctls.number(key);
        if (!now || *now >= most) continue;
        propose(finding, raise_sysctl(about, "softirq-time-squeeze", key, Value{std::min(*now * 2, most)},
                                      fmt::format("twice {}, at most {}: longer runs, measured again before going on",
                                                  *now, most)));
    }
}

Opinion judge_time_squeeze(const Case& about)
{
    if (!about.host.softnet) return std::unexpected(about.host.softnet.error());
    const Counter squeezes = sum(*about.host.softnet, &SoftnetCpu::time_squeeze);
    const Counter packets = sum(*about.host.softnet, &SoftnetCpu::processed);
    const auto severity = weigh_squeeze(squeezes, packets, about.host.interval);
    if (!severity) return std::vector<Finding>{};

    Finding finding;
    finding.severity = *severity;
    finding.confidence = confidence_of(squeezes);
    finding.title = "The receive softirq often stops with packets left to process";
    finding.evidence = {softnet_evidence("time_squeeze", squeezes, about.host.interval),
                        softnet_evidence("processed", packets, about.host.interval)};
    finding.why = "Each run of NET_RX ends after netdev_budget packets or netdev_budget_usecs. What is left waits for "
                  "ksoftirqd, which competes with applications for the CPU.";
    finding.cost = "Packets wait in the NIC's ring for milliseconds; when the ring fills, they are lost.";
    finding.side_effects = "longer softirq runs keep applications on the same CPU waiting";
    const auto load = busiest(about);
    if (load) finding.evidence.push_back(load_evidence(*load, about.host.interval));
    if (load && load->interrupts >= nearly_full_share)
        finding.advice = {"The busiest CPU has no time left, and a larger budget gives it none: spread the load first "
                          "(queues, interrupts, RPS)."};
    else if (*severity != Severity::Info)
        propose_budget(finding, about);
    return std::vector{std::move(finding)};
}

// The tick's frequency; nothing when the kernel's configuration could not be read.
std::optional<std::int64_t> ticks_per_second(const Snapshot& host)
{
    if (!host.kernel.config) return std::nullopt;
    const auto option = std::ranges::find(*host.kernel.config, "CONFIG_HZ", &ConfigOption::name);
    if (option == host.kernel.config->end()) return std::nullopt;
    const auto hz = parse_int(option->value);
    return hz && *hz > 0 ? std::optional(*hz) : std::nullopt;
}

Opinion judge_short_budget_time(const Case& about)
{
    constexpr std::string_view key = "net.core.netdev_budget_usecs";
    const auto usecs = about.host.sysctls.number(key);
    if (!usecs) return without(usecs.error()); // a child namespace does not show it
    // Without the configuration, only what is too short at the fastest tick there is (HZ=1000) can be told.
    const auto known = ticks_per_second(about.host);
    const std::int64_t two_ticks = 2'000'000 / known.value_or(1000);
    if (*usecs >= two_ticks) return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title =
        fmt::format("netdev_budget_usecs ({}) is shorter than two ticks of this kernel ({})", *usecs, two_ticks);
    finding.evidence.push_back(TRY(sysctl_evidence(about, key)));
    finding.evidence.push_back({"two kernel ticks", fmt::format("{} us (HZ={}{})", two_ticks, known.value_or(1000),
                                                                known ? "" : " assumed, the fastest there is")});
    finding.why = "The kernel checks this limit in ticks: a run that starts just before a tick can be over after a few "
                  "microseconds. The kernel's own default is therefore two ticks.";
    finding.cost = "Receive runs end early at random, with packets left over.";
    finding.side_effects = "softirq runs may last longer";
    propose(finding, raise_sysctl(about, "softirq-budget-below-two-ticks", key, Value{two_ticks},
                                  fmt::format("2 x 1,000,000 / HZ = {} us, the kernel's own default", two_ticks)));
    return std::vector{std::move(finding)};
}

// ── backlog ───────────────────────────────────────────────────────────────────────────────────────────────────────

constexpr std::int64_t largest_backlog = 10'000; // more queues tens of milliseconds and up to 23 MiB a CPU

std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

Opinion judge_backlog_drops(const Case& about)
{
    if (!about.host.softnet) return std::unexpected(about.host.softnet.error());
    const Counter dropped = sum(*about.host.softnet, &SoftnetCpu::dropped);
    const Counter limited = sum(*about.host.softnet, &SoftnetCpu::flow_limit); // counted in `dropped` too
    const Counter lost{minus(dropped.total, limited.total), minus(dropped.growth, limited.growth)};
    const Counter packets = sum(*about.host.softnet, &SoftnetCpu::processed);
    const auto severity = weigh_loss(lost, packets, about.host.interval);
    if (!severity) return std::vector<Finding>{};

    Finding finding;
    finding.severity = *severity;
    finding.confidence = confidence_of(lost);
    finding.title = "Packets are dropped because a CPU's backlog is full";
    finding.evidence = {softnet_evidence("dropped, without flow limit", lost, about.host.interval),
                        softnet_evidence("processed", packets, about.host.interval)};
    finding.why = "Packets from RPS, loopback, veth and tunnels wait in a per-CPU queue of netdev_max_backlog. NICs "
                  "without RPS do not use it, so this is not the NIC's ring.";
    finding.cost = "Each drop is a retransmission for TCP and a loss for UDP.";
    finding.side_effects = "a longer backlog adds latency, and up to 2.3 KiB of memory a packet and CPU";
    finding.advice = {"Spread the receive work first: more CPUs in rps_cpus, GRO on, threaded NAPI for veth."};
    const auto now = about.host.sysctls.number("net.core.netdev_max_backlog");
    if (now && *now > 0 && *now < largest_backlog && lost.growth != 0) {
        const std::int64_t to = std::min(std::max<std::int64_t>(*now * 2, 2000), largest_backlog);
        propose(finding, raise_sysctl(about, "softirq-backlog-drops", "net.core.netdev_max_backlog", Value{to},
                                      fmt::format("one step: twice {}, at least 2,000 and at most 10,000", *now)));
    }
    return std::vector{std::move(finding)};
}

Opinion judge_flow_limit(const Case& about)
{
    if (!about.host.softnet) return std::unexpected(about.host.softnet.error());
    const Counter limited = sum(*about.host.softnet, &SoftnetCpu::flow_limit);
    const Counter packets = sum(*about.host.softnet, &SoftnetCpu::processed);
    const auto severity = weigh_loss(limited, packets, about.host.interval);
    if (!severity) return std::vector<Finding>{};

    Finding finding;
    finding.severity = std::min(*severity, Severity::Medium); // it protects the small flows; that is its purpose
    finding.confidence = confidence_of(limited);
    finding.title = "The flow limit drops packets of one large flow";
    finding.evidence = {softnet_evidence("flow_limit", limited, about.host.interval)};
    if (const auto bitmap = sysctl_evidence(about, "net.core.flow_limit_cpu_bitmap"))
        finding.evidence.push_back(*bitmap);
    finding.why = "On CPUs in flow_limit_cpu_bitmap, a flow that fills more than half of the backlog loses packets "
                  "before smaller flows do.";
    finding.cost = "The large flow is slowed; the others are protected.";
    finding.advice = {"If the large flow matters, take its CPU out of net.core.flow_limit_cpu_bitmap or give it a "
                      "receive queue of its own; otherwise leave the limit on."};
    finding.risk = Risk::Medium;
    finding.side_effects = "without the limit one flow can push all others out of the backlog";
    return std::vector{std::move(finding)};
}

constexpr std::array budget_rules{
    Rule{"softirq-time-squeeze", "Does the receive softirq often end with work left?",
         "Compares time_squeeze with the packets processed. Below 1 in 10,000 packets nothing is said: busy healthy "
         "hosts squeeze about once in ten million. 1 in 1,000 means that about a third of all runs end early. A total "
         "since boot that does not grow is Info at most. Where the busiest CPU spends 80 % or more in interrupts a "
         "larger budget cannot help, and none is proposed.",
         "net/core/dev.c net_rx_action; Documentation/admin-guide/sysctl/net.rst", judge_time_squeeze},
    Rule{"softirq-budget-below-two-ticks", "Is netdev_budget_usecs shorter than two kernel ticks?",
         "The limit is checked in ticks of 1/HZ s. Recipes copy 2000 us from hosts with HZ=1000; at HZ=250 that is "
         "half a tick. HZ comes from the kernel's configuration; where that cannot be read, HZ=1000 is assumed, which "
         "accuses nobody wrongly. Values of two ticks or more are left alone.",
         "net/core/dev.c net_rx_action; net/core/hotdata.c", judge_short_budget_time},
    Rule{"softirq-backlog-drops", "Did a CPU's backlog overflow?",
         "Column 2 of softnet_stat less the flow limit's share. Only RPS and virtual devices use that queue. The "
         "severity follows the share of packets lost while two samples were taken; a total since boot is Low at most. "
         "The backlog is raised one step at a time, to 10,000 at most: a longer one is only latency.",
         "net/core/dev.c enqueue_to_backlog; Documentation/admin-guide/sysctl/net.rst", judge_backlog_drops},
    Rule{"softirq-flow-limit-drops", "Did the per-CPU flow limit drop packets of a large flow?",
         "Column 11 of softnet_stat. The limit exists to protect small flows from a large one, so this is Medium at "
         "most and nothing is changed by netwright.",
         "net/core/dev.c skb_flow_limit; Documentation/networking/scaling.rst", judge_flow_limit},
};

std::vector<Rule> join()
{
    std::vector<Rule> rules(budget_rules.begin(), budget_rules.end());
    std::ranges::copy(softirq_load_rules(), std::back_inserter(rules));
    std::ranges::copy(softirq_steering_rules(), std::back_inserter(rules));
    std::ranges::copy(softirq_affinity_rules(), std::back_inserter(rules));
    return rules;
}

} // namespace

std::span<const Rule> softirq_rules()
{
    static const std::vector<Rule> rules = join();
    return rules;
}

} // namespace netwright::advise
