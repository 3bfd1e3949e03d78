// SPDX-License-Identifier: GPL-2.0-or-later
// Plans do not follow the wrong claims of two popular guides, for any workload, path or host there is a case of.
#include "advise/infer.h"
#include "advise/rule.h"
#include "model/snapshot_json.h"
#include "plan/claims.h"
#include "plan/make_plan.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "plan_host.h"
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::test;
namespace fs = std::filesystem;

namespace {

// Whatever is found is planned, as far as netwright ever goes.
Plan boldest(const Snapshot& host, Intent intent)
{
    intent.welcome = Risk::High;
    intent = advise::infer(host, std::move(intent));
    return plan::make_plan(advise::judge(host, intent), host, intent);
}

std::vector<Snapshot> hosts()
{
    std::vector<Snapshot> all;
    for (const KernelVersion version : {KernelVersion{6, 1, 0}, KernelVersion{6, 12, 0}, KernelVersion{6, 18, 0}})
        all.push_back(HostBuilder(version).build());
    for (const auto& entry : fs::directory_iterator(NETWRIGHT_SOURCE_DIR "/tests/cases")) {
        if (!entry.is_directory() || fs::is_symlink(entry.path() / "snapshot.json")) continue;
        std::ifstream in(entry.path() / "snapshot.json", std::ios::binary);
        auto host = snapshot_from_json(std::string{std::istreambuf_iterator<char>(in), {}});
        REQUIRE_MESSAGE(host, entry.path().string());
        all.push_back(*std::move(host));
    }
    return all;
}

std::vector<Intent> intents()
{
    std::vector<Intent> all{Intent{}};
    for (const Workload workload : all_workloads())
        for (const Nanoseconds rtt : {Nanoseconds(200us), Nanoseconds(80ms)}) {
            Intent intent = intent_of(workload, 10_Gbit, rtt);
            intent.connection_rate = Answer<std::uint64_t>{50'000, true, "--connection-rate"};
            all.push_back(std::move(intent));
        }
    return all;
}

const Change* change_of(const Plan& plan, std::string_view address)
{
    const auto found =
        std::ranges::find_if(plan.changes, [&](const Change& one) { return to_text(one.tunable) == address; });
    return found == plan.changes.end() ? nullptr : &*found;
}

} // namespace

TEST_CASE("each row of what plans avoid would recognise the change that it is about")
{
    for (const Avoided& claim : avoided_claims) {
        CAPTURE(claim.id);
        REQUIRE(parse_tunable(claim.address));
        CHECK(matches(*parse_tunable(claim.address), claim.tunable));
        CHECK(claim.wrong(plan_host::change(claim.address, claim.value, claim.value), Intent{}));
    }
}

TEST_CASE("no plan holds what a wrong claim asks for")
{
    const auto wanted = intents();
    std::size_t changes = 0;
    for (const Snapshot& host : hosts())
        for (const Intent& intent : wanted) {
            const Plan plan = boldest(host, intent);
            changes += plan.changes.size();
            for (const Change& change : plan.changes)
                for (const Avoided& claim : avoided_claims)
                    if (matches(change.tunable, claim.tunable) && claim.wrong(change, plan.intent))
                        FAIL_CHECK(claim.id << ": " << to_text(change.tunable) << " = " << to_text(*change.to) << " on "
                                            << host.kernel.release << " for " << workloads_text(plan.intent));
        }
    CHECK(changes > 500); // plans that propose nothing would prove nothing
}

TEST_CASE("where a guide was followed, the plan takes it back")
{
    for (const Righted& claim : righted_claims) {
        CAPTURE(claim.id);
        CAPTURE(claim.key);
        const auto host = HostBuilder(claim.kernel).sysctl(std::string(claim.key), std::string(claim.copied));
        const Plan plan = boldest(host.build(), Intent{});
        const Change* const change = change_of(plan, "sysctl/" + std::string(claim.key));
        REQUIRE(change);
        CHECK(to_text(*change->to) == claim.right);
    }
}

TEST_CASE("a plan shows the product of its path in bytes, and buffers of twice that")
{
    for (const Sized& claim : sized_claims) {
        CAPTURE(claim.id);
        const Plan plan = boldest(HostBuilder().build(), intent_of(Workload::Bulk, claim.bandwidth, claim.rtt));
        const auto product = std::ranges::find(plan.inputs, "bandwidth-delay product", &PlanInput::name);
        REQUIRE(product != plan.inputs.end());
        CHECK(product->value == claim.product);
        const Change* const change = change_of(plan, "sysctl/net.ipv4.tcp_rmem");
        REQUIRE(change);
        CHECK(to_text(*change->to) == claim.receives);
    }
}

TEST_CASE("what must last is written where the system itself reads it")
{
    for (const Lasting& claim : lasting_claims) {
        CAPTURE(claim.id);
        CHECK(natural_persistence(*parse_tunable(claim.tunable)) == claim.persistence);
    }
}
