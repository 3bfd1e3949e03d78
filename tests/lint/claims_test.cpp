// SPDX-License-Identifier: GPL-2.0-or-later
// Claims of two popular guides that make people write a line: lint speaks about every one. What cannot be written as a
// sysctl (ethtool lines, tools, explanations) is in tests/catalog/claims.h; that no claim is lost is checked there.
#include "lint/claims.h"
#include "lint/lint_sheet.h"

using namespace netwright;

TEST_CASE("every claim that makes a line is caught, with its correction")
{
    for (const test::Linted& claim : test::linted_claims) {
        CAPTURE(claim.id);
        CAPTURE(claim.claim);
        CAPTURE(claim.line);
        lint::Target target = newest_kernel();
        target.kernel = claim.kernel;
        const auto found = lint_text_of(std::string(claim.line) + "\n", target);
        REQUIRE(says(found, claim.rule));
        const Diagnostic& one = the(found, claim.rule);
        const std::string words = one.message + " " + one.why + " " + one.fix.words;
        CAPTURE(words);
        CHECK(words.find(claim.corrected) != std::string::npos);
    }
}
