// SPDX-License-Identifier: GPL-2.0-or-later
// A catalogue that contradicts itself must stop the build, with file, line and reason.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

struct Outcome {
    int code = -1;
    std::string output;
    bool table_written = false;
};

// The compiler stands beside the binary in the build directory.
Outcome compile(const std::string& yaml, const std::string& beside = "")
{
    std::array<char, 32> name{"/tmp/netwright-catalog-XXXXXX"};
    REQUIRE(::mkdtemp(name.data()));
    const std::filesystem::path directory = name.data();
    std::ofstream(directory / "input.yaml") << yaml;
    if (!beside.empty()) std::ofstream(directory / "beside.yaml") << beside;
    const auto compiler = std::filesystem::path(NETWRIGHT_BINARY).parent_path() / "catalog_compiler";
    const std::string command = compiler.string() + " " + (directory / "out.cpp").string() + " " +
                                (directory / "input.yaml").string() +
                                (beside.empty() ? "" : " " + (directory / "beside.yaml").string()) + " 2>&1";
    Outcome outcome;
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe);
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
        outcome.output += static_cast<char>(c);
    const int status = ::pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    outcome.table_written = std::filesystem::exists(directory / "out.cpp");
    std::filesystem::remove_all(directory);
    return outcome;
}

const std::string head =
    "group: test\n"
    "common: {plane: sysctl, scope: host, type: integer, policy: expert, risk: low, takes_effect: now}\n"
    "parameters:\n";
const std::string topics_head =
    "group: test\nwhere: /proc\ncommon: {kind: counter, scope: host, layer: ip, harm: harmless, source: b}\ntopics:\n";
const std::string good = "- {key: net.a, does: a, source: b, bounds: [0, 9], defaults: 5}\n";

struct Case {
    std::string yaml, place, reason;
};

} // namespace

TEST_CASE("a sound catalogue becomes a table")
{
    const Outcome outcome = compile(head + good);
    CHECK(outcome.output == "");
    CHECK(outcome.code == 0);
    CHECK(outcome.table_written);
}

TEST_CASE("a catalogue that contradicts itself names file and line, and leaves no table")
{
    const Case cases[] = {
        {head + good + good, "input.yaml:5", "stands also at"},
        {head + "- {key: net.a, does: a, source: b, colour: red}\n", "input.yaml:4", "unknown field 'colour'"},
        {head + "- {key: net.a, does: a}\n", "input.yaml:4", "lacks 'source'"},
        {head + "- {does: a, source: b}\n", "input.yaml:4", "without a key"},
        {head + "- {key: net a, does: a, source: b}\n", "input.yaml:4", "is not a key"},
        {head + "- {key: net.a, does: a, source: b, bounds: [9, 0]}\n", "input.yaml:4", "least 9 is above most 0"},
        {head + "- {key: net.a, does: a, source: b, bounds: [0, 9], defaults: 10}\n", "input.yaml:4",
         "outside its own bounds"},
        {head + "- {key: net.a, does: a, source: b, defaults: five}\n", "input.yaml:4", "is not a number"},
        {head + "- {key: net.a, does: a, source: b, defaults: [{since: new, value: 1}]}\n", "input.yaml:4",
         "kernel version"},
        {head + "- {key: net.a, does: a, source: b, defaults: [{since: 1, value: 1}, {since: 1, value: 2}]}\n",
         "input.yaml:4", "same version"},
        {head + "- {key: net.a, does: a, source: b, type: integers, bounds: [[0, 9], [0, 9]], defaults: 1}\n",
         "input.yaml:4", "wrong number of elements"},
        {head + "- {key: net.a, does: a, source: b, type: boolean, bounds: [0, 9]}\n", "input.yaml:4",
         "no numbers with bounds"},
        {head + "- {key: net.a, does: a, source: b, policy: conditional, bounds: [0, 9], search: [0, 10]}\n",
         "input.yaml:4", "leaves its own bounds"},
        {head + "- {key: net.a, does: a, source: b, policy: conditional, bounds: [0, 9], search: [0, null]}\n",
         "input.yaml:4", "a least and a most"},
        {head + "- {key: net.a, does: a, source: b, policy: conditional, type: text, search: [0, 1]}\n", "input.yaml:4",
         "needs numbers"},
        {head + "- {key: net.a, does: a, source: b, bounds: [0, 9], search: [0, 1]}\n", "input.yaml:4",
         "never proposed"},
        {head + "- {key: net.a, does: a, source: b, policy: maybe}\n", "input.yaml:4", "none of its words"},
        {head + "- {key: net.a, does: a, source: b, namespace_since: 4.15}\n", "input.yaml:4", "no namespace's own"},
        {head + "- {key: net.a, does: a, source: b, does: c}\n", "input.yaml:4", "twice"},
        {head + "- key: [net.a\n", "input.yaml:", ""}, // no YAML at all
        {"group: test\n", "input.yaml:1", "missing"},
        {"group: test\ncommon: all\nparameters: []\n", "input.yaml:2", "map of fields"},
        {"group: test\nparameters:\n" + good, "input.yaml:3", "lacks 'plane'"},
        {"colour: red\n" + head + good, "input.yaml:1", "unknown part"},
        {head.substr(0, head.size() - 1) + " []\n", "", "no parameters"},
    };
    for (const Case& one : cases) {
        CAPTURE(one.yaml);
        const Outcome outcome = compile(one.yaml);
        CAPTURE(outcome.output);
        CHECK(outcome.code == 1);
        CHECK(outcome.output.find(one.place) != std::string::npos);
        CHECK(outcome.output.find(one.reason) != std::string::npos);
        CHECK_FALSE(outcome.table_written);
    }
}

TEST_CASE("counters and drop reasons are compiled beside the parameters, and held to their form")
{
    CHECK(compile(topics_head + "- {name: [A, B], means: c, related: [net.a]}\n", head + good).output == "");
    const Case cases[] = {
        {topics_head + "- {name: A, means: c}\n- {name: A, means: d}\n", "input.yaml:6", "stands also at"},
        {topics_head + "- {name: A}\n", "input.yaml:5", "lacks 'means'"},
        {topics_head + "- {means: c}\n", "input.yaml:5", "without a name"},
        {topics_head + "- {name: A, means: c, colour: red}\n", "input.yaml:5", "unknown field 'colour'"},
        {topics_head + "- {name: A, means: c, means: d}\n", "input.yaml:5", "twice"},
        {topics_head + "- {name: A, means: c, harm: awful}\n", "input.yaml:5", "none of its words"},
        {topics_head + "- {name: A b, means: c}\n", "input.yaml:5", "is not a name"},
        {topics_head + "- {name: A, means: c, introduced: soon}\n", "input.yaml:5", "kernel version"},
        {"colour: red\n" + topics_head, "input.yaml:1", "unknown part"},
        {"topics: []\n", "input.yaml:1", "group is missing"},
    };
    for (const Case& one : cases) {
        CAPTURE(one.yaml);
        const Outcome outcome = compile(one.yaml, head + good);
        CAPTURE(outcome.output);
        CHECK(outcome.code == 1);
        CHECK(outcome.output.find(one.place) != std::string::npos);
        CHECK(outcome.output.find(one.reason) != std::string::npos);
        CHECK_FALSE(outcome.table_written);
    }
}
