// SPDX-License-Identifier: GPL-2.0-or-later
// This host, read for real and without rights: whatever it is, these hold.
#include "host/collect.h"

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
