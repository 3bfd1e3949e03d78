// SPDX-License-Identifier: GPL-2.0-or-later
// Sets of bits and strings over SIOCETHTOOL, told as ethtool netlink tells them: offloads, private flags, link modes.
#include "kernel/ethtool_block.h"
#include "kernel/ethtool_ioctl_messages.h"
#include "kernel/ethtool_netlink.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace netwright::kernel {
namespace {

using Names = std::vector<std::string>;
using Words = std::vector<std::uint32_t>;

std::size_t words_for(std::size_t bits) { return (bits + 31) / 32; }
bool has(const Words& words, std::size_t bit)
{
    return bit / 32 < words.size() && (words[bit / 32] >> (bit % 32) & 1) != 0;
}

void put_compact_set(Request& answer, std::uint16_t type, std::size_t bits, const Words& on)
{
    const std::size_t set = answer.begin(type);
    answer.put_u32(ETHTOOL_A_BITSET_SIZE, static_cast<std::uint32_t>(bits));
    answer.put(ETHTOOL_A_BITSET_VALUE, std::as_bytes(std::span(on)));
    answer.end(set);
}

// The bits of `within`, each with its name.
void put_named_set(Request& answer, std::uint16_t type, const Names& names, const Words& within, const Words& on)
{
    const std::size_t set = answer.begin(type), bits = answer.begin(ETHTOOL_A_BITSET_BITS);
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!has(within, i)) continue;
        const std::size_t bit = answer.begin(ETHTOOL_A_BITSET_BITS_BIT);
        answer.put_u32(ETHTOOL_A_BITSET_BIT_INDEX, static_cast<std::uint32_t>(i));
        answer.put_text(ETHTOOL_A_BITSET_BIT_NAME, names[i]);
        if (has(on, i)) answer.put_flag(ETHTOOL_A_BITSET_BIT_VALUE);
        answer.end(bit);
    }
    answer.end(bits);
    answer.end(set);
}

struct BitChange {
    std::size_t bit = 0;
    bool on = false;
};

// The named bits that a change asks for, by their places among `names`.
Result<std::vector<BitChange>> changes_in(const EthtoolQuestion& question, std::uint16_t type, const Names& names)
{
    std::vector<EthtoolNamedBit> asked;
    each_attribute(question.attributes, [&](std::uint16_t attribute, std::span<const std::byte> set) {
        if (attribute == type) asked = parse_ethtool_named_bits(set);
    });
    std::vector<BitChange> changes;
    for (const EthtoolNamedBit& one : asked) {
        const auto found = std::ranges::find(names, one.name);
        if (found == names.end())
            return fail(Error::Kind::Rejected, fmt::format("{} has no '{}'", question.nic, one.name), EINVAL);
        changes.push_back({static_cast<std::size_t>(found - names.begin()), one.on});
    }
    return changes;
}

Result<void> answer_strings(const EthtoolSocket& socket, const EthtoolQuestion& question, Request& answer)
{
    std::uint32_t id = 0;
    each_attribute(question.attributes, [&](std::uint16_t outer, std::span<const std::byte> sets) {
        if (outer != ETHTOOL_A_STRSET_STRINGSETS) return;
        each_attribute(sets, [&](std::uint16_t, std::span<const std::byte> set) {
            each_attribute(set, [&](std::uint16_t type, std::span<const std::byte> payload) {
                if (type == ETHTOOL_A_STRINGSET_ID) id = as_u32(payload);
            });
        });
    });
    const Names strings = TRY(socket.strings(question.nic, id));
    const std::size_t sets = answer.begin(ETHTOOL_A_STRSET_STRINGSETS);
    const std::size_t set = answer.begin(ETHTOOL_A_STRINGSETS_STRINGSET);
    answer.put_u32(ETHTOOL_A_STRINGSET_ID, id);
    const std::size_t all = answer.begin(ETHTOOL_A_STRINGSET_STRINGS);
    for (std::size_t i = 0; i < strings.size(); ++i) {
        const std::size_t string = answer.begin(ETHTOOL_A_STRINGS_STRING);
        answer.put_u32(ETHTOOL_A_STRING_INDEX, static_cast<std::uint32_t>(i));
        answer.put_text(ETHTOOL_A_STRING_VALUE, strings[i]);
        answer.end(string);
    }
    answer.end(all);
    answer.end(set);
    answer.end(sets);
    return {};
}

