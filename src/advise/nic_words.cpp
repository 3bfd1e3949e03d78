// SPDX-License-Identifier: GPL-2.0-or-later
// Hardware, losses, load and queues in the words of rules.
#include "advise/nic_words.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

// Shares of packets. One in a thousand lost halves what a TCP flow over a long path can reach (the square root in
// Mathis' formula); one in a hundred thousand is felt only by very long fat paths.
constexpr double high_share = 1e-3, medium_share = 1e-5;
// Since boot alone: less than this is a start-up burst or a short overload long ago.
constexpr double worth_telling_share = 1e-4;
// A share of next to nothing proves nothing: 1 of 5 packets is no loss of 20 %.
constexpr std::uint64_t few = 100, very_few = 10;

double share(std::uint64_t lost, std::uint64_t handled)
{
    if (lost == 0) return 0;
    return static_cast<double>(lost) / (static_cast<double>(lost) + static_cast<double>(handled));
}

struct CounterName {
    std::string_view driver, pattern; // globs over names without leading blanks and "[0]: "
    CounterClass is;
};
using enum CounterClass;

// Drivers whose names the general patterns below would misread, from their own ethtool files (drivers/net/ethernet).
constexpr std::array driver_names{
    CounterName{"ena", "*_allowance_exceeded", Allowance},
    CounterName{"ena", "*_allowance_available", Other},
    CounterName{"ena", "queue_*_rx_empty_rx_ring", NoBuffer},
    CounterName{"ena", "queue_*_rx_refil_partial", Memory},
    CounterName{"gve", "rx_queue_drop_cnt*", NoBuffer},
    CounterName{"gve", "rx_no_buffers_posted*", NoBuffer},
    CounterName{"gve", "rx_drops_packet_over_mru*", Wire},
    CounterName{"virtio_net", "rx*_hw_drop_overruns", NoBuffer},
    CounterName{"virtio_net", "rx*_drops", Memory},
    CounterName{"mlx5_core", "rx_out_of_buffer", NoBuffer},
    CounterName{"mlx5_core", "rx_discards_phy", NoBuffer},
    CounterName{"mlx5_core", "rx_prio*_discards", NoBuffer},
    CounterName{"mlx5_core", "rx_prio*_buf_discard", NoBuffer},
    CounterName{"mlx5_core", "outbound_pci_buffer_overflow", NoBuffer},
    CounterName{"mlx5_core", "rx_oversize_pkts_sw_drop", Other},
    CounterName{"mlx5_core", "rx_*_wqe_err", Memory},
    CounterName{"mlx5_core", "tx_discards_phy", Other},
    CounterName{"bnxt_en", "rx_mtu_err_frames", Wire},
    CounterName{"bnxt_en", "rx_total_oom_discards", Memory},
    CounterName{"bnxt_en", "rx_buf_errors", Memory},
    CounterName{"bnxt_en", "rx_stat_discard", NoBuffer},
    CounterName{"vmxnet3", "pkts rx OOB", NoBuffer},
    CounterName{"vmxnet3", "rx buf alloc fail", Memory},
    CounterName{"hv_netvsc", "rx_no_memory", Memory},
    CounterName{"mana", "hc_rx_discards_no_wqe", NoBuffer},
    // These "discards" hold frames that a filter refused as well as real losses.
    CounterName{"i40e", "port.rx_discards", NoBuffer},
    CounterName{"ice", "rx_dropped*", NoBuffer},
    CounterName{"e1000e", "rx_no_buffer_count", NoBuffer},
};

