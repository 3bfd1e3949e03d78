// SPDX-License-Identifier: GPL-2.0-or-later
// Ranking, completeness and honesty of a diagnosis, and the manners of its table.
#include "base/text.h"
#include "catalog/topic.h"

#include <set>

#include "diagnose/diagnose.h"
#include "diagnose/drop_meanings.h"
#include "support/scene_builder.h"

using namespace netwright;
using namespace netwright::test;

TEST_CASE("a quiet host has no fault, and every cause was judged")
{
    const auto diagnosis = SceneBuilder().diagnosis();
    CHECK(diagnosis.causes.empty());
    CHECK(diagnosis.quiet.empty());
    CHECK(diagnosis.cleared.size() == diagnose::all_causes().size());
    for (const NotSeen& one : diagnosis.not_seen)
        MESSAGE(one.what, ": ", one.why.what);
    CHECK(diagnosis.not_seen.empty());
}

TEST_CASE("every cause has an id of its own and says everything a person needs")
{
    std::set<std::string_view> ids;
    for (const auto* const cause : diagnose::all_causes()) {
        CAPTURE(std::string(cause->id));
        CHECK(ids.insert(cause->id).second);
        for (const auto words : {cause->what, cause->title, cause->why, cause->confirm, cause->advice, cause->cost})
            CHECK_FALSE(words.empty());
        CHECK(cause->symptoms != 0);
        CHECK((cause->look != nullptr || !cause->counters.empty() || !cause->reasons.empty()));
    }
    CHECK(ids.size() >= 30);
    for (const auto* const cause : diagnose::all_causes())
        for (const auto root : split_words(cause->because_of)) {
            CAPTURE(std::string(cause->id));
            CHECK_MESSAGE(ids.contains(root), std::string(root));
            CHECK(root != cause->id);
        }
}

TEST_CASE("the drop reasons of the table are known to the catalogue")
{
    for (const auto* const cause : diagnose::all_causes())
        for (auto reason : split_words(cause->reasons)) {
            reason.remove_prefix(reason.find(':') == std::string_view::npos ? 0 : reason.find(':') + 1);
            reason = reason.substr(0, reason.find('@'));
            CAPTURE(std::string(reason));
            CHECK(diagnose::meaning_of(reason));
        }
}

TEST_CASE("every layer the catalogue gives a drop reason has its place on the packet's way")
{
    for (const catalog::Topic& topic : catalog::topics()) {
        if (topic.kind != catalog::TopicKind::DropReason || topic.layer == "unclassified") continue;
        CAPTURE(std::string(topic.name));
        CHECK_MESSAGE(diagnose::layer_called(topic.layer), std::string(topic.layer));
    }
}

TEST_CASE("without drop reasons counters still find the cause, and the gap is told")
{
    SceneBuilder scene;
    scene.drops = fail(Error::Kind::Refused, "no CAP_BPF");
    const auto diagnosis = scene.grew("TcpExtIPReversePathFilter", 50).diagnosis();
    REQUIRE(find(diagnosis, "rp-filter"));
    CHECK(find(diagnosis, "rp-filter")->events == 50);
    const auto told = std::ranges::find(diagnosis.not_seen, "the kernel's drop reasons", &NotSeen::what);
    REQUIRE(told != diagnosis.not_seen.end());
    CHECK(told->why.kind == Error::Kind::Refused);
    // Only drop events tell of these: they were not judged.
    CHECK(std::ranges::find(diagnosis.not_seen, "firewall rules that drop", &NotSeen::what) !=
          diagnosis.not_seen.end());
}

TEST_CASE("without counters drop reasons still find the cause, and the gap is told")
{
    SceneBuilder scene;
    scene.without_counters = true;
    scene.now.protocols = fail(Error::Kind::Refused, "no /proc");
    const auto diagnosis = scene.dropped("UDP_CSUM", 30).diagnosis();
    CHECK(find(diagnosis, "udp-checksum"));
    CHECK_FALSE(diagnosis.not_seen.empty());
}

