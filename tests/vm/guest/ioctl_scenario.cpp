// SPDX-License-Identifier: GPL-2.0-or-later
// Drivers of real NICs, asked and told by ioctl as on a kernel without ethtool netlink.
#include <algorithm>

#include "guest/guest.h"
#include "guest/kinds.h"
#include "support/by_ioctl.h"

using namespace netwright;
using guest::Row;
using guest::shown;

TEST_SUITE_BEGIN("short");

TEST_CASE("every setting of every interface is the same by ioctl and over netlink")
{
    kernel::Kernel netlink = kernel::Kernel::live(), ioctl = support::by_ioctl(kernel::Kernel::live());
    const auto settings = support::nic_settings(netlink);
    CHECK(settings.contains("nic/vnet0/queues/combined"));
    CHECK(settings.contains("nic/vmxnet0/ring/rx"));
    CHECK(settings.contains("nic/intel0/coalesce/rx-usecs"));
    CHECK(settings.contains("nic/intel0/private-flag/s0ix-enabled"));
    CHECK(settings.contains("nic/spare1/pause/autoneg"));
    CHECK(settings.at("nic/intel0/speed") == "auto");
    CHECK(support::told_by_both(settings, support::nic_settings(ioctl)) == settings);
}

TEST_CASE("what is set by ioctl another program shows, and it is put back by ioctl")
{
    kernel::Kernel ioctl = support::by_ioctl(kernel::Kernel::live());
    std::vector<Row> rows = guest::rows();
    rows.insert(rows.end(), guest::more_rows().begin(), guest::more_rows().end());
    std::erase_if(rows, [](const Row& row) { return !row.tunable.starts_with("nic/"); });
    CHECK(rows.size() > 8);
    for (const Row& row : rows) {
        CAPTURE(row.tunable);
        const std::string before = shown(row.command);
        const Tunable tunable = *parse_tunable(row.tunable);
        const auto from = tunable::read(ioctl, tunable);
        REQUIRE(from);
        REQUIRE(*from);
        CHECK(tunable::write(ioctl, tunable, *parse_value(tunable, row.value)));
        CHECK(shown(row.command) == row.expected);
        CHECK(tunable::write(ioctl, tunable, **from));
        CHECK(shown(row.command) == before);
    }
}

TEST_SUITE_END();
