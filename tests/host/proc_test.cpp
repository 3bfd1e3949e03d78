// SPDX-License-Identifier: GPL-2.0-or-later
// The small parsers of /proc: stat, pressure, meminfo, file-nr, sockstat.
#include "host/counter_growth.h"
#include "host/parse.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::host;

TEST_CASE("each CPU's time comes from its own line, not from the sum")
{
    const auto cpus = parse_cpu_times("cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu3 1 1 1 1 1 1 1 1 1 1\n"
                                      "intr 5 0\ncpu9 broken\n");
    REQUIRE(cpus);
    REQUIRE(cpus->size() == 2);
    CHECK(cpus->at(0).steal.total == 8);
    CHECK(cpus->at(0).softirq.total == 7);
    CHECK(cpus->at(1).cpu == 3);
}

TEST_CASE("a /proc/stat without CPUs, cut short or with words is malformed")
{
    for (const char* text : {"", "intr 1\n", "cpu 1 2 3 4 5 6 7 8\n", "cpu0 1 2 3\n", "cpu0 1 2 3 4 5 6 7 -8\n",
                             "cpux 1 2 3 4 5 6 7 8\n", "cpu99999 1 2 3 4 5 6 7 8\n"}) {
        CAPTURE(text);
        CHECK(parse_cpu_times(text).error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("time grows by CPU number; iowait may go back and then did not grow")
{
    const auto before = parse_cpu_times("cpu0 1 0 0 9 5 0 0 0\ncpu1 1 0 0 0 0 0 0 0\n").value();
    auto now = parse_cpu_times("cpu1 4 0 0 0 0 0 0 0\ncpu0 3 0 0 9 4 0 0 0\ncpu2 8 0 0 0 0 0 0 0\n").value();
    grow_since(now, before);
    CHECK(now[0].user.growth == 3);
    CHECK(now[1].user.growth == 2);
    CHECK(now[1].iowait.growth == 0);
    CHECK(now[2].user.growth == 0);
}

TEST_CASE("pressure has shares and totals; full is missing for the CPU before 5.13")
{
    const auto both = parse_pressure("some avg10=1.50 avg60=0.00 avg300=0.00 total=77\n"
                                     "full avg10=0.25 avg60=0.00 avg300=0.00 total=5\n");
    REQUIRE(both);
    CHECK(both->some_avg10 == 1.5);
    CHECK(both->full_avg10 == 0.25);
    CHECK(both->some_total_us.total == 77);
    CHECK(both->full_total_us.total == 5);
    CHECK(parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")->full_total_us.total == 0);
    for (const char* text : {"", "full avg10=0 total=1\n", "some avg10=nan total=1\n", "some avg10=101 total=1\n",
                             "some avg10=-1 total=1\n", "some total=1\n", "some avg10=1\n", "some avg10=1 total=-1\n",
                             "most avg10=1 total=1\n"}) {
        CAPTURE(text);
        CHECK(parse_pressure(text).error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("memory is in bytes; before 3.14 what is available is estimated")
{
    const auto memory = parse_memory("MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 50 kB\nCached: 30 kB\n"
                                     "HugePages_Total: 4\nHugepagesize: 2048 kB\n");
    REQUIRE(memory);
    CHECK(memory->total == Bytes{102400});
    CHECK(memory->available == Bytes{51200});
    CHECK(memory->huge_pages == 4);
    CHECK(memory->huge_page_size == Bytes{2U << 20});
    CHECK(parse_memory("MemTotal: 100 kB\nMemFree: 10 kB\nCached: 30 kB\n")->available == Bytes{40960});
    for (const char* text : {"", "MemFree: 1 kB\n", "MemTotal: x kB\n", "MemTotal 1\n",
                             "MemTotal: 18446744073709551615 kB\n", "MemTotal:\n"}) {
        CAPTURE(text);
        CHECK(parse_memory(text).error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("file-nr is allocated, free, limit")
{
    CHECK(parse_file_table("5216\t0\t9223372036854775807\n").value() == FileTable{5216, 9223372036854775807U});
    for (const char* text : {"", "1 2\n", "1 2 3 4\n", "a 0 1\n", "-1 0 1\n"}) {
        CAPTURE(text);
        CHECK(parse_file_table(text).error().kind == Error::Kind::Malformed);
    }
}

namespace {
constexpr std::string_view sockstat =
    "sockets: used 17\nTCP: inuse 11 orphan 2 tw 3 alloc 14 mem 5\nUDP: inuse 6 mem -1\n"
    "UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 1 memory 4096\n";
}

TEST_CASE("socket accounts come by name; a sum that dips below zero is none")
{
    const auto stat = parse_sockstat(sockstat, "TCP6: inuse 9\nUDP6: inuse 8\nFRAG6: inuse 77 memory 0\n");
    REQUIRE(stat);
    CHECK(stat->tcp_inuse == 11);
    CHECK(stat->tcp_orphans == 2);
    CHECK(stat->tcp_time_wait == 3);
    CHECK(stat->tcp_allocated == 14);
    CHECK(stat->udp_inuse == 6);
    CHECK(stat->udp_memory_pages == 0);
    CHECK(stat->fragments_inuse == 1);
    CHECK(stat->fragments_memory == 4096);
    CHECK(stat->tcp6_inuse == 9U);
    CHECK(stat->udp6_inuse == 8U);
}

TEST_CASE("without IPv6 its sockets are absent, not zero; a sockstat that lacks a line is malformed")
{
    CHECK_FALSE(parse_sockstat(sockstat, "")->tcp6_inuse);
    for (const char* text : {"", "TCP: inuse\n", "TCP: inuse x\n", "TCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5\n"}) {
        CAPTURE(text);
        CHECK(parse_sockstat(text, "").error().kind == Error::Kind::Malformed);
    }
}
