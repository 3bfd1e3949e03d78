// SPDX-License-Identifier: GPL-2.0-or-later
// Inside the virtual machine: an interface goes away in the middle of a transaction.
#include <filesystem>
#include <fstream>

#include "guest/guest.h"

using guest::netwright;
using guest::shown;

namespace {

constexpr const char* rest = "sysctl -n net.core.somaxconn && cat /sys/class/net/vnet0/mtu"
                             " /sys/class/net/vnet0/queues/rx-0/rps_cpus";

void plan_with(const std::string& interface)
{
    guest::write_plan({{"sysctl/net.core.somaxconn", "5000"},
                       {"link/vnet0/mtu", "1400"},
                       {"link/" + interface + "/mtu", "1400"},
                       {"queue/" + interface + "/rx-0/rps_cpus", "list:2-3"},
                       {"queue/vnet0/rx-0/rps_cpus", "list:2-3"}});
}

void check_rest_is_back(const std::string& before)
{
    CHECK(shown(rest) == before);
    const std::string status = netwright("status").out;
    CHECK_MESSAGE(status.find("No transaction is open") != std::string::npos, status);
}

} // namespace

TEST_SUITE_BEGIN("unplug");

TEST_CASE("an interface unplugged while a transaction waits: the rest is undone, and what was not is said")
{
    const std::string before = shown(rest);
    plan_with("spare0");
    REQUIRE(netwright("apply /tmp/plan.yaml --yes --confirm-within 600s").status == 0);
    CHECK(shown(rest) == "5000 1400 c");
    guest::ask_outside("unplug spare0");
    REQUIRE(guest::comes_true([] { return !std::filesystem::exists("/sys/class/net/spare0"); }));

    const auto back = netwright("rollback");
    CHECK_MESSAGE(back.out.find("there is no interface spare0") != std::string::npos, back.out);
    check_rest_is_back(before);

    // The plan names an interface that is gone: refused before the first write.
    const auto again = netwright("apply /tmp/plan.yaml --yes");
    CHECK(again.status != 0);
    CHECK_MESSAGE(again.out.find("spare0") != std::string::npos, again.out);
    check_rest_is_back(before);
}

TEST_CASE("an interface unplugged after the last write, while the check runs: apply itself undoes the rest")
{
    const std::string before = shown(rest);
    plan_with("spare1");
    std::ofstream("/tmp/check")
        << "echo; echo netwright-vm: unplug spare1 >/dev/ttyS1\n"
           "for tenth in $(seq 300); do [ -e /sys/class/net/spare1 ] || exit 1; sleep 0.1; done\n";
    const auto applied = netwright("apply /tmp/plan.yaml --yes --keep --check 'sh /tmp/check'");
    REQUIRE_FALSE(std::filesystem::exists("/sys/class/net/spare1"));
    CHECK(applied.status == 1);
    CHECK_MESSAGE(applied.out.find("there is no interface spare1") != std::string::npos, applied.out);
    check_rest_is_back(before);
}

TEST_SUITE_END();
