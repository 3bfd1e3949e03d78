// SPDX-License-Identifier: GPL-2.0-or-later
// The rows: every qdisc with its options and the defaults its init function gives them (net/sched/sch_*.c).
#include "tunable/qdisc_kind.h"

#include <fmt/format.h>
#include <linux/pkt_sched.h>

#include <algorithm>
#include <array>

namespace netwright::tunable {
namespace {

using Unit = QdiscOption::Unit;
using Default = QdiscOption::Default;

constexpr std::int64_t no_limit = 0xffffffff;
constexpr std::uint16_t fq_offload_horizon = 18; // TCA_FQ_OFFLOAD_HORIZON, Linux 6.14

constexpr std::array<std::string_view, 2> pacing{"nopacing", "pacing"}, ecn{"noecn", "ecn"},
    horizon{"horizon_cap", "horizon_drop"}, nat{"nonat", "nat"}, wash{"nowash", "wash"}, side{"egress", "ingress"},
    split{"no-split-gso", "split-gso"}, autorate{"no-autorate", "autorate-ingress"};
constexpr std::array<std::string_view, 3> ack_filter{"no-ack-filter", "ack-filter", "ack-filter-aggressive"},
    cells{"noatm", "atm", "ptm"};
constexpr std::array<std::string_view, 5> tins{"diffserv3", "diffserv4", "diffserv8", "besteffort", "precedence"};
constexpr std::array<std::string_view, 8> flows{"flowblind", "srchost",      "dsthost",      "hosts",
                                                "flows",     "dual-srchost", "dual-dsthost", "triple-isolate"};

constexpr std::array fq_options{
    QdiscOption{"limit", TCA_FQ_PLIMIT, Unit::Number, 4, Default::Fixed, 10000},
    QdiscOption{"flow_limit", TCA_FQ_FLOW_PLIMIT, Unit::Number, 4, Default::Fixed, 100},
    QdiscOption{"buckets", TCA_FQ_BUCKETS_LOG, Unit::PowerOfTwo, 4, Default::Fixed, 10},
    QdiscOption{"orphan_mask", TCA_FQ_ORPHAN_MASK, Unit::Number, 4, Default::Fixed, 1023},
    QdiscOption{"", TCA_FQ_RATE_ENABLE, Unit::Choice, 4, Default::Fixed, 1, pacing},
    QdiscOption{"quantum", TCA_FQ_QUANTUM, Unit::Bytes, 4, Default::Frames, 2},
    QdiscOption{"initial_quantum", TCA_FQ_INITIAL_QUANTUM, Unit::Bytes, 4, Default::Frames, 10},
    QdiscOption{"low_rate_threshold", TCA_FQ_LOW_RATE_THRESHOLD, Unit::Rate, 4, Default::Fixed, 550000 / 8},
    QdiscOption{"refill_delay", TCA_FQ_FLOW_REFILL_DELAY, Unit::Microseconds, 4, Default::Fixed, 40'000},
    QdiscOption{"maxrate", TCA_FQ_FLOW_MAX_RATE, Unit::Rate, 4, Default::Fixed, no_limit},
    QdiscOption{"timer_slack", TCA_FQ_TIMER_SLACK, Unit::Nanoseconds, 4, Default::Fixed, 10'000},
    QdiscOption{"ce_threshold", TCA_FQ_CE_THRESHOLD, Unit::Microseconds, 4, Default::Fixed, no_limit},
    QdiscOption{"horizon", TCA_FQ_HORIZON, Unit::Microseconds, 4, Default::Fixed, 10'000'000},
    QdiscOption{"", TCA_FQ_HORIZON_DROP, Unit::Choice, 1, Default::Fixed, 1, horizon},
    QdiscOption{"offload_horizon", fq_offload_horizon, Unit::Microseconds, 4, Default::Fixed, 0},
};
constexpr std::array fq_codel_options{
    QdiscOption{"limit", TCA_FQ_CODEL_LIMIT, Unit::Number, 4, Default::Fixed, 10240},
    QdiscOption{"flows", TCA_FQ_CODEL_FLOWS, Unit::Number, 4, Default::Fixed, 1024},
    QdiscOption{"quantum", TCA_FQ_CODEL_QUANTUM, Unit::Bytes, 4, Default::Frames, 1},
    QdiscOption{"target", TCA_FQ_CODEL_TARGET, Unit::Microseconds, 4, Default::Fixed, 5'000},
    QdiscOption{"interval", TCA_FQ_CODEL_INTERVAL, Unit::Microseconds, 4, Default::Fixed, 100'000},
    QdiscOption{"memory_limit", TCA_FQ_CODEL_MEMORY_LIMIT, Unit::Bytes, 4, Default::Fixed, 32 << 20},
    QdiscOption{"ce_threshold", TCA_FQ_CODEL_CE_THRESHOLD, Unit::Microseconds, 4, Default::Unset},
    QdiscOption{"", TCA_FQ_CODEL_ECN, Unit::Choice, 4, Default::Fixed, 1, ecn},
    QdiscOption{"drop_batch", TCA_FQ_CODEL_DROP_BATCH_SIZE, Unit::Number, 4, Default::Fixed, 64},
};
constexpr std::array cake_options{
    QdiscOption{"bandwidth", TCA_CAKE_BASE_RATE64, Unit::Rate, 8, Default::Fixed, 0},
    QdiscOption{"", TCA_CAKE_DIFFSERV_MODE, Unit::Choice, 4, Default::Fixed, 0, tins},
    QdiscOption{"", TCA_CAKE_FLOW_MODE, Unit::Choice, 4, Default::Fixed, 7, flows},
    QdiscOption{"", TCA_CAKE_NAT, Unit::Choice, 4, Default::Fixed, 0, nat},
    QdiscOption{"", TCA_CAKE_WASH, Unit::Choice, 4, Default::Fixed, 0, wash},
    QdiscOption{"", TCA_CAKE_INGRESS, Unit::Choice, 4, Default::Fixed, 0, side},
    QdiscOption{"", TCA_CAKE_ACK_FILTER, Unit::Choice, 4, Default::Fixed, 0, ack_filter},
    QdiscOption{"", TCA_CAKE_SPLIT_GSO, Unit::Choice, 4, Default::Fixed, 1, split},
    QdiscOption{"", TCA_CAKE_AUTORATE, Unit::Choice, 4, Default::Fixed, 0, autorate},
    QdiscOption{"rtt", TCA_CAKE_RTT, Unit::Microseconds, 4, Default::Fixed, 100'000},
    QdiscOption{"target", TCA_CAKE_TARGET, Unit::Microseconds, 4, Default::TwentiethOfRtt},
    QdiscOption{"", TCA_CAKE_ATM, Unit::Choice, 4, Default::Fixed, 0, cells},
    QdiscOption{"overhead", TCA_CAKE_OVERHEAD, Unit::Number, 4, Default::Unset},
    QdiscOption{"mpu", TCA_CAKE_MPU, Unit::Number, 4, Default::Fixed, 0},
    QdiscOption{"memlimit", TCA_CAKE_MEMORY, Unit::Bytes, 4, Default::Fixed, 0},
    QdiscOption{"fwmark", TCA_CAKE_FWMARK, Unit::Number, 4, Default::Fixed, 0},
};
constexpr std::array pfifo_options{QdiscOption{"limit", 0, Unit::Number, 4, Default::QueueLength}};
constexpr std::array bfifo_options{QdiscOption{"limit", 0, Unit::Bytes, 4, Default::QueueBytes}};
constexpr std::array tbf_options{
    QdiscOption{"rate", 0, Unit::Rate, 8, Default::Unset},
    QdiscOption{"burst", 0, Unit::Bytes, 4, Default::Unset},
    QdiscOption{"limit", 0, Unit::Bytes, 4, Default::Unset},
};
constexpr std::array htb_options{
    QdiscOption{"default", 0, Unit::Hex, 4, Default::Fixed, 0},
    QdiscOption{"r2q", 0, Unit::Number, 4, Default::Fixed, 10},
    QdiscOption{"direct_qlen", 0, Unit::Number, 4, Default::QueueLength},
};

constexpr std::array kinds{
    QdiscKind{"fq", QdiscKind::Form::Attributes, fq_options},
    QdiscKind{"fq_codel", QdiscKind::Form::Attributes, fq_codel_options},
    QdiscKind{"cake", QdiscKind::Form::Attributes, cake_options},
    QdiscKind{"mq"},
    QdiscKind{"pfifo_fast"},
    QdiscKind{"pfifo", QdiscKind::Form::FifoStruct, pfifo_options},
    QdiscKind{"bfifo", QdiscKind::Form::FifoStruct, bfifo_options},
    QdiscKind{"tbf", QdiscKind::Form::TokenBucket, tbf_options, "rate, burst, and limit or latency"},
    QdiscKind{"htb", QdiscKind::Form::HierarchicalTokenBucket, htb_options},
    QdiscKind{"noqueue"},
};

} // namespace

const QdiscKind* find_qdisc_kind(std::string_view name)
{
    const auto kind = std::ranges::find(kinds, name, &QdiscKind::name);
    return kind == kinds.end() ? nullptr : &*kind;
}

std::string known_qdiscs()
{
    std::string names;
    for (const QdiscKind& kind : kinds)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", kind.name);
    return names;
}

std::optional<std::int64_t> number_of(const QdiscSpec& spec, std::string_view word)
{
    for (const auto& setting : spec.settings)
        if (setting.option->word == word) return setting.number;
    return std::nullopt;
}

std::optional<std::int64_t> default_of(const QdiscOption& option, const QdiscSpec& spec, const QueueingLink& link)
{
    switch (option.when_missing) {
    case Default::Fixed:
        return option.amount;
    case Default::Frames:
        return option.amount * link.frame;
    case Default::QueueLength: // of 0, one packet (net/sched/sch_fifo.c, fifo_init)
        return std::max<std::int64_t>(1, link.queue_length);
    case Default::QueueBytes:
        return std::max<std::int64_t>(1, link.queue_length) * link.frame;
    case Default::TwentiethOfRtt: // as tc computes it
        return std::max<std::int64_t>(1, number_of(spec, "rtt").value_or(100'000) / 20);
    case Default::Unset:
        break;
    }
    return std::nullopt;
}

// Clocks keep less than we say: CoDel counts in units of 1024 ns, the token bucket in ticks of 64 ns.
bool is_close(const QdiscOption& option, std::int64_t a, std::int64_t b)
{
    const std::int64_t apart = std::max(a, b) - std::min(a, b);
    if (option.unit == Unit::Microseconds) return apart <= 1;
    if (option.unit == Unit::Bytes) return apart <= std::max(a, b) / 500; // tbf's burst, kept as a time
    return apart == 0;
}

bool same(const QdiscSpec& a, const QdiscSpec& b, const QueueingLink& link)
{
    if (a.kind != b.kind || a.foreign != b.foreign) return false;
    if (!a.kind) return true;
    const auto value = [&](const QdiscSpec& spec, const QdiscOption& option) {
        const auto found = std::ranges::find(spec.settings, &option, &QdiscSpec::Setting::option);
        return found != spec.settings.end() ? std::optional(found->number) : default_of(option, spec, link);
    };
    return std::ranges::all_of(a.kind->options, [&](const QdiscOption& option) {
        const auto left = value(a, option), right = value(b, option);
        return left && right ? is_close(option, *left, *right) : left == right;
    });
}

} // namespace netwright::tunable
