// SPDX-License-Identifier: GPL-2.0-or-later
// Our file in sysctl.d: the union of what is confirmed, and who overrides it.
#include "apply/boot_unit.h"
#include "apply/detach.h"
#include "apply/persistence.h"
#include "tunable/tree.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using namespace netwright::apply;
using netwright::test::file_text;
using netwright::test::TemporaryDirectory;

namespace {

Record confirmed(std::int64_t id, const char* etc_dir, std::vector<std::pair<const char*, const char*>> values)
{
    Record record;
    record.id = id;
    record.state = State::Confirmed;
    record.etc_dir = etc_dir;
    for (const auto& [key, value] : values) {
        Step step;
        step.tunable = *parse_tunable(key);
        step.to = *parse_value(step.tunable, value);
        record.steps.push_back(step);
    }
    return record;
}

} // namespace

TEST_CASE("the file holds the union of what is confirmed, and the later transaction wins")
{
    const std::vector<Record> records{
        confirmed(1, "/etc", {{"net.core.somaxconn", "1000"}, {"net.ipv4.conf.eth0/100.rp_filter", "2"}}),
        confirmed(2, "/elsewhere", {{"net.core.rmem_max", "1"}}),
        confirmed(3, "/etc", {{"net.core.somaxconn", "2000"}, {"link/eth0/mtu", "9000"}})};
    const Settings settings = settings_of(records, "/etc");
    CHECK(settings == Settings{{"net.core.somaxconn", "2000"}, {"net.ipv4.conf.eth0/100.rp_filter", "2"}});
    const std::string text = sysctl_file_text(settings);
    CHECK(text.find("\nnet.ipv4.conf.eth0/100.rp_filter = 2\n") != std::string::npos);
    CHECK(parse_sysctl_lines(text).size() == 2); // it reads back
}

TEST_CASE("values that the kernel moved beside ours are not made to last")
{
    Record record = confirmed(1, "/etc", {{"net.ipv4.ip_forward", "1"}, {"net.ipv4.conf.eth0.forwarding", "1"}});
    record.steps[1].follower = true;
    CHECK(settings_of(std::vector{record}, "/etc") == Settings{{"net.ipv4.ip_forward", "1"}});
}

TEST_CASE("the file is written whole, and gone when nothing is left")
{
    TemporaryDirectory etc;
    const auto file = etc.path() / "sysctl.d" / sysctl_file_name;
    REQUIRE(persist(etc.path(), {{"net.core.somaxconn", "1000"}}));
    CHECK(file_text(file).ends_with("\nnet.core.somaxconn = 1000\n"));
    REQUIRE(persist(etc.path(), {}));
    CHECK_FALSE(std::filesystem::exists(file));
    CHECK(std::filesystem::is_empty(etc.path() / "sysctl.d"));
    CHECK(persist(etc.path(), {}));
}

TEST_CASE("files that are read later and disagree are named")
{
    TemporaryDirectory etc;
    std::filesystem::create_directories(etc.path() / "sysctl.d");
    const auto put = [&](const char* name, const char* text) { std::ofstream(etc.path() / name) << text; };
    put("sysctl.d/10-early.conf", "net.core.somaxconn = 1\n");
    put("sysctl.d/99-sysctl.conf", "net.core.somaxconn = 2\n");
    put("sysctl.d/zzz.conf",
        "# late\n-net/core/somaxconn=3\nnet.ipv4.conf.*.rp_filter = 1\nbroken line\nnet.core.rmem_max=5\n");
    put("sysctl.conf", "net.ipv4.tcp_rmem = 1\t2   3\n");
    const auto warnings = overridden_by(etc.path(), {{"net.core.somaxconn", "1000"},
                                                     {"net.ipv4.conf.eth0.rp_filter", "2"},
                                                     {"net.core.rmem_max", "5"},
                                                     {"net.ipv4.tcp_rmem", "1 2 3"}});
    REQUIRE(warnings.size() == 2);
    CHECK(warnings[0].find("zzz.conf is read after 99-zz-netwright.conf and sets net.core.somaxconn to 3") !=
          std::string::npos);
    CHECK(warnings[1].find("net.ipv4.conf.eth0.rp_filter to 1") != std::string::npos);
}

TEST_CASE("the boot unit is written with its link, or not at all, and removed without a trace")
{
    TemporaryDirectory directory;
    const auto systemd = directory.path() / "system";
    REQUIRE(install_boot_unit(systemd, "/usr/sbin/netwright", "/var/lib/netwright"));
    REQUIRE(install_boot_unit(systemd, "/opt/netwright", "/var/lib/netwright")); // replaced
    const std::string unit = file_text(systemd / "netwright-recover.service");
    CHECK(unit.find("ExecStart=/opt/netwright recover --state-dir /var/lib/netwright\n") != std::string::npos);
    CHECK(unit.find("ConditionPathExistsGlob=/var/lib/netwright/undo-*.sh\n") != std::string::npos);
    CHECK(file_text(systemd / "sysinit.target.wants/netwright-recover.service") == unit);
    REQUIRE(remove_boot_unit(systemd));
    CHECK_FALSE(std::filesystem::exists(systemd / "netwright-recover.service"));
    CHECK(std::filesystem::is_empty(systemd / "sysinit.target.wants"));
    for (const char* bad : {"relative/netwright", "/with blank/netwright", "/per%cent", "/new\nline"})
        CHECK(install_boot_unit(systemd, bad, "/var/lib/netwright").error().kind == Error::Kind::Rejected);
}

TEST_CASE("the packaged unit says the same as the one netwright writes")
{
    TemporaryDirectory directory;
    REQUIRE(install_boot_unit(directory.path(), "/usr/sbin/netwright", "/var/lib/netwright"));
    const std::string packaged = file_text(NETWRIGHT_SOURCE_DIR "/packaging/netwright-recover.service");
    const auto written = parse_sysctl_lines(file_text(directory.path() / "netwright-recover.service"));
    REQUIRE(written.size() > 10);
    for (const auto& [key, value] : parse_sysctl_lines(packaged)) {
        if (key == "Documentation" || key == "ExecStart" || key == "RequiresMountsFor") continue;
        CAPTURE(key);
        CHECK(std::ranges::find(written, std::pair(key, value)) != written.end());
    }
}

TEST_CASE("a process in a login session's control group has to leave it")
{
    CHECK(session_cgroup_of("0::/user.slice/user-1000.slice/session-3.scope\n") ==
          "/user.slice/user-1000.slice/session-3.scope");
    CHECK(session_cgroup_of("1:name=systemd:/x\n0::/user.slice/user-0.slice/user@0.service\n") != "");
    CHECK(session_cgroup_of("0::/system.slice/cron.service\n").empty());
    CHECK(session_cgroup_of("0::/\n").empty());
    CHECK(session_cgroup_of("").empty());
}
