// SPDX-License-Identifier: GPL-2.0-or-later
// The journal of transactions: an SQLite database in the state directory (docs/formats/journal.md).
//
// It is kept in WAL mode. A state is written with synchronous=FULL: when save() returns, it is on the disk. The mark
// "now writing step 7" only has to survive the end of our process, not a power failure, after which the kernel has
// forgotten its values anyway; so it is written without a sync, and 100 steps cost no 100 turns of the disk.
#pragma once

#include "apply/database.h"
#include "apply/record.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace netwright::apply {

enum class Access { Read, Change, Write };

class Journal {
public:
    static constexpr int schema = 2;

    // Write: creates the state directory (mode 0700) and the journal. Read, Change: Absent when there is none.
    // Malformed: it is damaged; Unsupported: made by a newer netwright; Refused: run as root.
    static Result<Journal> open(const std::filesystem::path& state_dir, Access access);
    const std::filesystem::path& directory() const { return directory_; }

    Result<std::int64_t> add(const Record& record); // durable; gives the new id
    Result<void> save(const Record& record);        // durable: all of it but the plan and the list of steps
    Result<void> mark(std::int64_t id, std::size_t step, StepState state); // survives our end, not a power failure

    Result<Record> find(std::int64_t id) const;    // Absent: no such transaction
    Result<std::vector<Record>> all() const;       // oldest first
    Result<std::vector<Record>> open_ones() const; // not yet closed, oldest first
    Result<State> state_of(std::int64_t id) const; // cheap: what the watchdog asks again and again

    // Closes the database, calls `act`, opens it again. A process that forks must not hold an SQLite connection
    // (https://www.sqlite.org/howtocorrupt.html, section 2.6).
    Result<void> while_closed(const std::function<Result<void>()>& act);

private:
    Journal(std::filesystem::path directory, Database database);
    Result<Database*> opened() const;
    std::filesystem::path directory_;
    // Questions need prepared statements, which the database keeps: reading changes it, but nothing one can see.
    mutable std::optional<Database> database_;
};

} // namespace netwright::apply
