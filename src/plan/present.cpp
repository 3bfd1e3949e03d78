// SPDX-License-Identifier: GPL-2.0-or-later
// From an address to the place in the snapshot that shows its value.
#include "plan/present.h"

#include "plan/present_nic.h"
#include "plan/present_path.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::plan {
namespace {

using Now = Result<std::optional<Value>>;

Result<const Nic*> nic_of(const Snapshot& host, const std::string& name)
{
    if (!host.nics) return std::unexpected(host.nics.error());
    if (const Nic* nic = find_nic(host, name)) return nic;
    return fail(Error::Kind::Absent, fmt::format("interface {}: not on this host", name));
}

Value counted(std::uint64_t number) { return static_cast<std::int64_t>(number); }

struct Look {
    const Snapshot& host;
    const Tunable& tunable;

    Now operator()(const SysctlKey& key) const
    {
        const std::string_view text = TRY(host.sysctls.text(key.name));
        return TRY(parse_value(tunable, text));
    }

    Now operator()(const LinkSetting& link) const
    {
        const Nic* nic = TRY(nic_of(host, link.nic));
        return link_value(*nic, link.what);
    }

    Now operator()(const NicSetting& setting) const { return driver_value(*TRY(nic_of(host, setting.nic)), setting); }

    // The interrupts of NICs; others no rule touches.
    Now operator()(const InterruptAffinity& interrupt) const
    {
        if (!host.nics) return std::unexpected(host.nics.error());
        for (const Nic& nic : *host.nics)
            for (const NicInterrupt& each : nic.interrupts ? *nic.interrupts : std::vector<NicInterrupt>{})
                if (std::to_string(each.irq) == interrupt.line || each.action == interrupt.line)
                    return Value{TRY(each.affinity)};
        return fail(Error::Kind::Absent, fmt::format("{}: no interface of this host has it", to_text(tunable)));
    }

    Now operator()(const CpuSetting& cpu) const
    {
        if (!host.topology) return std::unexpected(host.topology.error());
        if (!host.topology->power) return std::unexpected(host.topology->power.error());
        for (const CpuPower& power : *host.topology->power) {
            if (!power.cpus.contains(cpu.cpu)) continue;
            if (cpu.what == CpuSetting::What::Governor) return Value{TRY(power.governor)};
            if (cpu.state < power.idle_states.size())
                return Value{std::string(power.idle_states[cpu.state].enabled ? "on" : "off")};
        }
        return fail(Error::Kind::Absent, fmt::format("{}: not on this host", to_text(tunable)));
    }

    Now operator()(const ServiceSetting& service) const
    {
        if (!host.drop_ins) return std::unexpected(host.drop_ins.error());
        for (const DropInSetting& each : *host.drop_ins)
            if (each.unit == service.unit && each.name == to_text(service.what))
                return TRY(parse_value(tunable, each.value));
        return std::optional<Value>{};
    }

    Now operator()(const QueueSetting& setting) const
    {
        const Nic* nic = TRY(nic_of(host, setting.nic));
        if (!nic->queues) return std::unexpected(nic->queues.error());
        const auto queue = std::ranges::find(*nic->queues, setting.queue, &Queue::name);
        if (queue == nic->queues->end())
            return fail(Error::Kind::Absent, fmt::format("{}: {} has no such queue", to_text(tunable), nic->name));
        return value_of(*queue, setting.what);
    }

    Now operator()(const QdiscPlace& place) const { return qdisc_value(host, place); }
    Now operator()(const RouteSetting& setting) const { return route_value(host, setting); }

    template <class Other>
    Now operator()(const Other&) const // what only a person sets; no rule proposes it from a snapshot
    {
        return fail(Error::Kind::Unsupported, fmt::format("{}: a snapshot does not show it", to_text(tunable)));
    }

    Now value_of(const Queue& queue, QueueSetting::What what) const
    {
        switch (what) {
        case QueueSetting::What::RpsFlowCount:
            return counted(TRY(queue.flow_count));
        case QueueSetting::What::XpsRxQueues: {
            const std::string text = TRY(queue.xps_rxqs);
            return TRY(parse_value(tunable, text));
        }
        case QueueSetting::What::RpsCpus:
        case QueueSetting::What::XpsCpus:
            break;
        }
        return Value{TRY(queue.cpus)};
    }
};

} // namespace

Now present(const Snapshot& host, const Tunable& tunable) { return std::visit(Look{host, tunable}, tunable); }

} // namespace netwright::plan
