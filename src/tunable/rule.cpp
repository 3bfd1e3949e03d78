// SPDX-License-Identifier: GPL-2.0-or-later
// Policy routing rules by their priority: RTM_GETRULE, RTM_NEWRULE, RTM_DELRULE.
#include "tunable/kinds.h"
#include "tunable/rule_text.h"

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace netwright::tunable {
namespace {

std::unexpected<Error> refuse(const RuleSlot& slot, std::string_view why, Error::Kind kind = Error::Kind::Rejected)
{
    return fail(kind, fmt::format("{}: {}", to_text(Tunable{slot}), why));
}

unsigned char family_of(bool is_ipv6) { return is_ipv6 ? AF_INET6 : AF_INET; }

Result<std::vector<Rule>> rules_of(kernel::Kernel& kernel, bool is_ipv6)
{
    if (!kernel.files.is_live()) return fail(Error::Kind::Unsupported, "a captured tree answers no netlink");
    kernel::Request question(RTM_GETRULE, NLM_F_DUMP);
    fib_rule_hdr head{};
    head.family = family_of(is_ipv6);
    question.header(head);
    std::vector<Rule> rules;
    TRY_VOID(kernel.netlink->ask_whole(
        NETLINK_ROUTE, question,
        [&](const nlmsghdr& message) {
            auto rule = parse_rule_message(message);
            if (rule && rule->is_ipv6 == is_ipv6) rules.push_back(*std::move(rule));
        },
        [&] { rules.clear(); }));
    return rules;
}

Result<std::vector<Rule>> rules_at(kernel::Kernel& kernel, const RuleSlot& slot)
{
    auto rules = TRY(rules_of(kernel, slot.is_ipv6));
    std::erase_if(rules, [&](const Rule& rule) { return rule.priority != slot.priority; });
    return rules;
}

Result<void> send(kernel::Kernel& kernel, std::uint16_t type, const RuleSlot& slot, const Rule& rule)
{
    kernel::Request request = rule_request(type, rule, slot.priority);
    auto done = kernel.netlink->ask(NETLINK_ROUTE, request, [](const nlmsghdr&) {});
    if (done) return {};
    return refuse(slot, done.error().what, done.error().kind);
}

// Nothing but one rule that we can make again, or none.
Result<std::optional<Rule>> ours_at(kernel::Kernel& kernel, const RuleSlot& slot)
{
    const auto rules = TRY(rules_at(kernel, slot));
    if (rules.empty()) return std::optional<Rule>{};
    if (rules.size() > 1) return refuse(slot, "several rules have this priority: take another");
    if (!rules.front().foreign.empty())
        return refuse(slot, fmt::format("a rule with {} stands there: take another priority", rules.front().foreign));
    return std::optional(rules.front());
}

struct RuleKind : KindDefaults<RuleSlot> {
    static Present read(kernel::Kernel& kernel, const RuleSlot& slot)
    {
        const auto rules = TRY(rules_at(kernel, slot));
        if (rules.empty()) return std::optional<Value>{};
        std::string text = to_text(rules.front());
        if (!rules.front().foreign.empty()) text += " and " + rules.front().foreign;
        if (rules.size() > 1) text += fmt::format(" and {} more", rules.size() - 1);
        return Value{std::move(text)};
    }

    static Result<void> check(kernel::Kernel& kernel, const RuleSlot& slot, const Value& value)
    {
        TRY_VOID(ours_at(kernel, slot));
        if (const std::string text = to_text(value); !text.empty()) {
            const auto rule = parse_rule_text(text, slot.is_ipv6);
            if (!rule) return refuse(slot, rule.error().what);
        }
        return {};
    }

    // A rule has no other name than itself: the old one goes after the new one has come.
    static Result<void> write(kernel::Kernel& kernel, const RuleSlot& slot, const Value& value)
    {
        const auto old = TRY(ours_at(kernel, slot));
        const std::string text = to_text(value);
        if (!text.empty()) {
            const Rule rule = TRY(parse_rule_text(text, slot.is_ipv6));
            if (old && to_text(*old) == to_text(rule)) return {};
            TRY_VOID(send(kernel, RTM_NEWRULE, slot, rule));
        }
        return old ? send(kernel, RTM_DELRULE, slot, *old) : Result<void>{};
    }

    static bool same(const RuleSlot& slot, const Value& a, const Value& b)
    {
        const auto left = parse_rule_text(to_text(a), slot.is_ipv6), right = parse_rule_text(to_text(b), slot.is_ipv6);
        return left && right && to_text(*left) == to_text(*right);
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        for (const bool is_ipv6 : {false, true})
            for (const Rule& rule : TRY(rules_of(kernel, is_ipv6)))
                if (rule.priority != 0 && rule.priority < 32766)
                    found.push_back({RuleSlot{is_ipv6, rule.priority}, std::optional<Value>(to_text(rule))});
        return found;
    }

    static std::string undo_command(const RuleSlot& slot, const std::optional<Value>& from)
    {
        const char* const family = slot.is_ipv6 ? " -6" : "";
        const std::string remove = fmt::format("ip{} rule del priority {}", family, slot.priority);
        if (!from || to_text(*from).empty()) return remove;
        return fmt::format("{}; ip{} rule add priority {} {}", remove, family, slot.priority, to_text(*from));
    }
};

} // namespace

constexpr Kind rule_kind = kind_of<RuleKind>("rule", "rtnetlink RTM_GETRULE, RTM_NEWRULE, RTM_DELRULE");

} // namespace netwright::tunable
