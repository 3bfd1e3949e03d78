// SPDX-License-Identifier: GPL-2.0-or-later
// Names of drop reasons from type information.
#include "trace/drop_reasons.h"

#include <doctest/doctest.h>

using namespace netwright;
using trace::DropReasons;

TEST_CASE("a reason has the name this kernel gives it")
{
    const DropReasons reasons(
        {{"SKB_NOT_DROPPED_YET", 0}, {"SKB_DROP_REASON_NO_SOCKET", 3}, {"SKB_DROP_REASON_XDP", 72}});
    CHECK(reasons.name(3) == "NO_SOCKET");
    CHECK(reasons.name(72) == "XDP");
}

TEST_CASE("a number without a name stays a number")
{
    const DropReasons reasons({{"SKB_DROP_REASON_NO_SOCKET", 3}});
    CHECK(reasons.name(4) == "reason#4");
    CHECK(DropReasons({}).name(3) == "reason#3");
}

TEST_CASE("subsystems have reasons of their own in the upper half")
{
    DropReasons reasons({{"SKB_DROP_REASON_NO_SOCKET", 3}});
    reasons.add_subsystem(2, "OVS_DROP_", {{"OVS_DROP_LAST_ACTION", 3}, {"OVS_DROP_ACTION_ERROR", 4}});
    CHECK(reasons.name(0x20003) == "LAST_ACTION");
    CHECK(reasons.name(3) == "NO_SOCKET");
    CHECK(reasons.name(0x30003) == "reason#196611");
}
