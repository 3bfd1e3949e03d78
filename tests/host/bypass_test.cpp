// SPDX-License-Identifier: GPL-2.0-or-later
// What bypass needs, and power settings and drop-ins, read from a tree.
#include "host/bypass.h"
#include "host/collect.h"
#include "tunable/tree.h"

#include <doctest/doctest.h>

#include <cstring>

using namespace netwright;
using netwright::test::Tree;

namespace {

// A netlink attribute: length, type, payload, padded to four bytes.
template <class T>
void put(std::vector<std::byte>& bytes, std::uint16_t type, T value)
{
    const std::uint16_t length = 4 + sizeof value;
    const std::size_t start = bytes.size();
    bytes.resize(start + (length + 3U) / 4 * 4);
    std::memcpy(bytes.data() + start, &length, 2);
    std::memcpy(bytes.data() + start + 2, &type, 2);
    std::memcpy(bytes.data() + start + 4, &value, sizeof value);
}

} // namespace

TEST_CASE("huge pages, IOMMU groups and VFIO are counted in a tree")
{
    Tree tree;
    tree.put("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
    tree.put("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500\n");
    tree.put("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
    tree.put("sys/kernel/iommu_groups/0/type", "DMA\n");
    tree.put("sys/kernel/iommu_groups/1/type", "DMA\n");
    tree.put("sys/bus/pci/drivers/vfio-pci/bind", "");
    tree.put("proc/self/mounts", "proc /proc proc rw 0 0\nhugetlbfs /dev/hugepages hugetlbfs rw 0 0\n");
    tree.link("../../../kernel/iommu_groups/17", "sys/class/net/eth0/device/iommu_group");
    kernel::Kernel kernel = tree.kernel();
    Snapshot host;
    Nic nic;
    nic.name = "eth0";
    nic.physical = true;
    Nic virtual_nic;
    virtual_nic.name = "veth0";
    host.nics = std::vector{nic, virtual_nic};
    Route route;
    route.nic = "eth0";
    route.destination = "default";
    host.routes = std::vector{route};

    const BypassFacts facts = host::collect_bypass(kernel, host);
    REQUIRE(facts.huge_pages);
    CHECK(*facts.huge_pages == std::vector<HugePagePool>{{Bytes{2 << 20}, 512, 500}, {Bytes{1 << 30}, 0, 0}});
    CHECK(facts.hugetlbfs == std::vector<std::string>{"/dev/hugepages"});
    CHECK(*facts.iommu_groups == 2);
    CHECK(facts.vfio_pci);
    CHECK_FALSE(facts.vfio_no_iommu);
    REQUIRE(facts.nics.size() == 1);
    CHECK(facts.nics[0].busy);
    CHECK(facts.nics[0].used_for == "default route");
    CHECK(*facts.nics[0].iommu_group == 17);
    CHECK(facts.nics[0].xdp.error().kind == Error::Kind::Unsupported); // a tree answers no netlink
}

TEST_CASE("an empty tree has none of it, and says so")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    const BypassFacts facts = host::collect_bypass(kernel, Snapshot{});
    CHECK(facts.huge_pages.error().kind == Error::Kind::Absent);
    CHECK(*facts.iommu_groups == 0);
    CHECK_FALSE(facts.vfio_pci);
    CHECK(facts.nics.empty());
    CHECK_FALSE(facts.af_xdp);
}

TEST_CASE("XDP features come from the device's attributes; unknown ones are skipped")
{
    std::vector<std::byte> bytes;
    put(bytes, 1, std::uint32_t{7});
    put(bytes, 3, std::uint64_t{1 | 2 | 8});
    put(bytes, 4, std::uint32_t{8});
    put(bytes, 99, std::uint64_t{0});
    const auto device = host::parse_device_xdp(bytes);
    CHECK(device.interface == 7);
    CHECK(device.support == XdpSupport{true, true, false, true, false, 8});
    bytes.resize(6); // cut short
    CHECK(host::parse_device_xdp(bytes).support == XdpSupport{});
}

TEST_CASE("CPUs that save power alike stand together")
{
    Tree tree;
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
        const std::string room = "sys/devices/system/cpu/cpu" + std::to_string(cpu);
        tree.put(room + "/cpufreq/scaling_driver", "intel_pstate\n");
        tree.put(room + "/cpufreq/scaling_governor", cpu == 2 ? "performance\n" : "powersave\n");
        tree.put(room + "/cpuidle/state0/name", "POLL\n");
        tree.put(room + "/cpuidle/state0/latency", "0\n");
        tree.put(room + "/cpuidle/state0/disable", "0\n");
        tree.put(room + "/cpuidle/state1/name", "C6\n");
        tree.put(room + "/cpuidle/state1/latency", "133\n");
        tree.put(room + "/cpuidle/state1/disable", "1\n");
    }
    const auto groups = host::collect_cpu_power(tree.kernel(), *CpuSet::parse_list("0-3"));
    REQUIRE(groups);
    REQUIRE(groups->size() == 2);
    CHECK((*groups)[0].cpus.list() == "0-1,3");
    CHECK(*(*groups)[0].governor == "powersave");
    CHECK(*(*groups)[1].driver == "intel_pstate");
    CHECK((*groups)[0].idle_states == std::vector<IdleState>{{"POLL", 0, true}, {"C6", 133, false}});
}

TEST_CASE("a guest without frequency driver or idle states is one group with its reason")
{
    Tree tree;
    const auto groups = host::collect_cpu_power(tree.kernel(), *CpuSet::parse_list("0-3"));
    REQUIRE(groups);
    REQUIRE(groups->size() == 1);
    CHECK((*groups)[0].governor.error().kind == Error::Kind::Absent);
    CHECK((*groups)[0].idle_states.empty());
}

TEST_CASE("our own drop-ins are collected, those of others are not ours")
{
    Tree tree;
    CHECK(host::collect_drop_ins(tree.kernel())->empty());
    tree.put("etc/systemd/system/nginx.service.d/50-netwright.conf", "[Service]\nLimitNOFILE=65536\n");
    tree.put("etc/systemd/system/nginx.service.d/override.conf", "[Service]\nLimitCORE=0\n");
    tree.put("etc/systemd/system/sshd.service.d/override.conf", "[Service]\nLimitNOFILE=1\n");
    CHECK(*host::collect_drop_ins(tree.kernel()) ==
          std::vector<DropInSetting>{{"nginx.service", "LimitNOFILE", "65536"}});
}
