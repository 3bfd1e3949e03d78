// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/collect.h"
#include "host/counter_sampler.h"
#include "host/fixture.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::host;

namespace {

constexpr std::string_view dev_headings = "Inter-|   Receive  |  Transmit\n face |bytes    packets |bytes\n";

std::string dev_line(std::string_view name, unsigned first)
{
    std::string line = "  " + std::string(name) + ":";
    for (unsigned i = 0; i < 16; ++i)
        line += " " + std::to_string(first + i);
    return line + "\n";
}

} // namespace

TEST_CASE("interfaces of /proc/net/dev keep bytes, packets, errors and drops of both ways")
{
    const auto interfaces = parse_interfaces(std::string(dev_headings) + dev_line("eth0:1", 100) +
                                             "lo:1 2 3 4 5 6 7 8 9 "
                                             "10 11 12 13 14 15 16\n");
    REQUIRE(interfaces);
    REQUIRE(interfaces->size() == 2);
    CHECK(interfaces->at(0).name == "eth0:1");
    CHECK(interfaces->at(0).rx_bytes.total == 100);
    CHECK(interfaces->at(0).rx_dropped.total == 103);
    CHECK(interfaces->at(0).tx_bytes.total == 108);
    CHECK(interfaces->at(0).tx_dropped.total == 111);
    CHECK(interfaces->at(1).tx_errors.total == 11);
    for (const char* text : {"", "a\n", "a\nb\nno colon\n", "a\nb\neth0: 1 2 3\n",
                             "a\nb\neth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x\n"}) {
        CAPTURE(text);
        CHECK(parse_interfaces(text).error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("the sampler sees what the collectors see")
{
    for (const char* name : {"debian12-web", "old-3.10-centos", "tiny-container", "hostile"}) {
        CAPTURE(name);
        const auto kernel = captured_host(name);
        CounterSampler sampler(kernel);
        const CounterSample first = sampler.sample();
        const CounterSample second = sampler.sample();
        CHECK((first.softnet == collect_softnet(kernel)));
        CHECK((first.protocols == collect_protocols(kernel)));
        CHECK((first.cpu_times == collect_cpu_times(kernel)));
        CHECK((first.softirqs == collect_softirqs(kernel)));
        CHECK((first.interrupts == collect_interrupts(kernel)));
        CHECK((first.pressure == collect_pressure(kernel)));
        CHECK((first.sockstat == collect_sockstat(kernel)));
        CHECK((first.protocols == second.protocols));
        CHECK((first.softnet == second.softnet));
        CHECK((first.interfaces == second.interfaces));
    }
}

TEST_CASE("growth between two samples is what was added in between")
{
    Tree tree;
    tree.file("proc/net/dev", std::string(dev_headings) + dev_line("eth0", 10))
        .file("proc/net/snmp", "Tcp: RetransSegs\nTcp: 5\n");
    const auto kernel = tree.kernel();
    CounterSampler sampler(kernel);
    const CounterSample first = sampler.sample();
    tree.file("proc/net/dev", std::string(dev_headings) + dev_line("new0", 1) + dev_line("eth0", 17))
        .file("proc/net/snmp", "Tcp: RetransSegs\nTcp: 9\n");
    CounterSample second = sampler.sample();
    grow_since(second, first);
    REQUIRE(second.interfaces);
    CHECK(second.interfaces->at(0).rx_bytes.growth == 0); // new: nobody knows since when it counted
    CHECK(second.interfaces->at(1).rx_bytes.growth == 7);
    CHECK(second.protocols->at("TcpRetransSegs").value() == Counter{9, 4});
    CHECK(second.taken >= first.taken);
}

TEST_CASE("a file that appears later is found, one that is long is read whole")
{
    Tree tree;
    tree.file("proc/net/snmp", "Tcp: RetransSegs\nTcp: 5\n");
    const auto kernel = tree.kernel();
    CounterSampler sampler(kernel);
    CHECK(sampler.sample().softnet.error().kind == Error::Kind::Absent);
    std::string rows;
    for (int cpu = 0; cpu < 500; ++cpu)
        rows += "00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n";
    tree.file("proc/net/softnet_stat", rows);
    const CounterSample sample = sampler.sample();
    REQUIRE(sample.softnet);
    CHECK(sample.softnet->size() == 500);
}
