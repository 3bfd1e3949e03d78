// SPDX-License-Identifier: GPL-2.0-or-later
// The journal reads back what it was told, and refuses to be trusted when it is damaged.
#include "apply/journal.h"
#include "apply/lock.h"
#include "tunable/tree.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace netwright;
using namespace netwright::apply;
using netwright::test::TemporaryDirectory;

namespace {

Record full_record()
{
    Record record;
    record.state = State::Prepared;
    record.started = record.changed = "2026-11-21T01:02:03Z";
    record.boot_id = "boot";
    record.host = "machine";
    record.space = {false, "blue", 4026532000, 0xffffffffffffffff};
    record.deadline = BootTime(123456789);
    record.deadline_at = "2026-11-21T02:00:00Z";
    record.owner = {17, 99};
    record.watchdog = {18, 100};
    record.etc_dir = "/etc";
    record.plan_text = "changes: [] # 'quoted'\n";
    record.note = "";
    const auto step = [](const char* tunable, const char* from, const char* to, bool follower) {
        Step one;
        one.tunable = *parse_tunable(tunable);
        if (from) one.from = *parse_value(one.tunable, from);
        if (to) one.to = *parse_value(one.tunable, to);
        one.follower = follower;
        return one;
    };
    record.steps = {step("net.ipv4.tcp_rmem", "1 2 3", "4 5 6", false),
                    step("queue/eth0/rx-0/rps_cpus", "0", "0-3,9", false),
                    step("net.ipv4.ip_local_reserved_ports", nullptr, "80-90", false),
                    step("net.ipv4.tcp_congestion_control", "cubic", nullptr, true)};
    record.steps[0].lasts = false;
    return record;
}

} // namespace

TEST_CASE("a record reads back as the same value, in every state")
{
    TemporaryDirectory directory;
    Record record = full_record();
    {
        auto journal = Journal::open(directory.path(), Access::Write);
        REQUIRE(journal);
        const auto id = journal->add(record);
        REQUIRE(id);
        record.id = *id;
        CHECK(journal->find(*id) == Result<Record>(record));
        for (int state = 0; state <= static_cast<int>(State::Failed); ++state) {
            record.state = static_cast<State>(state);
            record.steps[0].state = StepState::Written;
            record.steps[1].shown = record.steps[1].to;
            record.note = "note " + std::to_string(state);
            REQUIRE(journal->save(record));
            CHECK(journal->open_ones()->size() == (is_open(record.state) ? 1 : 0));
        }
        REQUIRE(journal->mark(record.id, 2, StepState::Writing));
        record.steps[2].state = StepState::Writing;
    }
    auto again = Journal::open(directory.path(), Access::Read);
    REQUIRE(again);
    CHECK(again->find(record.id) == Result<Record>(record));
    CHECK(again->find(99).error().kind == Error::Kind::Absent);
}

TEST_CASE("a journal of the first schema is brought up to date, and says what it always said")
{
    TemporaryDirectory directory;
    Record record = full_record();
    record.steps[0].lasts = true; // as all steps did
    {
        auto journal = Journal::open(directory.path(), Access::Write);
        REQUIRE(journal);
        record.id = journal->add(record).value();
    }
    {
        auto database = Database::open(directory.path() / "journal.db", true);
        REQUIRE(database);
        REQUIRE(database->script("ALTER TABLE steps DROP COLUMN lasts; PRAGMA user_version=1"));
    }
    auto journal = Journal::open(directory.path(), Access::Read);
    REQUIRE(journal);
    CHECK(journal->find(record.id) == Result<Record>(record));
}

TEST_CASE("a journal that is none, of a newer schema, or with a row nobody knows is refused with its name")
{
    TemporaryDirectory directory;
    Record record = full_record();
    {
        auto journal = Journal::open(directory.path(), Access::Write);
        REQUIRE(journal);
        REQUIRE(journal->add(record));
    }
    const auto with = [&](const char* script) -> Error {
        auto database = Database::open(directory.path() / "journal.db", true);
        REQUIRE(database);
        REQUIRE(database->script(script));
        auto journal = Journal::open(directory.path(), Access::Change);
        if (!journal) return journal.error();
        const auto all = journal->all();
        REQUIRE_FALSE(all);
        return all.error();
    };
    const Error unknown = with("UPDATE steps SET tunable='warp/9' WHERE n=0");
    CHECK(unknown.what.starts_with("journal in " + directory.path().string()));
    CHECK(unknown.what.ends_with("if a newer netwright wrote that, use it"));
    CHECK(with("PRAGMA user_version=99").kind == Error::Kind::Unsupported);
    CHECK(with("PRAGMA user_version=-1").kind == Error::Kind::Malformed);
    const Error other = with("PRAGMA user_version=0");
    CHECK(other.kind == Error::Kind::Malformed);
    CHECK(other.what.find("another program's database") != std::string::npos);
}

TEST_CASE("a journal that was not made yet is absent for readers")
{
    TemporaryDirectory directory;
    const auto none = Journal::open(directory.path() / "state", Access::Read);
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == Error::Kind::Absent);
    CHECK_FALSE(std::filesystem::exists(directory.path() / "state"));
}

TEST_CASE("the state directory is for root's eyes only")
{
    TemporaryDirectory directory;
    REQUIRE(Journal::open(directory.path() / "a/state", Access::Write));
    struct stat facts{};
    REQUIRE(::stat((directory.path() / "a/state").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0700);
}

TEST_CASE("a damaged journal is refused in one line that names it")
{
    TemporaryDirectory directory;
    {
        auto journal = Journal::open(directory.path(), Access::Write);
        REQUIRE(journal);
        for (int i = 0; i < 50; ++i)
            REQUIRE(journal->add(full_record()));
    }
    const auto file = directory.path() / "journal.db";
    SUBCASE("not a database") { std::ofstream(file, std::ios::binary) << std::string(4096, 'x'); }
    SUBCASE("truncated") { std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2); }
    SUBCASE("overwritten in the middle")
    {
        std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
        out.seekp(4096);
        out << std::string(8192, '\xff');
    }
    for (const Access access : {Access::Write, Access::Read}) {
        const auto opened = Journal::open(directory.path(), access);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().kind == Error::Kind::Malformed);
        CHECK(opened.error().what.find(file.string()) != std::string::npos);
        CHECK(opened.error().what.find('\n') == std::string::npos);
    }
}

TEST_CASE("a state directory that cannot be made is an error with a way out")
{
    TemporaryDirectory directory;
    std::ofstream(directory.path() / "file") << "not a directory";
    const auto refused = Journal::open(directory.path() / "file", Access::Write);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.find("--state-dir") != std::string::npos);
}

TEST_CASE("the lock is free again when its holder ends")
{
    TemporaryDirectory directory;
    {
        const auto held = Lock::take(directory.path(), std::chrono::milliseconds(0));
        REQUIRE(held);
        held->announce(5);
        const auto second = Lock::take(directory.path(), std::chrono::milliseconds(10));
        REQUIRE_FALSE(second);
        CHECK(second.error().kind == Error::Kind::Busy);
        CHECK(second.error().what.find("is applying transaction 5") != std::string::npos);
    }
    CHECK(Lock::take(directory.path(), std::chrono::milliseconds(0)));
}
