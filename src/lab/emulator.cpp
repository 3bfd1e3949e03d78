// SPDX-License-Identifier: GPL-2.0-or-later
// The emulator's loop: take what comes, let out what is due, sleep until the next is.
#include "lab/emulator.h"

#include "lab/super_packet.h"
#include "model/histogram.h"

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <queue>

namespace netwright::lab {
namespace {

// What a segment takes on an Ethernet besides its IP packet: preamble, header, checksum, gap.
constexpr std::uint64_t framing = 8 + 14 + 4 + 12;
constexpr Nanos most_lump = 500'000; // of line time in one piece: the receiver sees a paced stream, not 64 KiB lumps
constexpr std::size_t room = 128U << 10;
constexpr int burst = 64; // packets taken from one side before it is the other's turn

Nanos now()
{
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

struct Waiting {
    Nanos due = 0;
    std::uint64_t order = 0; // of those due at the same time, the first that came
    std::vector<std::uint8_t> packet;
    bool operator>(const Waiting& other) const { return std::pair(due, order) > std::pair(other.due, other.order); }
};

// One way across the path.
class Way {
public:
    Way(const Fd& from, const Fd& to, const std::vector<LinkSettings>& links, std::uint32_t black_hole,
        std::uint64_t seed, EmulatorReport& report, Histogram& lateness)
        : from_(from.get()), to_(to.get()), chain_(links, seed), black_hole_(black_hole), report_(report),
          lateness_(lateness), buffer_(room)
    {
    }

    int source() const { return from_; }
    Nanos next() const { return waiting_.empty() ? INT64_MAX : waiting_.top().due; }

    void take()
    {
        for (int i = 0; i < burst; ++i) {
            const ssize_t got = ::read(from_, buffer_.data(), buffer_.size());
            if (got <= 0) return;
            const std::span packet(buffer_.data(), static_cast<std::size_t>(got));
            if (const auto shape = shape_of(packet)) admit(packet, *shape);
        }
    }

    void let_out()
    {
        for (Nanos time = now(); !waiting_.empty() && waiting_.top().due <= time;) {
            const Waiting& first = waiting_.top();
            lateness_.record(static_cast<std::uint64_t>(time - first.due));
            if (::write(to_, first.packet.data(), first.packet.size()) < 0) ++report_.own_losses;
            waiting_.pop();
        }
    }

private:
    // Segments that travel together: up to one that is lost or refused, or until they are half a millisecond long.
    void admit(std::span<const std::uint8_t> packet, const Shape& shape)
    {
        const Nanos arrival = now();
        std::size_t start = 0;
        Nanos first_due = 0, last_due = 0;
        for (std::size_t i = 0; i < shape.count(); ++i) {
            Nanos due = arrival;
            const bool passes = crosses(shape.size_of(i), due);
            if (start < i && (!passes || due - first_due > most_lump || due < last_due)) {
                push(packet, shape, start, i, last_due);
                start = i;
            }
            if (!passes) {
                start = i + 1;
                continue;
            }
            if (start == i) first_due = due;
            last_due = due;
        }
        if (start < shape.count()) push(packet, shape, start, shape.count(), last_due);
    }

    bool crosses(std::size_t size, Nanos& due)
    {
        if (black_hole_ != 0 && size > black_hole_) {
            ++report_.vanished;
            return false;
        }
        switch (chain_.admit(due, size + framing)) {
        case Link::Fate::Passes:
            ++report_.passed;
            return true;
        case Link::Fate::Overflow:
            ++report_.overflowed;
            return false;
        case Link::Fate::Lost:
            ++report_.lost;
            return false;
        }
        return false;
    }

    void push(std::span<const std::uint8_t> packet, const Shape& shape, std::size_t from, std::size_t to, Nanos due)
    {
        waiting_.push({due, ++order_, cut(packet, shape, from, to)});
    }

    int from_, to_;
    Chain chain_;
    std::uint32_t black_hole_;
    EmulatorReport& report_;
    Histogram& lateness_;
    std::vector<std::uint8_t> buffer_;
    std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
    std::uint64_t order_ = 0;
};

std::vector<LinkSettings> links_of(const PathSettings& path, bool back)
{
    std::vector<LinkSettings> links;
    for (const Hop& hop : path.hops)
        links.push_back(back ? hop.back : hop.there);
    if (back) std::ranges::reverse(links);
    return links;
}

} // namespace

EmulatorReport emulate(const Fd& left, const Fd& right, const PathSettings& path, const std::atomic<bool>& ended)
{
    EmulatorReport report;
    Histogram lateness;
    const auto seed = static_cast<std::uint64_t>(now());
    std::array ways{Way(left, right, links_of(path, false), path.black_hole, seed, report, lateness),
                    Way(right, left, links_of(path, true), path.black_hole, seed + 1000, report, lateness)};
    while (!ended) {
        const Nanos next = std::min({ways[0].next(), ways[1].next(), now() + 100'000'000});
        const Nanos left_over = std::max<Nanos>(0, next - now());
        const timespec patience{left_over / 1'000'000'000, left_over % 1'000'000'000};
        std::array<pollfd, 2> asked{pollfd{ways[0].source(), POLLIN, 0}, pollfd{ways[1].source(), POLLIN, 0}};
        ::ppoll(asked.data(), asked.size(), &patience, nullptr);
        for (std::size_t i = 0; i < ways.size(); ++i) {
            if ((asked[i].revents & POLLIN) != 0) ways[i].take();
            ways[i].let_out();
        }
    }
    report.lateness_p50_ns = lateness.quantile(0.5);
    report.lateness_p99_ns = lateness.quantile(0.99);
    report.lateness_most_ns = lateness.largest();
    return report;
}

void hurry()
{
    ::mlockall(MCL_CURRENT | MCL_FUTURE);
    sched_param priority{};
    priority.sched_priority = 1;
    ::sched_setscheduler(0, SCHED_FIFO, &priority);
}

} // namespace netwright::lab
