// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include <array>

using namespace netwright;
using namespace netwright::advise;

namespace {

Finding finding_of(Severity severity, Confidence confidence, std::string subject = "")
{
    Finding finding;
    finding.subject = std::move(subject);
    finding.severity = severity;
    finding.confidence = confidence;
    finding.title = "something";
    finding.evidence = {{"a counter", "1"}};
    finding.remedy.emplace_back();
    return finding;
}

Opinion says_nothing(const Case&) { return std::vector<Finding>{}; }
Opinion lacks_rights(const Case&) { return fail(Error::Kind::Refused, "read x: permission denied"); }
Opinion high_convention(const Case&) { return std::vector{finding_of(Severity::High, Confidence::Convention)}; }
Opinion info_measured(const Case&) { return std::vector{finding_of(Severity::Info, Confidence::Measured)}; }
Opinion high_since_boot(const Case&) { return std::vector{finding_of(Severity::High, Confidence::SinceBoot)}; }
Opinion high_measured(const Case&)
{
    return std::vector{finding_of(Severity::High, Confidence::Measured, "b"),
                       finding_of(Severity::High, Confidence::Measured, "a")};
}
Opinion slow_nic(const Nic& nic, const Case&)
{
    if (nic.mtu == 0) return fail(Error::Kind::Absent, "no MTU");
    return std::vector{finding_of(Severity::Low, Confidence::Derived)};
}
Opinion any_listener(const Listener& listener, const Case&)
{
    Finding finding = finding_of(Severity::Low, Confidence::Derived);
    finding.evidence = {{"sock_diag", std::to_string(listener.drops)}};
    return std::vector{finding};
}

Rule rule(std::string_view id, decltype(Rule::judge) judge) { return {id, "?", "why", "net/core/dev.c", judge}; }

} // namespace

TEST_CASE("findings come by severity, then confidence, and conventions last whatever their severity")
{
    const std::array rules{rule("convention", high_convention), rule("info", info_measured),
                           rule("boot", high_since_boot), rule("now", high_measured)};
    const Judgement judgement = judge(rules, Snapshot{}, Intent{});
    std::vector<std::string> order;
    for (const Finding& finding : judgement.findings)
        order.push_back(finding.rule + finding.subject);
    CHECK(order == std::vector<std::string>{"nowa", "nowb", "boot", "info", "convention"});
    CHECK(judgement.rules_run == 4);
}

TEST_CASE("a rule that lacks what it needs is named as not judged, with the reason")
{
    const std::array rules{rule("blind", lacks_rights), rule("calm", says_nothing)};
    const Judgement judgement = judge(rules, Snapshot{}, Intent{});
    REQUIRE(judgement.not_judged.size() == 1);
    CHECK(judgement.not_judged[0].rule == "blind");
    CHECK(judgement.not_judged[0].why.kind == Error::Kind::Refused);
    CHECK(judgement.rules_run == 1);
}

TEST_CASE("a rule about interfaces is asked once for each, and its gaps name the interface")
{
    Snapshot host;
    Nic seen, unseen_mtu;
    seen.name = "eth0";
    seen.mtu = 1500;
    unseen_mtu.name = "eth1";
    host.nics = std::vector{seen, unseen_mtu};
    const Judgement judgement = judge(std::array{rule("nic", slow_nic)}, host, Intent{});
    REQUIRE(judgement.findings.size() == 1);
    CHECK(judgement.findings[0].subject == "eth0");
    REQUIRE(judgement.not_judged.size() == 1);
    CHECK(judgement.not_judged[0].subject == "eth1");
}

TEST_CASE("when no interface or socket could be listed, their rules are not judged once")
{
    const std::array rules{rule("nic", slow_nic), rule("listener", any_listener)};
    const Judgement judgement = judge(rules, Snapshot{}, Intent{});
    CHECK(judgement.not_judged.size() == 2);
    CHECK(judgement.rules_run == 0);
}

TEST_CASE("sockets that share one address and port are one subject with the evidence of all")
{
    Snapshot host;
    SocketSummary sockets;
    sockets.listeners.resize(3);
    for (std::uint64_t i = 0; i < 3; ++i) {
        sockets.listeners[i].address = "::";
        sockets.listeners[i].port = i < 2 ? 443 : 80;
        sockets.listeners[i].drops = i;
    }
    host.sockets = sockets;
    const Judgement judgement = judge(std::array{rule("listener", any_listener)}, host, Intent{});
    REQUIRE(judgement.findings.size() == 2);
    CHECK(judgement.findings[0].subject == "[::]:443");
    CHECK(judgement.findings[0].evidence.size() == 2);
    CHECK(judgement.findings[1].subject == "[::]:80");
}

TEST_CASE("the engine fills the rule's name, its sources and the reason of each change")
{
    const Judgement judgement = judge(std::array{rule("boot", high_since_boot)}, Snapshot{}, Intent{});
    REQUIRE(judgement.findings.size() == 1);
    CHECK(judgement.findings[0].rule == "boot");
    CHECK(judgement.findings[0].sources == std::vector<std::string>{"net/core/dev.c"});
    CHECK(judgement.findings[0].remedy[0].because == std::vector<std::string>{"boot"});
    CHECK(judgement.findings[0].remedy[0].persistence == Persistence::SysctlFile);
}

TEST_CASE("judging twice gives the same judgement")
{
    const std::array rules{rule("now", high_measured), rule("blind", lacks_rights), rule("info", info_measured)};
    CHECK(judge(rules, Snapshot{}, Intent{}) == judge(rules, Snapshot{}, Intent{}));
}
