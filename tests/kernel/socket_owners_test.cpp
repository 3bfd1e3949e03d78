// SPDX-License-Identifier: GPL-2.0-or-later
// These look at the descriptors of the test itself, which needs no rights.
#include "kernel/process_table.h"
#include "kernel/socket_owners.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

using namespace netwright;
using namespace netwright::kernel;

namespace {

std::uint32_t inode_of(int fd)
{
    struct stat status{};
    REQUIRE(::fstat(fd, &status) == 0);
    return static_cast<std::uint32_t>(status.st_ino);
}

Fd new_socket() { return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

} // namespace

TEST_CASE("only socket links name a socket")
{
    CHECK(parse_socket_link("socket:[4711]") == 4711U);
    CHECK(parse_socket_link("socket:[4294967295]") == 4294967295U);
    for (const char* other : {"", "socket:[", "socket:[]", "socket:[12", "socket:[-1]", "socket:[1x]",
                              "socket:[4294967296]", "pipe:[4711]", "/dev/null", "anon_inode:[eventfd]"}) {
        CAPTURE(other);
        CHECK_FALSE(parse_socket_link(other));
    }
}

TEST_CASE("processes are listed in ascending order, this one among them")
{
    const auto pids = list_processes(Files::live());
    REQUIRE(pids);
    CHECK(std::ranges::is_sorted(*pids));
    CHECK(std::ranges::binary_search(*pids, static_cast<std::uint32_t>(::getpid())));
}

TEST_CASE("a socket leads to the process that holds it, however high its descriptor")
{
    std::vector<Fd> ballast; // pushes the last socket past the first two portions
    for (int i = 0; i < 300; ++i)
        ballast.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const Fd late = new_socket();
    REQUIRE(late);
    REQUIRE(late.get() > 64);
    const auto files = Files::live();
    const auto search = find_owners(files, {inode_of(late.get()), 0, inode_of(late.get())});
    REQUIRE(search);
    CHECK(search->inodes.size() == 1); // 0 and repetitions are not searched for
    CHECK(search->owner_of(inode_of(late.get())) == static_cast<std::uint32_t>(::getpid()));
    CHECK(command_of(files, ::getpid()).value_or("").starts_with("unit_tests"));
}

TEST_CASE("an inode that nobody holds is not found")
{
    std::uint32_t gone = 0;
    {
        const Fd brief = new_socket();
        gone = inode_of(brief.get());
    }
    const auto search = find_owners(Files::live(), {gone});
    REQUIRE(search);
    CHECK(search->owner_of(gone) == 0);
    CHECK(search->owner_of(gone + 1) == 0);
}

TEST_CASE("walking in portions sees every socket once, and can be stopped")
{
    std::vector<Fd> sockets;
    std::map<std::uint32_t, int> seen;
    for (int i = 0; i < 100; ++i)
        seen[inode_of(sockets.emplace_back(new_socket()).get())] = 0;
    const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto self = static_cast<std::uint32_t>(::getpid());
    for (DescriptorWalk walk(proc.get(), self); !walk.done();) {
        const auto looked_at = walk.next(10, [&](std::uint32_t inode) {
            if (seen.contains(inode)) ++seen[inode];
            return true;
        });
        REQUIRE(looked_at);
        CHECK(*looked_at <= 13); // the entries "." and ".." may leave room for more
    }
    CHECK(std::ranges::all_of(seen, [](const auto& entry) { return entry.second == 1; }));

    int calls = 0;
    DescriptorWalk stopped(proc.get(), self);
    REQUIRE(stopped.next(1000, [&](std::uint32_t) { return ++calls < 5; }));
    CHECK(calls == 5);
}

TEST_CASE("a process that has ended holds nothing")
{
    const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    DescriptorWalk walk(proc.get(), 0x7fffffff);
    const auto looked_at = walk.next(64, [](std::uint32_t) { return true; });
    REQUIRE(looked_at);
    CHECK(*looked_at == 0);
    CHECK(walk.done());
    CHECK_FALSE(command_of(Files::live(), 0x7fffffff));
}
