// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/overlap.h"

#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

std::size_t count(const Judgement& judgement, std::string_view rule)
{
    return static_cast<std::size_t>(std::ranges::count(judgement.findings, rule, &Finding::rule));
}

const Finding& find(const Judgement& judgement, std::string_view rule)
{
    const auto found = std::ranges::find(judgement.findings, rule, &Finding::rule);
    REQUIRE(found != judgement.findings.end());
    return *found;
}

bool shows(const Finding& finding, std::string_view source)
{
    return std::ranges::any_of(finding.evidence, [&](const Evidence& one) { return one.source.contains(source); });
}

} // namespace

TEST_CASE("every rule that the table of overlaps names exists, and none overlaps itself")
{
    for (const Overlap& row : overlaps()) {
        CAPTURE(row.stronger);
        CAPTURE(row.weaker);
        CHECK(find_rule(row.stronger));
        CHECK(find_rule(row.weaker));
        CHECK(row.stronger != row.weaker);
    }
}

TEST_CASE("SYN cookies that are off are one finding, as severe as the worst of those that speak of them")
{
    const auto host = HostBuilder()
                          .sysctl("net.ipv4.tcp_syncookies", "0")
                          .sysctl("net.ipv4.tcp_max_syn_backlog", "128")
                          .counter("TcpExtTCPReqQFullDrop", 12)
                          .listener(443, 0, 4096);
    const Judgement judgement = judge(host.build(), {});
    CHECK(count(judgement, "syncookies-off") == 0);
    CHECK(count(judgement, "syn-backlog-short") == 0);
    const Finding& finding = find(judgement, "syn-drops-without-cookies");
    CHECK(finding.severity == Severity::High); // a total since boot alone would be Low
    CHECK(shows(finding, "longest listen limit"));
}

TEST_CASE("a weaker finding about another subject, or that asks for more, stays")
{
    const std::string key = "net.core.somaxconn";
    auto host = HostBuilder().sysctl(key, "128").listener(443, 200, 128, 7).counter("TcpExtListenOverflows", 7, 7);
    const Judgement both = judge(host.build(), {});
    CHECK(count(both, "listen-queue-overflow") == 1);
    CHECK(count(both, "listen-queue-near-full") == 0);
    CHECK(count(both, "somaxconn-small") == 0); // the overflow's remedy raises it as far
    host.listener(80, 110, 128);
    CHECK(count(judge(host.build(), {}), "listen-queue-near-full") == 1); // of port 80
}

TEST_CASE("a default that a larger need raises anyway is not proposed twice")
{
    auto host = HostBuilder().sysctl("net.ipv4.tcp_rmem", "4096\t131072\t1048576");
    CHECK(count(judge(host.build(), {}), "below-kernel-default") == 1);
    Intent intent;
    intent.workload = {Workload::Bulk, true, "--workload"};
    intent.bandwidth = Answer<BitRate>{BitRate{10'000'000'000}, true, "--bandwidth"};
    intent.rtt = Answer<Nanoseconds>{50ms, true, "--rtt"};
    const Judgement judgement = judge(host.build(), intent);
    CHECK(count(judgement, "tcp-receive-buffer-below-bdp") == 1);
    CHECK(count(judgement, "below-kernel-default") == 0);
    // The default in the middle is another element: the larger maximum does not cover it.
    host.sysctl("net.ipv4.tcp_rmem", "4096\t16384\t1048576");
    CHECK(count(judge(host.build(), intent), "below-kernel-default") == 1);
}
