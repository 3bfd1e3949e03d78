// SPDX-License-Identifier: GPL-2.0-or-later
// Walks tests/cases/*/: snapshot.json + intent.yaml must give exactly findings.json + plan.yaml.
// NETWRIGHT_GOLDEN=refresh writes the expected files anew, for a person to read as a diff.
#include "advise/infer.h"
#include "advise/rule.h"
#include "base/text.h"
#include "model/intent_yaml.h"
#include "model/plan_yaml.h"
#include "model/snapshot_json.h"
#include "plan/make_plan.h"
#include "report/audit_json.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "plan_host.h"

using namespace netwright;
namespace fs = std::filesystem;

namespace {

std::string read_whole(const fs::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

bool refreshing()
{
    const char* wish = std::getenv("NETWRIGHT_GOLDEN"); // NOLINT: tests run in one thread
    return wish != nullptr && std::string_view(wish) == "refresh";
}

std::vector<fs::path> cases()
{
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(NETWRIGHT_SOURCE_DIR "/tests/cases"))
        if (entry.is_directory()) found.push_back(entry.path());
    std::ranges::sort(found);
    return found;
}

std::vector<std::string_view> lines_of(std::string_view text)
{
    std::vector<std::string_view> lines;
    for (std::string_view line; next_line(text, line);)
        lines.push_back(line);
    return lines;
}

// The lines between the common head and the common tail, as - and +; enough to see what moved.
std::string difference(const std::string& expected, const std::string& actual)
{
    const auto a = lines_of(expected), b = lines_of(actual);
    const auto [head, head_b] = std::ranges::mismatch(a, b);
    auto tail = a.end(), tail_b = b.end();
    while (tail != head && tail_b != head_b && *(tail - 1) == *(tail_b - 1))
        --tail, --tail_b;
    std::string out = fmt::format("@@ line {}\n", head - a.begin() + 1);
    for (auto line = head; line != tail && line - head < 40; ++line)
        out += fmt::format("-{}\n", *line);
    for (auto line = head_b; line != tail_b && line - head_b < 40; ++line)
        out += fmt::format("+{}\n", *line);
    return out;
}

void compare(const fs::path& path, const std::string& actual)
{
    if (refreshing()) {
        std::ofstream(path, std::ios::binary) << actual;
        return;
    }
    const std::string expected = read_whole(path);
    if (expected == actual) return;
    FAIL_CHECK(path.string() << " differs (NETWRIGHT_GOLDEN=refresh writes it anew)\n" << difference(expected, actual));
}

struct Golden {
    Snapshot host;
    Intent intent;
};

Golden load(const fs::path& directory)
{
    auto host = snapshot_from_json(read_whole(directory / "snapshot.json"));
    if (!host) FAIL(host.error().what);
    auto given = intent_from_yaml(read_whole(directory / "intent.yaml"), "intent.yaml");
    if (!given) FAIL(given.error().what);
    Intent intent = advise::infer(*host, *std::move(given));
    return {*std::move(host), std::move(intent)};
}

// The plan's values are in place and have cured what they were for: nothing is dropped any more. What counters hold
// since boot stays.
Snapshot cured(const Snapshot& host, const std::vector<Change>& changes)
{
    Snapshot after = plan_host::applied(host, changes);
    if (after.protocols) {
        std::vector<NamedCounter> counters = after.protocols->all();
        for (NamedCounter& counter : counters)
            if (counter.name.starts_with("TcpExt")) counter.counter.growth = 0;
        after.protocols = CounterTable(std::move(counters));
    }
    if (after.conntrack && after.conntrack->cpus)
        for (ConntrackCpu& cpu : *after.conntrack->cpus)
            cpu.drop.growth = cpu.early_drop.growth = cpu.insert_failed.growth = 0;
    return after;
}

} // namespace

TEST_CASE("golden cases give their findings and plans, and a plan that was applied gives an empty one")
{
    const auto all = cases();
    REQUIRE(all.size() >= 6);
    for (const fs::path& directory : all) {
        CAPTURE(directory.filename().string());
        const auto [host, intent] = load(directory);
        const Judgement judgement = advise::judge(host, intent);
        const Plan plan = plan::make_plan(judgement, host, intent);
        compare(directory / "findings.json", report::audit_json(judgement, host, intent));
        compare(directory / "plan.yaml", to_yaml(plan));

        const auto again = plan_from_yaml(to_yaml(plan), "plan.yaml");
        REQUIRE(again);
        CHECK(*again == plan);
        const Snapshot after = cured(host, plan.changes);
        const Plan rest = plan::make_plan(advise::judge(after, intent), after, intent);
        CAPTURE(to_yaml(rest));
        CHECK(rest.changes.empty());
    }
}