// Every other driver: what names have in common. First match wins; tx names only where the class is about both sides.
constexpr std::array general_names{
    CounterName{"*", "*allowance_exceeded*", Allowance},
    CounterName{"*", "tx_timeout*", Stall},
    CounterName{"*", "*.tx_timeout*", Stall},
    CounterName{"*", "*xoff*", Pause},
    CounterName{"*", "*pause*", Pause},
    CounterName{"*", "tx*", Other},
    CounterName{"*", "*alloc*fail*", Memory},
    CounterName{"*", "*alloc*err*", Memory},
    CounterName{"*", "*pg_alloc*", Memory},
    CounterName{"*", "*crc*", Wire},
    CounterName{"*", "*fcs*", Wire},
    CounterName{"*", "*symbol_err*", Wire},
    CounterName{"*", "*align_err*", Wire},
    CounterName{"*", "*jabber*", Wire},
    CounterName{"*", "*no_buf*", NoBuffer},
    CounterName{"*", "*no_dma*", NoBuffer},
    CounterName{"*", "*out_of_buf*", NoBuffer},
    CounterName{"*", "*missed*", NoBuffer},
    CounterName{"*", "*rx_fifo*", NoBuffer},
    CounterName{"*", "*no_wqe*", NoBuffer},
    CounterName{"*", "*ring_full*", NoBuffer},
    CounterName{"*", "*rx*discard*", NoBuffer},
};

std::string_view bare(std::string_view counter)
{
    counter = trim(counter);
    if (const auto colon = counter.find("]: "); counter.starts_with('[') && colon != std::string_view::npos)
        counter.remove_prefix(colon + 3);
    return counter;
}

bool larger(const Counter& a, const Counter& b)
{
    return a.growth != b.growth ? a.growth > b.growth : a.total > b.total;
}

double part(const Counter& part, std::uint64_t whole)
{
    return static_cast<double>(part.growth) / static_cast<double>(whole);
}

} // namespace

bool working_hardware(const Nic& nic)
{
    return nic.physical && !nic.loopback && nic.kind.empty() && nic.up && nic.carrier;
}

Opinion without(const Error& error)
{
    if (error.kind == Error::Kind::Unsupported || error.kind == Error::Kind::Absent) return std::vector<Finding>{};
    return std::unexpected(error);
}

std::optional<Severity> weigh_loss(const Counter& lost, const Counter& handled, std::chrono::milliseconds interval)
{
    if (interval.count() != 0 && lost.growth != 0) {
        const double now = share(lost.growth, handled.growth);
        if (lost.growth < very_few && now < worth_telling_share) return std::nullopt; // one in millions is no fault
        if (now >= high_share && lost.growth >= few) return Severity::High;
        return now >= medium_share && lost.growth >= very_few ? Severity::Medium : Severity::Low;
    }
    if (share(lost.total, handled.total) >= worth_telling_share) return Severity::Low;
    return std::nullopt;
}

std::optional<Counter> statistic(const Nic& nic, std::string_view name)
{
    if (!nic.statistics) return std::nullopt;
    const auto counter = nic.statistics->at(name);
    return counter ? std::optional(*counter) : std::nullopt;
}

CounterClass class_of(std::string_view driver, std::string_view counter)
{
    const std::string_view name = bare(counter);
    for (const CounterName& row : driver_names)
        if (row.driver == driver && glob_match(row.pattern, name)) return row.is;
    for (const CounterName& row : general_names)
        if (glob_match(row.pattern, name)) return row.is;
    return Other;
}

std::vector<NamedCounter> driver_counters(const Nic& nic, CounterClass wanted)
{
    std::vector<NamedCounter> found;
    if (!nic.driver_statistics) return found;
    const std::string_view driver = nic.driver ? std::string_view(*nic.driver) : std::string_view();
    for (const NamedCounter& counter : nic.driver_statistics->all())
        if (counter.counter.total != 0 && class_of(driver, counter.name) == wanted) found.push_back(counter);
    return found;
}

std::vector<Evidence> evidence_of(const Nic& nic, std::vector<NamedCounter> counters,
                                  std::chrono::milliseconds interval, std::size_t most)
{
    std::ranges::stable_sort(counters, larger, &NamedCounter::counter);
    if (counters.size() > most) counters.resize(most);
    std::vector<Evidence> evidence;
    for (const NamedCounter& counter : counters)
        evidence.push_back({fmt::format("{} {}", nic.name, trim(counter.name)), amount(counter.counter, interval)});
    return evidence;
}

Counter largest(std::span<const NamedCounter> counters)
{
    Counter found;
    for (const NamedCounter& counter : counters)
        if (larger(counter.counter, found)) found = counter.counter;
    return found;
}

