// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/changes_text.h"
#include "report/plan_text.h"
#include "report/rules_text.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::report;

namespace {

Plan one_change()
{
    Plan plan;
    plan.made_for.hostname = "web1";
    plan.made_for.kernel = "6.18.0";
    plan.inputs = {{"bandwidth-delay product", "62.5 MB (59.6 MiB)", "10 Gbit/s x 50 ms / 8"}};
    plan.changes = {Change{.tunable = SysctlKey{"net.ipv4.tcp_rmem"},
                           .from = Value{std::vector<std::int64_t>{4096, 131072, 33554432}},
                           .to = Value{std::vector<std::int64_t>{4096, 131072, 125829120}},
                           .because = {"rmem-below-bdp"},
                           .why = "twice the bandwidth-delay product",
                           .risk = Risk::Low,
                           .reach = Reach::Namespace,
                           .persistence = Persistence::SysctlFile}};
    plan.left_out = {{"link/eth0/mtu", "9000", "protected by --protect link/*", {}}};
    plan.advice = {"ethtool -G eth0 rx 4096"};
    return plan;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a plan shows each change with its reason, reach and persistence, and its inputs with their formula")
{
    const std::string text = plan_text(one_change(), Style{.width = 100});
    CHECK(has(text, "  ~ sysctl/net.ipv4.tcp_rmem: 4096 131072 33554432 → 4096 131072 125829120\n"));
    CHECK(has(text, "      twice the bandwidth-delay product\n"));
    CHECK(has(text, "risk low · reaches namespace · lasts through sysctl.d"));
    CHECK(has(text, "because of rmem-below-bdp"));
    CHECK(has(text, "bandwidth-delay product: 62.5 MB (59.6 MiB) = 10 Gbit/s x 50 ms / 8"));
    CHECK(has(text, "link/eth0/mtu → 9000: protected by --protect link/*"));
    CHECK(has(text, "ethtool -G eth0 rx 4096"));
    CHECK(text.ends_with("\nPlan: 1 to change, 1 left out.\n"));
    CHECK_FALSE(has(text, "\033"));
}

TEST_CASE("a plan with nothing to do says so")
{
    Plan plan = one_change();
    plan.changes.clear();
    CHECK(plan_summary(plan) == "Nothing to change, 1 left out.");
    plan.left_out.clear();
    CHECK(plan_summary(plan) == "Nothing to change.");
}

TEST_CASE("what does not exist yet is added, what interrupts traffic or does not last says so")
{
    Plan plan = one_change();
    plan.changes[0].from.reset();
    plan.changes[0].interrupts = true;
    plan.changes[0].persistence = Persistence::None;
    const std::string text = plan_text(plan, Style{.width = 100});
    CHECK(has(text, "  + sysctl/net.ipv4.tcp_rmem: absent →"));
    CHECK(has(text, "lost at the next boot · interrupts traffic"));
}

TEST_CASE("a receipt marks each change, and tells in full what went another way")
{
    const std::vector<ChangeLine> changes{{"sysctl/net.core.somaxconn", "128", "4096", "done", ChangeLine::Mood::Good},
                                          {"sysctl/net.x", "", "1", "refused by the kernel", ChangeLine::Mood::Bad}};
    CHECK(changes_text(changes, Style{}) == "  ✓ sysctl/net.core.somaxconn: 128 → 4096\n"
                                            "  ✗ sysctl/net.x: absent → 1\n"
                                            "      refused by the kernel\n");
}

TEST_CASE("rules are listed with their questions, and one is explained with its source")
{
    const std::vector<RuleView> rules{
        {"nic-ring-short", "Could the ring be longer?", "Because frames.", "drivers/net"}};
    CHECK(rules_text(rules, Style{}) == "RULE            QUESTION\n"
                                        "nic-ring-short  Could the ring be longer?\n"
                                        "\n1 rule; `netwright rules RULE` explains one.\n");
    CHECK(rule_text(rules[0], Style{}) ==
          "nic-ring-short\nCould the ring be longer?\n\nBecause frames.\n\nsource: drivers/net\n");
}
