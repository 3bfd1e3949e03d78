// SPDX-License-Identifier: GPL-2.0-or-later
// This host, read for real and without rights: whatever it is, these hold.
#include "host/collect.h"
#include "host/fixture.h"

#include <doctest/doctest.h>
#include <sys/utsname.h>

using namespace netwright;

TEST_CASE("this host can be collected: what every Linux has is there")
{
    auto kernel = kernel::Kernel::live();
    const Snapshot snapshot = host::collect(kernel, {});
    CHECK(snapshot.origin == "live");
    CHECK(snapshot.interval.count() == 0);
    utsname names{};
    REQUIRE(::uname(&names) == 0);
    CHECK(snapshot.kernel.release == names.release);
    REQUIRE(snapshot.softnet);
    CHECK_FALSE(snapshot.softnet->empty());
    REQUIRE(snapshot.protocols);
    CHECK(snapshot.protocols->at("TcpRetransSegs"));
    CHECK(snapshot.sysctls.text("net.ipv4.tcp_rmem"));
    REQUIRE(snapshot.topology);
    CHECK_FALSE(snapshot.topology->online.empty());
    REQUIRE(snapshot.memory);
    CHECK(snapshot.memory->total > snapshot.memory->page_size);
    REQUIRE(snapshot.cpu_times);
    CHECK(snapshot.cpu_times->size() == snapshot.topology->online.count());
    CHECK(snapshot.sockstat);
    CHECK(snapshot.files);
    CHECK(snapshot.services);
    CHECK(snapshot.nics);
    CHECK(snapshot.sockets);
    CHECK(snapshot.listening_processes);
    CHECK(snapshot.qdiscs);
    CHECK(snapshot.routes);
    CHECK(snapshot.rules);
    CHECK(snapshot.neighbours);
    for (const Gap& gap : gaps(snapshot)) {
        CAPTURE(gap.where);
        const bool of_a_part = gap.where.find('[') != std::string::npos; // a transmit queue has no rps_flow_cnt
        CHECK((of_a_part || gap.why.what != "not looked at"));           // every collector has been called
    }
}

TEST_CASE("two samples are as far apart as was asked, and counters grow between them")
{
    auto kernel = kernel::Kernel::live();
    const Snapshot snapshot = host::collect(kernel, {std::chrono::milliseconds{60}});
    CHECK(snapshot.interval.count() >= 60);
    CHECK(snapshot.interval.count() < 30'000);
    REQUIRE(snapshot.softirqs);
    std::uint64_t grown = 0;
    for (const InterruptLine& line : snapshot.softirqs->lines)
        for (const Counter& counter : line.per_cpu)
            grown += counter.growth;
    CHECK(grown > 0); // timers at least
}

TEST_CASE("a captured host stands still: it is sampled once, however long one would wait")
{
    auto kernel = captured_host("debian12-web");
    const Snapshot snapshot = host::collect(kernel, {std::chrono::hours{1}});
    CHECK(snapshot.interval.count() == 0);
    CHECK(snapshot.origin.ends_with("tests/fixtures/hosts/debian12-web"));
    CHECK(snapshot.softnet->at(1).processed.total > 0);
    CHECK(snapshot.sockets.error().kind == Error::Kind::Unsupported); // netlink cannot be captured in files
}

TEST_CASE("what an old kernel lacks is absent, not zero")
{
    auto kernel = captured_host("old-3.10-centos");
    const Snapshot snapshot = host::collect(kernel, {});
    CHECK(snapshot.protocols->at("TcpExtListenOverflows").value().total == 8812);
    CHECK(snapshot.protocols->at("TcpExtTCPRcvQDrop").error().kind == Error::Kind::Absent);
    CHECK(snapshot.protocols->at("Udp6InErrors").error().kind == Error::Kind::Absent);
    CHECK(snapshot.pressure.cpu.error().kind == Error::Kind::Absent);
    CHECK_FALSE(snapshot.softnet->at(0).backlog);
    CHECK_FALSE(snapshot.sockstat->tcp6_inuse);
    CHECK(snapshot.sysctls.text("net.core.netdev_budget_usecs").error().kind == Error::Kind::Absent);
}

TEST_CASE("in a container's namespace the host-wide keys are absent")
{
    auto kernel = captured_host("tiny-container");
    const Snapshot snapshot = host::collect(kernel, {});
    CHECK(snapshot.sysctls.number("net.core.somaxconn").value() > 0);
    CHECK(snapshot.sysctls.find("net.core.netdev_max_backlog") == nullptr);
    CHECK(snapshot.sysctls.find("net.ipv4.tcp_mem") == nullptr);
}

TEST_CASE("a hostile tree gives reasons, never numbers")
{
    auto kernel = captured_host("hostile");
    const Snapshot snapshot = host::collect(kernel, {});
    CHECK(snapshot.softnet.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.softnet.error().what.find("proc/net/softnet_stat:1: ") != std::string::npos);
    CHECK(snapshot.protocols.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.cpu_times.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.interrupts.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.memory.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.topology.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.sockstat.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.files.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.pressure.io.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.kernel.config.error().kind == Error::Kind::Malformed);
    CHECK(snapshot.kernel.uptime.error().kind == Error::Kind::Malformed);
}
