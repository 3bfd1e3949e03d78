// SPDX-License-Identifier: GPL-2.0-or-later
// Reading and writing /proc and /sys.
#include "kernel/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace netwright::kernel {
namespace {

// Paths are a few dozen bytes; this keeps a NUL-terminated copy off the heap.
class Path {
public:
    explicit Path(std::string_view text)
    {
        while (text.starts_with('/'))
            text.remove_prefix(1);
        if (text.size() >= sizeof small_) {
            large_ = text;
            return;
        }
        std::memcpy(small_, text.data(), text.size());
        small_[text.size()] = '\0';
    }
    const char* c_str() const { return large_.empty() ? (*small_ ? small_ : ".") : large_.c_str(); }

private:
    char small_[256];
    std::string large_;
};

int open_in_root(int root, const char* path, int flags)
{
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

constexpr std::string_view class_net = "sys/class/net";
constexpr off_t largest_captured = 64 << 20; // no file that a collector reads comes near

// A tree may come from anywhere: opening its FIFO would wait for a writer for ever, opening its device node would reach
// a driver, and a sparse file would fill the memory.
Result<void> refuse_strange(int root, const char* path, const std::string& shown)
{
    const Fd place(open_in_root(root, path, O_PATH | O_CLOEXEC));
    struct stat facts{};
    if (!place || ::fstat(place.get(), &facts) != 0) return {}; // whoever opens it is told why
    if (!S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode))
        return fail(Error::Kind::Malformed, shown + ": a captured tree holds files and directories, not this");
    if (S_ISREG(facts.st_mode) && facts.st_size > largest_captured)
        return fail(Error::Kind::Malformed, shown + ": too large for a captured file of /proc or /sys");
    return {};
}

} // namespace

Files Files::live()
{
    Files files;
    files.live_ = true;
    files.root_.reset(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return files;
}

Result<Files> Files::tree(const std::string& directory)
{
    Files files;
    files.root_.reset(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!files.root_) return std::unexpected(errno_error("open " + directory, errno));
    files.prefix_ = directory;
    while (files.prefix_.size() > 1 && files.prefix_.back() == '/')
        files.prefix_.pop_back();
    if (!files.exists("proc") && !files.exists("sys"))
        return fail(Error::Kind::Rejected,
                    fmt::format("{}: holds neither proc nor sys, so it is no captured tree", directory));
    return files;
}

std::string Files::display(std::string_view path) const
{
    return fmt::format("{}{}{}", prefix_, path.starts_with('/') ? "" : "/", path);
}

Result<Fd> Files::open(std::string_view path, int flags) const
{
    int fd = -1;
    if (!live_) {
        if ((flags & O_PATH) == 0) TRY_VOID(refuse_strange(root_.get(), Path(path).c_str(), display(path)));
        fd = open_in_root(root_.get(), Path(path).c_str(), flags | O_CLOEXEC);
    } else if (sysfs_ && path.starts_with(class_net)) {
        fd = ::openat(sysfs_.get(), Path(path.substr(4)).c_str(), flags | O_CLOEXEC);
    } else {
        fd = ::openat(root_.get(), Path(path).c_str(), flags | O_CLOEXEC);
    }
    if (fd < 0)
        return std::unexpected(
            errno_error((flags & O_ACCMODE) == O_RDONLY ? "read " + display(path) : "write " + display(path), errno));
    return Fd(fd);
}

Result<void> Files::read_into(std::string_view path, std::string& buffer) const
{
    buffer.clear();
    const Fd file = TRY(open(path, O_RDONLY));
    std::size_t used = 0;
    buffer.resize(std::max<std::size_t>(buffer.capacity(), 512));
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer.data() + used, buffer.size() - used);
        if (got < 0) {
            if (errno == EINTR) continue;
            const int code = errno;
            buffer.clear();
            return std::unexpected(errno_error("read " + display(path), code));
        }
        if (got == 0) break;
        used += static_cast<std::size_t>(got);
        if (used == buffer.size()) buffer.resize(buffer.size() * 2);
    }
    buffer.resize(used);
    return {};
}

Result<std::string> Files::read(std::string_view path) const
{
    std::string text;
    TRY_VOID(read_into(path, text));
    return text;
}

Result<std::string> Files::read_line(std::string_view path) const
{
    std::string text = TRY(read(path));
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

Result<void> Files::write(std::string_view path, std::string_view text) const
{
    // A file of a captured tree keeps the rest of a longer old value unless it is cut.
    const Fd file = TRY(open(path, live_ ? O_WRONLY : O_WRONLY | O_TRUNC));
    ssize_t put = 0;
    do
        put = ::write(file.get(), text.data(), text.size());
    while (put < 0 && errno == EINTR);
    if (put < 0) return std::unexpected(errno_error("write " + display(path), errno));
    if (static_cast<std::size_t>(put) != text.size())
        return fail(Error::Kind::Interrupted,
                    fmt::format("write {}: only {} of {} bytes were taken", display(path), put, text.size()));
    return {};
}

Result<std::vector<std::string>> Files::list(std::string_view directory) const
{
    Fd fd = TRY(open(directory, O_RDONLY | O_DIRECTORY));
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), ::closedir);
    if (!stream) return std::unexpected(errno_error("list " + display(directory), errno));
    fd.release(); // the stream owns it now
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0 && names.empty()) return std::unexpected(errno_error("list " + display(directory), errno));
    std::ranges::sort(names);
    return names;
}

Result<std::string> Files::link(std::string_view path) const
{
    char target[4096];
    ssize_t length = -1;
    const int base = live_ && sysfs_ && path.starts_with(class_net) ? sysfs_.get() : root_.get();
    if (live_) {
        length = ::readlinkat(base, Path(base == sysfs_.get() ? path.substr(4) : path).c_str(), target, sizeof target);
    } else {
        const Fd fd(open_in_root(root_.get(), Path(path).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (fd) length = ::readlinkat(fd.get(), "", target, sizeof target);
    }
    if (length < 0) return std::unexpected(errno_error("read link " + display(path), errno));
    return std::string(target, static_cast<std::size_t>(length));
}

bool Files::exists(std::string_view path) const { return open(path, O_PATH).has_value(); }

} // namespace netwright::kernel
