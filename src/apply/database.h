// SPDX-License-Identifier: GPL-2.0-or-later
// SQLite behind Result: statements with values, rows with columns. database.cpp is the one file that includes
// sqlite3.h.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace netwright::apply {

using Column = std::variant<std::monostate, std::int64_t, std::string>; // NULL, a number, a text

// One row of an answer; valid during the call it is handed to.
class Row {
public:
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    std::int64_t number(int column) const;
    std::string text(int column) const; // "" for NULL
    std::optional<std::string> text_or_null(int column) const;

private:
    sqlite3_stmt* statement_;
};

class Database {
public:
    // `writable` also creates the file.
    // `noun` names it in errors.
    static Result<Database> open(const std::filesystem::path& path, bool writable, std::string_view noun = "journal");
    Database(Database&&) noexcept = default;
    Database& operator=(Database&&) noexcept = default;

    // Runs one statement. Statements are prepared once and kept.
    using EachRow = std::function<Result<void>(const Row&)>;
    Result<void> run(std::string_view sql, const std::vector<Column>& values = {}, const EachRow& each = {});
    Result<void> script(const char* sql); // several statements without values
    Result<std::int64_t> number(std::string_view sql, const std::vector<Column>& values = {}); // Absent: no row
    // Everything `act` runs, or nothing of it.
    Result<void> together(const std::function<Result<void>()>& act);

private:
    struct Closer {
        void operator()(sqlite3* database) const;
    };
    struct Finalizer {
        void operator()(sqlite3_stmt* statement) const;
    };
    explicit Database(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}
    Result<sqlite3_stmt*> prepare(std::string_view sql);
    std::unexpected<Error> failure() const;

    std::string path_;
    std::unique_ptr<sqlite3, Closer> database_; // closed after its statements
    std::vector<std::pair<std::string, std::unique_ptr<sqlite3_stmt, Finalizer>>> statements_;
};

} // namespace netwright::apply
