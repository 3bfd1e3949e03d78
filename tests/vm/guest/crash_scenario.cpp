// SPDX-License-Identifier: GPL-2.0-or-later
// Inside the virtual machine, over two boots with one disk: the plug is pulled, and the next boot finds what it should.
// What was in force before lies on the disk beside netwright's own state.
#include <fstream>
#include <iterator>

#include "guest/guest.h"

using guest::netwright;
using guest::shown;

namespace {

constexpr const char* values =
    "sysctl -n net.core.somaxconn net.ipv4.ip_local_port_range && cat /sys/class/net/vnet0/mtu"
    " /sys/class/net/vnet1/queues/rx-0/rps_cpus";
constexpr const char* ours = "find /etc -name '*netwright*' | xargs -r grep -sHE '^[^#]'";

void remember(const std::string& name, const std::string& text)
{
    std::ofstream("/mnt/" + name) << text;
    support::must("sync");
}

std::string remembered(const std::string& name)
{
    std::ifstream file("/mnt/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

void apply_plan(const std::string& how)
{
    guest::write_plan({{"sysctl/net.core.somaxconn", "5000"},
                       {"sysctl/net.ipv4.ip_local_port_range", "10000 65000"},
                       {"link/vnet0/mtu", "1400"},
                       {"queue/vnet1/rx-0/rps_cpus", "list:2-3"}});
    const auto applied = netwright("apply /tmp/plan.yaml --yes " + how);
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
}

} // namespace

TEST_CASE("a plan is applied, and the machine dies before anybody confirms" * doctest::test_suite("die-unconfirmed"))
{
    remember("values", shown(values));
    apply_plan("--confirm-within 600s");
    CHECK(shown(values) == "5000 10000 65000 1400 c");
    guest::ask_outside("kill");
    ::pause();
}

TEST_CASE("the next boot has the old values, and nothing of ours is left to come back" *
          doctest::test_suite("after-unconfirmed"))
{
    const auto recovered = netwright("recover");
    CHECK_MESSAGE(recovered.status == 0, recovered.out);
    CHECK(shown(values) == remembered("values"));
    CHECK(shown(ours) == "");
    CHECK(shown("ls /var/lib/netwright | grep undo-") == "");
    const std::string history = netwright("history").out;
    CHECK_MESSAGE(history.find("undone") != std::string::npos, history);
    const std::string status = netwright("status").out;
    CHECK_MESSAGE(status.find("No transaction is open") != std::string::npos, status);
    CHECK(netwright("set net.core.somaxconn 6000 --yes --keep").status == 0); // and it works as ever
}

TEST_CASE("a plan is applied and kept, and the machine dies that very moment" * doctest::test_suite("die-confirmed"))
{
    remember("values", shown(values));
    apply_plan("--keep");
    guest::ask_outside("kill");
    ::pause();
}

TEST_CASE("the next boot finds what was kept, on disk and in the journal" * doctest::test_suite("after-confirmed"))
{
    const auto recovered = netwright("recover");
    CHECK_MESSAGE(recovered.status == 0, recovered.out);
    support::must("sysctl --system"); // as systemd does at boot
    const std::string now = shown(values);
    CHECK_MESSAGE(now.starts_with("5000 10000 65000"), now);
    const auto back = netwright("rollback --leave"); // what sysctl.d does not cover is lost with the reboot
    CHECK_MESSAGE(back.status == 0, back.out);
    CHECK(shown(values) == remembered("values"));
    CHECK(shown(ours) == "");
}
