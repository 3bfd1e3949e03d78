// SPDX-License-Identifier: GPL-2.0-or-later
// Datagrams one way: batches out, batches in, and what their sequence numbers and times tell.
#include "measure/jobs.h"
#include "measure/waiter.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

namespace netwright::measure {
namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t most_segments = 64;         // UDP_MAX_SEGMENTS (include/linux/udp.h) of older kernels
constexpr std::size_t largest_offloaded = 65'000; // payload of one super-datagram
constexpr std::size_t receive_room = 65'536;

std::uint64_t monotonic_ns() { return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()); }

// A batch of datagrams of one flow, ready to be stamped and sent with one system call.
class Batch {
public:
    Batch(const Work& work) : cookie_(work.cookie), size_(work.traffic.message), data_(size_ * batch, 'd')
    {
        segments_ = work.traffic.offload ? std::clamp<std::size_t>(largest_offloaded / size_, 1, most_segments) : 1;
        for (std::size_t i = 0; i < batch; ++i) {
            parts_[i] = {data_.data() + i * size_, size_};
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }
    std::size_t most() const { return segments_ > 1 ? segments_ : batch; }

    // Sends up to `count`; gives how many went, or -1 with errno.
    ssize_t send(int socket, std::uint32_t& sequence, std::size_t count)
    {
        const std::uint64_t now = monotonic_ns();
        for (std::size_t i = 0; i < count; ++i) {
            const DatagramHeader header{cookie_, sequence + static_cast<std::uint32_t>(i), now};
            std::memcpy(data_.data() + i * size_, &header, sizeof header);
        }
        ssize_t sent = 0;
        if (segments_ > 1) { // the kernel or the NIC cuts it (UDP_SEGMENT, set on the socket)
            sent = ::send(socket, data_.data(), size_ * count, MSG_NOSIGNAL);
            if (sent > 0) sent = static_cast<ssize_t>(count);
        } else {
            sent = ::sendmmsg(socket, messages_.data(), static_cast<unsigned>(count), MSG_NOSIGNAL);
        }
        if (sent > 0) sequence += static_cast<std::uint32_t>(sent);
        return sent;
    }

private:
    std::uint32_t cookie_;
    std::size_t size_, segments_ = 1;
    std::vector<char> data_;
    std::array<iovec, batch> parts_{};
    std::array<mmsghdr, batch> messages_{};
};

// A rate in bit/s or datagrams a second, as datagrams a second.
double datagrams_per_second(const Work& work)
{
    const bool bits = row_of(work.traffic.kind).counts_bits;
    return bits ? work.rate / 8 / work.traffic.message : work.rate;
}

// What one flow's datagrams tell: order by sequence number, delay by time stamp.
class Trace {
public:
    void see(const DatagramHeader& header, std::uint64_t now, bool measuring, Tally& tally)
    {
        const auto ahead = static_cast<std::int32_t>(header.sequence - next_);
        if (ahead >= 0) {
            tally.highest.add(static_cast<std::uint64_t>(ahead) + 1);
            next_ = header.sequence + 1;
        } else {
            tally.reordered.add(1);
        }
        // The clocks of two hosts differ by a constant that differences take out.
        const auto transit = static_cast<std::int64_t>(now - header.sent_ns);
        if (!seen_ || transit < least_) least_ = transit;
        if (seen_) vary(static_cast<std::uint64_t>(std::abs(transit - last_)), measuring, tally);
        if (measuring) tally.delay.record(static_cast<std::uint64_t>(transit - least_));
        last_ = transit;
        seen_ = true;
    }

private:
    void vary(std::uint64_t difference, bool measuring, Tally& tally)
    {
        jitter_ += (static_cast<double>(difference) - jitter_) / 16; // RFC 3550, 6.4.1
        tally.jitter_ns = std::max(jitter_, 0.0);
        if (measuring) tally.variation.record(difference);
    }

