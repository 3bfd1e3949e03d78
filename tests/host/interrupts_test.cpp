// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/counter_growth.h"
#include "host/parse.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::host;

TEST_CASE("a row of /proc/interrupts is a number, a column a CPU, and what the kernel says of it")
{
    const auto table =
        parse_interrupts("           CPU0       CPU3       \n"
                         " 24:      1   4294967295  PCI-MSIX-0000:00:03.0   1-edge      virtio0-input.0\n"
                         "LOC:      5      6   Local timer interrupts\n"
                         "ERR:          0\nMIS:          7\n");
    REQUIRE(table);
    CHECK(table->cpus == std::vector<unsigned>{0, 3});
    REQUIRE(table->lines.size() == 2); // ERR and MIS are totals of no CPU
    CHECK(table->lines[0].id == "24");
    CHECK(table->lines[0].description == "PCI-MSIX-0000:00:03.0 1-edge virtio0-input.0");
    CHECK(table->lines[0].per_cpu == std::vector<Counter>{{1, 0}, {4294967295U, 0}});
    CHECK(table->lines[1].description == "Local timer interrupts");
}

TEST_CASE("softirqs have the same form without descriptions")
{
    const auto table = parse_interrupts("                    CPU0\n          HI:          1\n      NET_RX:  12\n");
    REQUIRE(table);
    CHECK(table->lines.at(1).id == "NET_RX");
    CHECK(table->lines.at(1).description.empty());
}

TEST_CASE("interrupt tables that do not add up are malformed")
{
    for (const char* text :
         {"", "\n", "CPU0 CPUx\n", "CPU8192\n", "CPU0 CPU1\n 24: 1\n", "CPU0\n 24: x\n", "CPU0\n 24 1\n", "CPU\n"}) {
        CAPTURE(text);
        REQUIRE_FALSE(parse_interrupts(text));
        CHECK(parse_interrupts(text).error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("interrupt growth follows the CPU and the device, wraps, and knows a restart")
{
    const auto before = parse_interrupts("CPU0 CPU2\n1: 4294967290 10 a\n2: 5 5 b\n3: 9 9 c\n").value();
    auto now = parse_interrupts("CPU0 CPU1 CPU2\n1: 4 7 12 a\n2: 6 6 6 other\n3: 1 1 1 c\n9: 1 1 1 new\n").value();
    grow_since(now, before);
    CHECK(now.lines[0].per_cpu[0].growth == 10);
    CHECK(now.lines[0].per_cpu[1].growth == 0); // CPU 1 came later
    CHECK(now.lines[0].per_cpu[2].growth == 2);
    CHECK(now.lines[1].per_cpu[0].growth == 0); // number 2 is another device now
    CHECK(now.lines[2].per_cpu[0].growth == 0); // freed and requested again
    CHECK(now.lines[3].per_cpu[0].growth == 0);
}