TEST_CASE("totals since boot accuse nobody")
{
    SceneBuilder scene;
    scene.counters["TcpExtListenOverflows"] = Counter{100'000, 0};
    scene.counters["UdpRcvbufErrors"] = Counter{100'000, 0};
    CHECK(scene.diagnosis().causes.empty());
}

TEST_CASE("a root stands before what follows from it")
{
    SceneBuilder scene;
    scene.now.qdiscs->push_back({});
    Qdisc& qdisc = scene.now.qdiscs->back();
    qdisc.nic = "eth0";
    qdisc.kind = "tbf";
    qdisc.parent = "root";
    qdisc.drops = {400, 400};
    scene.grew("TcpOutSegs", 10'000).grew("TcpRetransSegs", 3000);
    const auto diagnosis = scene.diagnosis();
    REQUIRE(diagnosis.causes.size() == 2);
    CHECK(diagnosis.causes[0].cause == "qdisc-full");
    CHECK(diagnosis.causes[1].cause == "path-loss");
    CHECK(diagnosis.causes[1].because_of == "qdisc-full");
}

TEST_CASE("what is repeated for nothing is not lost")
{
    SceneBuilder scene;
    scene.grew("TcpOutSegs", 10'000).grew("TcpRetransSegs", 300).grew("TcpExtTCPDSACKRecv", 200);
    scene.grew("TcpExtTCPDSACKRecvSegs", 290); // one report may be of several
    CHECK(find(scene.diagnosis(), "needless-repeats"));
    CHECK(find(scene.diagnosis(), "needless-repeats")->events == 290);
    CHECK_FALSE(find(scene.diagnosis(), "path-loss"));
    scene.grew("TcpRetransSegs", 600);
    REQUIRE(find(scene.diagnosis(), "path-loss"));
    CHECK(find(scene.diagnosis(), "path-loss")->events == 310);
}

TEST_CASE("one process out of descriptors does not explain the full queue of another")
{
    SceneBuilder scene;
    scene.listener(1, 80, 50);
    scene.listener(2, 81, 0).queued = 3;
    ProcessLimits limits;
    limits.pid = 2;
    limits.command = "other";
    limits.open_files = 1024;
    limits.nofile_soft = 1024;
    scene.now.listening_processes->push_back(limits);
    const auto diagnosis = scene.grew("TcpExtListenOverflows", 50).diagnosis();
    REQUIRE(find(diagnosis, "accept-queue-full"));
    CHECK(find(diagnosis, "accept-queue-full")->because_of.empty());
    CHECK(find(diagnosis, "descriptor-limit"));
}

TEST_CASE("what somebody asked for ranks behind what hurts")
{
    const auto diagnosis =
        SceneBuilder().dropped("NETFILTER_DROP", 100'000, "tcp", 23).dropped("UDP_CSUM", 3).diagnosis();
    REQUIRE(diagnosis.causes.size() == 2);
    CHECK(diagnosis.causes[0].cause == "udp-checksum");
    CHECK(diagnosis.causes[1].nature == Nature::Policy);
}

TEST_CASE("a reason without a name is told, not guessed")
{
    const auto diagnosis = SceneBuilder().dropped("reason#131", 500).diagnosis();
    CHECK(diagnosis.causes.empty());
    REQUIRE(diagnosis.quiet.size() == 1);
    CHECK(diagnosis.quiet[0].reason == "reason#131");
    CHECK(diagnosis.quiet[0].meaning.empty());
}

TEST_CASE("a harmful reason without a row of its own is a cause all the same")
{
    const auto diagnosis = SceneBuilder().dropped("TCP_OVERWINDOW", 500).diagnosis();
    REQUIRE(diagnosis.causes.size() == 1);
    CHECK(diagnosis.causes[0].cause == "drop-TCP_OVERWINDOW");
    CHECK(diagnosis.quiet.empty());
}

TEST_CASE("a few drops below the noise stay quiet, but are told")
{
    const auto diagnosis = SceneBuilder().dropped("NO_SOCKET", 2, "tcp", 22).diagnosis();
    CHECK(diagnosis.causes.empty());
    REQUIRE(diagnosis.quiet.size() == 1);
    CHECK(diagnosis.quiet[0].packets == 2);
}

TEST_CASE("a symptom asks only the causes that bring it")
{
    SceneBuilder scene;
    scene.listener(1, 80, 50);
    scene.grew("TcpExtListenOverflows", 50).dropped("UDP_CSUM", 100);
    const auto refused = scene.diagnosis({Symptom::Refused});
    CHECK(find(refused, "accept-queue-full"));
    CHECK_FALSE(find(refused, "udp-checksum"));
    CHECK(refused.cleared.size() < diagnose::all_causes().size());
}

TEST_CASE("lost events and those of other namespaces are part of the answer")
{
    SceneBuilder scene;
    scene.drops->lost = 7;
    scene.drops->elsewhere = 8;
    scene.drops->unplaced = 9;
    const auto diagnosis = scene.diagnosis();
    CHECK(diagnosis.events_lost == 7);
    CHECK(diagnosis.drops_elsewhere == 8);
    CHECK(diagnosis.drops_unplaced == 9);
}
