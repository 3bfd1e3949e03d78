// SPDX-License-Identifier: GPL-2.0-or-later
// What has been done to sockets here, each under the name that its owner gave it: a directory of pins, or just a note
// where the kernel keeps the program in the socket itself.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

enum class SocketWork { Tune, Serve, Spread, Filter };
std::string_view to_text(SocketWork work);

struct SocketEntry {
    std::string name;
    SocketWork work = SocketWork::Tune;
    std::string what;                   // in words
    std::uint32_t pid = 0;              // whose sockets; 0: of a cgroup
    std::vector<std::uint64_t> cookies; // of the sockets
    bool operator==(const SocketEntry&) const = default;
};
std::string to_text(const SocketEntry& entry);
Result<SocketEntry> parse_socket_entry(std::string_view text);

// `root` is pin_directory("socket"). In the order of their names.
Result<std::vector<SocketEntry>> socket_entries(const std::filesystem::path& root);
// Why it does nothing any more; "" while it works.
std::string socket_trouble(const std::filesystem::path& root, const SocketEntry& entry);
// Takes it back. Absent: there is none of that name.
Result<void> remove_socket_entry(const std::filesystem::path& root, const std::string& name);

// For the makers of entries: the directory of a new one, which is removed again unless kept. Rejected: no good name,
// or one that is taken.
class NewEntry {
public:
    static Result<NewEntry> make(const std::filesystem::path& root, const std::string& name);
    const std::filesystem::path& directory() const { return directory_; }
    Result<void> keep(const SocketEntry& entry); // writes the note that makes it an entry
    NewEntry(NewEntry&& other) noexcept;
    NewEntry& operator=(NewEntry&&) = delete;
    ~NewEntry();

private:
    explicit NewEntry(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path directory_;
};

} // namespace netwright::dataplane
