// SPDX-License-Identifier: GPL-2.0-or-later
// flock(2) on <state-dir>/lock. The kernel gives it back however its holder ends.
#include "apply/lock.h"

#include "base/text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <array>
#include <cerrno>
#include <thread>

namespace netwright::apply {
namespace {

// The file says "PID TRANSACTION".
Error busy(const Fd& file)
{
    std::array<char, 64> buffer{};
    const ssize_t got = ::pread(file.get(), buffer.data(), buffer.size() - 1, 0);
    const auto words = split_words(std::string_view(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
    std::string who = words.empty() ? "another netwright" : fmt::format("another netwright (pid {})", words[0]);
    who += words.size() < 2 ? " is at work" : fmt::format(" is applying transaction {}", words[1]);
    return {Error::Kind::Busy, who + ": wait or see `netwright status`", EWOULDBLOCK};
}

} // namespace

Result<Lock> Lock::take(const std::filesystem::path& state_dir, std::chrono::milliseconds patience)
{
    const auto path = state_dir / "lock";
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return std::unexpected(errno_error("open " + path.string(), errno));
    const auto end = std::chrono::steady_clock::now() + patience;
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return std::unexpected(errno_error("lock " + path.string(), errno));
        if (std::chrono::steady_clock::now() >= end) return std::unexpected(busy(file));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    Lock lock(std::move(file));
    lock.announce(0);
    return lock;
}

void Lock::announce(std::int64_t transaction) const
{
    const std::string text =
        transaction == 0 ? fmt::format("{}\n", ::getpid()) : fmt::format("{} {}\n", ::getpid(), transaction);
    if (::ftruncate(file_.get(), 0) == 0) (void)!::pwrite(file_.get(), text.data(), text.size(), 0);
}

} // namespace netwright::apply
