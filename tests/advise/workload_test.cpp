// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/workloads.h"
#include "catalog/catalog.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "support/host_builder.h"

using namespace netwright;
using advise::Case;

namespace {

Intent intent_for(std::initializer_list<Workload> named)
{
    Intent intent;
    intent.workload = {*named.begin(), true, "--workload"};
    intent.beside.assign(named.begin() + 1, named.end());
    return intent;
}

const advise::Rule& rule(std::string_view id)
{
    const auto* found = advise::find_rule(id);
    REQUIRE(found);
    return *found;
}

std::vector<Finding> judged(std::string_view id, const Snapshot& host, const Intent& intent)
{
    return advise::judge(std::span(&rule(id), 1), host, intent).findings;
}

const Finding* about(const std::vector<Finding>& findings, std::string_view subject)
{
    const auto found = std::ranges::find(findings, subject, &Finding::subject);
    return found == findings.end() ? nullptr : &*found;
}

Snapshot host_with(std::vector<SysctlValue> values)
{
    Snapshot host;
    host.sysctls = SysctlTable(std::move(values));
    return host;
}

SysctlValue is(std::string key, std::string value) { return {std::move(key), std::move(value)}; }

} // namespace

TEST_CASE("every workload is described: what is set, what people do, what to leave alone; and every name exists")
{
    for (const Workload workload : all_workloads()) {
        if (workload == Workload::General) continue;
        CAPTURE(to_text(workload));
        const auto for_it = [&](const auto& row) { return row.for_whom.has(workload); };
        const auto wished = [&](const advise::Wish& wish) { return wish.wanted_by.has(workload); };
        CHECK(std::ranges::any_of(advise::counsels(), for_it));
        CHECK((std::ranges::any_of(advise::covered(), for_it) || std::ranges::any_of(advise::wishes(), wished)));
        CHECK(std::ranges::count(advise::leave_alone(), workload, &advise::LeaveAlone::workload) == 1);
    }
    for (const advise::Covered& row : advise::covered()) {
        CAPTURE(row.rule);
        CHECK(advise::find_rule(row.rule) != nullptr);
    }
    for (const advise::Wish& wish : advise::wishes()) {
        CAPTURE(wish.key);
        CHECK(catalog::find(wish.key) != nullptr);
        CHECK_FALSE(wish.how.empty());
        CHECK_FALSE(wish.effects.empty());
    }
}

TEST_CASE("what nobody named is not asked for")
{
    const Snapshot host = host_with({is("net.ipv4.tcp_retries2", "15")});
    Intent inferred = intent_for({Workload::Database});
    inferred.workload.given = false;
    CHECK(judged("workload-setting", host, inferred).empty());
    CHECK(judged("workload-advice", host, inferred).empty());
    CHECK(judged("workload-setting", host, intent_for({Workload::Bulk})).empty());
    CHECK(judged("workload-setting", host, intent_for({Workload::Database})).size() == 1);
}

TEST_CASE("a key that this kernel lacks is not asked for, and a value that suffices stays")
{
    CHECK(judged("workload-setting", host_with({}), intent_for({Workload::Database})).empty());
    CHECK(judged("workload-setting", host_with({is("net.ipv4.tcp_retries2", "8")}), intent_for({Workload::Database}))
              .empty());
    CHECK(judged("workload-setting", host_with({is("net.ipv4.tcp_retries2", "6")}), intent_for({Workload::Database}))
              .empty());
}

