// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/collect.h"
#include "host/limits.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>

using namespace netwright;
using namespace netwright::host;

namespace {

constexpr std::string_view limits_text =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max stack size            8388608              unlimited            bytes     \n"
    "Max open files            1024                 524288               files     \n";

Result<SocketSummary> held_by(std::uint64_t pid)
{
    Listener listener;
    listener.owner = SocketOwner{pid, "server"};
    SocketSummary summary;
    summary.listeners = {listener, listener, Listener{}};
    return summary;
}

} // namespace

TEST_CASE("the descriptor limit stands in the line 'Max open files'")
{
    CHECK((parse_descriptor_limit(limits_text) == Result<DescriptorLimit>(DescriptorLimit{1024, 524288})));
    const auto unlimited = parse_descriptor_limit("Max open files            unlimited            unlimited   files\n");
    REQUIRE(unlimited);
    CHECK(unlimited->hard == std::numeric_limits<std::uint64_t>::max());
    for (const char* bad : {"", "Max stack size 1 2 bytes\n", "Max open files\n", "Max open files x y files\n"}) {
        CAPTURE(bad);
        REQUIRE_FALSE(parse_descriptor_limit(bad));
        CHECK(parse_descriptor_limit(bad).error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("the cgroup is the unified hierarchy's path")
{
    CHECK(parse_cgroup("0::/system.slice/nginx.service\n") == "/system.slice/nginx.service");
    CHECK(parse_cgroup("12:cpu:/a\n1:name=systemd:/b\n0::/c\n") == "/c");
    CHECK(parse_cgroup("12:cpu:/a\n") == "/");
    CHECK(parse_cgroup("") == "/");
}

TEST_CASE("limits of a live process are what it can ask itself, and each process is listed once")
{
    const auto kernel = kernel::Kernel::live();
    std::vector<Fd> files;
    for (int i = 0; i < 20; ++i)
        files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto all = collect_limits(kernel, held_by(static_cast<std::uint64_t>(::getpid())));
    REQUIRE(all);
    REQUIRE(all->size() == 1);
    const ProcessLimits& self = all->front();
    rlimit nofile{};
    ::getrlimit(RLIMIT_NOFILE, &nofile);
    CHECK(self.command == "server");
    CHECK((self.nofile_soft == Result<std::uint64_t>(nofile.rlim_cur)));
    CHECK((self.nofile_hard == Result<std::uint64_t>(nofile.rlim_max)));
    REQUIRE(self.open_files);
    const auto counted = std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    CHECK(static_cast<long>(*self.open_files) >= counted - 1);
    CHECK(static_cast<long>(*self.open_files) <= counted + 1); // the directory itself, here and there
    REQUIRE(self.cpus_allowed);
    CHECK_FALSE(self.cpus_allowed->empty());
    REQUIRE(self.cgroup);
    CHECK(self.cgroup->starts_with('/'));
}

TEST_CASE("a process that has ended leaves its reasons, a missing summary its own")
{
    const auto kernel = kernel::Kernel::live();
    const auto gone = collect_limits(kernel, held_by(0x7fffffff));
    REQUIRE(gone);
    REQUIRE(gone->size() == 1);
    CHECK(gone->front().open_files.error().kind == Error::Kind::Absent);
    CHECK(gone->front().nofile_soft.error().kind == Error::Kind::Absent);
    CHECK(gone->front().cpus_allowed.error().kind == Error::Kind::Absent);
    CHECK(gone->front().cgroup.error().kind == Error::Kind::Absent);

    const auto none = collect_limits(kernel, fail(Error::Kind::Unsupported, "a captured tree holds no sockets"));
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == Error::Kind::Unsupported);
}