std::vector<CpuLoad> cpu_loads(const Case& about)
{
    constexpr std::uint64_t fewest_ticks = 50; // half a second: one tick is then 2 %
    std::vector<CpuLoad> loads;
    if (!about.host.cpu_times || about.host.interval.count() == 0) return loads;
    for (const CpuTimes& times : *about.host.cpu_times) {
        const std::uint64_t all = times.user.growth + times.nice.growth + times.system.growth + times.idle.growth +
                                  times.iowait.growth + times.irq.growth + times.softirq.growth + times.steal.growth;
        if (all < fewest_ticks) continue;
        loads.push_back({times.cpu, part(times.irq, all) + part(times.softirq, all), part(times.steal, all)});
    }
    return loads;
}

std::optional<CpuLoad> busiest(const Case& about)
{
    const auto loads = cpu_loads(about);
    const auto found = std::ranges::max_element(loads, {}, &CpuLoad::interrupts);
    return found == loads.end() ? std::nullopt : std::optional(*found);
}

Evidence load_evidence(const CpuLoad& load, std::chrono::milliseconds interval)
{
    return {fmt::format("/proc/stat cpu{} irq + softirq", load.cpu),
            fmt::format("{} of {}", percent(load.interrupts), duration_text(interval))};
}

std::optional<double> receive_rate(const Nic& nic, std::chrono::milliseconds interval)
{
    const auto packets = statistic(nic, "rx_packets");
    if (!packets || interval.count() == 0) return std::nullopt;
    return static_cast<double>(packets->growth) * 1000 / static_cast<double>(interval.count());
}

bool is_busy(const Nic& nic, const Case& about)
{
    return receive_rate(nic, about.host.interval).value_or(0) >= busy_rate;
}

Severity by_load(const std::optional<CpuLoad>& load)
{
    if (!load || load->interrupts < hot_share) return Severity::Low;
    return load->interrupts >= nearly_full_share ? Severity::High : Severity::Medium;
}

std::string percent(double share) { return fmt::format("{:.0f} %", share * 100); }

std::vector<const Queue*> queues_of(const Nic& nic, std::string_view side)
{
    std::vector<const Queue*> found;
    if (!nic.queues) return found;
    for (const Queue& queue : *nic.queues)
        if (queue.name.starts_with(side)) found.push_back(&queue);
    return found;
}

CpuSet nearby_cpus(const Nic& nic, const Topology& topology)
{
    const CpuSet usable = topology.online - topology.isolated;
    const bool several_nodes = topology.nodes.size() > 1 && nic.node && *nic.node >= 0 && nic.local_cpus;
    const CpuSet near = several_nodes ? usable & *nic.local_cpus : usable;
    return near.empty() ? topology.online : near;
}

std::vector<Change> set_device(Tunable tunable, Value from, Value to, std::string why, Risk risk, bool interrupts)
{
    if (from == to) return {};
    Change change;
    change.tunable = std::move(tunable);
    change.from = std::move(from);
    change.to = std::move(to);
    change.why = std::move(why);
    change.risk = risk;
    change.reach = Reach::Device;
    change.interrupts = interrupts;
    return {std::move(change)};
}

std::vector<Change> set_feature(const Nic& nic, std::string_view name, bool to, std::string why, Risk risk)
{
    const auto word = [](bool on) { return Value{std::string(on ? "on" : "off")}; };
    return set_device(NicSetting{nic.name, "offload", std::string(name)}, word(!to), word(to), std::move(why), risk);
}

std::vector<Change> set_queue(const Nic& nic, const Queue& queue, QueueSetting::What what, Value from, Value to,
                              std::string why)
{
    return set_device(QueueSetting{nic.name, queue.name, what}, std::move(from), std::move(to), std::move(why));
}

const Feature* feature(const Nic& nic, std::string_view name)
{
    if (!nic.features) return nullptr;
    const auto found = std::ranges::find(*nic.features, name, &Feature::name);
    return found == nic.features->end() ? nullptr : &*found;
}

} // namespace netwright::advise
