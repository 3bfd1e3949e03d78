// SPDX-License-Identifier: GPL-2.0-or-later
// From inodes to processes through /proc/PID/fd.
#include "kernel/socket_owners.h"

#include "kernel/process_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

namespace netwright::kernel {
namespace {

constexpr std::array<std::size_t, 3> portions{64, 1024, 16384};

std::string namespace_link(int proc, const std::string& path)
{
    std::array<char, 64> target;
    const auto length = ::readlinkat(proc, path.c_str(), target.data(), target.size());
    return length <= 0 ? "" : std::string(target.data(), static_cast<std::size_t>(length));
}

// Searches until everything is found or nothing is left to look at.
class Search {
public:
    Search(int proc, OwnerSearch& result) : proc_(proc), result_(result), missing_(result.inodes.size()) {}

    void run(const std::vector<std::uint32_t>& pids)
    {
        const std::string ours = namespace_link(proc_, "thread-self/ns/net");
        std::vector<DescriptorWalk> elsewhere;
        for (const auto pid : pids) {
            if (over()) return;
            DescriptorWalk walk(proc_, pid);
            const bool here = namespace_link(proc_, fmt::format("{}/ns/net", pid)) == ours;
            if (here) look(walk, portions.front());
            if (!walk.done()) (here ? walks_ : elsewhere).push_back(walk);
        }
        widen();
        // A process may hold sockets of a namespace it has left, as socket activation into a private one does.
        walks_ = std::move(elsewhere);
        widen();
    }

private:
    bool over() const { return missing_ == 0 || looked_at_ >= owner_search_limit; }

    void widen()
    {
        for (std::size_t step = 0; !walks_.empty() && !over(); ++step) {
            const std::size_t portion = portions[std::min(step, portions.size() - 1)];
            for (auto& walk : walks_)
                if (!over()) look(walk, portion);
            std::erase_if(walks_, [](const DescriptorWalk& walk) { return walk.done(); });
        }
        if (missing_ != 0 && !walks_.empty()) result_.complete = false;
    }

    void look(DescriptorWalk& walk, std::size_t portion)
    {
        const auto looked_at = walk.next(portion, [&](std::uint32_t inode) {
            const auto found = std::ranges::lower_bound(result_.inodes, inode);
            if (found == result_.inodes.end() || *found != inode) return true;
            auto& pid = result_.pids[static_cast<std::size_t>(found - result_.inodes.begin())];
            if (pid == 0) --missing_;
            if (pid == 0) pid = walk.pid();
            return missing_ != 0;
        });
        if (looked_at)
            looked_at_ += *looked_at;
        else if (looked_at.error().kind == Error::Kind::Refused)
            result_.refused = true;
    }

    int proc_;
    OwnerSearch& result_;
    std::size_t missing_;
    std::size_t looked_at_ = 0;
    std::vector<DescriptorWalk> walks_;
};

} // namespace

std::uint32_t OwnerSearch::owner_of(std::uint32_t inode) const
{
    const auto found = std::ranges::lower_bound(inodes, inode);
    return found == inodes.end() || *found != inode ? 0 : pids[static_cast<std::size_t>(found - inodes.begin())];
}

Result<OwnerSearch> find_owners(const Files& files, std::vector<std::uint32_t> inodes)
{
    OwnerSearch result;
    std::erase(inodes, 0);
    std::ranges::sort(inodes);
    const auto repeated = std::ranges::unique(inodes);
    inodes.erase(repeated.begin(), repeated.end());
    result.inodes = std::move(inodes);
    result.pids.resize(result.inodes.size());
    if (result.inodes.empty()) return result;
    const Fd proc = TRY(files.open("proc", O_PATH | O_DIRECTORY));
    Search(proc.get(), result).run(TRY(list_processes(files)));
    return result;
}

Result<DescriptorSummary>
each_socket_descriptor(const Files& files, const std::function<void(std::uint32_t pid, std::uint32_t inode)>& each)
{
    DescriptorSummary summary;
    const Fd proc = TRY(files.open("proc", O_PATH | O_DIRECTORY));
    for (const auto pid : TRY(list_processes(files))) {
        const auto looked_at = DescriptorWalk(proc.get(), pid)
                                   .next(std::numeric_limits<std::size_t>::max() / 64, [&](std::uint32_t inode) {
                                       each(pid, inode);
                                       return true;
                                   });
        if (looked_at)
            summary.looked_at += *looked_at;
        else
            summary.refused |= looked_at.error().kind == Error::Kind::Refused;
    }
    return summary;
}

} // namespace netwright::kernel
