// SPDX-License-Identifier: GPL-2.0-or-later
// Bandwidth, round trip, their product, loss, load, memory, CPUs.
#include "plan/inputs.h"

#include <fmt/format.h>

namespace netwright::plan {
namespace {

template <class T>
std::string origin(const Answer<T>& answer)
{
    return fmt::format("{}: {}", answer.given ? "given" : "inferred", answer.reason);
}

PlanInput product(const Answer<BitRate>& bandwidth, const Answer<Nanoseconds>& rtt)
{
    return {"bandwidth-delay product", to_text(bandwidth_delay_product(bandwidth.value, rtt.value)),
            fmt::format("{} x {} / 8", to_text(bandwidth.value), duration_text(rtt.value))};
}

void add_path(const Intent& intent, std::vector<PlanInput>& out)
{
    if (intent.bandwidth) out.push_back({"bandwidth", to_text(intent.bandwidth->value), origin(*intent.bandwidth)});
    if (intent.rtt) out.push_back({"round-trip time", duration_text(intent.rtt->value), origin(*intent.rtt)});
    if (intent.bandwidth && intent.rtt) out.push_back(product(*intent.bandwidth, *intent.rtt));
    if (intent.loss) out.push_back({"loss", fmt::format("{:.3f} %", intent.loss->value * 100), origin(*intent.loss)});
}

void add_load(const Intent& intent, std::vector<PlanInput>& out)
{
    if (intent.connections)
        out.push_back({"connections", fmt::format("{}", intent.connections->value), origin(*intent.connections)});
    if (intent.connection_rate)
        out.push_back({"new connections", fmt::format("{} a second", intent.connection_rate->value),
                       origin(*intent.connection_rate)});
    if (intent.datagram_rate)
        out.push_back({"UDP datagrams received", fmt::format("{} a second", intent.datagram_rate->value),
                       origin(*intent.datagram_rate)});
    if (intent.stall)
        out.push_back({"longest pause of the program", duration_text(intent.stall->value), origin(*intent.stall)});
}

} // namespace

std::vector<PlanInput> inputs(const Snapshot& host, const Intent& intent)
{
    std::vector<PlanInput> out;
    add_path(intent, out);
    add_load(intent, out);
    if (host.memory) out.push_back({"memory", to_text(host.memory->total), "MemTotal of /proc/meminfo"});
    if (host.topology)
        out.push_back({"CPUs", fmt::format("{}", host.topology->online.count()), "/sys/devices/system/cpu/online"});
    return out;
}

} // namespace netwright::plan
