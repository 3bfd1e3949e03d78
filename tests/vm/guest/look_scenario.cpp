// SPDX-License-Identifier: GPL-2.0-or-later
// Inside the virtual machine: what netwright sees of interfaces with many queues on two NUMA nodes.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>

#include "support/program.h"

TEST_SUITE("short")
{
    TEST_CASE("audit, list and capture work on this kernel")
    {
        const support::Output audit = support::run({"netwright", "audit", "--seconds", "1"});
        CHECK_MESSAGE(audit.status == 0, audit.out);
        CHECK_MESSAGE(audit.out.find("virtio0") != std::string::npos, audit.out);
        const support::Output list = support::run({"netwright", "list"});
        CHECK(list.status == 0);
        for (const char* wanted : {"sysctl/net.core.somaxconn", "link/virtio0/mtu", "queue/virtio1/rx-3/rps_cpus"})
            CHECK_MESSAGE(list.out.find(wanted) != std::string::npos, wanted);
    }
}
