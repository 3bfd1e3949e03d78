// SPDX-License-Identifier: GPL-2.0-or-later
// One end's accounts: counters when measuring began and ended, and the CPU time in between.
#pragma once

#include "measure/worker.h"
#include "model/measurement.h"

#include <list>

namespace netwright::measure {

// CPU time of this process, and of all soft interrupts of the host.
struct CpuUse {
    double user_s = 0, system_s = 0, softirq_s = 0;
};
CpuUse cpu_use();
// The softirq column of /proc/stat's first line, in ticks. Malformed: no such line.
Result<std::uint64_t> parse_softirq_ticks(std::string_view text);
// "mem" of TCP's line in /proc/net/sockstat, in pages. Malformed: no such line.
Result<std::uint64_t> parse_tcp_pages(std::string_view text);
std::uint64_t tcp_memory(); // bytes in TCP's buffers on this host; 0 where it cannot be read

// Sums over all workers of one end.
struct Totals {
    std::uint64_t sent = 0, received = 0, operations = 0, failures = 0, highest = 0, reordered = 0;
};
Totals totals_of(const std::list<Crew>& crews);

class Ledger {
public:
    explicit Ledger(const std::list<Crew>& crews) : crews_(crews), opened_memory_(tcp_memory()) {}

    void begin();  // the warm-up is over
    void sample(); // tcp_info of every flow; now and then while measuring
    void end();    // the last moment that counts
    // What came of it. All crews have stopped.
    EndResult result() const;

private:
    struct Moment {
        Deadline time{};
        Totals totals;
        CpuUse cpu;
        std::uint64_t segments = 0, retransmits = 0, memory = 0;
    };
    Moment now() const;

    const std::list<Crew>& crews_;
    std::uint64_t opened_memory_;
    Moment begin_, end_;
    Histogram rtt_us_, cwnd_;
    std::string congestion_;
};

} // namespace netwright::measure
