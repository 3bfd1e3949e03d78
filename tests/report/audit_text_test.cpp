// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"
#include "report/audit_text.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::report;
using namespace std::chrono_literals;

namespace {

Snapshot small_host()
{
    Snapshot host;
    host.origin = "live";
    host.interval = 10s;
    host.surroundings.hostname = "web1";
    host.kernel.release = "6.18.0";
    host.kernel.architecture = "x86_64";
    Topology topology;
    topology.online.add(0);
    topology.online.add(1);
    host.topology = topology;
    host.nics = std::vector<Nic>{};
    return host;
}

Finding overflow()
{
    Finding finding;
    finding.rule = "listen-queue-overflow";
    finding.subject = "0.0.0.0:443";
    finding.severity = Severity::High;
    finding.confidence = Confidence::Measured;
    finding.title = "The accept queue of :443 (nginx) overflows";
    finding.evidence = {{"/proc/net/netstat TcpExt.ListenOverflows", "27 in 10 s (41,203 since boot)"},
                        {"sysctl net.core.somaxconn", "128"},
                        {"listener 0.0.0.0:443", "129 of 128"}};
    finding.why = "A handshake that completes while the queue is full is dropped.";
    finding.cost = "Clients wait 1, 3 or 7 seconds.";
    Change change;
    change.tunable = SysctlKey{"net.core.somaxconn"};
    change.from = Value{std::int64_t{128}};
    change.to = Value{std::int64_t{4096}};
    finding.remedy = {change};
    finding.advice = {"Raise nginx' backlog and restart it."};
    finding.risk = Risk::Low;
    finding.side_effects = "longer queues hide stalls";
    finding.security = "none known";
    finding.sources = {"net/ipv4/tcp_ipv4.c"};
    return finding;
}

Finding convention()
{
    Finding finding;
    finding.rule = "qdisc-default";
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Convention;
    finding.title = "fq is not the default qdisc";
    finding.advice = {"Set net.core.default_qdisc = fq."};
    return finding;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a finding shows what was seen, why it hurts, what to do and what that risks")
{
    const Judgement judgement{.findings = {overflow()}, .not_judged = {}, .rules_run = 57};
    const std::string text = audit_text(judgement, small_host(), Intent{}, Style{.width = 120});
    CHECK(has(text, "web1 · Linux 6.18.0 x86_64 · 2 CPUs"));
    CHECK(has(text, "10 s apart"));
    CHECK(has(text, "▲ HIGH      The accept queue of :443 (nginx) overflows\n"));
    CHECK(has(text, "27 in 10 s (41,203 since boot)"));
    CHECK(has(text, "  do        sysctl/net.core.somaxconn: 128 → 4096\n"));
    CHECK(has(text, "  by hand   Raise nginx' backlog and restart it.\n"));
    CHECK(has(text, "  risk      low: longer queues hide stalls\n"));
    CHECK(has(text, "  source    net/ipv4/tcp_ipv4.c\n"));
    CHECK(text.ends_with("1 finding (1 high), 57 rules\n"));
}

TEST_CASE("without colour there is no escape code, and no line of prose leaves the width")
{
    const Judgement judgement{.findings = {overflow(), convention()}, .not_judged = {}, .rules_run = 57};
    const std::string text = audit_text(judgement, small_host(), Intent{}, Style{.colour = false, .width = 60});
    CHECK_FALSE(has(text, "\033"));
    std::string_view rest = text, line;
    while (next_line(rest, line)) {
        CAPTURE(line);
        CHECK(columns(line) <= 60);
    }
    CHECK(has(audit_text(judgement, small_host(), Intent{}, Style{.colour = true}), "\033[31m"));
}

TEST_CASE("brief keeps the first evidence and the remedy, and leaves the background out")
{
    const Judgement judgement{.findings = {overflow()}, .not_judged = {}, .rules_run = 57};
    const std::string text = audit_text(judgement, small_host(), Intent{}, Style{}, Detail::Brief);
    CHECK(has(text, "ListenOverflows"));
    CHECK(has(text, "128 → 4096"));
    CHECK_FALSE(has(text, "A handshake that completes"));
    CHECK_FALSE(has(text, "129 of 128"));
    CHECK_FALSE(has(text, "tcp_ipv4.c"));
}

TEST_CASE("conventions stand in a section of their own, after what hurts")
{
    const Judgement judgement{.findings = {overflow(), convention()}, .not_judged = {}, .rules_run = 57};
    const std::string text = audit_text(judgement, small_host(), Intent{}, Style{});
    CHECK(text.find("Conventions") > text.find("The accept queue"));
    CHECK(text.find("fq is not the default") > text.find("Conventions"));
    CHECK_FALSE(has(text, "No fault found"));
}

TEST_CASE("a host with nothing but conventions has no fault")
{
    CHECK(has(audit_text(Judgement{.findings = {}, .not_judged = {}, .rules_run = 57}, small_host(), Intent{}, Style{}),
              "No fault found.\n57 rules looked at 10 s"));
    CHECK(has(audit_text(Judgement{.findings = {convention()}, .not_judged = {}, .rules_run = 57}, small_host(),
                         Intent{}, Style{}),
              "No fault found."));
}

TEST_CASE("one sample says that it shows totals only")
{
    Snapshot host = small_host();
    host.interval = 0s;
    CHECK(has(audit_text(Judgement{}, host, Intent{}, Style{}), "--seconds"));
}

TEST_CASE("rules that could not judge are grouped by their reason")
{
    const Error refused{Error::Kind::Refused, "ethtool rings of eth0: operation not permitted", 1};
    const Judgement judgement{
        .findings = {},
        .not_judged = {{"nic-ring-short", "eth0", refused}, {"nic-ring-at-most", "eth0", refused}},
        .rules_run = 57};
    const std::string text = audit_text(judgement, small_host(), Intent{}, Style{.width = 200});
    CHECK(has(text, "Not judged (2)"));
    CHECK(
        has(text, "ethtool rings of eth0: operation not permitted: nic-ring-short (eth0), nic-ring-at-most (eth0)\n"));
    CHECK(text.ends_with("0 findings, 57 rules, 2 not judged\n"));
}

TEST_CASE("rules that lack a key which this kernel or namespace does not have share one reason")
{
    const auto absent = [](const char* key) {
        return Error{Error::Kind::Absent, std::string(key) + ": not in this kernel or namespace", 0};
    };
    const Judgement judgement{.findings = {},
                              .not_judged = {{"orphans-near-limit", "", absent("net.ipv4.tcp_max_orphans")},
                                             {"tcp-memory-pressure", "", absent("net.ipv4.tcp_mem")}},
                              .rules_run = 57};
    const std::string text = audit_text(judgement, small_host(), Intent{}, Style{.width = 200});
    CHECK(has(text, "Not judged (2): what these rules ask stays open\n  - not in this kernel or namespace: "
                    "orphans-near-limit [net.ipv4.tcp_max_orphans], tcp-memory-pressure [net.ipv4.tcp_mem]\n"));
}

TEST_CASE("what could not be seen is grouped by why, rights first")
{
    Snapshot host = small_host();
    host.memory = fail(Error::Kind::Refused, "read /proc/meminfo: permission denied");
    const std::string text = audit_text(Judgement{}, host, Intent{}, Style{});
    CHECK(has(text, "needs root, or is closed to this process (1): memory"));
    CHECK(text.find("needs root") < text.find("is not there"));
}

TEST_CASE("a hostile process name in a title cannot repaint the terminal")
{
    Finding finding = overflow();
    finding.title = "The queue of \033]0;evil\007 overflows";
    const std::string text =
        audit_text(Judgement{.findings = {finding}, .not_judged = {}, .rules_run = 1}, small_host(), Intent{}, Style{});
    CHECK_FALSE(has(text, "\033"));
    CHECK_FALSE(has(text, "\007"));
}

TEST_CASE("inferred answers say from what; given ones name the flag")
{
    Intent intent;
    intent.workload = {Workload::WebServer, true, "--workload"};
    intent.rtt = Answer<Nanoseconds>{38ms, false, "90th percentile over 412 connections"};
    const std::string text = audit_text(Judgement{}, small_host(), intent, Style{.width = 200});
    CHECK(has(text, "for: web-server (--workload), RTT 38 ms (inferred: 90th percentile over 412 connections)\n"));
}
