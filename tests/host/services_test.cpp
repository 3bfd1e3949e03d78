// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/collect.h"
#include "host/fixture.h"
#include "host/processes.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

using namespace netwright;
using namespace netwright::host;

TEST_CASE("services are known by their commands, with what they were told to do")
{
    const auto old = collect_services(captured_host("old-3.10-centos")).value();
    CHECK(old == std::vector<Service>{{"irqbalance", true, 702, "--foreground"},
                                      {"tuned", true, 911, "virtual-guest"},
                                      {"NetworkManager", true, 655, std::nullopt},
                                      {"docker", true, 1204, std::nullopt}});
    const auto web = collect_services(captured_host("debian12-web")).value();
    CHECK(web == std::vector<Service>{{"irqbalance", true, 520, "--foreground --banirq=31"},
                                      {"systemd-networkd", true, 412, std::nullopt}}); // comm holds 15 bytes
}

TEST_CASE("a tuned that has ended still left its profile")
{
    Tree tree;
    tree.file("etc/tuned/active_profile", "network-latency\n");
    CHECK(collect_services(tree.kernel()).value() ==
          std::vector<Service>{{"tuned", false, std::nullopt, "network-latency"}});
}

TEST_CASE("what is no process is passed over")
{
    const auto kernel = captured_host("hostile");
    const auto processes = list_processes(kernel.files).value();
    REQUIRE(processes.size() == 2);
    CHECK(processes[1].pid == 78);
    CHECK(processes[1].command == "irqbalance");
}

TEST_CASE("the own process is among the live ones")
{
    const auto processes = list_processes(kernel::Files::live()).value();
    const auto own = std::ranges::find(processes, static_cast<std::uint64_t>(::getpid()), &Process::pid);
    REQUIRE(own != processes.end());
    CHECK(own->command == "unit_tests");
}
