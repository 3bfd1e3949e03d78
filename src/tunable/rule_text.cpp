// SPDX-License-Identifier: GPL-2.0-or-later
// Rules to and from text and netlink.
#include "tunable/rule_text.h"

#include "base/text.h"

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

namespace netwright::tunable {
namespace {

using Payload = std::span<const std::byte>;

void read_attribute(Rule& rule, const fib_rule_hdr& head, std::uint16_t type, Payload payload)
{
    switch (type) {
    case FRA_SRC:
        if (const auto prefix = ip_prefix_of(payload, head.src_len)) rule.from = *prefix;
        break;
    case FRA_DST:
        if (const auto prefix = ip_prefix_of(payload, head.dst_len)) rule.to = *prefix;
        break;
    case FRA_IIFNAME:
        rule.input = kernel::as_text(payload);
        break;
    case FRA_OIFNAME:
        rule.output = kernel::as_text(payload);
        break;
    case FRA_PRIORITY:
        rule.priority = kernel::as_u32(payload);
        break;
    case FRA_TABLE:
        rule.table = kernel::as_u32(payload);
        break;
    case FRA_FWMARK:
        rule.mark = kernel::as_u32(payload);
        break;
    case FRA_FWMASK:
        if (kernel::as_u32(payload) != 0xffffffffU && kernel::as_u32(payload) != 0) rule.foreign = "a mask of marks";
        break;
    case FRA_SUPPRESS_PREFIXLEN:
        if (kernel::as_u32(payload) != 0xffffffffU) rule.foreign = "suppress_prefixlength";
        break;
    case FRA_PROTOCOL: // who made it: told, not matched
    case FRA_PAD:
        break;
    default:
        rule.foreign = fmt::format("attribute {}", type);
        break;
    }
}

Result<std::uint32_t> number(std::string_view text)
{
    const auto value = text.starts_with("0x") ? parse_hex(text.substr(2)) : parse_unsigned(text);
    if (!value || *value > 0xffffffffU)
        return fail(Error::Kind::Rejected, fmt::format("'{}' is no number that fits", text.substr(0, 32)));
    return static_cast<std::uint32_t>(*value);
}

Result<IpPrefix> prefix_of(std::string_view text, bool is_ipv6)
{
    const IpPrefix prefix = TRY(parse_ip_prefix(text));
    if (prefix.is_ipv6 == is_ipv6) return prefix;
    return fail(Error::Kind::Rejected, fmt::format("{} belongs to the other family", text));
}

Result<void> read_word(Rule& rule, std::string_view word, std::string_view value)
{
    const bool name = value.size() < IFNAMSIZ;
    if (word == "from")
        rule.from = TRY(prefix_of(value, rule.is_ipv6));
    else if (word == "to")
        rule.to = TRY(prefix_of(value, rule.is_ipv6));
    else if (word == "iif" && name)
        rule.input = std::string(value);
    else if (word == "oif" && name)
        rule.output = std::string(value);
    else if (word == "fwmark")
        rule.mark = TRY(number(value));
    else if (word == "lookup" || word == "table")
        rule.table = TRY(number(value));
    else
        return fail(Error::Kind::Rejected,
                    fmt::format("'{} {}' is not understood: a rule has from, to, iif, oif, fwmark "
                                "and lookup",
                                word.substr(0, 32), value.substr(0, 64)));
    return {};
}

} // namespace

std::optional<Rule> parse_rule_message(const nlmsghdr& message)
{
    const auto head = kernel::fixed_part<fib_rule_hdr>(message);
    const bool internet = head && (head->family == AF_INET || head->family == AF_INET6);
    if (message.nlmsg_type != RTM_NEWRULE || !internet) return std::nullopt;
    Rule rule;
    rule.is_ipv6 = head->family == AF_INET6;
    rule.table = head->table;
    if (head->action != FR_ACT_TO_TBL) rule.foreign = fmt::format("action {}", head->action);
    if ((head->flags & FIB_RULE_INVERT) != 0) rule.foreign = "not";
    if (head->tos != 0) rule.foreign = "a type of service";
    kernel::each_attribute(message, sizeof *head,
                           [&](std::uint16_t type, Payload payload) { read_attribute(rule, *head, type, payload); });
    return rule;
}

Result<Rule> parse_rule_text(std::string_view text, bool is_ipv6)
{
    Rule rule;
    rule.is_ipv6 = is_ipv6;
    for (std::string_view word, value; next_word(text, word);) {
        if (!next_word(text, value)) return fail(Error::Kind::Rejected, fmt::format("{} needs a value", word));
        TRY_VOID(read_word(rule, word, value));
    }
    if (rule.table == 0) return fail(Error::Kind::Rejected, "say which table: lookup N");
    return rule;
}

std::string to_text(const Rule& rule)
{
    std::string text;
    const auto add = [&](std::string_view word, std::string_view value) {
        text += fmt::format("{}{} {}", text.empty() ? "" : " ", word, value);
    };
    if (rule.from) add("from", netwright::to_text(*rule.from));
    if (rule.to) add("to", netwright::to_text(*rule.to));
    if (!rule.input.empty()) add("iif", rule.input);
    if (!rule.output.empty()) add("oif", rule.output);
    if (rule.mark != 0) add("fwmark", fmt::format("{:#x}", rule.mark));
    add("lookup", fmt::format("{}", rule.table));
    return text;
}

kernel::Request rule_request(std::uint16_t type, const Rule& rule, std::uint32_t priority)
{
    kernel::Request request(type, NLM_F_ACK | (type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0));
    fib_rule_hdr head{};
    head.family = rule.is_ipv6 ? AF_INET6 : AF_INET;
    head.action = FR_ACT_TO_TBL;
    head.table = static_cast<unsigned char>(rule.table < 256 ? rule.table : RT_TABLE_UNSPEC);
    if (rule.from) head.src_len = static_cast<unsigned char>(rule.from->length);
    if (rule.to) head.dst_len = static_cast<unsigned char>(rule.to->length);
    request.header(head).put_u32(FRA_PRIORITY, priority).put_u32(FRA_TABLE, rule.table);
    if (rule.from && rule.from->length != 0) request.put(FRA_SRC, rule.from->bytes());
    if (rule.to && rule.to->length != 0) request.put(FRA_DST, rule.to->bytes());
    if (!rule.input.empty()) request.put_text(FRA_IIFNAME, rule.input);
    if (!rule.output.empty()) request.put_text(FRA_OIFNAME, rule.output);
    if (rule.mark != 0) request.put_u32(FRA_FWMARK, rule.mark);
    return request;
}

} // namespace netwright::tunable
