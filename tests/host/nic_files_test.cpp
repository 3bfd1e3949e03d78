// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/collect.h"
#include "host/nic_files.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace netwright;
using netwright::host::parse_net_dev;

namespace {

constexpr std::string_view head = "Inter-|   Receive                            |  Transmit\n"
                                  " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs\n";

// A tree of files that is gone with the object.
class Tree {
public:
    Tree()
    {
        char name[] = "/tmp/netwright-test-XXXXXX";
        if (::mkdtemp(name)) directory_ = name;
    }
    ~Tree() { std::filesystem::remove_all(directory_); }
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    void file(const std::string& path, std::string_view text) const
    {
        const auto place = directory_ / path;
        std::filesystem::create_directories(place.parent_path());
        std::ofstream(place) << text;
    }
    void link(const std::string& path, const std::string& target) const
    {
        std::filesystem::create_directories((directory_ / path).parent_path());
        std::filesystem::create_symlink(target, directory_ / path);
    }
    std::string path() const { return directory_.string(); }

private:
    std::filesystem::path directory_;
};

} // namespace

TEST_CASE("/proc/net/dev gives the counters that stand alone in a column")
{
    const auto devices = parse_net_dev(std::string(head) + "    lo: 100 2 0 0 0 0 0 0 100 2 0 0 0 0 0 0\n"
                                                           "eth0:1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    REQUIRE(devices);
    REQUIRE(devices->size() == 2);
    CHECK(devices->at(0).nic == "lo");
    CHECK(devices->at(1).nic == "eth0:1");
    const CounterTable& counters = devices->at(1).statistics;
    CHECK(counters.at("rx_bytes")->total == 1);
    CHECK(counters.at("multicast")->total == 8);
    CHECK(counters.at("tx_dropped")->total == 12);
    CHECK(counters.at("collisions")->total == 14);
    CHECK_FALSE(counters.at("rx_dropped")); // a sum with rx_missed_errors
}

TEST_CASE("a /proc/net/dev that is none is refused")
{
    for (const std::string& bad :
         {std::string(""), std::string("a\nb\n"), std::string(head) + "lo 1 2 3\n", std::string(head) + "lo: 1 2 3\n",
          std::string(head) + "lo: x 2 0 0 0 0 0 0 100 2 0 0 0 0 0 0\n"}) {
        CAPTURE(bad);
        CHECK(parse_net_dev(bad).error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("a captured tree shows its interfaces, and says what it cannot hold")
{
    const Tree tree;
    for (const auto& [name, text] : {std::pair{"ifindex", "4\n"},
                                     {"flags", "0x1003\n"},
                                     {"carrier", "1\n"},
                                     {"mtu", "1500\n"},
                                     {"address", "02:fc:00:00:00:01\n"},
                                     {"tx_queue_len", "1000\n"},
                                     {"speed", "-1\n"},
                                     {"duplex", "unknown\n"},
                                     {"carrier_changes", "2\n"},
                                     {"threaded", "1\n"},
                                     {"statistics/rx_packets", "77\n"},
                                     {"queues/rx-10/rps_cpus", "00000000,00000003\n"},
                                     {"queues/rx-2/rps_flow_cnt", "4096\n"},
                                     {"queues/tx-0/xps_rxqs", "1\n"}})
        tree.file(std::string("sys/class/net/eth0/") + name, text);
    tree.file("sys/devices/pci0/numa_node", "1\n");
    tree.file("sys/devices/pci0/msi_irqs/38", "msix\n");
    tree.file("sys/devices/pci0/virtio2/status", "0x0\n");
    tree.link("sys/devices/pci0/virtio2/subsystem", "../../../bus/virtio");
    tree.link("sys/class/net/eth0/device", "../../../devices/pci0/virtio2");
    tree.file("sys/class/net/bonding_masters", "\n");
    tree.file("proc/irq/38/smp_affinity_list", "0-1\n");
    tree.file("proc/interrupts", "  38:  1  2  PCI-MSIX 1-edge  virtio2-input.0\n");

    auto kernel = kernel::Kernel::captured(tree.path());
    REQUIRE(kernel);
    const auto nics = host::collect_nics(*kernel);
    REQUIRE(nics);
    REQUIRE(nics->size() == 1);
    const Nic& nic = nics->front();
    CHECK(nic.name == "eth0");
    CHECK(nic.index == 4);
    CHECK(nic.up);
    CHECK(nic.carrier);
    CHECK(nic.physical);
    CHECK(nic.mtu == 1500);
    CHECK(nic.speed_mbit.error().kind == Error::Kind::Absent);
    CHECK(nic.threaded.value_or(false));
    CHECK(nic.node.value_or(-9) == 1);
    CHECK(nic.statistics->at("rx_packets")->total == 77);
    REQUIRE(nic.interrupts);
    REQUIRE(nic.interrupts->size() == 1);
    CHECK(nic.interrupts->front().irq == 38);
    CHECK(nic.interrupts->front().action == "virtio2-input.0");
    CHECK(nic.interrupts->front().affinity->list() == "0-1");
    CHECK(nic.interrupts->front().effective.error().kind == Error::Kind::Absent);
    REQUIRE(nic.queues);
    REQUIRE(nic.queues->size() == 3);
    CHECK(nic.queues->at(0).name == "rx-2"); // by number
    CHECK(nic.queues->at(0).flow_count.value_or(0) == 4096);
    CHECK(nic.queues->at(1).name == "rx-10");
    CHECK(nic.queues->at(1).cpus->list() == "0-1");
    CHECK(nic.queues->at(2).xps_rxqs.value_or("") == "1");
    CHECK(nic.rx_queues == 2);
    CHECK(nic.features.error().kind == Error::Kind::Unsupported);
    CHECK(nic.driver_statistics.error().what == "a captured tree holds no netlink answers");
}

TEST_CASE("a tree with only /proc gives names and counters")
{
    const Tree tree;
    tree.file("proc/net/dev", std::string(head) + "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    auto kernel = kernel::Kernel::captured(tree.path());
    REQUIRE(kernel);
    const auto nics = host::collect_nics(*kernel);
    REQUIRE(nics);
    REQUIRE(nics->size() == 1);
    CHECK(nics->front().statistics->at("rx_packets")->total == 2);
    CHECK(nics->front().queues.error().kind == Error::Kind::Absent);
}

TEST_CASE("a tree without interfaces has no answer")
{
    const Tree tree;
    tree.file("proc/stat", "");
    auto kernel = kernel::Kernel::captured(tree.path());
    REQUIRE(kernel);
    CHECK(host::collect_nics(*kernel).error().kind == Error::Kind::Absent);
}
