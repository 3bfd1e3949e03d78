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
    if (!kernel.files.exists("sys/class/net/" + queue.nic)) return no_such_interface(queue.nic);
    return fail(
        Error::Kind::Absent,
        fmt::format("{}: {} has no such queue setting (a device with one queue has no XPS)", to_text(queue), queue.nic),
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

std::string queue_path(const QueueSetting& queue)
{
    return fmt::format("{}/{}/{}", queues_of(queue.nic), queue.queue, row_of(queue).file);
}

struct Queue : KindDefaults<QueueSetting> {
    static Present read(kernel::Kernel& kernel, const QueueSetting& queue);
    static Result<void> check(kernel::Kernel& kernel, const QueueSetting& queue, const Value& value);
    static Result<void> write(kernel::Kernel& kernel, const QueueSetting& queue, const Value& value);
    static bool same(const QueueSetting& queue, const Value& a, const Value& b);
    static Result<std::vector<Reading>> list(kernel::Kernel& kernel);
    static std::string undo_command(const QueueSetting& queue, const std::optional<Value>& from);
};

Present Queue::read(kernel::Kernel& kernel, const QueueSetting& queue)
{
    const auto text = kernel.files.read_line(queue_path(queue));
    if (!text && text.error().kind == Error::Kind::Absent) return absent(kernel, queue);
    if (!text) return std::unexpected(text.error());
    if (queue.what == QueueSetting::What::RpsFlowCount) return std::optional(TRY(parse_value(queue, *text)));
    return std::optional<Value>(TRY(CpuSet::parse_mask(*text)));
}

Result<void> Queue::check(kernel::Kernel& kernel, const QueueSetting& queue, const Value& value)
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

Result<void> Queue::write(kernel::Kernel& kernel, const QueueSetting& queue, const Value& value)
{
    auto written = kernel.files.write(queue_path(queue), file_text(value) + '\n');
    if (written) return {};
    if (written.error().kind == Error::Kind::Absent) return absent(kernel, queue);
    Error error = std::move(written).error();
    error.what = fmt::format("set {} to {}: {}{}", to_text(queue), to_text(value), error.what,
                             error.kind == Error::Kind::Refused ? " (run as root, with /sys writable)" : "");
    return std::unexpected(std::move(error));
}

bool Queue::same(const QueueSetting& queue, const Value& a, const Value& b)
{
    const auto* left = std::get_if<std::int64_t>(&a);
    const auto* right = std::get_if<std::int64_t>(&b);
    // store_rps_dev_flow_table_cnt() rounds the table up to a power of two.
    return a == b ||
           (queue.what == QueueSetting::What::RpsFlowCount && left && right && *left > 0 && *right > 0 &&
            std::bit_ceil(static_cast<std::uint64_t>(*left)) == std::bit_ceil(static_cast<std::uint64_t>(*right)));
}

Result<std::vector<Reading>> Queue::list(kernel::Kernel& kernel)
{
    std::vector<Reading> found;
    const auto nics = TRY(kernel.files.list("sys/class/net"));
    for (const std::string& nic : nics) {
        const auto queues = kernel.files.list(queues_of(nic));
        if (!queues) continue; // a link without queues, or a file such as bonding_masters
        for (const std::string& name : *queues)
            for (const Row& row : rows) {
                if (!name.starts_with(row.side)) continue;
                const QueueSetting queue{nic, name, row.what};
                auto value = read(kernel, queue);
                if (value) found.push_back({queue, std::move(value)}); // one queue: XPS files that answer ENOENT
            }
    }
    return found;
}

std::string Queue::undo_command(const QueueSetting& queue, const std::optional<Value>& from)
{
    return write_file_command(queue_path(queue), from);
}

} // namespace

constexpr Kind queue_kind = kind_of<Queue>("queue", "/sys/class/net/INTERFACE/queues/QUEUE");

} // namespace netwright::tunable
