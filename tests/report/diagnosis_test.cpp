// SPDX-License-Identifier: GPL-2.0-or-later
// A diagnosis as people and programs read it.
#include "report/diagnosis.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace netwright;

namespace {

Diagnosis overflow()
{
    Diagnosis diagnosis;
    diagnosis.host = "web1 · Linux 6.12.9";
    diagnosis.network = "init";
    diagnosis.interval = std::chrono::seconds{5};
    FoundCause root;
    root.cause = "accept-queue-full";
    root.layer = Layer::Socket;
    root.severity = Severity::High;
    root.events = 27;
    root.per_second = 5.4;
    root.unit = "connection attempts refused";
    root.title = "The accept queue is full";
    root.victim = "0.0.0.0:443 (nginx, pid 812)";
    root.evidence = {{"listener", "27 in 5 s"}};
    root.confirm = {"ss -ltn"};
    root.advice = {"accept faster"};
    root.cost = "memory";
    root.no_use = "tcp_max_syn_backlog";
    FoundCause follower;
    follower.cause = "syn-unanswered";
    follower.title = "No answer";
    follower.because_of = "accept-queue-full";
    diagnosis.causes = {root, follower};
    diagnosis.cleared = {{"no-route", Layer::Ip, "missing routes"}};
    diagnosis.not_seen = {{"full conntrack tables", Error{Error::Kind::Refused, "needs root", 0}}};
    diagnosis.quiet = {{"OTHERHOST", "ip_rcv_core", 30, "frames for another machine"}};
    diagnosis.events_lost = 3;
    return diagnosis;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("the text names cause, victim, proof, remedy, and what it does not know")
{
    const std::string text = report::diagnosis_text(overflow(), {});
    for (const char* part : {"The accept queue is full", "0.0.0.0:443 (nginx, pid 812)", "27 in 5 s", "ss -ltn",
                             "accept faster", "tcp_max_syn_backlog", "5.4/s", "follows from accept-queue-full",
                             "missing routes", "needs root", "OTHERHOST", "events lost: 3"}) {
        CAPTURE(part);
        CHECK(has(text, part));
    }
    CHECK_FALSE(has(text, "No fault found"));
    CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("a healthy host is told so, and drops by rule are no fault")
{
    Diagnosis diagnosis;
    CHECK(has(report::diagnosis_text(diagnosis, {}), "No fault found.\n"));
    FoundCause rule;
    rule.cause = "firewall-drop";
    rule.nature = Nature::Policy;
    diagnosis.causes = {rule};
    CHECK(has(report::diagnosis_text(diagnosis, {}), "No fault found: what is dropped, somebody asked for."));
}

TEST_CASE("the JSON form holds everything and stays JSON whatever the host's names hold")
{
    Diagnosis diagnosis = overflow();
    diagnosis.causes[0].victim += "\xff";
    const auto json = nlohmann::json::parse(report::diagnosis_json(diagnosis));
    CHECK(json.at("schema") == 1);
    CHECK(json.at("fault_found") == true);
    CHECK(json.at("causes").at(0).at("cause") == "accept-queue-full");
    CHECK(json.at("causes").at(0).at("because_of").is_null());
    CHECK(json.at("causes").at(1).at("because_of") == "accept-queue-full");
    CHECK(json.at("not_seen").at(0).at("kind") == "refused");
    CHECK(json.at("events_lost") == 3);
    CHECK(nlohmann::json::parse(report::diagnosis_json({})).at("fault_found") == false);
}
