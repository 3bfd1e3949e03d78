// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/collect.h"
#include "host/fixture.h"
#include "host/parse.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::host;

namespace {

std::vector<std::string> paths(const std::vector<SysctlFile>& files)
{
    std::vector<std::string> all;
    for (const SysctlFile& file : files)
        all.push_back(file.path);
    return all;
}

} // namespace

TEST_CASE("settings are keys and values; comments, blanks and line endings do not matter")
{
    const auto settings = parse_sysctl_file("\xef\xbb\xbf# mark and comment\r\n; another\r\n\r\n"
                                            "  net.core.somaxconn =  4096 \r\n"
                                            "-net.ipv4.maybe=1\n- net.ipv4.spaced = 2\n"
                                            "net.ipv4.tcp_rmem = 4096 131072  33554432\n"
                                            "kernel.core_pattern=|/bin/x a=b\nnet.ipv4.empty =")
                              .settings;
    CHECK(settings == std::vector<SysctlSetting>{{"net.core.somaxconn", "4096", 4, false},
                                                 {"net.ipv4.maybe", "1", 5, true},
                                                 {"net.ipv4.spaced", "2", 6, true},
                                                 {"net.ipv4.tcp_rmem", "4096 131072  33554432", 7, false},
                                                 {"kernel.core_pattern", "|/bin/x a=b", 8, false},
                                                 {"net.ipv4.empty", "", 9, false}});
}

TEST_CASE("the first separator decides: with a slash first, dots belong to names")
{
    const auto settings =
        parse_sysctl_file("net/ipv4/conf/eth0.100/rp_filter = 1\nnet.ipv4.conf.eth0/100.rp_filter = 1\n"
                          "net.ipv4.conf.*.rp_filter = 2\n")
            .settings;
    CHECK(settings.at(0).key == "net.ipv4.conf.eth0/100.rp_filter");
    CHECK(settings.at(1).key == "net.ipv4.conf.eth0/100.rp_filter");
    CHECK(settings.at(2).key == "net.ipv4.conf.*.rp_filter");
}

TEST_CASE("a key alone after a minus takes it out of a glob")
{
    const auto settings = parse_sysctl_file("net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.eth1.rp_filter\n").settings;
    CHECK(settings.at(1) == SysctlSetting{"net.ipv4.conf.eth1.rp_filter", "", 2, true});
}

TEST_CASE("a line that is no setting is named and skipped; the others are read")
{
    for (const std::string& bad :
         {std::string("nonsense"), std::string("= 5"), std::string("-"), std::string("net core = 5"),
          std::string(70'000, 'x') + "=1", std::string("a\0=1", 4)}) {
        CAPTURE(bad.substr(0, 20));
        const auto file = parse_sysctl_file("net.ipv4.first = 1\n" + bad + "\nnet.ipv4.last = 2\n");
        CHECK(file.settings ==
              std::vector<SysctlSetting>{{"net.ipv4.first", "1", 1, false}, {"net.ipv4.last", "2", 3, false}});
        REQUIRE(file.problems.size() == 1);
        CHECK(file.problems.front().line == 2);
        CHECK_FALSE(file.problems.front().why.empty());
    }
}

TEST_CASE("a file that is no text at all names its first hundred lines, not all of them")
{
    std::string noise;
    for (int i = 0; i < 5000; ++i)
        noise += "nonsense\n";
    const auto file = parse_sysctl_file(noise);
    CHECK(file.settings.empty());
    CHECK(file.problems.size() == 100);
    CHECK(file.problems.back() == SysctlProblem{100, "has no '='"});
}

TEST_CASE("files apply in the order of their names, the first directory wins, /dev/null masks")
{
    const auto files = collect_sysctl_files(captured_host("debian12-web")).value();
    CHECK(paths(files) == std::vector<std::string>{"/usr/lib/sysctl.d/50-pid-max.conf", "/etc/sysctl.d/60-web.conf",
                                                   "/run/sysctl.d/65-run.conf", "/etc/sysctl.d/99-sysctl.conf"});
    CHECK(files.back().read_by == "systemd-sysctl"); // the link makes systemd read /etc/sysctl.conf
    REQUIRE(files.back().settings);
    CHECK(files.back().settings->at(0).key == "net.ipv4.tcp_congestion_control");
}

TEST_CASE("an /etc/sysctl.conf that nothing links to is read by procps alone, last")
{
    const auto files = collect_sysctl_files(captured_host("old-3.10-centos")).value();
    REQUIRE(files.size() == 3);
    CHECK(files[0].path == "/usr/lib/sysctl.d/00-system.conf");
    CHECK(files[2].path == "/etc/sysctl.conf");
    CHECK(files[2].read_by == "procps");
    CHECK(files[2].settings->at(1) == SysctlSetting{"net.ipv4.tcp_max_tw_buckets", "5000", 3, false});
}

TEST_CASE("each hostile file has its own reason, the good one beside them is read")
{
    const auto files = collect_sysctl_files(captured_host("hostile")).value();
    REQUIRE(files.size() == 6);
    CHECK(files[0].settings->at(0).key == "net.core.somaxconn");
    CHECK(files[0].problems.value() == std::vector<SysctlProblem>{{2, "holds a NUL byte"}});
    CHECK(files[1].problems.value() == std::vector<SysctlProblem>{{2, "has no '='"}});
    CHECK(files[2].settings.value() == std::vector<SysctlSetting>{{"net.core.somaxconn", "4096", 1, false}});
    CHECK(files[3].settings.error().kind == Error::Kind::Malformed); // a directory
    CHECK_FALSE(files[4].settings);                                  // a link to itself
    CHECK(files[5].settings->empty());
    CHECK(files[5].problems.value() == std::vector<SysctlProblem>{{1, "has no key before '='"}});
}

TEST_CASE("a host without /etc does not pass for one without settings")
{
    CHECK(collect_sysctl_files(captured_host("tiny-container")).error().kind == Error::Kind::Absent);
    Tree tree;
    tree.file("etc/hostname", "x\n");
    CHECK(collect_sysctl_files(tree.kernel()).value().empty());
}
