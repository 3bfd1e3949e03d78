// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/filter_control.h"
#include "dataplane/kept_config.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

KeptConfig example()
{
    return {"my policy.yaml",
            "interfaces: [eth0]\nlists: {bad: {verdict: drop, file: bad list.txt}}\n",
            {{"bad list.txt", "192.0.2.0/24\n# file 3 nonsense\n"}, {"empty", ""}},
            *parse_prefix("198.51.100.7"),
            1'763'000'000};
}

} // namespace

TEST_CASE("what is kept reads back as it was, whatever its names and texts hold")
{
    CHECK((parse_kept(to_text(example())) == Result<KeptConfig>(example())));
    KeptConfig bare{"stdin", ""};
    CHECK((parse_kept(to_text(bare)) == Result<KeptConfig>(bare)));
    CHECK(is_kept(to_text(bare)));
    CHECK_FALSE(is_kept("interfaces: [eth0]\n"));
}

TEST_CASE("a kept text that was cut or is something else is refused")
{
    const std::string whole = to_text(example());
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
        const auto cut = parse_kept(std::string_view(whole).substr(0, size));
        if (cut) CHECK(*cut != example()); // between two parts
    }
    CHECK_FALSE(parse_kept("netwright-kept 1\nsecret 1 x\ny\n"));
    CHECK_FALSE(parse_kept("netwright-kept 1\nconfig 18446744073709551615 x\ny\n"));
    CHECK_FALSE(parse_kept("netwright-kept 1\nconfig -1 x\ny\n"));
    CHECK_FALSE(parse_kept("netwright-kept 1\napplied 4 \nlast\n"));
    CHECK_FALSE(parse_kept("netwright-kept 1\nadministrator 3  \nyou\n"));
}

TEST_CASE("a kept policy needs no file, and passes the administrator")
{
    const auto policy = filter_policy_of(example());
    REQUIRE_MESSAGE(policy, policy.error().what);
    REQUIRE(policy->lists.size() == 2);
    CHECK(policy->applied == 1'763'000'000);
    CHECK(to_text(policy->lists[0].prefixes.at(0)) == "192.0.2.0/24");
    CHECK(policy->lists[1].name == "administrator");
    CHECK(policy->lists[1].verdict == Verdict::Pass);
    KeptConfig missing = example();
    missing.files.clear();
    CHECK_FALSE(filter_policy_of(missing));
    KeptConfig taken{"p", "{interfaces: [e], rules: [{name: administrator, verdict: drop, ttl: 1}]}"};
    CHECK(filter_policy_of(taken));
    taken.administrator = parse_prefix("10.0.0.1").value();
    CHECK_FALSE(filter_policy_of(taken));
}

TEST_CASE("what is known of the installed filter reads back as it was")
{
    const InstalledFilter installed{
        "/var/lib/a policy.yaml", FilterPolicy::Mode::Generic, true, true, true, {"eth0", "eth0.5"},
        {{"bad", 7}, {"dns", 9}}, {"list:bad", "drop"}};
    CHECK((parse_installed(to_text(installed)) == Result<InstalledFilter>(installed)));
    CHECK((parse_installed("") == Result<InstalledFilter>(InstalledFilter{})));
    CHECK_FALSE(parse_installed("poli x\n"));
    CHECK_FALSE(parse_installed("counter x dns\n"));
}

TEST_CASE("kept steering spares the administrator's connection where it could cut it")
{
    KeptConfig kept{"p", "{interfaces: [e], classes: [{name: all, direction: ingress, redirect: f}]}"};
    kept.administrator = parse_prefix("198.51.100.7").value();
    kept.reached = parse_prefix("192.0.2.1").value();
    CHECK((parse_kept(to_text(kept)) == Result<KeptConfig>(kept)));
    const auto policy = steer_policy_of(kept);
    REQUIRE_MESSAGE(policy, policy.error().what);
    REQUIRE(policy->classes.size() == 2);
    CHECK(policy->classes[0].name == "administrator-in");
    CHECK(to_text(policy->classes[0].from.at(0)) == "198.51.100.7");
    CHECK(to_text(policy->classes[0].to.at(0)) == "192.0.2.1");
    CHECK(policy->classes[0].redirect.way == STEER_STAY);

    KeptConfig forced = kept;
    forced.administrator.reset();
    CHECK(steer_policy_of(forced)->classes.size() == 1);
    KeptConfig counts = kept;
    counts.text = "{interfaces: [e], classes: [{name: all, direction: ingress}]}";
    CHECK(steer_policy_of(counts)->classes.size() == 1);
    KeptConfig taken = kept;
    taken.text = "{interfaces: [e], classes: [{name: administrator-in, direction: ingress, redirect: f}]}";
    CHECK_FALSE(steer_policy_of(taken));
    taken.text = "{interfaces: [e]";
    CHECK_FALSE(steer_policy_of(taken));
}
