// SPDX-License-Identifier: GPL-2.0-or-later
// Causes that a namespace cannot provoke: hardware, clouds, the whole host's limits.
#include "support/scene_builder.h"

using namespace netwright;
using namespace netwright::test;

namespace {

std::string cause_of(std::string counter)
{
    SceneBuilder scene;
    scene.nic("eth0").driver_statistics = CounterTable({{std::move(counter), {1000, 500}}});
    const auto diagnosis = scene.diagnosis();
    return diagnosis.causes.empty() ? "" : diagnosis.causes[0].cause;
}

} // namespace

TEST_CASE("drivers' own names lead to their cause")
{
    struct Row {
        const char *name, *cause;
    };
    for (const Row& row : {
             Row{"queue_3_rx_empty_rx_ring", "nic-ring-full"}, // ena
             Row{"rx_no_dma_resources", "nic-ring-full"},      // ixgbe
             Row{"rx_out_of_buffer", "nic-ring-full"},         // mlx5
             Row{"pkts rx OOB", "nic-ring-full"},              // vmxnet3
             Row{"hc_rx_discards_no_wqe", "nic-ring-full"},    // mana
             Row{"rx_no_buffer_count", "nic-ring-full"},       // igb
             Row{"queue_1_rx_page_alloc_fail", "nic-memory"},
             Row{"alloc_rx_buff_failed", "nic-memory"},
             Row{"rx_buff_alloc_err", "nic-memory"},
             Row{"rx_crc_errors_phy", "wire-errors"},
             Row{"port.rx_oversize", "wire-errors"},
             Row{"rx_fcs_err_frames", "wire-errors"},
             Row{"bw_in_allowance_exceeded", "cloud-allowance"},
             Row{"conntrack_allowance_exceeded", "cloud-allowance"},
             Row{"rx_queue_0_xdp_drops", "xdp-drop"},
             // Traffic and settings are no trouble.
             Row{"rx_queue_0_packets", ""},
             Row{"tx_restart_queue", ""},
             Row{"rx_bytes", ""},
             Row{"conntrack_allowance_available", ""},
             Row{"tx_timeout_count", ""},
         }) {
        CAPTURE(row.name);
        CHECK(cause_of(row.name) == row.cause);
    }
}

TEST_CASE("frames missed by the NIC are counted once, whatever their names")
{
    SceneBuilder scene;
    Nic& nic = scene.nic("eth0");
    nic.statistics = CounterTable({{"rx_missed_errors", {900, 100}}});
    nic.driver_statistics = CounterTable({{"rx_missed_errors", {900, 100}}, {"rx_no_buffer_count", {90, 10}}});
    nic.rx_ring = Ring{512, 4096};
    const auto diagnosis = scene.diagnosis();
    REQUIRE(diagnosis.causes.size() == 1);
    CHECK(diagnosis.causes[0].events == 100);
    CHECK(diagnosis.causes[0].victim == "eth0");
    CHECK(diagnosis.causes[0].evidence.back().value == "512 of 4096 descriptors");
}

TEST_CASE("a backlog that overflows is this host's, or another namespace's")
{
    SceneBuilder scene;
    SoftnetCpu cpu;
    cpu.cpu = 3;
    cpu.processed = {100'000, 50'000};
    cpu.dropped = {500, 400};
    scene.now.softnet->push_back(cpu);
    SUBCASE("on the host") { CHECK(find(scene.diagnosis(), "backlog-full")); }
    SUBCASE("in a namespace whose packets they were not")
    {
        scene.now.surroundings.network_namespace = "net:[4026532201]";
        CHECK_FALSE(find(scene.diagnosis(), "backlog-full"));
    }
    SUBCASE("in the namespace whose packets they were")
    {
        scene.now.surroundings.network_namespace = "net:[4026532201]";
        scene.dropped("CPU_BACKLOG", 400, "udp", 53);
        const auto diagnosis = scene.diagnosis();
        REQUIRE(find(diagnosis, "backlog-full"));
        CHECK(find(diagnosis, "backlog-full")->remedy.empty()); // the whole host's setting
    }
}

