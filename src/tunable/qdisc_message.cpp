// SPDX-License-Identifier: GPL-2.0-or-later
// Qdisc options to and from netlink: attributes for most, a C structure each for the old ones.
#include "tunable/qdisc_kind.h"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace netwright::tunable {
namespace {

using Payload = std::span<const std::byte>;
using Unit = QdiscOption::Unit;
using kernel::as_structure, kernel::as_u32, kernel::as_u64, kernel::each_attribute;

constexpr std::uint16_t fq_priomap = 16, fq_weights = 17; // TCA_FQ_PRIOMAP, TCA_FQ_WEIGHTS, Linux 6.8
constexpr std::uint32_t htb_version = 3;                  // TC_HTB_PROTOVER
constexpr double tick_ns = 64;                            // PSCHED_SHIFT 6 in include/net/pkt_sched.h

void set(QdiscSpec& spec, std::size_t row, std::int64_t number)
{
    spec.settings.push_back({&spec.kind->options[row], number});
}

// ---- attributes ----

std::int64_t number_from(const QdiscOption& option, Payload payload)
{
    if (option.width == 1) return kernel::as_u8(payload);
    if (option.word == "overhead") return static_cast<std::int32_t>(as_u32(payload));
    return static_cast<std::int64_t>(option.width == 8 ? as_u64(payload) : as_u32(payload));
}

// What fq has unless told otherwise (FQ_PRIO2BAND_PRIO and fq_init in net/sched/sch_fq.c).
bool usual_blob(std::uint16_t type, Payload payload)
{
    constexpr std::array<std::uint8_t, 16> bands{1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    constexpr std::array<std::int32_t, 3> weights{589824, 196608, 65536};
    if (type == fq_priomap) {
        const auto map = as_structure<tc_prio_qopt>(payload);
        return map.bands == 3 && std::memcmp(map.priomap, bands.data(), bands.size()) == 0;
    }
    return payload.size() == sizeof weights && std::memcmp(payload.data(), weights.data(), sizeof weights) == 0;
}

bool all_zero(Payload payload)
{
    return std::ranges::all_of(payload, [](std::byte one) { return one == std::byte{}; });
}

void read_attribute(QdiscSpec& spec, std::uint16_t type, Payload payload)
{
    for (const QdiscOption& option : spec.kind->options)
        if (option.attribute == type) {
            spec.settings.push_back({&option, number_from(option, payload)});
            return;
        }
    const bool blob = spec.kind->name == "fq" && (type == fq_priomap || type == fq_weights);
    const bool raw = spec.kind->name == "cake" && type == TCA_CAKE_RAW;
    if (raw || all_zero(payload) || (blob && usual_blob(type, payload))) return;
    spec.foreign = fmt::format("option {} of a newer kernel", type);
}

void read_attributes(QdiscSpec& spec, Payload options)
{
    bool no_overhead = false; // cake prints an overhead of 0 beside "raw", which means none
    each_attribute(options, [&](std::uint16_t type, Payload payload) {
        no_overhead = no_overhead || (spec.kind->name == "cake" && type == TCA_CAKE_RAW);
        read_attribute(spec, type, payload);
    });
    if (no_overhead) std::erase_if(spec.settings, [](const auto& one) { return one.option->word == "overhead"; });
    std::ranges::sort(spec.settings, {}, &QdiscSpec::Setting::option);
}

void put_attributes(kernel::Request& request, const QdiscSpec& spec, const QueueingLink& link)
{
    QdiscSpec full = spec;
    for (const QdiscOption& option : spec.kind->options) // cake does not derive it: tc does, and so do we
        if (option.when_missing == QdiscOption::Default::TwentiethOfRtt && number_of(spec, "rtt") &&
            !number_of(spec, option.word))
            full.settings.push_back({&option, *default_of(option, spec, link)});
    for (const auto& [option, number] : full.settings) {
        if (option->width == 1)
            request.put_u8(option->attribute, static_cast<std::uint8_t>(number));
        else if (option->width == 8)
            request.put_u64(option->attribute, static_cast<std::uint64_t>(number));
        else
            request.put_u32(option->attribute, static_cast<std::uint32_t>(number));
    }
}

// ---- structures ----

void read_fifo(QdiscSpec& spec, Payload options) { set(spec, 0, as_structure<tc_fifo_qopt>(options).limit); }

void read_bucket(QdiscSpec& spec, Payload options)
{
    tc_tbf_qopt bucket{};
    std::uint64_t rate = 0;
    each_attribute(options, [&](std::uint16_t type, Payload payload) {
        if (type == TCA_TBF_PARMS) bucket = as_structure<tc_tbf_qopt>(payload);
        if (type == TCA_TBF_RATE64) rate = as_u64(payload);
    });
    if (rate == 0) rate = bucket.rate.rate;
    if (bucket.peakrate.rate != 0) spec.foreign = "a peakrate";
    if (bucket.rate.overhead != 0 || bucket.rate.mpu != 0) spec.foreign = "an overhead";
    const double burst = bucket.buffer * tick_ns * static_cast<double>(rate) / 1e9;
    set(spec, 0, static_cast<std::int64_t>(rate));
    set(spec, 1, static_cast<std::int64_t>(burst + 0.5));
    set(spec, 2, bucket.limit);
}

void put_bucket(kernel::Request& request, const QdiscSpec& spec)
{
    const auto rate = static_cast<std::uint64_t>(number_of(spec, "rate").value_or(0));
    tc_tbf_qopt bucket{};
    bucket.limit = static_cast<std::uint32_t>(number_of(spec, "limit").value_or(0));
    bucket.rate.rate = static_cast<std::uint32_t>(std::min<std::uint64_t>(rate, 0xffffffffU));
    bucket.rate.linklayer = TC_LINKLAYER_ETHERNET;
    if (rate > 0xffffffffU) request.put_u64(TCA_TBF_RATE64, rate);
    request.put_u32(TCA_TBF_BURST, static_cast<std::uint32_t>(number_of(spec, "burst").value_or(0)));
    request.put(TCA_TBF_PARMS, std::as_bytes(std::span(&bucket, 1)));
}

void read_tree(QdiscSpec& spec, Payload options)
{
    tc_htb_glob tree{};
    std::optional<std::uint32_t> length;
    each_attribute(options, [&](std::uint16_t type, Payload payload) {
        if (type == TCA_HTB_INIT) tree = as_structure<tc_htb_glob>(payload);
        if (type == TCA_HTB_DIRECT_QLEN) length = as_u32(payload);
        if (type == TCA_HTB_OFFLOAD) spec.foreign = "hardware offload";
    });
    set(spec, 0, tree.defcls);
    set(spec, 1, tree.rate2quantum);
    if (length) set(spec, 2, *length);
}

void put_tree(kernel::Request& request, const QdiscSpec& spec)
{
    tc_htb_glob tree{};
    tree.version = htb_version;
    tree.rate2quantum = static_cast<std::uint32_t>(number_of(spec, "r2q").value_or(10));
    tree.defcls = static_cast<std::uint32_t>(number_of(spec, "default").value_or(0));
    request.put(TCA_HTB_INIT, std::as_bytes(std::span(&tree, 1)));
    if (const auto length = number_of(spec, "direct_qlen"))
        request.put_u32(TCA_HTB_DIRECT_QLEN, static_cast<std::uint32_t>(*length));
}

} // namespace

QdiscSpec parse_qdisc_options(const QdiscKind& kind, Payload options)
{
    QdiscSpec spec{&kind, {}, {}};
    switch (kind.form) {
    case QdiscKind::Form::None:
        break;
    case QdiscKind::Form::Attributes:
        read_attributes(spec, options);
        break;
    case QdiscKind::Form::FifoStruct:
        read_fifo(spec, options);
        break;
    case QdiscKind::Form::TokenBucket:
        read_bucket(spec, options);
        break;
    case QdiscKind::Form::HierarchicalTokenBucket:
        read_tree(spec, options);
        break;
    }
    return spec;
}

void put_qdisc_options(kernel::Request& request, const QdiscSpec& spec, const QueueingLink& link)
{
    if (!spec.kind || spec.kind->form == QdiscKind::Form::None) return;
    if (spec.kind->form == QdiscKind::Form::FifoStruct) {
        if (spec.settings.empty()) return; // the link's own length
        const tc_fifo_qopt fifo{static_cast<std::uint32_t>(spec.settings.front().number)};
        request.put(TCA_OPTIONS, std::as_bytes(std::span(&fifo, 1)));
        return;
    }
    const std::size_t nest = request.begin(TCA_OPTIONS);
    if (spec.kind->form == QdiscKind::Form::Attributes) put_attributes(request, spec, link);
    if (spec.kind->form == QdiscKind::Form::TokenBucket) put_bucket(request, spec);
    if (spec.kind->form == QdiscKind::Form::HierarchicalTokenBucket) put_tree(request, spec);
    request.end(nest);
}

} // namespace netwright::tunable