// The four sets of ethtool_get_features_block, and what netlink calls them.
struct FeatureSet {
    std::uint16_t attribute;
    std::uint32_t ethtool_get_features_block::* words;
};
constexpr std::array feature_sets{
    FeatureSet{ETHTOOL_A_FEATURES_HW, &ethtool_get_features_block::available},
    FeatureSet{ETHTOOL_A_FEATURES_WANTED, &ethtool_get_features_block::requested},
    FeatureSet{ETHTOOL_A_FEATURES_ACTIVE, &ethtool_get_features_block::active},
    FeatureSet{ETHTOOL_A_FEATURES_NOCHANGE, &ethtool_get_features_block::never_changed},
};

Result<void> answer_features(const EthtoolSocket& socket, const EthtoolQuestion& question, Request& answer)
{
    const Names names = TRY(socket.strings(question.nic, ETH_SS_FEATURES));
    const std::size_t count = words_for(names.size());
    EthtoolBlock<ethtool_gfeatures> features(count * sizeof(ethtool_get_features_block));
    features->cmd = ETHTOOL_GFEATURES;
    features->size = static_cast<std::uint32_t>(count);
    TRY_VOID(socket.ask(question.nic, features.data()));
    std::vector<ethtool_get_features_block> blocks(count);
    std::memcpy(blocks.data(), features.tail(), count * sizeof blocks[0]);
    for (const FeatureSet& set : feature_sets) {
        Words words;
        for (const ethtool_get_features_block& block : blocks)
            words.push_back(block.*set.words);
        if (question.compact)
            put_compact_set(answer, set.attribute, names.size(), words);
        else
            put_named_set(answer, set.attribute, names, words, words);
    }
    return {};
}

// A feature that the driver does not let change stays as it is, and the kernel calls that no error: as over netlink.
Result<void> set_features(const EthtoolSocket& socket, const EthtoolQuestion& question, Request&)
{
    const Names names = TRY(socket.strings(question.nic, ETH_SS_FEATURES));
    const auto changes = TRY(changes_in(question, ETHTOOL_A_FEATURES_WANTED, names));
    std::vector<ethtool_set_features_block> blocks(words_for(names.size()));
    for (const BitChange& change : changes) {
        blocks[change.bit / 32].valid |= 1U << (change.bit % 32);
        if (change.on) blocks[change.bit / 32].requested |= 1U << (change.bit % 32);
    }
    EthtoolBlock<ethtool_sfeatures> features(blocks.size() * sizeof blocks[0]);
    features->cmd = ETHTOOL_SFEATURES;
    features->size = static_cast<std::uint32_t>(blocks.size());
    std::memcpy(features.tail(), blocks.data(), blocks.size() * sizeof blocks[0]);
    return socket.ask(question.nic, features.data());
}

struct PrivateFlags {
    Names names;
    ethtool_value now{};
};

Result<PrivateFlags> private_flags(const EthtoolSocket& socket, const std::string& nic)
{
    PrivateFlags flags{TRY(socket.strings(nic, ETH_SS_PRIV_FLAGS)), {}};
    if (flags.names.size() > 32) flags.names.resize(32); // ethtool_value holds no more
    flags.now.cmd = ETHTOOL_GPFLAGS;
    TRY_VOID(socket.ask(nic, &flags.now));
    return flags;
}

Result<void> answer_private_flags(const EthtoolSocket& socket, const EthtoolQuestion& question, Request& answer)
{
    const PrivateFlags flags = TRY(private_flags(socket, question.nic));
    if (question.compact)
        put_compact_set(answer, ETHTOOL_A_PRIVFLAGS_FLAGS, flags.names.size(), {flags.now.data});
    else
        put_named_set(answer, ETHTOOL_A_PRIVFLAGS_FLAGS, flags.names, {~0U}, {flags.now.data});
    return {};
}

Result<void> set_private_flags(const EthtoolSocket& socket, const EthtoolQuestion& question, Request&)
{
    PrivateFlags flags = TRY(private_flags(socket, question.nic));
    for (const BitChange& change : TRY(changes_in(question, ETHTOOL_A_PRIVFLAGS_FLAGS, flags.names))) {
        flags.now.data &= ~(1U << change.bit);
        if (change.on) flags.now.data |= 1U << change.bit;
    }
    flags.now.cmd = ETHTOOL_SPFLAGS;
    return socket.ask(question.nic, &flags.now);
}

