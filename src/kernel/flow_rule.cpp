// SPDX-License-Identifier: GPL-2.0-or-later
// Where each field lies in the structure is a row: offsets into the flow union, the same for value and mask.
#include "kernel/flow_rule.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace netwright::kernel {
namespace {

struct FlowType {
    std::string_view name;
    std::uint32_t type;
    bool ipv6, ports;
};
constexpr std::array types{
    FlowType{"tcp4", TCP_V4_FLOW, false, true},   FlowType{"udp4", UDP_V4_FLOW, false, true},
    FlowType{"sctp4", SCTP_V4_FLOW, false, true}, FlowType{"ip4", IPV4_USER_FLOW, false, false},
    FlowType{"tcp6", TCP_V6_FLOW, true, true},    FlowType{"udp6", UDP_V6_FLOW, true, true},
    FlowType{"sctp6", SCTP_V6_FLOW, true, true},  FlowType{"ip6", IPV6_USER_FLOW, true, false},
};

enum class Form { Address, Port, Protocol };
struct Field {
    std::string_view name;
    Form form;
    std::size_t offset4, offset6; // in ethtool_tcpip4_spec or usrip4_spec, and in those of IPv6
};
constexpr std::array fields{
    Field{"src-ip", Form::Address, offsetof(ethtool_tcpip4_spec, ip4src), offsetof(ethtool_tcpip6_spec, ip6src)},
    Field{"dst-ip", Form::Address, offsetof(ethtool_tcpip4_spec, ip4dst), offsetof(ethtool_tcpip6_spec, ip6dst)},
    Field{"src-port", Form::Port, offsetof(ethtool_tcpip4_spec, psrc), offsetof(ethtool_tcpip6_spec, psrc)},
    Field{"dst-port", Form::Port, offsetof(ethtool_tcpip4_spec, pdst), offsetof(ethtool_tcpip6_spec, pdst)},
    Field{"l4proto", Form::Protocol, offsetof(ethtool_usrip4_spec, proto), offsetof(ethtool_usrip6_spec, l4_proto)},
};

using Bytes = std::span<std::byte>;
using ConstBytes = std::span<const std::byte>;

bool has(const FlowType& type, const Field& field)
{
    if (field.form == Form::Port) return type.ports;
    return field.form == Form::Address || !type.ports;
}

std::size_t size_of(const FlowType& type, const Field& field)
{
    if (field.form == Form::Address) return type.ipv6 ? 16 : 4;
    return field.form == Form::Port ? 2 : 1;
}

// The field's bytes in h_u (values) or m_u (masks).
Bytes place(ethtool_flow_union& flow, const FlowType& type, const Field& field)
{
    return std::as_writable_bytes(std::span(flow.hdata))
        .subspan(type.ipv6 ? field.offset6 : field.offset4, size_of(type, field));
}
ConstBytes place(const ethtool_flow_union& flow, const FlowType& type, const Field& field)
{
    return std::as_bytes(std::span(flow.hdata))
        .subspan(type.ipv6 ? field.offset6 : field.offset4, size_of(type, field));
}

void fill_mask(Bytes mask, std::size_t bits)
{
    for (std::size_t i = 0; i < mask.size(); ++i) {
        const std::size_t here = std::min<std::size_t>(8, bits);
        mask[i] = static_cast<std::byte>(0xffU << (8 - here));
        bits -= here;
    }
}

// The length of a mask that is a prefix; nothing for any other.
std::optional<std::size_t> prefix_length(ConstBytes mask)
{
    std::size_t bits = 0;
    while (bits < mask.size() * 8 && (mask[bits / 8] & static_cast<std::byte>(0x80U >> (bits % 8))) != std::byte{})
        ++bits;
    std::vector<std::byte> same(mask.size());
    fill_mask(same, bits);
    return std::ranges::equal(same, mask) ? std::optional(bits) : std::nullopt;
}

std::uint64_t number_of(ConstBytes bytes) // network order
{
    std::uint64_t number = 0;
    for (const std::byte byte : bytes)
        number = number << 8 | static_cast<std::uint64_t>(byte);
    return number;
}

// ---- to words ----

std::string address_text(ConstBytes bytes, std::size_t length)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(bytes.size() == 16 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
    return length == bytes.size() * 8 ? std::string(text.data()) : fmt::format("{}/{}", text.data(), length);
}

std::string raw_text(const ethtool_rx_flow_spec& rule)
{
    std::string text = "raw ";
    for (const std::byte byte : std::as_bytes(std::span(&rule, 1)))
        text += fmt::format("{:02x}", static_cast<unsigned>(byte));
    return text;
}

std::optional<std::string> words_of(const ethtool_rx_flow_spec& rule, const FlowType& type)
{
    std::string text = fmt::format("flow-type {}", type.name);
    for (const Field& field : fields) {
        if (!has(type, field)) continue;
        const ConstBytes value = place(rule.h_u, type, field), mask = place(rule.m_u, type, field);
        const auto length = prefix_length(mask);
        if (!length || (field.form != Form::Address && *length != 0 && *length != mask.size() * 8)) return std::nullopt;
        if (*length == 0) continue;
        text += fmt::format(" {} {}", field.name,
                            field.form == Form::Address ? address_text(value, *length)
                                                        : fmt::format("{}", number_of(value)));
    }
    if (rule.ring_cookie == RX_CLS_FLOW_DISC) return text + " action drop";
    if (rule.ring_cookie > UINT32_MAX) return std::nullopt; // a queue of a virtual function
    return fmt::format("{} action {}", text, rule.ring_cookie);
}

// ---- from words ----

std::unexpected<Error> reject(std::string_view word, std::string_view wanted)
{
    return fail(Error::Kind::Rejected, fmt::format("'{}': {}", word.substr(0, 64), wanted));
}

Result<void> put_address(std::string_view word, Bytes value, Bytes mask)
{
    const std::size_t slash = word.find('/');
    const std::string address(word.substr(0, slash));
    const std::size_t most = value.size() * 8;
    const auto length =
        slash == std::string_view::npos ? Result<std::uint64_t>(most) : parse_unsigned(word.substr(slash + 1));
    if (!length || *length == 0 || *length > most ||
        ::inet_pton(value.size() == 16 ? AF_INET6 : AF_INET, address.c_str(), value.data()) != 1)
        return reject(word, value.size() == 16 ? "an IPv6 address or prefix is needed"
                                               : "an IPv4 address or prefix is needed");
    fill_mask(mask, *length);
    return {};
}

Result<void> put_number(std::string_view word, Bytes value, Bytes mask)
{
    const auto number = parse_unsigned(word);
    if (!number || *number >> (value.size() * 8) != 0)
        return reject(word, fmt::format("a number up to {} is needed", (1U << (value.size() * 8)) - 1));
    for (std::size_t i = 0; i < value.size(); ++i)
        value[i] = static_cast<std::byte>(*number >> (8 * (value.size() - 1 - i)));
    std::ranges::fill(mask, std::byte{0xff});
    return {};
}

Result<std::uint64_t> parse_action(std::string_view word)
{
    if (word == "drop" || word == "-1") return RX_CLS_FLOW_DISC;
    const auto queue = parse_unsigned(word);
    if (!queue || *queue > 65535) return reject(word, "the action is a receive queue's number, or drop");
    return *queue;
}

Result<void> put_field(ethtool_rx_flow_spec& rule, const FlowType& type, std::string_view name, std::string_view word)
{
    const auto field = std::ranges::find(fields, name, &Field::name);
    if (field == fields.end() || !has(type, *field))
        return reject(name, fmt::format("{} has src-ip, dst-ip{}, action", type.name,
                                        type.ports ? ", src-port, dst-port" : ", l4proto"));
    const Bytes value = place(rule.h_u, type, *field), mask = place(rule.m_u, type, *field);
    return field->form == Form::Address ? put_address(word, value, mask) : put_number(word, value, mask);
}

Result<ethtool_rx_flow_spec> parse_raw(std::string_view hex)
{
    ethtool_rx_flow_spec rule{};
    const auto bytes = std::as_writable_bytes(std::span(&rule, 1));
    if (hex.size() != bytes.size() * 2) return reject(hex, fmt::format("raw takes {} hex digits", bytes.size() * 2));
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(TRY(parse_hex(hex.substr(i * 2, 2))));
    return rule;
}

} // namespace

