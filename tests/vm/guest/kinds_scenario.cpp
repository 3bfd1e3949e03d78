// SPDX-License-Identifier: GPL-2.0-or-later
// Inside the virtual machine: every kind of tunable is set, compared with what another program shows, and put back.
#include <filesystem>
#include <fstream>

#include "guest/guest.h"
#include "guest/kinds.h"

using guest::netwright;
using guest::Row;
using guest::shown;

namespace {

std::vector<std::string> all_shown()
{
    std::vector<std::string> all;
    for (const Row& row : guest::rows())
        all.push_back(shown(row.command));
    return all;
}

std::string everything() { return netwright("list | grep -v -e sysctl/fs. -e sysctl/kernel. -e sysctl/vm.").out; }

// A unit that a drop-in can stand beside; systemd itself is not here.
void make_service()
{
    std::filesystem::create_directories("/etc/systemd/system");
    std::ofstream("/etc/systemd/system/web.service") << "[Service]\nExecStart=/bin/true\n";
}

void set_and_put_back(const Row& row)
{
    CAPTURE(row.tunable);
    const std::string before = shown(row.command), ours = netwright("get " + row.tunable).out;
    CHECK_MESSAGE(before != row.expected, "the row changes nothing");

    const auto set = netwright("set " + row.tunable + " '" + row.value + "' --yes --confirm-within 300s");
    CHECK_MESSAGE(set.status == 0, set.out);
    CHECK(shown(row.command) == row.expected);
    CHECK(netwright("get " + row.tunable).out != ours);

    const auto back = netwright("rollback");
    CHECK_MESSAGE(back.status == 0, back.out);
    CHECK(shown(row.command) == before);
    CHECK(netwright("get " + row.tunable).out == ours);
}

} // namespace

TEST_CASE("one transaction sets a tunable of every kind, other programs show it, and rollback puts all back" *
          doctest::test_suite("short"))
{
    make_service();
    guest::meet_neighbours(); // one of them says whether a larger MTU is carried
    const std::vector<std::string> before = all_shown();
    const std::string listed = everything();
    std::vector<guest::Step> steps;
    for (const Row& row : guest::rows())
        steps.push_back({row.tunable, row.value});
    guest::write_plan(steps);

    const auto applied = netwright("apply /tmp/plan.yaml --yes --confirm-within 300s");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    const std::vector<std::string> changed = all_shown();
    for (std::size_t i = 0; i < changed.size(); ++i) {
        CAPTURE(guest::rows()[i].tunable);
        CHECK(changed[i] == guest::rows()[i].expected);
        CHECK_MESSAGE(changed[i] != before[i], "the row changes nothing");
    }

    const auto back = netwright("rollback");
    CHECK_MESSAGE(back.status == 0, back.out);
    const std::vector<std::string> after = all_shown();
    for (std::size_t i = 0; i < after.size(); ++i) {
        CAPTURE(guest::rows()[i].tunable);
        CHECK(after[i] == before[i]);
    }
    CHECK(everything() == listed);
}

TEST_CASE("each kind alone is set, shown by another program, and put back" * doctest::test_suite("long"))
{
    make_service();
    guest::meet_neighbours();
    for (const auto* table : {&guest::rows(), &guest::more_rows()})
        for (const Row& row : *table)
            set_and_put_back(row);
}

// vmxnet3 rounds ring sizes to what its MTU needs: the old size fits exactly only once the old MTU is back.
TEST_CASE("a ring that was rounded for jumbo frames is put back exactly" * doctest::test_suite("long"))
{
    guest::meet_neighbours();
    const std::string listed = everything();
    guest::write_plan({{"link/vmxnet0/mtu", "9000"}, {"nic/vmxnet0/ring/rx", "2048"}});
    const auto applied = netwright("apply /tmp/plan.yaml --yes --confirm-within 300s");
    CHECK_MESSAGE(applied.status == 0, applied.out);
    CHECK(shown("ethtool -g vmxnet0 | sed -n '/Current/,$s/^RX:[^0-9]*//p'") == "2112");
    const auto back = netwright("rollback");
    CHECK_MESSAGE(back.status == 0, back.out);
    CHECK(everything() == listed);
}

TEST_CASE("a link's speed is fixed and given back to negotiation" * doctest::test_suite("long"))
{
    const auto says = [](const std::string& speed, const std::string& negotiation) {
        return guest::comes_true([&] {
            const std::string words = shown("ethtool intel0");
            return words.find("Speed: " + speed) != std::string::npos &&
                   words.find("Auto-negotiation: " + negotiation) != std::string::npos;
        });
    };
    REQUIRE(says("1000Mb/s", "on"));
    const auto set = netwright("set nic/intel0/speed 100/full --yes --confirm-within 300s");
    CHECK_MESSAGE(set.status == 0, set.out);
    CHECK(says("100Mb/s", "off"));
    CHECK(netwright("rollback").status == 0);
    CHECK(says("1000Mb/s", "on"));
}