// ethtool_link_settings ends in three maps of as many words as the kernel says: supported, advertised, the peer's.
using LinkSettings = EthtoolBlock<ethtool_link_settings>;
constexpr std::size_t most_map_words = 127; // link_mode_masks_nwords is 8 bits with a sign

Result<LinkSettings> link_settings(const EthtoolSocket& socket, const std::string& nic)
{
    LinkSettings settings(3 * most_map_words * sizeof(std::uint32_t));
    settings->cmd = ETHTOOL_GLINKSETTINGS; // with no words the kernel answers how many it has, below zero
    TRY_VOID(socket.ask(nic, settings.data()));
    if (settings->link_mode_masks_nwords >= 0)
        return fail(Error::Kind::Malformed, fmt::format("{}: the kernel does not tell its link modes' size", nic));
    const auto words = static_cast<std::int8_t>(-settings->link_mode_masks_nwords);
    *settings.operator->() = {};
    settings->cmd = ETHTOOL_GLINKSETTINGS;
    settings->link_mode_masks_nwords = words;
    TRY_VOID(socket.ask(nic, settings.data()));
    return settings;
}

Words map_of(LinkSettings& settings, std::size_t which)
{
    Words words(static_cast<std::size_t>(std::max<std::int8_t>(settings->link_mode_masks_nwords, 0)));
    std::memcpy(words.data(), settings.tail() + which * words.size() * sizeof(std::uint32_t),
                words.size() * sizeof(std::uint32_t));
    return words;
}

Result<void> answer_link_modes(const EthtoolSocket& socket, const EthtoolQuestion& question, Request& answer)
{
    LinkSettings settings = TRY(link_settings(socket, question.nic));
    answer.put_u8(ETHTOOL_A_LINKMODES_AUTONEG, settings->autoneg);
    const Words supported = map_of(settings, 0), advertised = map_of(settings, 1);
    if (question.compact)
        put_compact_set(answer, ETHTOOL_A_LINKMODES_OURS, supported.size() * 32, advertised);
    else
        put_named_set(answer, ETHTOOL_A_LINKMODES_OURS, TRY(socket.strings(question.nic, ETH_SS_LINK_MODES)), supported,
                      advertised);
    answer.put_u32(ETHTOOL_A_LINKMODES_SPEED, settings->speed).put_u8(ETHTOOL_A_LINKMODES_DUPLEX, settings->duplex);
    return {};
}

Result<void> set_link_modes(const EthtoolSocket& socket, const EthtoolQuestion& question, Request&)
{
    LinkSettings settings = TRY(link_settings(socket, question.nic));
    bool known = true;
    each_attribute(question.attributes, [&](std::uint16_t type, std::span<const std::byte> payload) {
        switch (type) {
        case ethtool_header_attribute:
            break;
        case ETHTOOL_A_LINKMODES_AUTONEG:
            settings->autoneg = as_u8(payload);
            break;
        case ETHTOOL_A_LINKMODES_SPEED:
            settings->speed = as_u32(payload);
            break;
        case ETHTOOL_A_LINKMODES_DUPLEX:
            settings->duplex = as_u8(payload);
            break;
        default:
            known = false;
        }
    });
    if (!known)
        return fail(Error::Kind::Unsupported, "link modes one by one are not set through the ioctl", EOPNOTSUPP);
    settings->cmd = ETHTOOL_SLINKSETTINGS;
    return socket.ask(question.nic, settings.data());
}

struct SetMessage {
    std::uint8_t command;
    EthtoolHandler handler;
};
constexpr std::array messages{
    SetMessage{ETHTOOL_MSG_STRSET_GET, answer_strings},
    SetMessage{ETHTOOL_MSG_FEATURES_GET, answer_features},
    SetMessage{ETHTOOL_MSG_FEATURES_SET, set_features},
    SetMessage{ETHTOOL_MSG_PRIVFLAGS_GET, answer_private_flags},
    SetMessage{ETHTOOL_MSG_PRIVFLAGS_SET, set_private_flags},
    SetMessage{ETHTOOL_MSG_LINKMODES_GET, answer_link_modes},
    SetMessage{ETHTOOL_MSG_LINKMODES_SET, set_link_modes},
};

} // namespace

EthtoolHandler ethtool_sets_handler(std::uint8_t command)
{
    const auto found = std::ranges::find(messages, command, &SetMessage::command);
    return found == messages.end() ? nullptr : found->handler;
}

} // namespace netwright::kernel
