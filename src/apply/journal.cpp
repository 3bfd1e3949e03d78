// SPDX-License-Identifier: GPL-2.0-or-later
// Transactions as rows.
#include "apply/journal.h"

#include "apply/durable_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::apply {
namespace {

constexpr const char* create_schema = R"(
CREATE TABLE transactions(
    id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, started TEXT NOT NULL, changed TEXT NOT NULL,
    boot_id TEXT NOT NULL, host TEXT NOT NULL,
    netns_initial INTEGER NOT NULL, netns_name TEXT NOT NULL, netns_inode INTEGER NOT NULL, netns_cookie INTEGER NOT NULL,
    deadline_ns INTEGER NOT NULL, deadline_at TEXT NOT NULL,
    owner_pid INTEGER NOT NULL, owner_start INTEGER NOT NULL,
    watchdog_pid INTEGER NOT NULL, watchdog_start INTEGER NOT NULL,
    etc_dir TEXT NOT NULL, plan TEXT NOT NULL, note TEXT NOT NULL);
CREATE TABLE steps(
    tx INTEGER NOT NULL REFERENCES transactions(id), n INTEGER NOT NULL, tunable TEXT NOT NULL,
    old TEXT, new TEXT, shown TEXT, follower INTEGER NOT NULL, state TEXT NOT NULL,
    lasts INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY(tx, n)) WITHOUT ROWID;
PRAGMA user_version=2;
)";

// One row an older schema: what makes it the next one. In schema 1 everything that could last did.
struct Migration {
    std::int64_t from;
    const char* script;
};
constexpr std::array migrations{
    Migration{1, "ALTER TABLE steps ADD COLUMN lasts INTEGER NOT NULL DEFAULT 1; PRAGMA user_version=2"},
};

constexpr std::string_view select_transactions =
    "SELECT id, state, started, changed, boot_id, host, netns_initial, netns_name, netns_inode, netns_cookie, "
    "deadline_ns, deadline_at, owner_pid, owner_start, watchdog_pid, watchdog_start, etc_dir, plan, note "
    "FROM transactions ";

Column text_or_null(const std::optional<Value>& value)
{
    if (!value) return std::monostate{};
    return to_text(*value);
}

Result<std::optional<Value>> value_or_nothing(const Tunable& tunable, const std::optional<std::string>& text)
{
    if (!text) return std::optional<Value>{};
    return std::optional(TRY(parse_value(tunable, *text)));
}

std::int64_t as_signed(std::uint64_t number) { return static_cast<std::int64_t>(number); }

ProcessMark process_from(const Row& row, int column)
{
    return {static_cast<int>(row.number(column)), static_cast<std::uint64_t>(row.number(column + 1))};
}

Result<Record> record_from(const Row& row)
{
    Record record;
    record.id = row.number(0);
    record.state = TRY(parse_state(row.text(1)));
    record.started = row.text(2);
    record.changed = row.text(3);
    record.boot_id = row.text(4);
    record.host = row.text(5);
    record.space = {row.number(6) != 0, row.text(7), static_cast<std::uint64_t>(row.number(8)),
                    static_cast<std::uint64_t>(row.number(9))};
    record.deadline = BootTime(row.number(10));
    record.deadline_at = row.text(11);
    record.owner = process_from(row, 12);
    record.watchdog = process_from(row, 14);
    record.etc_dir = row.text(16);
    record.plan_text = row.text(17);
    record.note = row.text(18);
    return record;
}

Result<Step> step_from(const Row& row)
{
    Step step;
    step.tunable = TRY(parse_tunable(row.text(0)));
    step.from = TRY(value_or_nothing(step.tunable, row.text_or_null(1)));
    step.to = TRY(value_or_nothing(step.tunable, row.text_or_null(2)));
    step.shown = TRY(value_or_nothing(step.tunable, row.text_or_null(3)));
    step.follower = row.number(4) != 0;
    step.state = TRY(parse_step_state(row.text(5)));
    step.lasts = row.number(6) != 0;
    return step;
}

Result<void> insert_steps(Database& database, std::int64_t id, const std::vector<Step>& steps)
{
    for (std::size_t n = 0; n < steps.size(); ++n)
        TRY_VOID(database.run("INSERT INTO steps VALUES(?,?,?,?,?,?,?,?,?)",
                              {id, static_cast<std::int64_t>(n), to_text(steps[n].tunable), text_or_null(steps[n].from),
                               text_or_null(steps[n].to), text_or_null(steps[n].shown), std::int64_t{steps[n].follower},
                               std::string(to_text(steps[n].state)), std::int64_t{steps[n].lasts}}));
    return {};
}

