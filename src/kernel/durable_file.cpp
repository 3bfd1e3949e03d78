// SPDX-License-Identifier: GPL-2.0-or-later
// Atomic, durable replacement of small files: write, fsync, rename, fsync the directory.
#include "kernel/durable_file.h"

#include "base/fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

namespace netwright::kernel {
namespace {

Result<void> write_all(const Fd& file, const std::filesystem::path& path, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t put = ::write(file.get(), text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return std::unexpected(errno_error("write " + path.string(), errno));
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<void> write_new(const std::filesystem::path& path, std::string_view text, mode_t mode)
{
    const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) return std::unexpected(errno_error("write " + path.string(), errno));
    TRY_VOID(write_all(file, path, text));
    if (::fchmod(file.get(), mode) != 0) return std::unexpected(errno_error("write " + path.string(), errno));
    if (::fsync(file.get()) != 0) return std::unexpected(errno_error("sync " + path.string(), errno));
    return {};
}

} // namespace

Result<void> sync_directory(const std::filesystem::path& directory)
{
    const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return std::unexpected(errno_error("sync " + directory.string(), errno));
    return {};
}

Result<void> make_directory(const std::filesystem::path& directory, mode_t mode)
{
    struct stat facts{};
    if (::stat(directory.c_str(), &facts) == 0) {
        if (S_ISDIR(facts.st_mode)) return {};
        return std::unexpected(errno_error("create directory " + directory.string(), ENOTDIR));
    }
    const auto parent = directory.has_parent_path() ? directory.parent_path() : std::filesystem::path(".");
    if (parent != directory) TRY_VOID(make_directory(parent, 0755));
    if (::mkdir(directory.c_str(), mode) != 0 && errno != EEXIST)
        return std::unexpected(errno_error("create directory " + directory.string(), errno));
    return sync_directory(parent);
}

Result<void> write_durably(const std::filesystem::path& path, std::string_view text, mode_t mode)
{
    TRY_VOID(make_directory(path.parent_path(), 0755));
    const auto beside = std::filesystem::path(path).concat(".new");
    auto written = write_new(beside, text, mode);
    if (written && ::rename(beside.c_str(), path.c_str()) != 0)
        written = std::unexpected(errno_error("write " + path.string(), errno));
    if (!written) {
        ::unlink(beside.c_str());
        return written;
    }
    return sync_directory(path.parent_path());
}

Result<void> remove_durably(const std::filesystem::path& path)
{
    ::unlink(std::filesystem::path(path).concat(".new").c_str()); // left behind by a crash in write_durably
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        return std::unexpected(errno_error("remove " + path.string(), errno));
    }
    return sync_directory(path.parent_path());
}

} // namespace netwright::kernel
