// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/snapshot_json.h"

#include <doctest/doctest.h>

using namespace netwright;

namespace {

// One of everything that the codec treats in a way of its own.
Snapshot sample()
{
    Snapshot host;
    host.tool = "netwright test";
    host.origin = "live";
    host.taken = std::chrono::sys_seconds{std::chrono::seconds{1'795'219'200}};
    host.interval = std::chrono::milliseconds{2000};
    host.kernel.release = "6.18.44";
    host.kernel.version = KernelVersion{6, 18, 44};
    host.kernel.config = std::vector{ConfigOption{"CONFIG_HZ", "250"}};
    host.kernel.uptime = std::chrono::seconds{86400};
    host.surroundings.hostname = "web-1";
    host.topology = Topology{};
    host.topology->online = CpuSet::parse_list("0-3,8").value();
    host.topology->cpus = {Cpu{0, 0, 0, 0, CpuSet::parse_list("0-1").value()}};
    host.memory = Memory{Bytes{1U << 30}, Bytes{1U << 29}, Bytes{4096}, Bytes{2U << 20}, 0};
    host.pressure.cpu = Pressure{1.25, 0, Counter{7, 1}, Counter{}};
    host.interrupts = InterruptTable{{0, 1}, {InterruptLine{"24", "virtio0-input.0", {Counter{5, 1}, Counter{6, 2}}}}};
    Nic nic;
    nic.name = "eth0";
    nic.rx_ring = Ring{256, 4096};
    nic.tx_ring = fail(Error::Kind::Unsupported, "rings of eth0: Operation not supported", 95);
    nic.max_mtu = 9000;
    nic.coalescing = Coalescing{};
    nic.coalescing->adaptive_rx = true;
    nic.features = std::vector{Feature{"rx-gro", true, true, false}};
    nic.queues = std::vector{Queue{"rx-0", CpuSet::parse_mask("3").value(), 4096U, unseen()}};
    nic.statistics = CounterTable({{"rx_packets", {10, 2}}, {"rx_bytes", {1000, 200}}});
    nic.driver_statistics = CounterTable({{"drop", {1, 0}}, {"drop", {2, 0}}});
    host.nics = std::vector{nic};
    host.protocols = CounterTable({{"TcpRetransSegs", {100, 3}}});
    host.sysctls = SysctlTable({{"net.ipv4.tcp_rmem", "4096\t131072\t33554432"},
                                {"net.ipv4.route.flush", fail(Error::Kind::Refused, "write only", 13)}});
    SocketSummary sockets;
    ConnectionGroup group;
    group.congestion_control = "cubic";
    for (const std::uint64_t rtt : {10U, 200U, 38'000U})
        group.rtt_us.add(rtt);
    sockets.established = {group};
    sockets.listeners = {Listener{"::", 443, 3, 2, 27, 0, 9001, "cubic", SocketOwner{812, "nginx"}}};
    sockets.busiest = BusiestDestination{"10.0.0.9", 5432, 900};
    sockets.udp_sockets = 17;
    sockets.owners = std::vector{OwnerCount{812, "nginx", 40'000}};
    host.sockets = sockets;
    host.services = std::vector{Service{"tuned", true, 77, "network-latency"}, Service{"docker", false, {}, {}}};
    return host;
}

} // namespace

TEST_CASE("a snapshot reads back from JSON as the same value")
{
    const Snapshot host = sample();
    const auto back = snapshot_from_json(to_json(host));
    REQUIRE(back);
    CHECK((*back == host));
    CHECK(to_json(*back) == to_json(host));
}

TEST_CASE("an empty snapshot reads back too, each gap with its reason")
{
    const Snapshot nothing;
    const auto back = snapshot_from_json(to_json(nothing));
    REQUIRE(back);
    CHECK((*back == nothing));
}

TEST_CASE("gaps name the place and the reason")
{
    const auto found = gaps(sample());
    const auto has = [&](std::string_view where) {
        for (const Gap& gap : found)
            if (gap.where == where) return true;
        return false;
    };
    CHECK(has("nics[eth0].tx_ring"));
    CHECK(has("sysctls[net.ipv4.route.flush]"));
    CHECK(has("conntrack"));
    CHECK(has("nics[eth0].queues[rx-0].xps_rxqs"));
    CHECK_FALSE(has("nics[eth0].rx_ring"));
}

TEST_CASE("what does not fit is named by its place")
{
    const auto complaint = [](std::string text) { return snapshot_from_json(text).error(); };
    CHECK(complaint("{\"schema\": 1, \"tool\": 7}").what == "/tool: text is expected");
    CHECK(complaint("{").kind == Error::Kind::Malformed);
    CHECK(complaint("").kind == Error::Kind::Malformed);
    CHECK(complaint("[]").kind == Error::Kind::Malformed);
    CHECK(complaint("{\"schema\": \"1\"}").kind == Error::Kind::Malformed);
    CHECK(complaint("{\"schema\": 999}").kind == Error::Kind::Unsupported);
    std::string text = to_json(sample());
    text.replace(text.find("\"mtu\": 0"), 8, "\"mtu\": -1");
    CHECK(complaint(text).what == "/nics/0/mtu: a number of at least 0 is expected");
}

TEST_CASE("every truncation of a snapshot is refused, never half read")
{
    const std::string text = to_json(sample());
    for (std::size_t length = 0; length + 2 < text.size(); length += 97)
        CHECK_FALSE(snapshot_from_json(std::string_view(text).substr(0, length)));
}

TEST_CASE("text that nests without end neither crashes nor passes")
{
    CHECK_FALSE(snapshot_from_json(std::string(200'000, '[')));
}

TEST_CASE("a reading that an older netwright did not know is a gap, not an error")
{
    std::string text = to_json(sample());
    const auto at = text.find(" \"services\"");
    text = text.substr(0, text.rfind(',', at)) + "\n}";
    const auto back = snapshot_from_json(text);
    REQUIRE(back);
    REQUIRE_FALSE(back->services);
    CHECK(back->services.error().kind == Error::Kind::Absent);
}
