// SPDX-License-Identifier: GPL-2.0-or-later
// Entries in bpffs: making, listing and removing them.
#include "dataplane/socket_entry.h"

#include "base/text.h"
#include "dataplane/pins.h"
#include "kernel/process_socket.h"
#include "model/words.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> work_words{"tune", "serve", "spread", "filter"};
constexpr int detach_reuseport = 68; // SO_DETACH_REUSEPORT_BPF (Linux 5.3)

Result<void> check_name(const std::string& name)
{
    const bool plain = std::ranges::all_of(name, [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    });
    if (plain && !name.empty() && name.size() <= 40) return {};
    return fail(Error::Kind::Rejected,
                fmt::format("'{}' is no name: 1 to 40 letters, digits, '-' and '_'", name.substr(0, 60)));
}

// The kernel keeps these programs in the socket: they are taken out of it again.
Result<void> detach_from_sockets(const SocketEntry& entry)
{
    const auto sockets = kernel::sockets_of_process(entry.pid);
    if (!sockets && sockets.error().kind == Error::Kind::Absent) return {}; // they went with their process
    if (!sockets) return std::unexpected(sockets.error());
    const int option = entry.work == SocketWork::Spread ? detach_reuseport : SO_DETACH_FILTER;
    const int none = 0;
    for (const kernel::ProcessSocket& socket : *sockets) {
        if (std::ranges::find(entry.cookies, socket.cookie) == entry.cookies.end()) continue;
        if (::setsockopt(socket.fd.get(), SOL_SOCKET, option, &none, sizeof none) < 0 && errno != ENOENT)
            return std::unexpected(errno_error(fmt::format("take '{}' back", entry.name), errno));
    }
    return {};
}

// The directory, and those above it that it was the last in.
Result<void> remove_directory(const fs::path& directory)
{
    TRY_VOID(remove_pins(directory));
    ::rmdir(directory.parent_path().parent_path().c_str());
    return {};
}

bool has_socket(const fs::path& map)
{
    const Fd sockets(bpf_obj_get(map.c_str()));
    for (const std::uint32_t key : {0U, 1U}) {
        std::uint64_t cookie = 0;
        if (sockets && bpf_map_lookup_elem(sockets.get(), &key, &cookie) == 0) return true;
    }
    return false;
}

std::string link_trouble(const fs::path& link, std::string_view gone)
{
    const Fd held(bpf_obj_get(link.c_str()));
    const auto facts = held ? facts_of(held.get()) : Result<LinkFacts>(LinkFacts{});
    return facts && facts->there ? "" : std::string(gone);
}

std::string socket_is_gone(const SocketEntry& entry)
{
    const auto sockets = kernel::sockets_of_process(entry.pid);
    if (!sockets && sockets.error().kind == Error::Kind::Absent) return fmt::format("process {} has ended", entry.pid);
    if (!sockets) return sockets.error().what;
    const bool there = std::ranges::any_of(*sockets, [&](const kernel::ProcessSocket& socket) {
        return std::ranges::find(entry.cookies, socket.cookie) != entry.cookies.end();
    });
    return there ? "" : fmt::format("process {} has closed the socket", entry.pid);
}

} // namespace

std::string_view to_text(SocketWork work) { return work_words.at(static_cast<std::size_t>(work)); }

std::string to_text(const SocketEntry& entry)
{
    std::string text =
        fmt::format("name {}\nwork {}\nwhat {}\npid {}\n", entry.name, to_text(entry.work), entry.what, entry.pid);
    for (const std::uint64_t cookie : entry.cookies)
        text += fmt::format("cookie {}\n", cookie);
    return text;
}

Result<SocketEntry> parse_socket_entry(std::string_view text)
{
    SocketEntry entry;
    for (std::string_view line; next_line(text, line);) {
        std::string_view word, rest = line;
        next_word(rest, word);
        rest = trim(rest);
        if (word == "name")
            entry.name = rest;
        else if (word == "work")
            entry.work = TRY(word_to<SocketWork>("work on sockets", work_words, rest));
        else if (word == "what")
            entry.what = rest;
        else if (word == "pid")
            entry.pid = static_cast<std::uint32_t>(TRY(parse_unsigned(rest)));
        else if (word == "cookie")
            entry.cookies.push_back(TRY(parse_unsigned(rest)));
        else
            return fail(Error::Kind::Malformed, fmt::format("a note about sockets has a line '{}'", line));
    }
    return entry;
}

Result<std::vector<SocketEntry>> socket_entries(const fs::path& root)
{
    std::vector<SocketEntry> entries;
    std::error_code unknown;
    for (fs::directory_iterator at(root, unknown), end; !unknown && at != end; at.increment(unknown))
        if (const auto text = TRY(pinned_state(at->path()))) {
            auto entry = TRY(parse_socket_entry(*text));
            entries.push_back(std::move(entry));
        }
    std::ranges::sort(entries, {}, &SocketEntry::name);
    return entries;
}

std::string socket_trouble(const fs::path& root, const SocketEntry& entry)
{
    const fs::path directory = root / entry.name;
    if (entry.work == SocketWork::Tune) return link_trouble(directory / "link-cgroup", "its cgroup is gone");
    if (entry.work != SocketWork::Serve) return socket_is_gone(entry);
    if (!has_socket(directory / "sockets")) return "the listening socket is closed: take it off and serve again";
    return link_trouble(directory / "link-namespace", "its network namespace is gone");
}

Result<void> remove_socket_entry(const fs::path& root, const std::string& name)
{
    TRY_VOID(check_name(name));
    const fs::path directory = root / name;
    const auto text = TRY(pinned_state(directory));
    if (!text) {
        std::error_code unknown;
        if (!fs::exists(directory, unknown))
            return fail(Error::Kind::Absent, fmt::format("there is no '{}' (see: netwright socket list)", name));
        return remove_directory(directory); // a command was killed while it made it
    }
    const SocketEntry entry = TRY(parse_socket_entry(*text));
    if (entry.work == SocketWork::Spread || entry.work == SocketWork::Filter) TRY_VOID(detach_from_sockets(entry));
    return remove_directory(directory);
}

Result<NewEntry> NewEntry::make(const fs::path& root, const std::string& name)
{
    TRY_VOID(check_name(name));
    if (TRY(pinned_state(root / name)))
        return fail(Error::Kind::Rejected,
                    fmt::format("there is a '{0}' already: netwright socket off {0}, or choose another name", name));
    std::error_code unknown;
    if (fs::exists(root / name, unknown)) TRY_VOID(remove_directory(root / name));
    fs::create_directories(root / name, unknown);
    if (unknown) return std::unexpected(errno_error("make " + (root / name).string(), unknown.value()));
    return NewEntry(root / name);
}

Result<void> NewEntry::keep(const SocketEntry& entry)
{
    TRY_VOID(prepare_state(directory_, to_text(entry)));
    TRY_VOID(commit_state(directory_));
    directory_.clear();
    return {};
}

NewEntry::NewEntry(NewEntry&& other) noexcept : directory_(std::exchange(other.directory_, {})) {}

NewEntry::~NewEntry()
{
    if (!directory_.empty()) (void)remove_directory(directory_);
}

} // namespace netwright::dataplane
