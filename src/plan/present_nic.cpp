// SPDX-License-Identifier: GPL-2.0-or-later
// From a link's or driver's setting to the member of Nic that holds it.
#include "plan/present_nic.h"

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

Now ring_value(const Nic& nic, const NicSetting& setting)
{
    if (setting.name != "rx" && setting.name != "tx")
        return fail(Error::Kind::Absent, fmt::format("{}: a snapshot does not hold it", to_text(setting)));
    const Result<Ring>& ring = setting.name == "rx" ? nic.rx_ring : nic.tx_ring;
    if (!ring) return std::unexpected(ring.error());
    return counted(std::uint64_t{ring->length});
}

struct Row {
    std::string_view group;
    Now (*value)(const Nic& nic, const NicSetting& setting);
};
constexpr std::array rows{
    Row{"ring", ring_value},
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
    return fail(Error::Kind::Absent, fmt::format("{}: a snapshot does not hold it", to_text(link)));
}

Now driver_value(const Nic& nic, const NicSetting& setting)
{
    const auto row = std::ranges::find(rows, setting.group, &Row::group);
    if (row != rows.end()) return row->value(nic, setting);
    return fail(Error::Kind::Absent, fmt::format("{}: a snapshot does not hold it", to_text(setting)));
}

} // namespace netwright::plan
