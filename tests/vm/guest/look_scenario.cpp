// SPDX-License-Identifier: GPL-2.0-or-later
// Inside the virtual machine: what netwright sees of interfaces with many queues on two NUMA nodes.
#include <nlohmann/json.hpp>

#include <fstream>
#include <map>

#include "guest/guest.h"

using guest::netwright;
using nlohmann::json;

TEST_SUITE_BEGIN("short");

TEST_CASE("audit and list work on this kernel")
{
    const support::Output audit = netwright("audit --seconds 0");
    CHECK_MESSAGE(audit.status == 0, audit.out);
    for (const char* wanted : {"4 CPUs", "7 interfaces", "rules"})
        CHECK_MESSAGE(audit.out.find(wanted) != std::string::npos, audit.out);
    const support::Output list = netwright("list");
    CHECK(list.status == 0);
    for (const char* wanted : {"sysctl/net.core.somaxconn", "link/vnet0/mtu", "queue/vnet1/rx-3/rps_cpus"})
        CHECK_MESSAGE(list.out.find(wanted) != std::string::npos, wanted);
}

TEST_CASE("a capture knows each interface's driver, node, queues and interrupts")
{
    const support::Output captured = netwright("capture --seconds 0 -o /tmp/snapshot.json");
    REQUIRE_MESSAGE(captured.status == 0, captured.out);
    const json snapshot = json::parse(std::ifstream("/tmp/snapshot.json"));
    std::map<std::string, json> nics;
    for (const json& nic : snapshot.at("nics"))
        nics[nic.at("name")] = nic;

    struct Expected {
        const char *nic, *driver, *first_action;
        int node;
        std::size_t queues, interrupts;
    };
    // The first interrupt's name has the number of the virtio device, which is not the interface's: that of the spare
    // is found first.
    for (const Expected& one :
         {Expected{"vnet0", "virtio_net", "-config", 0, 8, 9}, Expected{"vnet1", "virtio_net", "-config", 1, 8, 9},
          Expected{"vmxnet0", "vmxnet3", "vmxnet0-rxtx-0", -1, 8, 5},
          Expected{"intel0", "e1000e", "intel0-rx-0", -1, 2, 3}}) {
        CAPTURE(one.nic);
        const json& nic = nics.at(one.nic);
        CHECK(nic.at("driver") == one.driver);
        CHECK(nic.at("node") == one.node);
        CHECK(nic.at("queues").size() == one.queues);
        REQUIRE(nic.at("interrupts").size() == one.interrupts);
        const auto action = nic.at("interrupts").front().at("action").get<std::string>();
        CHECK_MESSAGE(action.find(one.first_action) != std::string::npos, action);
    }
}
TEST_SUITE_END();