TEST_CASE("the receive buffer of a game follows rate, pause and what a small datagram occupies")
{
    const Snapshot host = host_with({is("net.core.rmem_max", "212992")});
    Intent intent = intent_for({Workload::Game});
    CHECK(judged("workload-setting", host, intent).empty()); // no rate, no number
    intent.datagram_rate = Answer<std::uint64_t>{80'000, true, "--datagram-rate"};
    intent.stall = Answer<Nanoseconds>{std::chrono::milliseconds{50}, true, "--stall"};
    const auto findings = judged("workload-setting", host, intent);
    REQUIRE(findings.size() == 1);
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(findings[0].confidence == Confidence::Derived);
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{80'000 / 20 * 832 / 2}}); // 1,664,000
}

TEST_CASE("of two wishes the larger capacity or the shorter patience prevails, and the conflict is named")
{
    const Snapshot host = host_with({is("net.ipv4.tcp_notsent_lowat", "4294967295")});
    const auto findings = judged("workload-setting", host, intent_for({Workload::Bulk, Workload::WebServer}));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].remedy.at(0).to == Value{std::int64_t{131072}});
    constexpr std::string_view conflict = "Conflict: bulk would take 524288; web-server prevails.";
    CHECK(findings[0].why.find(conflict) != std::string::npos);
    CHECK(findings[0].remedy.at(0).why.find(conflict) != std::string::npos); // what a plan shows
    const auto alone = judged("workload-setting", host, intent_for({Workload::WebServer}));
    REQUIRE(alone.size() == 1);
    CHECK(alone[0].remedy.at(0).why.find("Conflict") == std::string::npos);
}

TEST_CASE("ports are reserved only where outgoing connections could take them, beside those reserved already")
{
    const Intent intent = intent_for({Workload::Kubernetes});
    const auto value_with = [&](std::string range, std::string reserved) -> std::string {
        const auto findings = judged("workload-setting",
                                     host_with({is("net.ipv4.ip_local_port_range", std::move(range)),
                                                is("net.ipv4.ip_local_reserved_ports", std::move(reserved))}),
                                     intent);
        const Finding* found = about(findings, "net.ipv4.ip_local_reserved_ports");
        return found ? to_text(*found->remedy.at(0).to) : "";
    };
    CHECK(value_with("32768 60999", "") == "");
    CHECK(value_with("10240 65535", "") == "30000-32767");
    CHECK(value_with("10240 65535", "8080,9000") == "8080,9000,30000-32767");
    CHECK(value_with("10240 65535", "25000-33000") == "");
}

TEST_CASE("a pure router looks for no local socket; one that serves does")
{
    Snapshot host = host_with({is("net.ipv4.ip_early_demux", "1")});
    const Intent intent = intent_for({Workload::Gateway});
    SocketSummary sockets;
    Listener ssh;
    ssh.address = "0.0.0.0";
    ssh.port = 22;
    sockets.listeners = {ssh};
    host.sockets = sockets;
    CHECK(judged("workload-setting", host, intent).size() == 1);
    sockets.listeners.push_back(ssh);
    sockets.listeners.back().port = 443;
    host.sockets = sockets;
    CHECK(judged("workload-setting", host, intent).empty());
}

TEST_CASE("workloads that want opposite things are named, each pair once; friends are not")
{
    const Snapshot host;
    CHECK(judged("workloads-conflict", host, intent_for({Workload::WebServer})).empty());
    CHECK(judged("workloads-conflict", host, intent_for({Workload::Database, Workload::IdleConnections})).empty());
    const auto one = judged("workloads-conflict", host, intent_for({Workload::Bulk, Workload::Game}));
    REQUIRE(one.size() == 1);
    CHECK(one[0].title == "bulk and game on one host want opposite things");
    REQUIRE(one[0].advice.size() == 1);
    CHECK(one[0].advice[0].starts_with("bulk and game conflict over coalescing")); // what a plan shows
    const auto other = judged("workloads-conflict", host, intent_for({Workload::Game, Workload::Bulk}));
    CHECK(other.size() == 1);
}

TEST_CASE("connections that cannot fit into memory are told before anything is tuned")
{
    Snapshot host;
    Memory memory;
    memory.total = Bytes{8ULL << 30};
    host.memory = memory;
    Intent intent = intent_for({Workload::IdleConnections});
    intent.connections = Answer<std::uint64_t>{2'000'000, true, "--connections"};
    const auto findings = judged("connection-memory-short", host, intent);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].title == "2,000,000 connections need 93 % of the memory before they say a word");
    intent.connections->value = 500'000;
    CHECK(judged("connection-memory-short", host, intent).empty());
}