TEST_CASE("the flow limit is told from a full backlog, and from other namespaces' flows")
{
    SceneBuilder scene;
    SoftnetCpu cpu;
    cpu.cpu = 1;
    cpu.processed = {100'000, 50'000};
    cpu.dropped = {500, 400};
    cpu.flow_limit = {500, 400}; // every drop was the limit's
    scene.now.softnet->push_back(cpu);
    SUBCASE("on the host")
    {
        const auto diagnosis = scene.diagnosis();
        REQUIRE(find(diagnosis, "flow-limit"));
        CHECK(find(diagnosis, "flow-limit")->events == 400);
        CHECK_FALSE(find(diagnosis, "backlog-full"));
    }
    SUBCASE("in a namespace whose packets they were not")
    {
        scene.now.surroundings.network_namespace = "net:[4026532201]";
        CHECK_FALSE(find(scene.diagnosis(), "flow-limit"));
    }
    SUBCASE("in the namespace whose packets they were")
    {
        scene.now.surroundings.network_namespace = "net:[4026532201]";
        scene.dropped("CPU_BACKLOG", 300, "udp", 53);
        CHECK(find(scene.diagnosis(), "flow-limit")->events == 300);
    }
}

TEST_CASE("squeezes matter on a CPU that softirqs fill, and nowhere else")
{
    SceneBuilder scene;
    SoftnetCpu cpu;
    cpu.processed = {100'000, 50'000};
    cpu.time_squeeze = {5000, 4000};
    scene.now.softnet->push_back(cpu);
    CpuTimes times;
    times.softirq = {1000, 900}; // of 10 s in ticks of 1/100 s
    SUBCASE("full")
    {
        scene.now.cpu_times->push_back(times);
        CHECK(find(scene.diagnosis(), "softirq-budget"));
    }
    SUBCASE("with time to spare")
    {
        times.softirq.growth = 100;
        scene.now.cpu_times->push_back(times);
        CHECK_FALSE(find(scene.diagnosis(), "softirq-budget"));
    }
    SUBCASE("full, but once in a million packets")
    {
        scene.now.softnet->back().time_squeeze.growth = 1;
        scene.now.cpu_times->push_back(times);
        CHECK_FALSE(find(scene.diagnosis(), "softirq-budget"));
    }
}

TEST_CASE("one CPU that does all the work is told from many that share it")
{
    SceneBuilder scene;
    for (unsigned number = 0; number < 4; ++number) {
        CpuTimes times;
        times.cpu = number;
        times.softirq = {0, number == 2 ? 950U : 20U};
        scene.now.cpu_times->push_back(times);
    }
    REQUIRE(find(scene.diagnosis(), "one-cpu-full"));
    CHECK(find(scene.diagnosis(), "one-cpu-full")->victim == "CPU 2");
    for (CpuTimes& times : *scene.now.cpu_times)
        times.softirq.growth = 900;
    CHECK_FALSE(find(scene.diagnosis(), "one-cpu-full"));
}

TEST_CASE("stolen time, memory limits and orphans are the whole host's")
{
    SceneBuilder scene;
    CpuTimes times;
    times.steal = {0, 200};
    scene.now.cpu_times->push_back(times);
    scene.now.sockstat->tcp_orphans = 40'000;
    scene.grew("UdpMemErrors", 10).grew("TcpExtTCPAbortOnMemory", 3).grew("TcpExtTCPBacklogDrop", 5);
    const auto diagnosis = scene.diagnosis();
    for (const char* cause : {"cpu-stolen", "orphans", "udp-memory", "tcp-memory", "socket-backlog-full"}) {
        CAPTURE(cause);
        CHECK(find(diagnosis, cause));
    }
}

