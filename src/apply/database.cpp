// SPDX-License-Identifier: GPL-2.0-or-later
// SQLite's C interface, once.
#include "apply/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>

namespace netwright::apply {
namespace {

// What a result code means for the person at the keyboard.
Error describe(const std::string& path, int code, int system_code, const char* words)
{
    if (system_code == ENOSPC || system_code == EDQUOT) code = SQLITE_FULL;
    switch (code & 0xff) {
    case SQLITE_FULL:
        return {Error::Kind::Rejected, fmt::format("{}: the disk is full: free some space, then try again", path),
                ENOSPC};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return {Error::Kind::Malformed,
                fmt::format("{} is damaged ({}): move it away, and look for undo-*.sh beside it", path, words), 0};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return {Error::Kind::Busy, fmt::format("{} is in use: try again", path), EBUSY};
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return {Error::Kind::Refused, fmt::format("{} cannot be written: run as root", path), EACCES};
    case SQLITE_CANTOPEN:
        return {system_code == ENOENT ? Error::Kind::Absent : Error::Kind::Refused,
                fmt::format("{} cannot be opened: {}", path,
                            system_code ? errno_error("", system_code).what.substr(2) : words),
                system_code};
    default:
        return {Error::Kind::Interrupted, fmt::format("{}: {}", path, words), system_code};
    }
}

} // namespace

std::int64_t Row::number(int column) const { return sqlite3_column_int64(statement_, column); }

std::optional<std::string> Row::text_or_null(int column) const
{
    const unsigned char* text = sqlite3_column_text(statement_, column);
    if (!text) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(text),
                       static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::string Row::text(int column) const { return text_or_null(column).value_or(""); }

void Database::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void Database::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<Database> Database::open(const std::filesystem::path& path, bool writable, std::string_view noun)
{
    sqlite3* raw = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | (writable ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
    Database database(fmt::format("{} {}", noun, path.string()), raw);
    if (code != SQLITE_OK) return database.failure();
    sqlite3_busy_timeout(raw, 5000);
    sqlite3_extended_result_codes(raw, 1);
    return database;
}

std::unexpected<Error> Database::failure() const
{
    if (!database_) return fail(Error::Kind::Interrupted, fmt::format("{}: out of memory", path_));
    return std::unexpected(describe(path_, sqlite3_errcode(database_.get()), sqlite3_system_errno(database_.get()),
                                    sqlite3_errmsg(database_.get())));
}

Result<sqlite3_stmt*> Database::prepare(std::string_view sql)
{
    for (const auto& [text, statement] : statements_)
        if (text == sql) return statement.get();
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr) != SQLITE_OK)
        return failure();
    statements_.emplace_back(sql, raw);
    return raw;
}

Result<void> Database::run(std::string_view sql, const std::vector<Column>& values, const EachRow& each)
{
    sqlite3_stmt* const statement = TRY(prepare(sql));
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> finished(statement, sqlite3_reset);
    int place = 0;
    for (const Column& value : values) {
        ++place;
        if (const auto* number = std::get_if<std::int64_t>(&value))
            sqlite3_bind_int64(statement, place, *number);
        else if (const auto* text = std::get_if<std::string>(&value))
            sqlite3_bind_text(statement, place, text->data(), static_cast<int>(text->size()), SQLITE_TRANSIENT);
        else
            sqlite3_bind_null(statement, place);
    }
    for (;;) {
        const int code = sqlite3_step(statement);
        if (code == SQLITE_DONE) return {};
        if (code != SQLITE_ROW) return failure();
        if (each) TRY_VOID(each(Row(statement)));
    }
}

Result<void> Database::script(const char* sql)
{
    if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
    return {};
}

Result<std::int64_t> Database::number(std::string_view sql, const std::vector<Column>& values)
{
    std::optional<std::int64_t> answer;
    TRY_VOID(run(sql, values, [&](const Row& row) -> Result<void> {
        answer = row.number(0);
        return {};
    }));
    if (!answer) return fail(Error::Kind::Absent, fmt::format("{}: no such row", path_));
    return *answer;
}

Result<void> Database::together(const std::function<Result<void>()>& act)
{
    TRY_VOID(script("BEGIN IMMEDIATE"));
    auto done = act();
    if (done) done = script("COMMIT");
    if (!done) (void)script("ROLLBACK"); // fails where SQLite has already rolled back by itself
    return done;
}

} // namespace netwright::apply
