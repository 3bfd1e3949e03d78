// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/diff.h"

#include <doctest/doctest.h>

#include "plan_host.h"

using namespace netwright;
using namespace plan_host;
using State = plan::Standing::State;

namespace {

SysctlFile file(std::string path, std::vector<SysctlSetting> settings)
{
    SysctlFile one;
    one.path = std::move(path);
    one.settings = std::move(settings);
    return one;
}

std::vector<plan::BootSetting> at_boot(std::string_view key, const std::vector<SysctlFile>& files)
{
    const Snapshot now = host({});
    return plan::drift({change(key, "1", "2")}, plan::reads_from(now), files).at(0).at_boot;
}

} // namespace

TEST_CASE("a kept change holds, drifted, is gone or cannot be seen")
{
    Snapshot now = host({{"net.core.somaxconn", "8192"}, {"net.core.rmem_max", "1"}});
    const std::vector<Change> kept{change("net.core.somaxconn", "4096", "8192"), change("net.core.rmem_max", "2", "3"),
                                   change("net.core.wmem_max", "2", "3"), change("link/eth0/mtu", "1500", "9000")};
    now.nics = fail(Error::Kind::Refused, "links: no rights");
    const auto standings = plan::drift(kept, plan::reads_from(now), {});
    REQUIRE(standings.size() == 4);
    CHECK(standings[0].state == State::Holds);
    CHECK(standings[1].state == State::Drifted);
    CHECK((standings[1].now == Value{std::int64_t{1}}));
    CHECK(standings[2].state == State::Gone);
    CHECK(standings[3].state == State::Unseen);
    CHECK(standings[3].why == "links: no rights");
    CHECK(plan::to_text(standings[1].state) == "drifted");
}

TEST_CASE("the last file that names a key has the last word at boot")
{
    const auto said =
        at_boot("net.core.rmem_max", {file("/etc/sysctl.d/10.conf", {{"net.core.rmem_max", "2", 3, false}}),
                                      file("/etc/sysctl.d/99.conf", {{"net.core.rmem_max", "7", 1, false}})});
    REQUIRE(said.size() == 2);
    CHECK(said[0] == plan::BootSetting{"/etc/sysctl.d/10.conf", 3, "2", false, true});
    CHECK(said[1] == plan::BootSetting{"/etc/sysctl.d/99.conf", 1, "7", true, false});
}

TEST_CASE("an exact key beats a later glob, and an exclusion silences globs")
{
    const SysctlFile exact = file("/a", {{"net.ipv4.conf.eth0.rp_filter", "2", 1, false}});
    const SysctlFile glob = file("/b", {{"net.ipv4.conf.*.rp_filter", "0", 1, false}});
    const SysctlFile exclusion = file("/c", {{"net.ipv4.conf.eth0.rp_filter", "", 1, true}});
    const auto both = at_boot("net.ipv4.conf.eth0.rp_filter", {exact, glob});
    REQUIRE(both.size() == 2);
    CHECK(both[0].wins);
    CHECK_FALSE(both[1].wins);
    CHECK(at_boot("net.ipv4.conf.eth0.rp_filter", {glob}).at(0).wins);
    CHECK(at_boot("net.ipv4.conf.eth0.rp_filter", {glob, exclusion}).empty());
}

TEST_CASE("a value that is overridden at boot says so even while it still holds")
{
    const Snapshot now = host({{"net.core.rmem_max", "2"}});
    const auto standing = plan::drift({change("net.core.rmem_max", "1", "2")}, plan::reads_from(now),
                                      {file("/etc/sysctl.d/99.conf", {{"net.core.rmem_max", "7", 1, false}})})
                              .at(0);
    CHECK(standing.state == State::Holds);
    CHECK(standing.overridden_at_boot());
}

TEST_CASE("a file that could not be read and a link that no file sets are passed over")
{
    SysctlFile unread;
    unread.settings = fail(Error::Kind::Refused, "no rights");
    CHECK(at_boot("net.core.rmem_max", {unread}).empty());
    CHECK(at_boot("link/eth0/mtu", {file("/a", {{"*", "1", 1, false}})}).empty());
}