Result<void> update_steps(Database& database, const Record& record)
{
    for (std::size_t n = 0; n < record.steps.size(); ++n)
        TRY_VOID(database.run("UPDATE steps SET shown=?, state=? WHERE tx=? AND n=?",
                              {text_or_null(record.steps[n].shown), std::string(to_text(record.steps[n].state)),
                               record.id, static_cast<std::int64_t>(n)}));
    return {};
}

// Everything `act` writes is on the disk when this returns without error.
Result<void> durably(Database& database, const std::function<Result<void>()>& act)
{
    TRY_VOID(database.script("PRAGMA synchronous=FULL"));
    auto done = database.together(act);
    (void)database.script("PRAGMA synchronous=NORMAL");
    return done;
}

// A journal that lies must not be trusted with anybody's old values.
Result<void> check_whole(Database& database)
{
    std::string verdict;
    TRY_VOID(database.run("PRAGMA quick_check(1)", {}, [&](const Row& row) -> Result<void> {
        verdict = row.text(0);
        return {};
    }));
    if (verdict == "ok") return {};
    std::ranges::replace(verdict, '\n', ' ');
    return fail(Error::Kind::Malformed, verdict);
}

// Another netwright may be doing the same: the version is asked again inside.
Result<void> create(Database& database, const std::filesystem::path& directory)
{
    const auto once = [&]() -> Result<void> {
        if (TRY(database.number("PRAGMA user_version")) != 0) return {};
        if (TRY(database.number("SELECT count(*) FROM sqlite_schema")) != 0)
            return fail(Error::Kind::Malformed,
                        fmt::format("journal in {} is another program's database: choose another --state-dir",
                                    directory.string()));
        return database.script(create_schema);
    };
    TRY_VOID(durably(database, once));
    return sync_directory(directory);
}

Result<void> migrate(Database& database)
{
    for (const Migration& step : migrations) {
        const auto once = [&]() -> Result<void> {
            if (TRY(database.number("PRAGMA user_version")) != step.from) return {};
            return database.script(step.script);
        };
        TRY_VOID(durably(database, once));
    }
    return {};
}

Result<void> prepare_schema(Database& database, const std::filesystem::path& directory)
{
    auto version = database.number("PRAGMA user_version");
    if (version && *version == 0) TRY_VOID(create(database, directory));
    if (version && *version > 0 && *version < Journal::schema) TRY_VOID(migrate(database));
    version = database.number("PRAGMA user_version");
    if (!version) return std::unexpected(std::move(version).error());
    if (*version == Journal::schema) return {};
    const bool newer = *version > Journal::schema;
    return fail(
        newer ? Error::Kind::Unsupported : Error::Kind::Malformed,
        fmt::format("journal in {} has schema {}, this netwright knows {}: {}", directory.string(), *version,
                    Journal::schema,
                    newer ? "use the newer one" : "no netwright made it; move it away, or choose another --state-dir"));
}

Result<Database> open_database(const std::filesystem::path& directory, Access access)
{
    const auto path = directory / "journal.db";
    Database database = TRY(Database::open(path, access == Access::Write));
    TRY_VOID(database.script("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON"));
    if (auto whole = check_whole(database); !whole) {
        if (whole.error().what.starts_with("journal")) return std::unexpected(std::move(whole).error());
        return fail(Error::Kind::Malformed,
                    fmt::format("journal {} is damaged ({}): move it away, and look for undo-*.sh beside it",
                                path.string(), whole.error().what));
    }
    TRY_VOID(prepare_schema(database, directory));
    return database;
}

} // namespace

Journal::Journal(std::filesystem::path directory, Database database)
    : directory_(std::move(directory)), database_(std::move(database))
{
}

Result<Journal> Journal::open(const std::filesystem::path& state_dir, Access access)
{
    if (access == Access::Write) {
        auto made = make_directory(state_dir, 0700);
        if (!made) {
            Error error = std::move(made).error();
            error.what += " (the journal needs it: run as root, or choose --state-dir)";
            return std::unexpected(std::move(error));
        }
    } else if (std::error_code ignored; !std::filesystem::exists(state_dir / "journal.db", ignored) && !ignored) {
        return fail(Error::Kind::Absent,
                    fmt::format("nothing was ever applied here: there is no journal in {}", state_dir.string()));
    }
    Database database = TRY(open_database(state_dir, access));
    return Journal(state_dir, std::move(database));
}