    std::uint32_t next_ = 0;
    bool seen_ = false;
    std::int64_t last_ = 0, least_ = 0;
    double jitter_ = 0;
};

// Room for a batch of datagrams, each possibly made of many (UDP_GRO).
class Inbox {
public:
    Inbox(const Work& work) : room_(work.traffic.offload ? receive_room : work.traffic.message), data_(room_ * batch)
    {
        for (std::size_t i = 0; i < batch; ++i) {
            parts_[i] = {data_.data() + i * room_, room_};
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    int receive(int socket)
    {
        for (std::size_t i = 0; i < batch; ++i) {
            messages_[i].msg_hdr.msg_control = controls_[i].data();
            messages_[i].msg_hdr.msg_controllen = controls_[i].size();
        }
        return ::recvmmsg(socket, messages_.data(), batch, MSG_WAITFORONE, nullptr);
    }

    // Calls `each` with every datagram of the `i`th message.
    template <class Each>
    void datagrams(std::size_t i, Each each) const
    {
        const mmsghdr& message = messages_[i];
        const std::size_t step = segment_of(message.msg_hdr, message.msg_len);
        for (std::size_t at = 0; at + sizeof(DatagramHeader) <= message.msg_len; at += step)
            each(data_.data() + i * room_ + at, std::min<std::size_t>(step, message.msg_len - at));
    }

private:
    static std::size_t segment_of(const msghdr& header, std::size_t whole)
    {
        msghdr copy = header; // CMSG_NXTHDR wants it without const
        for (cmsghdr* one = CMSG_FIRSTHDR(&copy); one; one = CMSG_NXTHDR(&copy, one)) {
            if (one->cmsg_level != SOL_UDP || one->cmsg_type != UDP_GRO) continue;
            int size = 0;
            std::memcpy(&size, CMSG_DATA(one), sizeof size);
            if (size > 0) return static_cast<std::size_t>(size);
        }
        return std::max<std::size_t>(whole, 1);
    }

    std::size_t room_;
    std::vector<char> data_;
    std::array<iovec, batch> parts_{};
    std::array<mmsghdr, batch> messages_{};
    struct alignas(cmsghdr) Control : std::array<char, CMSG_SPACE(sizeof(int))> {};
    std::array<Control, batch> controls_{};
};

} // namespace

void send_datagrams(std::vector<Flow>& flows, const Work& work, Tally& tally)
{
    Batch datagrams(work);
    std::vector<std::uint32_t> sequences(flows.size());
    Schedule schedule(datagrams_per_second(work), Clock::now());
    for (std::size_t turn = 0; !work.stopped(); ++turn) {
        std::size_t count = datagrams.most();
        if (!schedule.unlimited()) {
            if (!sleep_until(schedule.due())) continue;
            count = std::min<std::size_t>(count, schedule.backlog(Clock::now()));
        }
        const std::size_t i = turn % flows.size();
        const ssize_t sent = datagrams.send(flows[i].socket.get(), sequences[i], count);
        if (sent > 0) {
            schedule.advance(static_cast<std::uint64_t>(sent));
            tally.operations.add(static_cast<std::uint64_t>(sent));
            tally.sent.add(static_cast<std::uint64_t>(sent) * work.traffic.message);
        } else if (errno == ENOBUFS || errno == ECONNREFUSED) {
            count_failure(tally, "send a datagram", errno); // refused: the other end's socket has just gone, or is late
        } else if (errno != EINTR && errno != EAGAIN) {
            return break_down(work, tally, "send a datagram", errno);
        }
    }
}

void receive_datagrams(std::vector<Flow>& flows, const Work& work, Tally& tally)
{
    Inbox inbox(work);
    std::vector<Trace> traces(flows.size());
    Waiter waiter(flows, EPOLLIN);
    while (!work.stopped())
        for (const std::size_t i : waiter.wait()) {
            const int count =
                inbox.receive(flows[i].socket.get()); // gives up after a while: the stage may have changed
            const std::uint64_t now = monotonic_ns();
            std::uint64_t datagrams = 0, bytes = 0;
            for (int one = 0; one < count; ++one)
                inbox.datagrams(static_cast<std::size_t>(one), [&](const char* data, std::size_t size) {
                    DatagramHeader header;
                    std::memcpy(&header, data, sizeof header);
                    if (header.cookie != work.cookie) return;
                    ++datagrams;
                    bytes += size;
                    traces[i].see(header, now, work.measuring(), tally);
                });
            tally.operations.add(datagrams);
            tally.received.add(bytes);
        }
}

} // namespace netwright::measure
