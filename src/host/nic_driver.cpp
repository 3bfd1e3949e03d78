// SPDX-License-Identifier: GPL-2.0-or-later
// Driver information, statistics and hash fields over the ethtool ioctl.
#include "host/nic_driver.h"

#include "host/nic_ethtool.h"

#include <fmt/format.h>
#include <linux/ethtool.h>

#include <array>

namespace netwright::host {
namespace {

struct Flow {
    std::string_view name;
    std::uint32_t type;
};
constexpr std::array flows{
    Flow{"tcp4", TCP_V4_FLOW}, Flow{"udp4", UDP_V4_FLOW}, Flow{"sctp4", SCTP_V4_FLOW},
    Flow{"tcp6", TCP_V6_FLOW}, Flow{"udp6", UDP_V6_FLOW}, Flow{"sctp6", SCTP_V6_FLOW},
};

struct HashField {
    char letter;
    std::uint64_t bit;
};
constexpr std::array hash_fields{
    HashField{'m', RXH_L2DA},   HashField{'v', RXH_VLAN},     HashField{'t', RXH_L3_PROTO}, HashField{'s', RXH_IP_SRC},
    HashField{'d', RXH_IP_DST}, HashField{'f', RXH_L4_B_0_1}, HashField{'n', RXH_L4_B_2_3},
};

Result<std::string> told(const std::string& nic, std::string text, std::string_view what)
{
    if (text.empty() || text == "N/A")
        return fail(Error::Kind::Absent, fmt::format("{}: its driver does not tell its {}", nic, what));
    return text;
}

Result<std::vector<HashFields>> read_hash_fields(const kernel::EthtoolSocket& ethtool, const std::string& nic)
{
    std::vector<HashFields> fields;
    for (const Flow& flow : flows) {
        const auto bits = ethtool.hash_fields(nic, flow.type);
        if (bits) fields.push_back({std::string(flow.name), hash_field_letters(*bits)});
        // A driver may know some flows only; one that knows not even TCP has no such thing.
        if (!bits && &flow == &flows.front()) return std::unexpected(bits.error());
    }
    return fields;
}

} // namespace

std::string hash_field_letters(std::uint64_t rxh_bits)
{
    std::string letters;
    for (const HashField& field : hash_fields)
        if (rxh_bits & field.bit) letters += field.letter;
    return letters;
}

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
        nic.rss = Rss{std::move(table->indirection), rss_key(std::as_bytes(std::span(table->key))),
                      rss_function_name(table->function), unseen()};
    }
    if (nic.rss) nic.rss->fields = read_hash_fields(ethtool, nic.name);
}

} // namespace netwright::host
