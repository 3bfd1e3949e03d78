// SPDX-License-Identifier: GPL-2.0-or-later
// "queue/eth0/rx-0/rps_cpus": packet steering of one queue.
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

struct Word {
    std::string_view word, side;
    QueueSetting::What what;
};
constexpr std::array words{
    Word{"rps_cpus", "rx-", QueueSetting::What::RpsCpus},
    Word{"rps_flow_cnt", "rx-", QueueSetting::What::RpsFlowCount},
    Word{"xps_cpus", "tx-", QueueSetting::What::XpsCpus},
    Word{"xps_rxqs", "tx-", QueueSetting::What::XpsRxQueues},
};

Result<QueueSetting> parse(const AddressText& address)
{
    const auto& parts = address.parts;
    if (parts.size() != 4 || !valid_interface(parts[1]))
        return refuse_address(address.whole, "write queue/INTERFACE/rx-0/rps_cpus");
    const auto word = std::ranges::find(words, parts[3], &Word::word);
    if (word == words.end())
        return refuse_address(address.whole, "a queue has rps_cpus, rps_flow_cnt (rx) and xps_cpus, xps_rxqs (tx)");
    const auto number = parse_unsigned(parts[2].substr(std::min<std::size_t>(3, parts[2].size())));
    if (!parts[2].starts_with(word->side) || !number || *number > 65535 || (parts[2].size() > 4 && parts[2][3] == '0'))
        return refuse_address(address.whole,
                              fmt::format("{} belongs to queues {}0, {}1, …", word->word, word->side, word->side));
    return QueueSetting{std::string(parts[1]), std::string(parts[2]), word->what};
}

std::string text_of(const QueueSetting& queue)
{
    return fmt::format("queue/{}/{}/{}", queue.nic, queue.queue,
                       std::ranges::find(words, queue.what, &Word::what)->word);
}

Result<Value> value_of(const QueueSetting& queue, std::string_view text)
{
    return queue.what == QueueSetting::What::RpsFlowCount ? count_value(text_of(queue), text) : cpu_value(text);
}

Persistence persistence_of(const QueueSetting&) { return Persistence::BootUnit; }

} // namespace

constexpr AddressKind queue_address = TypedAddressKind<QueueSetting>::of<parse, text_of, value_of, persistence_of>(
    "queue", "queue/INTERFACE/QUEUE/rps_cpus|rps_flow_cnt|xps_cpus|xps_rxqs",
    "packet steering of one queue: sets such as 0-3 or mask:f, and the size of a flow table",
    "queue/eth0/rx-0/rps_cpus");

} // namespace netwright
