// SPDX-License-Identifier: GPL-2.0-or-later
// Receive hashing and flow rules through SIOCETHTOOL: what sets them, and what lists the rules.
#include "kernel/ethtool.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace netwright::kernel {
namespace {

constexpr std::uint32_t most_rules = 65536;

Result<void> same_size(std::string_view nic, std::string_view what, std::size_t given, std::size_t device)
{
    if (given == device) return {};
    return fail(Error::Kind::Rejected, fmt::format("{}: its {} has {} entries, not {}", nic, what, device, given));
}

} // namespace

// net/ethtool/ioctl.c, ethtool_set_rxfh(): a size of the table that says "no change", a key of no length, and function
// 0 each leave their part alone; a table of no entries is reset.
std::vector<std::uint32_t> rss_request(const RssTable& now, const RssChange& change)
{
    ethtool_rxfh head{};
    head.cmd = ETHTOOL_SRSSH;
    head.indir_size =
        change.indirection ? static_cast<std::uint32_t>(change.indirection->size()) : ETH_RXFH_INDIR_NO_CHANGE;
    head.key_size = change.key ? static_cast<std::uint32_t>(change.key->size()) : 0;
    head.hfunc = static_cast<std::uint8_t>(change.function.value_or(0));
    head.rsvd8[0] = now.transformation;
    std::vector<std::uint32_t> words(sizeof head / sizeof(std::uint32_t));
    std::memcpy(words.data(), &head, sizeof head);
    if (change.indirection) words.insert(words.end(), change.indirection->begin(), change.indirection->end());
    if (change.key) {
        const std::size_t start = words.size();
        words.resize(start + (change.key->size() + 3) / 4);
        std::memcpy(words.data() + start, change.key->data(), change.key->size());
    }
    return words;
}

Result<void> EthtoolSocket::set_rss(std::string_view nic, const RssChange& change) const
{
    const RssTable now = TRY(rss(nic));
    if (change.indirection && !change.indirection->empty())
        TRY_VOID(same_size(nic, "RSS table", change.indirection->size(), now.indirection.size()));
    if (change.key) TRY_VOID(same_size(nic, "RSS key", change.key->size(), now.key.size()));
    std::vector<std::uint32_t> request = rss_request(now, change);
    return ask(nic, request.data());
}

Result<void> EthtoolSocket::set_hash_fields(std::string_view nic, std::uint32_t flow, std::uint64_t fields) const
{
    ethtool_rxnfc request{};
    request.cmd = ETHTOOL_SRXFH;
    request.flow_type = flow;
    request.data = fields;
    return ask(nic, &request);
}

Result<std::uint32_t> EthtoolSocket::receive_queues(std::string_view nic) const
{
    ethtool_rxnfc request{};
    request.cmd = ETHTOOL_GRXRINGS;
    TRY_VOID(ask(nic, &request));
    return static_cast<std::uint32_t>(request.data);
}

Result<std::vector<std::uint32_t>> EthtoolSocket::flow_rules(std::string_view nic) const
{
    ethtool_rxnfc count{};
    count.cmd = ETHTOOL_GRXCLSRLCNT;
    TRY_VOID(ask(nic, &count));
    const std::uint32_t rules = std::min(count.rule_cnt, most_rules);
    // The structure ends in an array of locations.
    std::vector<std::uint64_t> words((sizeof(ethtool_rxnfc) + rules * sizeof(std::uint32_t)) / sizeof(std::uint64_t) +
                                     1);
    ethtool_rxnfc head{};
    head.cmd = ETHTOOL_GRXCLSRLALL;
    head.rule_cnt = rules;
    std::memcpy(words.data(), &head, sizeof head);
    TRY_VOID(ask(nic, words.data()));
    std::memcpy(&head, words.data(), sizeof head);
    std::vector<std::uint32_t> locations(std::min(head.rule_cnt, rules));
    if (!locations.empty())
        std::memcpy(locations.data(),
                    reinterpret_cast<const std::byte*>(words.data()) + offsetof(ethtool_rxnfc, rule_locs),
                    locations.size() * sizeof(std::uint32_t));
    std::ranges::sort(locations);
    return locations;
}

Result<ethtool_rx_flow_spec> EthtoolSocket::flow_rule(std::string_view nic, std::uint32_t location) const
{
    ethtool_rxnfc request{};
    request.cmd = ETHTOOL_GRXCLSRULE;
    request.fs.location = location;
    const auto answer = ask(nic, &request);
    // What drivers answer where there is no rule: ENOENT most, EINVAL ice and others.
    if (!answer && (answer.error().code == ENOENT || answer.error().code == EINVAL))
        return fail(Error::Kind::Absent, fmt::format("{} has no flow rule {}", nic, location), ENOENT);
    if (!answer) return std::unexpected(answer.error());
    if ((request.fs.flow_type & FLOW_RSS) != 0)
        return fail(
            Error::Kind::Unsupported,
            fmt::format("{}: flow rule {} leads to an RSS context, which netwright does not set", nic, location));
    return request.fs;
}

Result<void> EthtoolSocket::insert_flow_rule(std::string_view nic, const ethtool_rx_flow_spec& rule) const
{
    ethtool_rxnfc request{};
    request.cmd = ETHTOOL_SRXCLSRLINS;
    request.fs = rule;
    return ask(nic, &request);
}

Result<void> EthtoolSocket::delete_flow_rule(std::string_view nic, std::uint32_t location) const
{
    ethtool_rxnfc request{};
    request.cmd = ETHTOOL_SRXCLSRLDEL;
    request.fs.location = location;
    return ask(nic, &request);
}

} // namespace netwright::kernel
