// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/finding.h"
#include "model/intent.h"

#include <doctest/doctest.h>

using namespace netwright;

TEST_CASE("every word reads back as the enumerator it names")
{
    for (const Risk risk : {Risk::None, Risk::Low, Risk::Medium, Risk::High})
        CHECK((parse_risk(to_text(risk)) == Result<Risk>(risk)));
    for (const Reach reach : {Reach::Namespace, Reach::NamespaceNew, Reach::Host, Reach::HostNew, Reach::Device})
        CHECK((parse_reach(to_text(reach)) == Result<Reach>(reach)));
    for (const Persistence kind : {Persistence::SysctlFile, Persistence::LinkFile, Persistence::BootUnit,
                                   Persistence::DropIn, Persistence::None})
        CHECK((parse_persistence(to_text(kind)) == Result<Persistence>(kind)));
    for (const Severity severity :
         {Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical})
        CHECK((parse_severity(to_text(severity)) == Result<Severity>(severity)));
    for (const Confidence confidence :
         {Confidence::Convention, Confidence::Derived, Confidence::SinceBoot, Confidence::Measured})
        CHECK((parse_confidence(to_text(confidence)) == Result<Confidence>(confidence)));
    CHECK(all_workloads().size() == 13);
    for (const Workload workload : all_workloads()) {
        CHECK((parse_workload(to_text(workload)) == Result<Workload>(workload)));
        CHECK_FALSE(describe(workload).empty());
    }
}

TEST_CASE("a misspelt workload is answered with the nearest one, then all others")
{
    const auto workload = parse_workload("webserver");
    REQUIRE_FALSE(workload);
    CHECK(workload.error().kind == Error::Kind::Rejected);
    CHECK(workload.error().what.starts_with(
        "unknown workload 'webserver': did you mean web-server?; there are: web-server, "));
    for (const Workload known : all_workloads())
        CHECK(workload.error().what.find(to_text(known)) != std::string::npos);
}

TEST_CASE("a word that resembles nothing gets no guess, and a hostile one stays one short line")
{
    CHECK(parse_workload("").error().what.find("did you mean") == std::string::npos);
    const auto what = parse_risk(std::string(100'000, 'x') + "\n\x1b[2J").error().what;
    CHECK(what.size() < 200);
    CHECK(parse_risk("a\n\x1b[2J").error().what.find_first_of("\n\x1b") == std::string::npos);
    CHECK_FALSE(parse_risk("High")); // words are exact
}
