// SPDX-License-Identifier: GPL-2.0-or-later
// The house about itself: includes run downhill as docs/architecture.md draws them, and files keep the house's manners.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

using Rooms = std::set<std::string>;

// The table of docs/architecture.md: what each room may include besides itself and base.
const std::map<std::string, Rooms> may_include{
    {"base", {}},
    {"model", {}},
    {"kernel", {}},
    {"catalog", {"model"}},
    {"host", {"kernel", "model"}},
    {"advise", {"model", "catalog"}},
    {"diagnose", {"model", "catalog"}},
    {"lint", {"model", "catalog"}},
    {"plan", {"model", "catalog"}},
    {"report", {"model", "catalog"}},
    {"tunable", {"kernel", "model", "catalog", "dataplane"}},
    {"apply", {"kernel", "model", "tunable"}},
    {"measure", {"kernel", "model"}},
    {"lab", {"kernel", "model", "measure"}},
    {"dataplane", {"kernel", "model"}},
    {"trace", {"kernel", "model"}},
    {"watch", {"host", "advise", "trace", "report", "model"}},
};

// Heavy headers stay out of ours. json_codec.h is itself included by .cpp files only, which the test below checks too.
const std::set<std::string> heavy{"nlohmann/json.hpp", "CLI/CLI.hpp",        "yaml-cpp/yaml.h",
                                  "sqlite3.h",         "model/json_codec.h", "model/measurement_rows.h"};
const std::set<std::string> heavy_headers{"json_codec.h", "measurement_rows.h"};

struct Source {
    fs::path path; // relative to src/
    std::vector<std::string> lines;
    std::string room() const { return path.begin()->string(); }
    bool header() const { return path.extension() == ".h"; }
};

std::vector<Source> sources()
{
    std::vector<Source> found;
    const fs::path root = fs::path(NETWRIGHT_SOURCE_DIR) / "src";
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        const auto extension = entry.path().extension();
        if (extension != ".h" && extension != ".cpp" && extension != ".c") continue;
        Source source{fs::relative(entry.path(), root), {}};
        std::ifstream in(entry.path());
        for (std::string line; std::getline(in, line);)
            source.lines.push_back(line);
        found.push_back(std::move(source));
    }
    return found;
}

// `#include "room/file.h"` gives room/file.h; `#include <x/y.h>` gives x/y.h; anything else gives "".
std::string included(const std::string& line)
{
    if (!line.starts_with("#include ")) return "";
    const auto open = line.find_first_of("\"<");
    const auto close = line.find_first_of("\">", open + 1);
    if (open == std::string::npos || close == std::string::npos) return "";
    return line.substr(open + 1, close - open - 1);
}

} // namespace

TEST_CASE("includes run downhill")
{
    const auto files = sources();
    REQUIRE(files.size() > 30);
    for (const auto& source : files) {
        const std::string room = source.room();
        CAPTURE(source.path.string());
        if (room == "cli") continue; // the story of each command may use every room
        REQUIRE_MESSAGE(may_include.contains(room), "a room the architecture does not know");
        for (const auto& line : source.lines) {
            const std::string target = included(line);
            const std::string other = target.substr(0, target.find('/'));
            if (!line.starts_with("#include \"") || target.find('/') == std::string::npos) continue;
            const bool allowed = other == room || other == "base" || may_include.at(room).contains(other);
            CHECK_MESSAGE(allowed, line);
        }
    }
}

TEST_CASE("heavy headers stay out of headers")
{
    for (const auto& source : sources()) {
        if (!source.header() || heavy_headers.contains(source.path.filename().string())) continue;
        CAPTURE(source.path.string());
        for (const auto& line : source.lines)
            CHECK_MESSAGE(!heavy.contains(included(line)), line);
    }
}

TEST_CASE("every file says its licence and what it is for")
{
    for (const auto& source : sources()) {
        CAPTURE(source.path.string());
        REQUIRE(source.lines.size() > 2);
        CHECK(source.lines[0].find("SPDX-License-Identifier: ") != std::string::npos);
        const bool comment = source.lines[1].starts_with("// ") || source.lines[1].starts_with("/* ");
        CHECK_MESSAGE(comment, source.lines[1]);
        if (source.header()) CHECK(std::ranges::find(source.lines, "#pragma once") != source.lines.end());
    }
}

TEST_CASE("no file holds two nouns")
{
    for (const auto& source : sources()) {
        CAPTURE(source.path.string());
        CHECK(source.lines.size() <= 500);
    }
}

TEST_CASE("nothing is left open in the code")
{
    for (const auto& source : sources())
        for (const auto& line : source.lines)
            for (const char* word : {"TODO", "FIXME", "XXX", "not implemented"}) {
                CAPTURE(source.path.string());
                CHECK_MESSAGE(line.find(word) == std::string::npos, line);
            }
}

TEST_CASE("no two headers define a type of the same name in the same namespace")
{
    // The linker keeps one constructor of the two and says nothing: memory is lost at run time.
    static const std::regex opens("namespace ([a-z_:]+) \\{"),
        defines("(?:struct|class) (\\w+)(?: final)?(?: :.*)? \\{.*");
    std::map<std::string, fs::path> defined;
    for (const auto& source : sources()) {
        if (!source.header()) continue;
        std::vector<std::string> within;
        for (const auto& line : source.lines) {
            std::smatch match;
            if (std::regex_match(line, match, opens)) within.push_back(match[1]);
            if (line.starts_with("} // namespace") && !within.empty()) within.pop_back();
            if (!std::regex_match(line, match, defines) || within.empty()) continue;
            std::string name;
            for (const auto& space : within)
                name += space + "::";
            const auto [first, is_new] = defined.emplace(name + match[1].str(), source.path);
            CHECK_MESSAGE(is_new, first->first, " in ", first->second.string(), " and ", source.path.string());
        }
    }
    CHECK(defined.contains("netwright::Snapshot"));
}
