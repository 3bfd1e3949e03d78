// SPDX-License-Identifier: GPL-2.0-or-later
// A request and its response in turn over connections that stay open.
#include "measure/jobs.h"
#include "measure/waiter.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <queue>

namespace netwright::measure {
namespace {

// One connection's side of the conversation.
struct Conversation {
    const Flow* flow = nullptr;
    Schedule schedule;
    Deadline since{};        // the request that is being answered was due or sent then
    std::size_t missing = 0; // bytes of its response
};

class Requests {
public:
    Requests(std::vector<Flow>& flows, const Work& work, Tally& tally)
        : work_(work), tally_(tally), request_(work.traffic.message, 'r'), response_(work.traffic.response)
    {
        const double rate = work.rate / static_cast<double>(flows.size());
        const auto now = Clock::now();
        for (std::size_t i = 0; i < flows.size(); ++i) {
            // Starts are spread over one interval, so that flows do not ask in step.
            const double late = rate > 0 ? 1e9 / rate * static_cast<double>(i) / static_cast<double>(flows.size()) : 0;
            const auto start = now + std::chrono::nanoseconds(static_cast<std::int64_t>(late));
            conversations_.push_back({&flows[i], Schedule(rate, start)});
        }
    }

    void run_one()
    {
        Conversation& one = conversations_.front();
        while (!work_.stopped()) {
            if (!one.schedule.unlimited() && !sleep_until(one.schedule.due())) continue;
            if (!ask(one)) return;
            while (one.missing > 0)
                if (!hear(one)) return;
        }
    }

    void run_many(Waiter& waiter)
    {
        for (std::size_t i = 0; i < conversations_.size(); ++i)
            waiting_.push({conversations_[i].schedule.due(), i});
        while (!work_.stopped()) {
            if (!ask_those_due()) return;
            for (const std::size_t i : waiter.wait(patience())) {
                if (!hear(conversations_[i])) return;
                if (conversations_[i].missing == 0) waiting_.push({conversations_[i].schedule.due(), i});
            }
        }
    }

private:
    using Due = std::pair<Deadline, std::size_t>;

    bool ask_those_due()
    {
        const auto now = Clock::now();
        while (!waiting_.empty() && waiting_.top().first <= now) {
            const std::size_t i = waiting_.top().second;
            waiting_.pop();
            if (!ask(conversations_[i])) return false;
        }
        return true;
    }

    std::chrono::nanoseconds patience() const
    {
        const std::chrono::nanoseconds most = std::chrono::milliseconds(100), least{0};
        if (waiting_.empty()) return most;
        return std::clamp<std::chrono::nanoseconds>(waiting_.top().first - Clock::now(), least, most);
    }

    bool ask(Conversation& one)
    {
        one.since = one.schedule.unlimited() ? Clock::now() : one.schedule.due();
        one.schedule.advance();
        one.missing = response_.size();
        for (std::size_t sent = 0; sent < request_.size();) {
            const ssize_t put =
                ::send(one.flow->socket.get(), request_.data() + sent, request_.size() - sent, MSG_NOSIGNAL);
            if (put > 0) {
                sent += static_cast<std::size_t>(put);
            } else if (errno == EAGAIN) { // a large request on a socket that does not block
                if (!wait_for(one.flow->socket, POLLOUT, Clock::now() + std::chrono::milliseconds(100), "") &&
                    work_.stopped())
                    return false;
            } else if (errno != EINTR) {
                break_down(work_, tally_, "send a request", errno);
                return false;
            }
        }
        tally_.sent.add(request_.size());
        return true;
    }

    // Takes what has come. False: the flow is of no use any more.
    bool hear(Conversation& one)
    {
        const ssize_t got = ::recv(one.flow->socket.get(), response_.data(), std::max<std::size_t>(one.missing, 1), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
        if (got <= 0) {
            break_down(work_, tally_, "wait for a response", got < 0 ? errno : ECONNRESET);
            return false;
        }
        one.missing -= std::min(one.missing, static_cast<std::size_t>(got));
        tally_.received.add(static_cast<std::uint64_t>(got));
        if (one.missing > 0) return true;
        if (work_.measuring()) tally_.latency.record(nanoseconds_since(one.since));
        tally_.operations.add(1);
        return true;
    }

    const Work& work_;
    Tally& tally_;
    std::vector<char> request_, response_;
    std::vector<Conversation> conversations_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> waiting_;
};

// Answers each whole request; what is left of the last one stays in `partial`.
bool answer(const Flow& flow, std::size_t& partial, const Work& work, std::vector<char>& data, Tally& tally)
{
    const ssize_t got = ::recv(flow.socket.get(), data.data(), work.traffic.message - partial, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    tally.received.add(static_cast<std::uint64_t>(got));
    partial += static_cast<std::size_t>(got);
    if (partial < work.traffic.message) return true;
    partial = 0;
    for (std::size_t sent = 0; sent < work.traffic.response;) {
        const ssize_t put = ::send(flow.socket.get(), data.data() + sent, work.traffic.response - sent, MSG_NOSIGNAL);
        if (put > 0)
            sent += static_cast<std::size_t>(put);
        else if (errno == EAGAIN)
            (void)wait_for(flow.socket, POLLOUT, Clock::now() + std::chrono::milliseconds(100), "");
        else if (errno != EINTR)
            return false;
        if (work.stopped()) return false;
    }
    tally.sent.add(work.traffic.response);
    tally.operations.add(1);
    return true;
}

} // namespace

void make_requests(std::vector<Flow>& flows, const Work& work, Tally& tally)
{
    Waiter waiter(flows, EPOLLIN);
    Requests requests(flows, work, tally);
    if (waiter.alone())
        requests.run_one();
    else
        requests.run_many(waiter);
}

void answer_requests(std::vector<Flow>& flows, const Work& work, Tally& tally)
{
    Waiter waiter(flows, EPOLLIN);
    std::vector<char> data(std::max(work.traffic.message, work.traffic.response), 'a');
    std::vector<std::size_t> partial(flows.size());
    for (std::size_t open = flows.size(); open > 0 && !work.stopped();)
        for (const std::size_t i : waiter.wait()) {
            if (answer(flows[i], partial[i], work, data, tally)) continue;
            waiter.forget(flows[i]);
            --open;
        }
}

} // namespace netwright::measure
