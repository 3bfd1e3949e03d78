// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/path_rules.h"
#include "catalog/catalog.h"

#include <array>
#include <set>

#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

std::vector<Rule> host_rules()
{
    std::vector<Rule> rules;
    for (const auto subject :
         {listen_rules, buffer_rules, memory_rules, congestion_rules, path_rules, port_rules, connection_rules,
          hygiene_rules, sysctl_file_rules, security_rules, route_rules, fast_open_rules})
        std::ranges::copy(subject(), std::back_inserter(rules));
    return rules;
}

} // namespace

TEST_CASE("a host with its kernel's defaults gives nothing above info, and no plan")
{
    for (const KernelVersion version : {KernelVersion{6, 1, 0}, KernelVersion{6, 12, 0}, KernelVersion{6, 18, 0}}) {
        CAPTURE(to_text(version));
        const Judgement judgement = judge(host_rules(), HostBuilder(version).build(), Intent{});
        for (const Finding& finding : judgement.findings) {
            CAPTURE(finding.title);
            CHECK(finding.severity == Severity::Info);
            CHECK(finding.remedy.empty());
        }
        CHECK(judgement.not_judged.empty());
        CHECK(judgement.rules_run == host_rules().size());
    }
}

TEST_CASE("a host with BBR as its built-in default is healthy too")
{
    const auto host = HostBuilder({6, 18, 0}).sysctl("net.ipv4.tcp_congestion_control", "bbr");
    for (const Finding& finding : judge(host_rules(), host.build(), Intent{}).findings) {
        CAPTURE(finding.title);
        CHECK(finding.severity == Severity::Info);
    }
}

TEST_CASE("a snapshot in which nothing could be seen gives gaps, not findings")
{
    const Judgement judgement = judge(host_rules(), Snapshot{}, Intent{});
    CHECK(judgement.findings.empty());
    CHECK(judgement.not_judged.size() > host_rules().size() / 2);
}

TEST_CASE("what is proposed for a web server far away passes the catalogue's checks")
{
    Intent intent = intent_of(Workload::WebServer, 10_Gbit, 50ms);
    intent.connection_rate = Answer<std::uint64_t>{50000, true, "--connection-rate"};
    std::size_t changes = 0;
    for (const Finding& finding : judge(host_rules(), HostBuilder().build(), intent).findings)
        for (const Change& change : finding.remedy) {
            CAPTURE(to_text(change.tunable));
            const auto sensible = catalog::check(change.tunable, *change.to);
            CHECK_MESSAGE(sensible, (sensible ? std::string() : sensible.error().what));
            CHECK_FALSE(change.why.empty());
            ++changes;
        }
    CHECK(changes >= 5);
}

TEST_CASE("every rule can be explained, and no two share a name")
{
    std::set<std::string_view> ids;
    for (const Rule& rule : rulebook()) {
        CAPTURE(std::string(rule.id));
        CHECK(find_rule(rule.id) == &rule);
        CHECK(ids.insert(rule.id).second);
        CHECK(rule.question.ends_with('?'));
        CHECK(rule.explanation.size() >= 40);
        CHECK_FALSE(rule.source.empty());
    }
    CHECK(ids.size() >= 80);
    CHECK(find_rule("no-such-rule") == nullptr);
}
