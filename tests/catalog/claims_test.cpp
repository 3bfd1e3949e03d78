// SPDX-License-Identifier: GPL-2.0-or-later
// Claims of two popular guides: `netwright explain` corrects those of claims.h where a person would look them up. Those
// that make a line are in tests/lint/claims.h, those a plan could follow in tests/plan/claims.h. None may be lost.
#include "catalog/claims.h"
#include "catalog/names.h"
#include "lint/claims.h"
#include "plan/claims.h"
#include "report/explain_report.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "support/claims_list.h"

using namespace netwright;

namespace {

using Ids = std::set<std::string, std::less<>>;

void add(Ids& ids, const auto&... tables)
{
    (std::ranges::for_each(tables, [&](const auto& row) { ids.emplace(row.id); }), ...);
}

Ids answered()
{
    Ids ids;
    add(ids, test::linted_claims, test::explained_claims);
    add(ids, test::avoided_claims, test::righted_claims, test::sized_claims, test::lasting_claims);
    return ids;
}

// Everything that `netwright explain NAME` prints of its best answer, on lines that do not end.
std::string explained(std::string_view name)
{
    const auto found = catalog::named(name);
    if (found.empty()) return {};
    return report::explain_text({{6, 18, 0}, true, {{found.front(), {}, {}, {}, {}}}}, {false, 10'000});
}

} // namespace

TEST_CASE("every claim that makes no line is corrected where it would be looked up")
{
    for (const test::Explained& claim : test::explained_claims) {
        CAPTURE(claim.id);
        CAPTURE(claim.claim);
        const std::string words = explained(claim.name);
        CAPTURE(words);
        CHECK(words.find(claim.corrected) != std::string::npos);
    }
}

TEST_CASE("a correction is not said of everything")
{
    for (const test::Explained& claim : test::explained_claims) {
        CAPTURE(claim.id);
        CHECK(explained("net.ipv4.tcp_stdurg").find(claim.corrected) == std::string::npos);
    }
}

TEST_CASE("every wrong claim is caught by lint, corrected by explain or kept out of plans")
{
    const Ids ids = answered();
    CHECK(test::wrong_claims.size() == 63);
    for (const std::string_view id : test::wrong_claims) {
        CAPTURE(id);
        CHECK(ids.contains(id));
    }
}

TEST_CASE("no claim of the guides is lost, and none counts as both answered and not")
{
    const Ids by_command = answered();
    Ids right, open, all = by_command;
    add(right, test::agreed_claims);
    add(open, test::unanswered_claims);
    add(all, test::agreed_claims, test::unanswered_claims);
    for (const auto& [guide, last] :
         {std::pair{"D1", test::claims_of_shorter_guide}, std::pair{"D2", test::claims_of_long_guide}})
        for (unsigned number = 1; number <= last; ++number) {
            const std::string id = fmt::format("{}-{:02}", guide, number);
            CAPTURE(id);
            CHECK(by_command.contains(id) + right.contains(id) + open.contains(id) == 1);
        }
    CHECK(all.size() == test::claims_of_shorter_guide + test::claims_of_long_guide); // and there is no other
    CHECK(by_command.size() == 138);
    CHECK(right.size() == 60);
    CHECK(open.size() == 9);
}
