// SPDX-License-Identifier: GPL-2.0-or-later
// Inside the virtual machine: a plan places the interrupts of an interface on its own NUMA node, and /proc/interrupts
// counts packets there and nowhere else.
#include <array>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "guest/guest.h"

using guest::netwright;
using guest::shown;

namespace {

using Counts = std::array<long, 4>; // by CPU

// virtio names interrupts by its own device's number, not by the interface: "virtio1-input.0".
std::string virtio_name(const std::string& nic)
{
    return std::filesystem::read_symlink("/sys/class/net/" + nic + "/device").filename().string();
}

std::vector<std::string> packet_interrupts(const std::string& nic, int queues)
{
    std::vector<std::string> names;
    for (int queue = 0; queue < queues; ++queue)
        for (const char* direction : {"-input.", "-output."})
            names.push_back(virtio_name(nic) + direction + std::to_string(queue));
    return names;
}

std::string affinity(const std::string& name) { return shown("cat /proc/irq/*/" + name + "/../smp_affinity_list"); }

void pin_by_hand(const std::vector<std::string>& names, const char* cpus)
{
    for (const std::string& name : names) {
        guest::shell("for line in /proc/irq/*/" + name + "; do echo " + cpus + " >$line/../smp_affinity_list; done");
        REQUIRE(affinity(name) == cpus);
    }
}

Counts counts_of(const std::vector<std::string>& names)
{
    Counts sum{};
    std::ifstream table("/proc/interrupts");
    for (std::string line; std::getline(table, line);) {
        std::istringstream words(line);
        std::string label, last;
        Counts counts{};
        words >> label;
        for (long& count : counts)
            words >> count;
        while (words >> last) {
        }
        if (std::ranges::find(names, last) == names.end()) continue;
        for (std::size_t cpu = 0; cpu < counts.size(); ++cpu)
            sum[cpu] += counts[cpu];
    }
    return sum;
}

// From many addresses, so that more than one queue has work.
void exchange_packets()
{
    for (int host = 2; host < 12; ++host)
        guest::shell("ping -A -c 20 -w 10 -I 10.0.11." + std::to_string(host) + " 10.0.11.1");
}

Counts growth_during_traffic(const std::vector<std::string>& names)
{
    exchange_packets(); // an interrupt moves when it is raised (kernel/irq/migration.c), so once more on the old CPU
    const Counts before = counts_of(names);
    exchange_packets();
    Counts after = counts_of(names);
    for (std::size_t cpu = 0; cpu < after.size(); ++cpu)
        after[cpu] -= before[cpu];
    return after;
}

} // namespace

TEST_CASE("a plan lands the interrupts of an interface on node 1 there, and its packets follow" *
          doctest::test_suite("short"))
{
    guest::meet_neighbours();
    for (int host = 3; host < 12; ++host)
        guest::shell("ip addr add 10.0.11." + std::to_string(host) + "/24 dev vnet1");
    REQUIRE(netwright("set nic/vnet1/queues/combined 2 --yes --keep").status == 0); // as many as node 1 has CPUs
    const auto names = packet_interrupts("vnet1", 2);
    pin_by_hand(names, "0");
    const Counts remote = growth_during_traffic(names);
    CHECK(remote[0] > 0);
    CHECK(remote[1] + remote[2] + remote[3] == 0);

    const auto planned = netwright("plan --workload web-server --bandwidth 1Gbit --rtt 1ms --seconds 0"
                                   " --protect 'net.*' -o /tmp/placed.yaml");
    REQUIRE_MESSAGE(planned.status == 0, planned.out);
    CHECK_MESSAGE(planned.out.find("nic-interrupts-remote") != std::string::npos, planned.out);
    const auto applied = netwright("apply /tmp/placed.yaml --yes --confirm-within 300s");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    for (std::size_t queue = 0; queue < 2; ++queue) {
        CAPTURE(names[2 * queue]);
        const std::string cpu = affinity(names[2 * queue]);
        CHECK_MESSAGE((cpu == "2" || cpu == "3"), cpu);
        CHECK(affinity(names[2 * queue + 1]) == cpu); // both directions of a queue
    }
    CHECK(affinity(names[0]) != affinity(names[2])); // a CPU each
    const Counts near = growth_during_traffic(names);
    CHECK(near[0] + near[1] == 0);
    CHECK(near[2] + near[3] > 0);

    CHECK(netwright("rollback").status == 0);
    for (const std::string& name : names)
        CHECK(affinity(name) == "0");
}