Result<std::int64_t> Journal::add(const Record& record)
{
    Database& database = *TRY(opened());
    std::int64_t id = 0;
    const auto insert = [&]() -> Result<void> {
        TRY_VOID(database.run("INSERT INTO transactions VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                              {std::string(to_text(record.state)), record.started, record.changed, record.boot_id,
                               record.host, std::int64_t{record.space.initial}, record.space.name,
                               as_signed(record.space.inode), as_signed(record.space.cookie), record.deadline.count(),
                               record.deadline_at, std::int64_t{record.owner.pid}, as_signed(record.owner.start_ticks),
                               std::int64_t{record.watchdog.pid}, as_signed(record.watchdog.start_ticks),
                               record.etc_dir, record.plan_text, record.note}));
        id = TRY(database.number("SELECT last_insert_rowid()"));
        return insert_steps(database, id, record.steps);
    };
    TRY_VOID(durably(database, insert));
    return id;
}

Result<void> Journal::save(const Record& record)
{
    Database& database = *TRY(opened());
    return durably(database, [&]() -> Result<void> {
        TRY_VOID(database.run("UPDATE transactions SET state=?, changed=?, deadline_ns=?, deadline_at=?, owner_pid=?, "
                              "owner_start=?, watchdog_pid=?, watchdog_start=?, note=? WHERE id=?",
                              {std::string(to_text(record.state)), record.changed, record.deadline.count(),
                               record.deadline_at, std::int64_t{record.owner.pid}, as_signed(record.owner.start_ticks),
                               std::int64_t{record.watchdog.pid}, as_signed(record.watchdog.start_ticks), record.note,
                               record.id}));
        return update_steps(database, record);
    });
}

Result<void> Journal::mark(std::int64_t id, std::size_t step, StepState state)
{
    Database& database = *TRY(opened());
    return database.run("UPDATE steps SET state=? WHERE tx=? AND n=?",
                        {std::string(to_text(state)), id, static_cast<std::int64_t>(step)});
}

namespace {

Result<std::vector<Record>> read_rows(Database& database, std::string_view where, const std::vector<Column>& values)
{
    std::vector<Record> records;
    const auto add_record = [&](const Row& row) -> Result<void> {
        records.push_back(TRY(record_from(row)));
        return {};
    };
    TRY_VOID(database.run(std::string(select_transactions).append(where), values, add_record));
    for (Record& record : records) {
        const auto add_step = [&](const Row& row) -> Result<void> {
            record.steps.push_back(TRY(step_from(row)));
            return {};
        };
        TRY_VOID(
            database.run("SELECT tunable, old, new, shown, follower, state, lasts FROM steps WHERE tx=? ORDER BY n",
                         {record.id}, add_step));
    }
    return records;
}

// A row may name what only a newer netwright knows, without a change of the schema.
Result<std::vector<Record>> read_records(Database& database, std::string_view where, const std::vector<Column>& values,
                                         const std::filesystem::path& directory)
{
    auto records = read_rows(database, where, values);
    if (!records && !records.error().what.starts_with("journal"))
        records.error().what = fmt::format("journal in {}: {}; if a newer netwright wrote that, use it",
                                           directory.string(), records.error().what);
    return records;
}

} // namespace

Result<Record> Journal::find(std::int64_t id) const
{
    Database& database = *TRY(opened());
    auto records = TRY(read_records(database, "WHERE id=?", {id}, directory_));
    if (records.empty())
        return fail(Error::Kind::Absent, fmt::format("there is no transaction {} (see: netwright history)", id));
    return std::move(records.front());
}

Result<std::vector<Record>> Journal::all() const
{
    Database& database = *TRY(opened());
    return read_records(database, "ORDER BY id", {}, directory_);
}

Result<std::vector<Record>> Journal::open_ones() const
{
    Database& database = *TRY(opened());
    return read_records(database, "WHERE state NOT IN ('confirmed','undone','failed') ORDER BY id", {}, directory_);
}

Result<State> Journal::state_of(std::int64_t id) const
{
    Database& database = *TRY(opened());
    std::string state;
    TRY_VOID(database.run("SELECT state FROM transactions WHERE id=?", {id}, [&](const Row& row) -> Result<void> {
        state = row.text(0);
        return {};
    }));
    return parse_state(state);
}

Result<Database*> Journal::opened() const
{
    if (database_) return &*database_;
    return fail(Error::Kind::Interrupted,
                fmt::format("the journal in {} could not be opened again", directory_.string()));
}

Result<void> Journal::while_closed(const std::function<Result<void>()>& act)
{
    database_.reset();
    auto done = act();
    auto reopened = open_database(directory_, Access::Write);
    if (!reopened) return std::unexpected(std::move(reopened).error());
    database_ = std::move(*reopened);
    return done;
}

} // namespace netwright::apply
