// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/collect.h"
#include "host/fixture.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::host;

TEST_CASE("CPUs stand on their nodes, with their siblings")
{
    const auto topology = collect_topology(captured_host("old-3.10-centos"));
    REQUIRE(topology);
    CHECK(topology->online.list() == "0-3");
    CHECK(topology->possible.list() == "0-127");
    CHECK(topology->isolated.list() == "3");
    CHECK(topology->allowed.list() == "0-2");
    CHECK(topology->nodes == std::vector<unsigned>{0, 1});
    REQUIRE(topology->cpus.size() == 4);
    CHECK(topology->cpus[2].number == 2);
    CHECK(topology->cpus[2].node == 1);
    CHECK(topology->cpus[2].package == 1);
    CHECK(topology->cpus[2].siblings.list() == "2-3");
    CHECK(topology->governor.value() == "powersave");
}

TEST_CASE("without /sys the CPUs of /proc/stat are known, on one node, each alone")
{
    const auto topology = collect_topology(captured_host("tiny-container"));
    REQUIRE(topology);
    CHECK(topology->online.list() == "0-1");
    CHECK(topology->possible.list() == "0-1");
    CHECK(topology->allowed.list() == "1");
    CHECK(topology->nodes == std::vector<unsigned>{0});
    CHECK(topology->cpus.at(1).siblings.list() == "1");
    CHECK(topology->governor.error().kind == Error::Kind::Absent);
}

TEST_CASE("nohz_full may be printed as (null), and lists as nonsense")
{
    Tree tree;
    tree.file("sys/devices/system/cpu/online", "0\n").file("sys/devices/system/cpu/nohz_full", "  (null)\n");
    REQUIRE(collect_topology(tree.kernel()));
    CHECK(collect_topology(tree.kernel())->nohz_full.empty());
    tree.file("sys/devices/system/cpu/isolated", "4-2\n");
    const auto topology = collect_topology(tree.kernel());
    REQUIRE_FALSE(topology);
    CHECK(topology.error().kind == Error::Kind::Malformed);
    CHECK(topology.error().what.find("cpu/isolated") != std::string::npos);
}
