// SPDX-License-Identifier: GPL-2.0-or-later
// Walking /proc/PID/fd. getdents64(2) is called directly: how many descriptors one call looks up is set by the size of
// its buffer, and looking up is what costs (fs/proc/fd.c makes an inode for each).
#include "kernel/process_table.h"

#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace netwright::kernel {
namespace {

struct Entry { // linux_dirent64: what getdents64 writes before each name
    std::uint64_t inode;
    std::int64_t next;
    std::uint16_t size;
    std::uint8_t type;
};
constexpr std::size_t name_offset = 19;
constexpr std::size_t entry_size = 24; // names up to 4 digits
static_assert(offsetof(Entry, type) + 1 == name_offset);

} // namespace

Result<std::vector<std::uint32_t>> list_processes(const Files& files)
{
    std::vector<std::uint32_t> pids;
    for (const auto& name : TRY(files.list("proc"))) {
        if (!is_digit(name.front())) continue;
        if (const auto pid = parse_unsigned(name)) pids.push_back(static_cast<std::uint32_t>(*pid));
    }
    std::ranges::sort(pids);
    return pids;
}

Result<std::string> command_of(const Files& files, std::uint64_t pid)
{
    return files.read_line(fmt::format("proc/{}/comm", pid));
}

std::optional<std::uint32_t> parse_socket_link(std::string_view target)
{
    if (!target.starts_with("socket:[") || !target.ends_with(']')) return std::nullopt;
    const auto inode = parse_unsigned(target.substr(8, target.size() - 9));
    if (!inode || *inode > 0xffffffffU) return std::nullopt;
    return static_cast<std::uint32_t>(*inode);
}

Result<std::size_t> DescriptorWalk::next(std::size_t portion, const std::function<bool(std::uint32_t inode)>& each)
{
    const Fd directory(::openat(proc_, fmt::format("{}/fd", pid_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        done_ = true;
        if (errno == ENOENT || errno == ESRCH) return 0;
        return std::unexpected(errno_error(fmt::format("read /proc/{}/fd", pid_), errno));
    }
    if (position_ != 0) ::lseek(directory.get(), position_, SEEK_SET);
    alignas(Entry) std::array<std::byte, 512 * entry_size> buffer;
    std::array<char, 64> target;
    std::size_t looked_at = 0;
    while (looked_at < portion) {
        const std::size_t room = std::min(buffer.size(), (portion - looked_at + 2) * entry_size); // 2: "." and ".."
        const auto got = ::syscall(SYS_getdents64, directory.get(), buffer.data(), room);
        if (got <= 0) {
            done_ = true;
            break;
        }
        for (std::ptrdiff_t at = 0; at < got;) {
            Entry entry;
            std::memcpy(&entry, buffer.data() + at, sizeof entry);
            const auto* const name = reinterpret_cast<const char*>(buffer.data() + at + name_offset);
            at += entry.size;
            position_ = entry.next;
            if (*name == '.') continue;
            ++looked_at;
            const auto length = ::readlinkat(directory.get(), name, target.data(), target.size());
            if (length <= 0) continue; // closed meanwhile
            const auto inode = parse_socket_link({target.data(), static_cast<std::size_t>(length)});
            if (inode && !each(*inode)) return looked_at;
        }
    }
    return looked_at;
}

} // namespace netwright::kernel
