// SPDX-License-Identifier: GPL-2.0-or-later
// A program of ours behind AF_XDP: it takes frames out of a queue and drops them, or sends them on from the same
// memory.
#include "dataplane/ways_run.h"
#include "dataplane/xdp_link.h"
#include "dataplane/xdp_socket.h"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace netwright::dataplane {
namespace {

constexpr std::uint32_t burst = 64;
constexpr int nap_ms = 20; // after which it looks whether it should end

class AfXdpWay : public RunningWay {
public:
    AfXdpWay(XdpSocket in, std::optional<XdpSocket> out, const WayScene& scene)
        : in_(std::move(in)), out_(std::move(out)), program_(scene.program), cpu_(scene.places.program)
    {
        std::ranges::copy(scene.network.sink().address, onward_.begin());
        std::ranges::copy(scene.network.out().address, onward_.begin() + 6);
        for (std::uint32_t i = 0; i < in_.frames(); ++i)
            in_.fill().place(i) = std::uint64_t{i} * xdp_frame_size;
        in_.fill().give(in_.frames());
    }
    ~AfXdpWay() override { end(); }
    AfXdpWay(const AfXdpWay&) = delete;
    AfXdpWay& operator=(const AfXdpWay&) = delete;

    void begin(XdpLink link)
    {
        link_ = std::move(link);
        thread_ = std::thread([this] {
            keep_here();
            id_ = static_cast<int>(::syscall(SYS_gettid));
            while (!over_)
                out_ ? forward() : drop();
        });
        while (id_ == 0)
            std::this_thread::yield();
    }
    std::vector<int> threads() const override { return {id_}; }
    Result<std::optional<std::uint64_t>> so_far() override
    {
        return out_ ? TRY(program_.arrived()) : handled_.load(std::memory_order_relaxed);
    }
    Result<std::uint64_t> stop() override
    {
        end();
        return *TRY(so_far());
    }

private:
    void end()
    {
        over_ = true;
        if (thread_.joinable()) thread_.join();
    }

    void keep_here()
    {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<unsigned>(cpu_), &set);
        (void)::sched_setaffinity(0, sizeof set, &set);
    }

    void wait()
    {
        pollfd ready{in_.get(), POLLIN, 0};
        (void)::poll(&ready, 1, nap_ms);
    }

    void drop()
    {
        const std::uint32_t count = std::min(in_.received().filled(), burst);
        if (count == 0) return wait();
        for (std::uint32_t i = 0; i < count; ++i)
            in_.fill().place(i) = in_.received().peek(i).address;
        in_.received().take(count);
        in_.fill().give(count); // it has room for every frame there is
        handled_.fetch_add(count, std::memory_order_relaxed);
        if (in_.fill().wants_wakeup()) (void)::recvfrom(in_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
    }

    // Frames that have left may be received into again.
    void take_back()
    {
        const std::uint32_t count = out_->completed().filled();
        for (std::uint32_t i = 0; i < count; ++i)
            in_.fill().place(i) = out_->completed().peek(i);
        out_->completed().take(count);
        in_.fill().give(count);
        underway_ -= count;
    }

    void forward()
    {
        take_back();
        const std::uint32_t count = std::min({in_.received().filled(), out_->sending().room(), burst});
        for (std::uint32_t i = 0; i < count; ++i) {
            const XdpFrame& frame = in_.received().peek(i);
            std::ranges::copy(onward_, in_.frame(frame.address));
            out_->sending().place(i) = {frame.address, frame.length, 0};
        }
        in_.received().take(count);
        out_->sending().give(count);
        underway_ += count;
        if (underway_ != 0) (void)::sendto(out_->get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0);
        if (in_.fill().wants_wakeup()) (void)::recvfrom(in_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
        if (count == 0) underway_ == 0 ? wait() : std::this_thread::yield();
    }

    XdpSocket in_;
    std::optional<XdpSocket> out_;
    const WaysProgram& program_;
    int cpu_;
    std::array<std::uint8_t, 12> onward_{}; // MAC addresses of what is sent on
    std::optional<XdpLink> link_;
    std::uint32_t underway_ = 0;
    std::atomic<std::uint64_t> handled_{0};
    std::atomic<int> id_{0};
    std::atomic<bool> over_{false};
    std::thread thread_;
};

} // namespace

Result<std::unique_ptr<RunningWay>> start_af_xdp(const WayScene& scene, Way way)
{
    const XdpCopy copy = way == Way::AfXdpCopy ? XdpCopy::Yes : XdpCopy::No;
    auto in = TRY(XdpSocket::open(scene.network.in().index, copy));
    std::optional<XdpSocket> out;
    if (scene.task == WayTask::Forward) out = TRY(XdpSocket::open(scene.network.out().index, copy, &in));
    TRY_VOID(scene.program.put_socket(in.get()));
    auto link = TRY(XdpLink::attach(scene.network.in().name, scene.program.to_socket(), false));
    auto running = std::make_unique<AfXdpWay>(std::move(in), std::move(out), scene);
    running->begin(std::move(link));
    return running;
}

} // namespace netwright::dataplane