std::string flow_rule_text(const ethtool_rx_flow_spec& rule)
{
    const auto type = std::ranges::find(types, rule.flow_type, &FlowType::type);
    if (type == types.end()) return raw_text(rule); // also those with a flag: VLAN, MAC, RSS context
    const auto words = words_of(rule, *type);
    if (!words) return raw_text(rule);
    // What the words leave out (type of service, extensions) would be lost.
    const auto again = parse_flow_rule(*words);
    const bool whole = again && std::memcmp(again->h_u.hdata, rule.h_u.hdata, sizeof rule.h_u.hdata) == 0 &&
                       std::memcmp(again->m_u.hdata, rule.m_u.hdata, sizeof rule.m_u.hdata) == 0;
    return whole ? *words : raw_text(rule);
}

Result<ethtool_rx_flow_spec> parse_flow_rule(std::string_view text)
{
    const auto words = split_words(text);
    if (words.size() == 2 && words[0] == "raw") return parse_raw(words[1]);
    if (words.size() < 4 || words.size() % 2 != 0 || words[0] != "flow-type")
        return reject(text, "write flow-type tcp4 dst-port 80 action 2");
    const auto type = std::ranges::find(types, words[1], &FlowType::name);
    if (type == types.end()) return reject(words[1], "a flow type is tcp4, udp4, sctp4, ip4, tcp6, udp6, sctp6 or ip6");
    ethtool_rx_flow_spec rule{};
    rule.flow_type = type->type;
    if (type->type == IPV4_USER_FLOW) rule.h_u.usr_ip4_spec.ip_ver = ETH_RX_NFC_IP4;
    bool acts = false;
    for (std::size_t i = 2; i < words.size(); i += 2) {
        if (words[i] == "action") {
            rule.ring_cookie = TRY(parse_action(words[i + 1]));
            acts = true;
        } else {
            TRY_VOID(put_field(rule, *type, words[i], words[i + 1]));
        }
    }
    if (!acts) return reject(text, "it does not say what to do: action 2, or action drop");
    return rule;
}

} // namespace netwright::kernel
