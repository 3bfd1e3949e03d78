// SPDX-License-Identifier: GPL-2.0-or-later
// Policy routing rules, from one RTM_GETRULE dump a family.
#include "host/address_text.h"
#include "host/collect.h"
#include "host/route.h"

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace netwright::host {
namespace {

using Payload = std::span<const std::byte>;
using kernel::as_text, kernel::as_u32;

std::string action_text(unsigned action) // as ip(8) writes them
{
    switch (action) {
    case FR_ACT_TO_TBL:
        return "lookup";
    case FR_ACT_GOTO:
        return "goto";
    case FR_ACT_NOP:
        return "nop";
    case FR_ACT_BLACKHOLE:
        return "blackhole";
    case FR_ACT_UNREACHABLE:
        return "unreachable";
    case FR_ACT_PROHIBIT:
        return "prohibit";
    default:
        return fmt::format("{}", action);
    }
}

void read_attribute(RoutingRule& rule, const fib_rule_hdr& head, std::uint16_t type, Payload payload)
{
    switch (type) {
    case FRA_SRC:
        rule.source = prefix_text(payload, head.src_len);
        break;
    case FRA_DST:
        rule.destination = prefix_text(payload, head.dst_len);
        break;
    case FRA_IIFNAME:
        rule.interface = as_text(payload);
        break;
    case FRA_OIFNAME:
        if (rule.interface.empty()) rule.interface = as_text(payload);
        break;
    case FRA_PRIORITY:
        rule.priority = as_u32(payload);
        break;
    case FRA_TABLE:
        rule.table = as_u32(payload);
        break;
    case FRA_FWMARK:
        rule.mark = as_u32(payload);
        break;
    default:
        break;
    }
}

} // namespace

std::optional<RoutingRule> parse_rule(const nlmsghdr& message)
{
    const auto head = kernel::fixed_part<fib_rule_hdr>(message);
    if (message.nlmsg_type != RTM_NEWRULE || !head || !is_internet(head->family)) return std::nullopt;
    RoutingRule rule;
    rule.family = family_word(head->family);
    rule.source = rule.destination = "all";
    rule.action = action_text(head->action);
    rule.table = head->table;
    kernel::each_attribute(message, sizeof *head,
                           [&](std::uint16_t type, Payload payload) { read_attribute(rule, *head, type, payload); });
    if ((head->flags & FIB_RULE_INVERT) != 0) rule.source.insert(0, "not "); // "not 10.0.0.0/8"
    return rule;
}

Result<std::vector<RoutingRule>> collect_rules(kernel::Kernel& kernel)
{
    std::vector<RoutingRule> rules;
    for (const unsigned family : {AF_INET, AF_INET6}) {
        kernel::Request question(RTM_GETRULE, NLM_F_DUMP);
        fib_rule_hdr head{};
        head.family = static_cast<unsigned char>(family);
        question.header(head);
        const std::size_t before = rules.size();
        TRY_VOID(kernel.netlink->ask_whole(
            NETLINK_ROUTE, question,
            [&](const nlmsghdr& message) {
                auto rule = parse_rule(message);
                if (rule && rule->family == family_word(family)) rules.push_back(*std::move(rule));
            },
            [&] { rules.resize(before); }));
    }
    return rules;
}

} // namespace netwright::host
