// SPDX-License-Identifier: GPL-2.0-or-later
// A request datagram and its response in turn. What is lost is counted as a failure after a while, and asked anew; an
// answer to an older request is known by its sequence number and not counted.
#include "measure/jobs.h"
#include "measure/waiter.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace netwright::measure {
namespace {

constexpr auto patience = std::chrono::seconds(1);

struct Asked {
    const Flow* flow = nullptr;
    Schedule schedule;
    Deadline since{}, sent{};
    std::uint32_t sequence = 0;
    bool waiting = false;
};

class DatagramRequests {
public:
    DatagramRequests(std::vector<Flow>& flows, const Work& work, Tally& tally)
        : work_(work), tally_(tally), waiter_(flows, EPOLLIN),
          data_(std::max(work.traffic.message, work.traffic.response), 'q')
    {
        for (const Flow& flow : flows)
            all_.push_back({&flow, Schedule(work.rate / static_cast<double>(flows.size()), Clock::now())});
    }

    void run()
    {
        while (!work_.stopped()) {
            for (Asked& one : all_)
                if (!go_on(one)) return;
            for (const std::size_t i : waiter_.wait(std::chrono::microseconds(work_.rate > 0 ? 50 : 10'000)))
                if (all_[i].waiting && !hear(all_[i])) return;
        }
    }

private:
    // Asks where it is time to.
    bool go_on(Asked& one)
    {
        const auto now = Clock::now();
        if (one.waiting && now - one.sent < patience) return true;
        if (one.waiting) count_failure(tally_, "a datagram or its response was lost", 0);
        one.waiting = false;
        if (!one.schedule.unlimited() &&
            (all_.size() == 1 ? !sleep_until(one.schedule.due()) : now < one.schedule.due()))
            return true;
        one.since = one.schedule.unlimited() ? now : one.schedule.due();
        one.sent = Clock::now();
        one.schedule.advance();
        return ask(one);
    }

    bool ask(Asked& one)
    {
        const DatagramHeader header{work_.cookie, ++one.sequence, 0};
        std::memcpy(data_.data(), &header, sizeof header);
        one.waiting = true;
        if (::send(one.flow->socket.get(), data_.data(), work_.traffic.message, MSG_NOSIGNAL) >= 0) {
            tally_.sent.add(work_.traffic.message);
            return true;
        }
        if (errno == ECONNREFUSED || errno == ENOBUFS || errno == EAGAIN || errno == EINTR) return true; // as if lost
        break_down(work_, tally_, "send a request", errno);
        return false;
    }

    // Blocks for at most 100 ms (SO_RCVTIMEO) where the flow is alone.
    bool hear(Asked& one)
    {
        const ssize_t got = ::recv(one.flow->socket.get(), data_.data(), data_.size(), 0);
        if (got < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED) {
            break_down(work_, tally_, "wait for a response", errno);
            return false;
        }
        DatagramHeader header;
        if (got < static_cast<ssize_t>(sizeof header)) return true;
        std::memcpy(&header, data_.data(), sizeof header);
        if (header.cookie != work_.cookie || header.sequence != one.sequence) return true;
        one.waiting = false;
        if (work_.measuring()) tally_.latency.record(nanoseconds_since(one.since));
        tally_.received.add(static_cast<std::uint64_t>(got));
        tally_.operations.add(1);
        return true;
    }

    const Work& work_;
    Tally& tally_;
    Waiter waiter_;
    std::vector<char> data_;
    std::vector<Asked> all_;
};

} // namespace

void make_datagram_requests(std::vector<Flow>& flows, const Work& work, Tally& tally)
{
    DatagramRequests(flows, work, tally).run();
}

void answer_datagrams(std::vector<Flow>& flows, const Work& work, Tally& tally)
{
    std::vector<char> data(std::max(work.traffic.message, work.traffic.response), 'a');
    Waiter waiter(flows, EPOLLIN);
    while (!work.stopped())
        for (const std::size_t i : waiter.wait()) {
            const int socket = flows[i].socket.get();
            const ssize_t got = ::recv(socket, data.data(), data.size(), 0);
            DatagramHeader header;
            if (got < static_cast<ssize_t>(sizeof header)) continue;
            std::memcpy(&header, data.data(), sizeof header);
            if (header.cookie != work.cookie) continue;
            tally.received.add(static_cast<std::uint64_t>(got));
            if (::send(socket, data.data(), work.traffic.response, MSG_NOSIGNAL) < 0) continue; // lost on the way
            tally.sent.add(work.traffic.response);
            tally.operations.add(1);
        }
}

} // namespace netwright::measure
