// SPDX-License-Identifier: GPL-2.0-or-later
// Packet steering of one queue: RPS and XPS masks and the RFS flow count, files in sysfs (net/core/net-sysfs.c).
#include "base/text.h"
#include "tunable/kinds.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cerrno>

namespace netwright::tunable {
namespace {

struct Row {
    QueueSetting::What what;
    std::string_view file, side;
};
constexpr std::array rows{
    Row{QueueSetting::What::RpsCpus, "rps_cpus", "rx-"},
    Row{QueueSetting::What::RpsFlowCount, "rps_flow_cnt", "rx-"},
    Row{QueueSetting::What::XpsCpus, "xps_cpus", "tx-"},
    Row{QueueSetting::What::XpsRxQueues, "xps_rxqs", "tx-"},
};

const Row& row_of(const QueueSetting& queue) { return rows.at(static_cast<std::size_t>(queue.what)); }
std::string queues_of(const std::string& nic) { return fmt::format("sys/class/net/{}/queues", nic); }

std::unexpected<Error> absent(kernel::Kernel& kernel, const QueueSetting& queue)
{
    const bool nic = kernel.files.exists("sys/class/net/" + queue.nic);
    return fail(Error::Kind::Absent,
                nic ? fmt::format("{}: {} has no such queue setting (a device with one queue has no XPS)",
                                  to_text(queue), queue.nic)
                    : fmt::format("there is no interface {} here (see: ip link)", queue.nic),
                ENOENT);
}

// The kernel drops CPUs that it does not have without a word (bitmap_and with cpu_possible_mask): asking for them is
// a mistake.
Result<void> check_cpus(kernel::Kernel& kernel, const QueueSetting& queue, const CpuSet& cpus)
{
    const std::string text = TRY(kernel.files.read_line("sys/devices/system/cpu/online"));
    const CpuSet online = TRY(CpuSet::parse_list(text));
    const CpuSet missing = cpus - online;
    if (missing.empty()) return {};
    return fail(Error::Kind::Rejected, fmt::format("{}: CPU {} is not online here (online: {})", to_text(queue),
                                                   missing.list(), online.list()));
}

Result<void> check_rx_queues(kernel::Kernel& kernel, const QueueSetting& queue, const CpuSet& wanted)
{
    for (const unsigned number : wanted.members())
        if (!kernel.files.exists(fmt::format("{}/rx-{}", queues_of(queue.nic), number)))
            return fail(Error::Kind::Rejected,
                        fmt::format("{}: {} has no receive queue rx-{}", to_text(queue), queue.nic, number));
    return {};
}

} // namespace

std::string queue_path(const QueueSetting& queue)
{
    return fmt::format("{}/{}/{}", queues_of(queue.nic), queue.queue, row_of(queue).file);
}

Result<std::optional<Value>> read_one(kernel::Kernel& kernel, const QueueSetting& queue)
{
    const auto text = kernel.files.read_line(queue_path(queue));
    if (!text && text.error().kind == Error::Kind::Absent) return absent(kernel, queue);
    if (!text) return std::unexpected(text.error());
    if (queue.what == QueueSetting::What::RpsFlowCount) return std::optional(TRY(parse_value(queue, *text)));
    return std::optional<Value>(TRY(CpuSet::parse_mask(*text)));
}

Result<void> check_one(kernel::Kernel& kernel, const QueueSetting& queue, const Value& value)
{
    if (!kernel.files.exists(queue_path(queue))) return absent(kernel, queue);
    const auto* set = std::get_if<CpuSet>(&value);
    const auto* number = std::get_if<std::int64_t>(&value);
    if (queue.what == QueueSetting::What::RpsFlowCount) {
        if (number && *number >= 0 && *number <= 1 << 29) return {};
        return fail(Error::Kind::Rejected, fmt::format("{} takes a number from 0 to {}, not '{}'", to_text(queue),
                                                       1 << 29, to_text(value).substr(0, 64)));
    }
    if (!set)
        return fail(Error::Kind::Rejected, fmt::format("{} takes a set such as 0-3 or mask:f, not '{}'", to_text(queue),
                                                       to_text(value).substr(0, 64)));
    return queue.what == QueueSetting::What::XpsRxQueues ? check_rx_queues(kernel, queue, *set)
                                                         : check_cpus(kernel, queue, *set);
}

Result<void> write_one(kernel::Kernel& kernel, const QueueSetting& queue, const Value& value)
{
    auto written = kernel.files.write(queue_path(queue), file_text(value) + '\n');
    if (written) return {};
    if (written.error().kind == Error::Kind::Absent) return absent(kernel, queue);
    Error error = std::move(written).error();
    error.what = fmt::format("set {} to {}: {}{}", to_text(queue), to_text(value), error.what,
                             error.kind == Error::Kind::Refused ? " (run as root, with /sys writable)" : "");
    return std::unexpected(std::move(error));
}

bool same_one(const QueueSetting& queue, const Value& a, const Value& b)
{
    const auto* left = std::get_if<std::int64_t>(&a);
    const auto* right = std::get_if<std::int64_t>(&b);
    // store_rps_dev_flow_table_cnt() rounds the table up to a power of two.
    return queue.what == QueueSetting::What::RpsFlowCount && left && right && *left > 0 && *right > 0 &&
           std::bit_ceil(static_cast<std::uint64_t>(*left)) == std::bit_ceil(static_cast<std::uint64_t>(*right));
}

std::vector<Tunable> also_changed_by(kernel::Kernel&, const QueueSetting&) { return {}; }

Result<std::vector<Tunable>> list_queues(kernel::Kernel& kernel)
{
    std::vector<Tunable> found;
    const auto nics = TRY(kernel.files.list("sys/class/net"));
    for (const std::string& nic : nics) {
        const auto queues = kernel.files.list(queues_of(nic));
        if (!queues) continue; // a link without queues, or a file such as bonding_masters
        for (const std::string& name : *queues)
            for (const Row& row : rows) {
                const QueueSetting queue{nic, name, row.what};
                // A device with one queue shows XPS files that answer ENOENT.
                if (name.starts_with(row.side) && read_one(kernel, queue)) found.emplace_back(queue);
            }
    }
    return found;
}

} // namespace netwright::tunable