TEST_CASE("a socket's own limit is told from that of all sockets, also when they have been at it for long")
{
    SceneBuilder scene;
    scene.now.sysctls = SysctlTable(std::vector<SysctlValue>{{"net.ipv4.tcp_mem", "1000\t2000\t3000"}});
    scene.now.sockstat->tcp_memory_pages = 500;
    scene.grew("TcpExtTCPRcvQDrop", 20).dropped("PROTO_MEM", 20, "tcp", 80);
    CHECK(find(scene.diagnosis(), "receive-memory-pruned"));
    CHECK_FALSE(find(scene.diagnosis(), "tcp-memory"));
    scene.now.sockstat->tcp_memory_pages = 2500; // and no counter tells when that began
    const auto diagnosis = scene.diagnosis();
    REQUIRE(find(diagnosis, "tcp-memory"));
    CHECK(diagnosis.causes[0].cause == "tcp-memory");
    CHECK(find(diagnosis, "receive-memory-pruned")->because_of == "tcp-memory");
}

TEST_CASE("interrupts on the wrong node")
{
    SceneBuilder scene;
    scene.now.topology->nodes = {0, 1};
    Nic& nic = scene.nic("eth0");
    nic.node = 1;
    nic.local_cpus = *CpuSet::parse_list("8-15");
    NicInterrupt interrupt;
    interrupt.irq = 40;
    interrupt.effective = *CpuSet::parse_list("2");
    nic.interrupts = std::vector{interrupt};
    CHECK(find(scene.diagnosis({Symptom::Numa}), "remote-node"));
    scene.now.nics->back().interrupts->back().effective = *CpuSet::parse_list("9");
    CHECK_FALSE(find(scene.diagnosis({Symptom::Numa}), "remote-node"));
}

TEST_CASE("connection tracking that evicts or races")
{
    SceneBuilder scene;
    scene.now.conntrack = Conntrack{};
    scene.now.conntrack->count = 1000;
    scene.now.conntrack->limit = 1000;
    ConntrackCpu cpu;
    cpu.early_drop = {50, 50};
    cpu.insert_failed = {20, 20};
    scene.now.conntrack->cpus = std::vector{cpu};
    const auto diagnosis = scene.diagnosis();
    CHECK(find(diagnosis, "conntrack-evicts"));
    CHECK(find(diagnosis, "conntrack-race"));
    CHECK_FALSE(find(diagnosis, "conntrack-full"));
}

TEST_CASE("a clash counts as a drop too, and does not make a table full that is nearly empty")
{
    SceneBuilder scene;
    scene.now.conntrack = Conntrack{};
    scene.now.conntrack->count = 1;
    scene.now.conntrack->limit = 262144;
    ConntrackCpu cpu;
    cpu.drop = cpu.insert_failed = {19, 19};
    scene.now.conntrack->cpus = std::vector{cpu};
    const auto diagnosis = scene.diagnosis();
    CHECK(find(diagnosis, "conntrack-race"));
    CHECK_FALSE(find(diagnosis, "conntrack-full"));
}

TEST_CASE("somaxconn is raised only where it is what limits the queue")
{
    SceneBuilder scene;
    Listener& listener = scene.listener(1, 80, 50);
    scene.grew("TcpExtListenOverflows", 50);
    CHECK(find(scene.diagnosis(), "accept-queue-full")->remedy.empty());
    listener.limit = 4096;
    const auto diagnosis = scene.diagnosis();
    REQUIRE(find(diagnosis, "accept-queue-full")->remedy.size() == 1);
    CHECK(to_text(*find(diagnosis, "accept-queue-full")->remedy[0].to) == "8192");
}

TEST_CASE("a listener that has gone leaves its overflows behind")
{
    const auto diagnosis = SceneBuilder().grew("TcpExtListenOverflows", 50).diagnosis();
    REQUIRE(find(diagnosis, "accept-queue-full"));
    CHECK(find(diagnosis, "accept-queue-full")->victim.empty());
    CHECK(find(diagnosis, "accept-queue-full")->events == 50);
}
