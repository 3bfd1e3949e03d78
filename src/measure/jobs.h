// SPDX-License-Identifier: GPL-2.0-or-later
// What the threads of a test do, one pair a kind of flow: the client's end and the server's.
#pragma once

#include "measure/worker.h"

#include <cstdint>

namespace netwright::measure {

void send_bulk(std::vector<Flow>& flows, const Work& work, Tally& tally);
void receive_bulk(std::vector<Flow>& flows, const Work& work, Tally& tally);

void make_requests(std::vector<Flow>& flows, const Work& work, Tally& tally);
void answer_requests(std::vector<Flow>& flows, const Work& work, Tally& tally);

void make_connections(std::vector<Flow>& flows, const Work& work, Tally& tally);   // flows hold no sockets
void answer_connections(std::vector<Flow>& flows, const Work& work, Tally& tally); // flows hold listeners

void send_datagrams(std::vector<Flow>& flows, const Work& work, Tally& tally);
void receive_datagrams(std::vector<Flow>& flows, const Work& work, Tally& tally);

void make_datagram_requests(std::vector<Flow>& flows, const Work& work, Tally& tally);
void answer_datagrams(std::vector<Flow>& flows, const Work& work, Tally& tally);

// When operations are due, evenly spaced. A late operation does not delay those after it: what a slow answer holds up
// counts as waiting too, from the moment it was due (no coordinated omission).
class Schedule {
public:
    Schedule(double per_second, Deadline start) : start_(start), interval_ns_(per_second > 0 ? 1e9 / per_second : 0) {}
    bool unlimited() const { return interval_ns_ <= 0; }
    Deadline due() const
    {
        return start_ + std::chrono::nanoseconds(static_cast<std::int64_t>(interval_ns_ * static_cast<double>(done_)));
    }
    void advance(std::uint64_t operations = 1) { done_ += operations; }
    // How many are due at `now`, but not done.
    std::uint64_t backlog(Deadline now) const
    {
        if (now < due()) return 0;
        const auto since = static_cast<double>(std::chrono::nanoseconds(now - start_).count());
        return static_cast<std::uint64_t>(since / interval_ns_) + 1 - done_;
    }

private:
    Deadline start_;
    double interval_ns_;
    std::uint64_t done_ = 0;
};

inline std::uint64_t nanoseconds_since(Deadline then, Deadline now = Clock::now())
{
    return now > then ? static_cast<std::uint64_t>(std::chrono::nanoseconds(now - then).count()) : 0;
}
// Sleeps until `due`, or for 100 ms, whichever is sooner: the stage may have changed. True: it is due.
bool sleep_until(Deadline due);

} // namespace netwright::measure
