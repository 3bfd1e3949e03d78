// SPDX-License-Identifier: GPL-2.0-or-later
// From a link's or driver's setting to the member of Nic that holds it.
#include "plan/present_nic.h"

#include "model/rss_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::plan {
namespace {

using Now = Result<std::optional<Value>>;

Value counted(std::uint64_t number) { return static_cast<std::int64_t>(number); }

Now counted(const Result<std::uint64_t>& number)
{
    if (!number) return std::unexpected(number.error());
    return counted(*number);
}

Now counted(const std::optional<std::uint32_t>& number, const Tunable& tunable)
{
    if (number) return counted(std::uint64_t{*number});
    return fail(Error::Kind::Absent, fmt::format("{}: this kernel does not have it", to_text(tunable)));
}

Now switched(const Result<bool>& on)
{
    if (!on) return std::unexpected(on.error());
    return Value{std::string(*on ? "on" : "off")};
}

std::unexpected<Error> not_held(const Tunable& tunable)
{
    return fail(Error::Kind::Absent, fmt::format("{}: a snapshot does not hold it", to_text(tunable)));
}

Now ring_value(const Nic& nic, const NicSetting& setting)
{
    if (setting.name != "rx" && setting.name != "tx") return not_held(setting);
    const Result<Ring>& ring = setting.name == "rx" ? nic.rx_ring : nic.tx_ring;
    if (!ring) return std::unexpected(ring.error());
    return counted(std::uint64_t{ring->length});
}

Now queue_count(const Nic& nic, const NicSetting& setting)
{
    if (!nic.channels) return std::unexpected(nic.channels.error());
    const Channels& queues = *nic.channels;
    if (setting.name == "combined") return counted(std::uint64_t{queues.combined});
    if (setting.name == "rx") return counted(std::uint64_t{queues.rx});
    if (setting.name == "tx") return counted(std::uint64_t{queues.tx});
    return counted(std::uint64_t{queues.other});
}

Now feature_state(const Nic& nic, const NicSetting& setting)
{
    if (!nic.features) return std::unexpected(nic.features.error());
    const auto found = std::ranges::find(*nic.features, setting.name, &Feature::name);
    if (found == nic.features->end()) return not_held(setting);
    return switched(found->active);
}

struct Interval {
    std::string_view name;
    std::optional<std::uint32_t> Coalescing::* member;
};
constexpr std::array intervals{
    Interval{"rx-usecs", &Coalescing::rx_usecs},         Interval{"rx-frames", &Coalescing::rx_frames},
    Interval{"rx-usecs-irq", &Coalescing::rx_usecs_irq}, Interval{"rx-frames-irq", &Coalescing::rx_frames_irq},
    Interval{"tx-usecs", &Coalescing::tx_usecs},         Interval{"tx-frames", &Coalescing::tx_frames},
    Interval{"tx-usecs-irq", &Coalescing::tx_usecs_irq}, Interval{"tx-frames-irq", &Coalescing::tx_frames_irq},
};

Now coalescing_value(const Nic& nic, const NicSetting& setting)
{
    if (!nic.coalescing) return std::unexpected(nic.coalescing.error());
    const auto& c = *nic.coalescing;
    if (setting.name == "adaptive-rx" && c.adaptive_rx) return switched(*c.adaptive_rx);
    if (setting.name == "adaptive-tx" && c.adaptive_tx) return switched(*c.adaptive_tx);
    const auto found = std::ranges::find(intervals, setting.name, &Interval::name);
    if (found == intervals.end() || !(c.*(found->member))) return not_held(setting);
    return counted(std::uint64_t{*(c.*(found->member))});
}

Now hashing_value(const Nic& nic, const NicSetting& setting)
{
    if (!nic.rss) return std::unexpected(nic.rss.error());
    if (setting.name == "indirection") return indirection_value(nic.rss->indirection);
    if (setting.name == "key") return Value{nic.rss->key};
    if (setting.name == "function") return Value{nic.rss->function};
    if (!nic.rss->fields) return std::unexpected(nic.rss->fields.error());
    for (const HashFields& flow : *nic.rss->fields)
        if (setting.name == "fields-" + flow.flow) return Value{flow.fields};
    return not_held(setting);
}

struct Row {
    std::string_view group;
    Now (*value)(const Nic& nic, const NicSetting& setting);
};
constexpr std::array rows{
    Row{"ring", ring_value},           Row{"queues", queue_count}, Row{"offload", feature_state},
    Row{"coalesce", coalescing_value}, Row{"rss", hashing_value},
};

} // namespace

Now link_value(const Nic& nic, LinkSetting::What what)
{
    using What = LinkSetting::What;
    const LinkSetting link{nic.name, what};
    switch (what) {
    case What::Mtu:
        return counted(std::uint64_t{nic.mtu});
    case What::TxQueueLength:
        return counted(std::uint64_t{nic.txqueuelen});
    case What::GsoMaxSize:
        return counted(nic.limits.gso_max_size, link);
    case What::GsoMaxSegments:
        return counted(nic.limits.gso_max_segs, link);
    case What::GroMaxSize:
        return counted(nic.limits.gro_max_size, link);
    case What::GsoIpv4MaxSize:
        return counted(nic.limits.gso_ipv4_max_size, link);
    case What::GroIpv4MaxSize:
        return counted(nic.limits.gro_ipv4_max_size, link);
    case What::GroFlushTimeout:
        return counted(nic.gro_flush_timeout_ns);
    case What::NapiDeferHardIrqs:
        return counted(nic.napi_defer_hard_irqs);
    case What::Threaded:
        return switched(nic.threaded);
    }
    return not_held(link);
}

Now driver_value(const Nic& nic, const NicSetting& setting)
{
    const auto row = std::ranges::find(rows, setting.group, &Row::group);
    if (row != rows.end()) return row->value(nic, setting);
    return not_held(setting);
}

} // namespace netwright::plan
