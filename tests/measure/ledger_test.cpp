// SPDX-License-Identifier: GPL-2.0-or-later
// What the ledger reads from /proc, schedules without coordinated omission, and when a rate is steady.
#include "measure/jobs.h"
#include "measure/ledger.h"
#include "measure/steady.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::measure;

TEST_CASE("softirq time is the seventh number of /proc/stat's first line")
{
    CHECK((parse_softirq_ticks("cpu  1 2 3 4 5 6 789 8 9 10\ncpu0 1 1 1 1 1 1 1\n") == Result<std::uint64_t>(789)));
    CHECK_FALSE(parse_softirq_ticks("cpu  1 2 3\n"));
    CHECK_FALSE(parse_softirq_ticks(""));
    CHECK_FALSE(parse_softirq_ticks("cpu  1 2 3 4 5 6 x\n"));
}

TEST_CASE("TCP's memory is the number after mem in /proc/net/sockstat")
{
    CHECK((parse_tcp_pages("sockets: used 5\nTCP: inuse 1 orphan 0 tw 2 alloc 3 mem 44\nUDP: inuse 1 mem 9\n") ==
           Result<std::uint64_t>(44)));
    CHECK_FALSE(parse_tcp_pages("UDP: inuse 1 mem 9\n"));
}

TEST_CASE("a schedule keeps its times whatever is late, so that lateness is seen")
{
    using namespace std::chrono_literals;
    const Deadline start{1000s};
    Schedule schedule(100, start);
    CHECK(schedule.due() == start);
    CHECK(schedule.backlog(start - 1ns) == 0);
    CHECK(schedule.backlog(start) == 1);
    CHECK(schedule.backlog(start + 95ms) == 10);
    schedule.advance();
    CHECK(schedule.due() == start + 10ms);
    schedule.advance(9);
    CHECK(schedule.due() == start + 100ms); // not later because something was slow in between
    CHECK(schedule.backlog(start + 95ms) == 0);
    CHECK(Schedule(0, start).unlimited());
}

TEST_CASE("a rate is steady when half a second is like the half second before")
{
    Steadiness growing, settled, silent;
    for (int i = 0; i < 20; ++i) {
        growing.add(1 << i);
        silent.add(0);
        CHECK_FALSE(growing.reached());
        CHECK_FALSE(silent.reached());
    }
    for (int i = 0; i < 9; ++i)
        settled.add(100 + i % 3);
    CHECK_FALSE(settled.reached()); // too short to tell
    settled.add(101);
    CHECK(settled.reached());
}
