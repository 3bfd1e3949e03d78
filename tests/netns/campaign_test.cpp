// SPDX-License-Identifier: GPL-2.0-or-later
// The commands around a tuning campaign as people use them: cost from captures of real traffic, and the checklist from
// a journal and baselines that really are there.
#include <nlohmann/json.hpp>

#include "support/fault_lab.h"

using namespace faults;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

// A directory to work in, and a host on a link.
struct Office {
    Link link;
    const fs::path directory = "/tmp/" + link.here.name;
    Office() { fs::create_directories(directory / "state/baselines"); }
    ~Office()
    {
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
    Office(const Office&) = delete;
    Office& operator=(const Office&) = delete;
    support::Output run(const std::string& arguments) const
    {
        return support::run({"sh", "-c",
                             "cd " + directory.string() + " && " + NETWRIGHT_BINARY + " --netns " + link.here.name +
                                 " --state-dir state " + arguments});
    }
    // The step of that name of the checklist.
    Json step(const std::string& name) const
    {
        const auto output = run("checklist --seconds 0 --json");
        INFO(output.out);
        REQUIRE(output.status == 0);
        const auto steps = Json::parse(output.out).at("steps");
        CHECK(steps.size() == 10);
        for (const Json& one : steps)
            if (one.at("name") == name) return one;
        FAIL("no step " << name);
        return {};
    }
    std::string mark(const std::string& name) const { return step(name).at("mark"); }
};

Json line(const Json& lines, const std::string& name)
{
    for (const Json& one : lines)
        if (one.at("name") == name) return one;
    FAIL("no line " << name << " in " << lines.dump(1));
    return {};
}

} // namespace

TEST_CASE("what network work costs is reckoned from captures of real traffic")
{
    const Office office;
    const auto pair = connected(office.link, 8097);
    {
        const Pump pump(pair);
        REQUIRE(office.run("capture --seconds 1 -o before.json").status == 0);
        REQUIRE(office.run("capture --seconds 1 -o after.json").status == 0);
    }
    const auto output = office.run("cost --before before.json --after after.json --instances 10-12 --price 0.5 "
                                   "--hours 8 --rate 100 --json");
    INFO(output.out);
    REQUIRE(output.status == 0);
    const Json lines = Json::parse(output.out).at("lines");
    const Json share = line(lines, "CPU share of network work, before").at("range");
    CHECK(share.at("least") >= 0.0);
    CHECK(share.at("most") > share.at("least")); // a range, as far as a capture tells
    CHECK(share.at("most") <= 1.0);
    CHECK(line(lines, "CPU time for each Gbit, before").at("range").at("least") > 0.0);
    CHECK(line(lines, "instances needed, after").at("range").at("least") > 0.0);
    CHECK(line(lines, "engineering").at("range").at("least") == 800.0);
    for (const Json& one : lines)
        CHECK_FALSE(one.at("formula").get<std::string>().empty());
    REQUIRE(office.run("capture --seconds 0 -o moment.json").status == 0);
    const auto refused = office.run("cost --before moment.json");
    CHECK(refused.status == 1);
    CHECK(refused.out.find("moment.json: the capture has one sample only") != std::string::npos);
}

TEST_CASE("the checklist follows what the journal and the baselines hold")
{
    const Office office;
    CHECK(office.mark("baseline") == "open");
    CHECK(office.mark("test each step") == "not needed");
    CHECK(office.mark("documentation") == "not needed");

    REQUIRE(office.run("capture --seconds 0 -o state/baselines/first.json").status == 0);
    CHECK(office.mark("baseline") == "done");

    std::this_thread::sleep_for(1100ms); // times are told in whole seconds
    REQUIRE(office.run("set net.core.somaxconn 5000 --yes --keep --etc-dir etc").status == 0);
    CHECK(office.mark("baseline") == "done"); // it is older than the change
    CHECK(office.mark("test each step") == "open");
    CHECK(office.mark("documentation") != "not needed");
    CHECK(office.mark("way back") != "open");

    std::this_thread::sleep_for(1100ms);
    REQUIRE(office.run("capture --seconds 0 -o state/baselines/second.json").status == 0);
    CHECK(office.mark("test each step") == "done");

    office.link.here.sysctl("net/core/somaxconn", "100"); // somebody else
    const Json back = office.step("way back");
    CHECK(back.at("mark") == "open");
    CHECK(back.dump().find("net.core.somaxconn is not what transaction") != std::string::npos);

    fs::remove(office.directory / "state/baselines/first.json"); // the other one is of a host already changed
    CHECK(office.mark("baseline") == "partly");
}
