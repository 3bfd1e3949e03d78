// SPDX-License-Identifier: GPL-2.0-or-later
// Driver information, statistics and hash fields over the ethtool ioctl.
#include "host/nic_driver.h"

#include "model/rss_words.h"

#include <fmt/format.h>

namespace netwright::host {
namespace {

Result<std::string> told(const std::string& nic, std::string text, std::string_view what)
{
    if (text.empty() || text == "N/A")
        return fail(Error::Kind::Absent, fmt::format("{}: its driver does not tell its {}", nic, what));
    return text;
}

Result<std::vector<HashFields>> read_hash_fields(const kernel::EthtoolSocket& ethtool, const std::string& nic)
{
    std::vector<HashFields> fields;
    for (const HashedFlow& flow : hashed_flows()) {
        const auto bits = ethtool.hash_fields(nic, flow.type);
        if (bits) fields.push_back({std::string(flow.name), hash_field_letters(*bits)});
        // A driver may know some flows only; one that knows not even TCP has no such thing.
        if (!bits && &flow == hashed_flows().data()) return std::unexpected(bits.error());
    }
    return fields;
}

} // namespace

void read_driver(const kernel::EthtoolSocket& ethtool, Nic& nic)
{
    auto info = ethtool.driver_info(nic.name);
    if (!info) {
        nic.driver = nic.driver_version = nic.firmware_version = nic.bus = std::unexpected(info.error());
        return;
    }
    nic.driver = told(nic.name, std::move(info->driver), "name");
    nic.driver_version = told(nic.name, std::move(info->version), "version");
    nic.firmware_version = told(nic.name, std::move(info->firmware), "firmware's version");
    nic.bus = told(nic.name, std::move(info->bus), "bus address");
}

void read_driver_statistics(const kernel::EthtoolSocket& ethtool, Nic& nic)
{
    auto statistics = ethtool.statistics(nic.name);
    if (!statistics) {
        nic.driver_statistics = std::unexpected(statistics.error());
        return;
    }
    std::vector<NamedCounter> counters;
    counters.reserve(statistics->size());
    for (auto& [name, value] : *statistics)
        counters.push_back({std::move(name), Counter{value, 0}});
    nic.driver_statistics = CounterTable(std::move(counters));
}

void read_hashing(const kernel::EthtoolSocket& ethtool, Nic& nic)
{
    if (!nic.rss && nic.rss.error() == unseen().error()) {
        auto table = ethtool.rss(nic.name);
        if (!table) {
            nic.rss = std::unexpected(table.error());
            return;
        }
        nic.rss = Rss{std::move(table->indirection), rss_key_text(std::as_bytes(std::span(table->key))),
                      rss_function_name(table->function), unseen()};
    }
    if (nic.rss) nic.rss->fields = read_hash_fields(ethtool, nic.name);
}

} // namespace netwright::host
