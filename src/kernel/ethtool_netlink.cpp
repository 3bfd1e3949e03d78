// SPDX-License-Identifier: GPL-2.0-or-later
// Words of the ethtool netlink protocol (Documentation/networking/ethtool-netlink.rst).
#include "kernel/ethtool_netlink.h"

#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

namespace netwright::kernel {
namespace {

using Payload = std::span<const std::byte>;

constexpr std::size_t most_strings = 4096; // no set of the kernel has a tenth of it

struct IndexedString {
    std::size_t index = most_strings;
    std::string text;
};

IndexedString parse_string(Payload nest)
{
    IndexedString string;
    each_attribute(nest, [&](std::uint16_t type, Payload payload) {
        if (type == ETHTOOL_A_STRING_INDEX && payload.size() == 4) string.index = as_u32(payload);
        if (type == ETHTOOL_A_STRING_VALUE) string.text = as_text(payload);
    });
    return string;
}

std::uint32_t flags_for(EthtoolBits bits) { return bits == EthtoolBits::Compact ? ETHTOOL_FLAG_COMPACT_BITSETS : 0; }

EthtoolNamedBit parse_named_bit(Payload nest)
{
    EthtoolNamedBit bit;
    each_attribute(nest, [&](std::uint16_t type, Payload payload) {
        if (type == ETHTOOL_A_BITSET_BIT_NAME) bit.name = as_text(payload);
        if (type == ETHTOOL_A_BITSET_BIT_VALUE) bit.on = true;
    });
    return bit;
}

constexpr std::uint16_t header_attribute = 1; // ETHTOOL_A_*_HEADER in every command

void each_header_attribute(const nlmsghdr& answer, const EachAttribute& each)
{
    each_attribute(answer, sizeof(genlmsghdr), [&](std::uint16_t outer, Payload header) {
        if (outer == header_attribute) each_attribute(header, each);
    });
}

} // namespace

EthtoolBitset EthtoolBitset::parse(std::span<const std::byte> nest)
{
    EthtoolBitset bits;
    each_attribute(nest, [&](std::uint16_t type, Payload payload) {
        if (type == ETHTOOL_A_BITSET_SIZE) bits.size_ = as_u32(payload);
        if (type == ETHTOOL_A_BITSET_VALUE) bits.words_ = as_u32_list(payload);
    });
    return bits;
}

bool EthtoolBitset::has(std::size_t bit) const
{
    return bit < size_ && bit / 32 < words_.size() && (words_[bit / 32] >> (bit % 32) & 1) != 0;
}

Request ethtool_question(std::uint16_t family, std::uint8_t command, std::uint32_t index, EthtoolBits bits)
{
    Request question(family, index == 0 ? NLM_F_DUMP : 0);
    question.header(genlmsghdr{command, ETHTOOL_GENL_VERSION, 0});
    const std::size_t header = question.begin(header_attribute);
    if (index != 0) question.put_u32(ETHTOOL_A_HEADER_DEV_INDEX, index);
    question.put_u32(ETHTOOL_A_HEADER_FLAGS, flags_for(bits));
    question.end(header);
    return question;
}

Request ethtool_request(std::uint16_t family, std::uint8_t command, std::string_view nic, EthtoolBits bits)
{
    Request request(family, 0);
    request.header(genlmsghdr{command, ETHTOOL_GENL_VERSION, 0});
    const std::size_t header = request.begin(header_attribute);
    request.put_text(ETHTOOL_A_HEADER_DEV_NAME, nic);
    request.put_u32(ETHTOOL_A_HEADER_FLAGS, flags_for(bits));
    request.end(header);
    return request;
}

Result<void> ask_every_interface(Netlink& netlink, Request& question, const EachAnswer& each,
                                 const std::function<void()>& restart)
{
    auto asked = netlink.ask_whole(NETLINK_GENERIC, question, each, restart);
    if (!asked && asked.error().kind == Error::Kind::Unsupported) return {};
    return asked;
}

void put_ethtool_bit(Request& request, std::uint16_t type, std::string_view name, bool on)
{
    const std::size_t set = request.begin(type), bits = request.begin(ETHTOOL_A_BITSET_BITS);
    const std::size_t bit = request.begin(ETHTOOL_A_BITSET_BITS_BIT);
    request.put_text(ETHTOOL_A_BITSET_BIT_NAME, name);
    if (on) request.put_flag(ETHTOOL_A_BITSET_BIT_VALUE);
    request.end(bit);
    request.end(bits);
    request.end(set);
}

std::uint32_t ethtool_interface(const nlmsghdr& answer)
{
    std::uint32_t index = 0;
    each_header_attribute(answer, [&](std::uint16_t type, Payload payload) {
        if (type == ETHTOOL_A_HEADER_DEV_INDEX) index = as_u32(payload);
    });
    return index;
}

std::string ethtool_interface_name(const nlmsghdr& answer)
{
    std::string name;
    each_header_attribute(answer, [&](std::uint16_t type, Payload payload) {
        if (type == ETHTOOL_A_HEADER_DEV_NAME) name = as_text(payload);
    });
    return name;
}

std::vector<EthtoolNamedBit> parse_ethtool_named_bits(std::span<const std::byte> nest)
{
    std::vector<EthtoolNamedBit> bits;
    const auto take = [&](std::uint16_t, Payload payload) {
        EthtoolNamedBit bit = parse_named_bit(payload);
        if (!bit.name.empty()) bits.push_back(std::move(bit));
    };
    each_attribute(nest, [&](std::uint16_t type, Payload payload) {
        if (type == ETHTOOL_A_BITSET_BITS) each_attribute(payload, take);
    });
    return bits;
}

std::vector<EthtoolFeature> parse_ethtool_features(std::span<const std::byte> attributes,
                                                   const std::vector<std::string>& names)
{
    EthtoolBitset changeable, wanted, active, never;
    each_attribute(attributes, [&](std::uint16_t type, Payload payload) {
        if (type == ETHTOOL_A_FEATURES_HW) changeable = EthtoolBitset::parse(payload);
        if (type == ETHTOOL_A_FEATURES_WANTED) wanted = EthtoolBitset::parse(payload);
        if (type == ETHTOOL_A_FEATURES_ACTIVE) active = EthtoolBitset::parse(payload);
        if (type == ETHTOOL_A_FEATURES_NOCHANGE) never = EthtoolBitset::parse(payload);
    });
    std::vector<EthtoolFeature> features;
    features.reserve(names.size());
    for (std::size_t bit = 0; bit < names.size() && bit < active.size(); ++bit)
        if (!names[bit].empty())
            features.push_back({names[bit], active.has(bit), wanted.has(bit), !changeable.has(bit) || never.has(bit)});
    return features;
}

std::vector<std::string> parse_ethtool_strings(std::span<const std::byte> sets)
{
    std::vector<std::string> strings;
    const auto take = [&](std::uint16_t, Payload nest) {
        IndexedString string = parse_string(nest);
        if (string.index >= most_strings) return;
        if (strings.size() <= string.index) strings.resize(string.index + 1);
        strings[string.index] = std::move(string.text);
    };
    each_attribute(sets, [&](std::uint16_t, Payload set) {
        each_attribute(set, [&](std::uint16_t type, Payload payload) {
            if (type == ETHTOOL_A_STRINGSET_STRINGS) each_attribute(payload, take);
        });
    });
    return strings;
}

Result<std::vector<std::string>> ethtool_strings(Netlink& netlink, std::uint32_t set)
{
    Request question(TRY(netlink.family(ETHTOOL_GENL_NAME)), 0);
    question.header(genlmsghdr{ETHTOOL_MSG_STRSET_GET, ETHTOOL_GENL_VERSION, 0});
    question.end(question.begin(ETHTOOL_A_STRSET_HEADER)); // no interface, but the header must be there
    const std::size_t sets = question.begin(ETHTOOL_A_STRSET_STRINGSETS);
    const std::size_t one = question.begin(ETHTOOL_A_STRINGSETS_STRINGSET);
    question.put_u32(ETHTOOL_A_STRINGSET_ID, set);
    question.end(one);
    question.end(sets);
    std::vector<std::string> strings;
    TRY_VOID(netlink.ask(NETLINK_GENERIC, question, [&](const nlmsghdr& message) {
        each_attribute(message, sizeof(genlmsghdr), [&](std::uint16_t type, Payload payload) {
            if (type == ETHTOOL_A_STRSET_STRINGSETS) strings = parse_ethtool_strings(payload);
        });
    }));
    return strings;
}

} // namespace netwright::kernel
