// SPDX-License-Identifier: GPL-2.0-or-later
// Every net.* sysctl, and those of fs, vm, kernel and user that bear on the network.
// About 1,050 files: each costs one openat relative to its directory, one pread and one close, nothing else.
#include "base/text.h"
#include "host/collect.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>

namespace netwright::host {
namespace {

// What is wanted besides net.*: names in one directory below /proc/sys, `*` allowed.
struct Wanted {
    std::string_view directory;
    std::span<const std::string_view> names;
};

constexpr std::array<std::string_view, 3> fs_names{"file-max", "file-nr", "nr_open"};
constexpr std::array<std::string_view, 1> any_name{"*"};
constexpr std::array<std::string_view, 15> kernel_names{
    "numa_balancing",
    "timer_migration",
    "unprivileged_bpf_disabled",
    "bpf_*",
    "threads-max",
    "pid_max",
    "sched_*",
    "perf_event_paranoid",
    "perf_event_max_*",
    "io_uring_disabled",
    "msgmax",
    "nmi_watchdog",
    "watchdog",
    "tainted",
    "perf_cpu_time_max_percent",
};
constexpr std::array<std::string_view, 11> vm_names{
    "min_free_kbytes", "swappiness",   "watermark_*",        "zone_reclaim_mode",    "overcommit_*",      "dirty_*",
    "max_map_count",   "nr_hugepages", "vfs_cache_pressure", "admin_reserve_kbytes", "percpu_pagelist_*",
};
constexpr std::array<std::string_view, 1> user_names{"max_net_namespaces"};

constexpr std::array<Wanted, 6> wanted_elsewhere{{
    {"fs", fs_names},
    {"fs/epoll", any_name},
    {"fs/inotify", any_name},
    {"kernel", kernel_names},
    {"vm", vm_names},
    {"user", user_names},
}};

constexpr unsigned deepest = 16; // net/ipv4/conf/eth0/… is 5 deep; a captured tree may be hostile
constexpr std::size_t most_keys = 1U << 20;

bool matches(std::span<const std::string_view> names, std::string_view name)
{
    return std::ranges::any_of(names, [&](std::string_view pattern) { return glob_match(pattern, name); });
}

// struct linux_dirent64 (include/linux/dirent.h), which glibc does not declare for getdents64 users.
struct Entry {
    std::uint64_t inode;
    std::int64_t next;
    unsigned short length;
    unsigned char type;
    char name[1];
};

class Walk {
public:
    explicit Walk(const kernel::Files& files) : files_(files), buffer_(512, '\0') { values_.reserve(1200); }

    // Everything below `directory`, or only the files in it that `names` allows.
    void take(std::string_view directory, std::span<const std::string_view> names)
    {
        auto opened = files_.open(fmt::format("proc/sys/{}", directory), O_RDONLY | O_DIRECTORY);
        if (!opened) return note_missing(directory, opened.error());
        key_ = directory;
        std::ranges::replace(key_, '/', '.');
        names_ = names;
        each_entry(opened->get(), 0);
    }

    std::vector<SysctlValue> values() && { return std::move(values_); }

private:
    // A directory that does not exist says nothing (no net.* keys); one that cannot be read must not look the same.
    void note_missing(std::string_view directory, const Error& error)
    {
        if (error.kind == Error::Kind::Absent) return;
        std::string key(directory);
        std::ranges::replace(key, '/', '.');
        values_.push_back({std::move(key), std::unexpected(error)});
    }

    void each_entry(int directory, unsigned depth)
    {
        alignas(Entry) char entries[4096];
        for (;;) {
            const auto got = ::syscall(SYS_getdents64, directory, entries, sizeof entries);
            if (got < 0) values_.push_back({key_, std::unexpected(errno_error("list " + path(), errno))});
            if (got <= 0) return;
            for (long at = 0; at < got;) {
                const auto* const entry = reinterpret_cast<const Entry*>(entries + at);
                at += entry->length;
                const char* const name = entries + at - entry->length + offsetof(Entry, name);
                if (values_.size() < most_keys) take_entry(directory, name, entry->type, depth);
            }
        }
    }

    void take_entry(int directory, const char* name, unsigned char type, unsigned depth)
    {
        if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'))) return;
        const std::size_t mark = key_.size();
        key_ += '.';
        // A dot inside a component (an interface called eth0.100) is printed as a slash, as sysctl(8) does.
        for (const char* c = name; *c; ++c)
            key_ += *c == '.' ? '/' : *c;
        if (type == DT_UNKNOWN) type = type_of(directory, name);
        if (type == DT_DIR && names_.empty() && depth < deepest) {
            const Fd below(::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            if (below)
                each_entry(below.get(), depth + 1);
            else
                values_.push_back({key_, std::unexpected(errno_error("list " + path(), errno))});
        } else if (type == DT_REG && (names_.empty() || matches(names_, name))) {
            values_.push_back({key_, read_value(directory, name)});
        }
        key_.resize(mark);
    }

    static unsigned char type_of(int directory, const char* name)
    {
        struct stat status{};
        if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return DT_UNKNOWN;
        return S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
    }

    Result<std::string> read_value(int directory, const char* name)
    {
        const Fd file(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (!file) return unreadable(directory, name, errno);
        // A handler gives its whole value to one read that is large enough, and nothing at any later position
        // (kernel/sysctl.c): a full buffer means that the value must be read again from its start.
        for (;;) {
            const ssize_t got = ::pread(file.get(), buffer_.data(), buffer_.size(), 0);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return unreadable(directory, name, errno);
            const auto length = static_cast<std::size_t>(got);
            if (length == buffer_.size() && length < largest_value) {
                buffer_.resize(buffer_.size() * 4);
                continue;
            }
            std::string_view text(buffer_.data(), length);
            if (text.ends_with('\n')) text.remove_suffix(1);
            return std::string(text);
        }
    }

    std::unexpected<Error> unreadable(int directory, const char* name, int code) const
    {
        struct stat status{};
        const bool write_only = code == EACCES && ::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                                !(status.st_mode & 0444U);
        if (write_only) return fail(Error::Kind::Refused, fmt::format("{} can only be written", path()), code);
        // addrconf_sysctl_stable_secret() gives EIO until a secret is set (net/ipv6/addrconf.c).
        if (code == EIO && std::string_view(name) == "stable_secret")
            return fail(Error::Kind::Absent, fmt::format("read {}: no secret is set", path()), code);
        return std::unexpected(errno_error("read " + path(), code));
    }

    // key_ as a path for messages.
    std::string path() const
    {
        std::string text = files_.display("proc/sys/");
        for (const char c : key_)
            text += c == '.' ? '/' : c == '/' ? '.' : c;
        return text;
    }

    static constexpr std::size_t largest_value = 512U << 8;

    const kernel::Files& files_;
    std::string key_;
    std::span<const std::string_view> names_; // empty: everything, and deeper
    std::string buffer_;
    std::vector<SysctlValue> values_;
};

} // namespace

SysctlTable collect_sysctls(const kernel::Kernel& kernel)
{
    Walk walk(kernel.files);
    walk.take("net", {});
    for (const Wanted& wanted : wanted_elsewhere)
        walk.take(wanted.directory, wanted.names);
    return SysctlTable(std::move(walk).values());
}

} // namespace netwright::host
