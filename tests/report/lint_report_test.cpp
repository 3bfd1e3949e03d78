// SPDX-License-Identifier: GPL-2.0-or-later
#include "lint/lint.h"
#include "report/lint_report.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace netwright;
using Json = nlohmann::json;

namespace {

struct Linted {
    std::vector<SourceText> sources;
    std::vector<LintRule> rules = lint::rules();
    std::vector<Diagnostic> found;
    explicit Linted(std::string text, std::string name = "dir/a b.conf")
        : sources{{std::move(name), std::move(text), {}, false}}
    {
        lint::Target target;
        target.kernel = {6, 18, 0};
        found = lint::lint(sources, target);
    }
    report::LintView view() const { return {sources, found, rules, "6.18.0", "Linux 6.18.0"}; }
};

} // namespace

TEST_CASE("text shows place, words, line and mark, like a compiler")
{
    const Linted linted("# x\nnet.core.somaxcon = 8192\n");
    CHECK(report::lint_text(linted.view(), {}) ==
          "dir/a b.conf:2:1: error: no such key: net.core.somaxcon; did you mean net.core.somaxconn? [misspelt-key]\n"
          "    2 | net.core.somaxcon = 8192\n"
          "      | ^~~~~~~~~~~~~~~~~\n"
          "  why: The line fails at boot and does nothing.\n"
          "  fix: write net.core.somaxconn\n\n"
          "1 error in 1 file, judged for Linux 6.18.0\n");
    CHECK(report::lint_text(Linted("").view(), {}) == "nothing found in 1 file, judged for Linux 6.18.0\n");
}

TEST_CASE("columns count characters, and hostile bytes reach no terminal")
{
    const Linted accents("net.ipv4.conf.\xc3\xa9\xc3\xa9.rp_filter = 9\n");
    const auto json = Json::parse(report::lint_json(accents.view()));
    CHECK(json["diagnostics"][0]["column"] == 30);
    const Linted hostile("net.ipv4.x\x1b[31m\xff = 1\n");
    const std::string text = report::lint_text(hostile.view(), {});
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\xff') == std::string::npos);
    CHECK(Json::accept(report::lint_sarif(hostile.view())));
}

TEST_CASE("a secret is not shown")
{
    const Linted linted("net.ipv4.tcp_fastopen_keyy = 11111111-22222222\nnet.ipv4.tcp_fastopen_key = 1-2 # mine\n");
    REQUIRE_FALSE(linted.found.empty());
    CHECK(report::lint_text(linted.view(), {}).find("1-2 #") == std::string::npos);
}

TEST_CASE("JSON holds each diagnostic with its fix")
{
    const auto json = Json::parse(report::lint_json(Linted("net.core.rmem_max = 64M\n").view()));
    CHECK(json["schema"] == report::lint_schema);
    CHECK(json["summary"]["by_level"]["error"] == 1);
    const auto& one = json["diagnostics"][0];
    CHECK(one["rule"] == "size-suffix");
    CHECK(one["line"] == 1);
    CHECK(one["column"] == 21);
    CHECK(one["fix"]["kind"] == "replace");
    CHECK(one["fix"]["text"] == "67108864");
}

TEST_CASE("SARIF holds what code review needs: rules, regions, levels, fixes")
{
    const auto json = Json::parse(report::lint_sarif(Linted("net.core.rmem_max = 64M\nnonsense\n").view()));
    CHECK(json["version"] == "2.1.0");
    const auto& run = json["runs"][0];
    CHECK(run["columnKind"] == "unicodeCodePoints");
    const auto& rules = run["tool"]["driver"]["rules"];
    REQUIRE(run["results"].size() == 2);
    for (const auto& result : run["results"]) {
        CHECK(rules[result["ruleIndex"].get<std::size_t>()]["id"] == result["ruleId"]);
        const auto level = result["level"].get<std::string>();
        CHECK((level == "note" || level == "warning" || level == "error"));
        const auto& place = result["locations"][0]["physicalLocation"];
        CHECK(place["artifactLocation"]["uri"] == "dir/a%20b.conf");
        CHECK(place["region"]["endColumn"] > place["region"]["startColumn"]);
    }
    const auto& change = run["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    CHECK(change["insertedContent"]["text"] == "67108864");
    CHECK(change["deletedRegion"]["startColumn"] == 21);
    CHECK(change["deletedRegion"]["endColumn"] == 24);
    CHECK_FALSE(run["results"][1].contains("fixes"));
}
