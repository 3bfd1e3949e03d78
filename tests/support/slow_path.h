// SPDX-License-Identifier: GPL-2.0-or-later
// A link whose packets take their time: two tun devices and a thread that holds every packet back.
#pragma once

#include <linux/if_tun.h>
#include <poll.h>

#include <map>

#include "support/fault_lab.h"

namespace faults {

inline Fd open_tun(const Space& space, const char* name)
{
    return space.in([&] {
        Fd device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
        ifreq request{};
        request.ifr_flags = IFF_TUN | IFF_NO_PI;
        std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
        check(device && ::ioctl(device.get(), TUNSETIFF, &request) == 0, "a tun device");
        return device;
    });
}

// Between here (10.8.0.1, tun0) and there (10.8.0.2, tun0) of a link, beside its wire.
class SlowPath {
public:
    // Of the full packets from here, each `late_each`th takes four times as long and is overtaken; 0: none is.
    SlowPath(const Link& link, std::chrono::milliseconds delay, unsigned late_each = 0)
        : delay_(delay), late_each_(late_each), ends_{open_tun(link.here, "tun0"), open_tun(link.there, "tun0")}
    {
        link.here.ip("addr add 10.8.0.1/24 dev tun0");
        link.there.ip("addr add 10.8.0.2/24 dev tun0");
        link.here.ip("link set tun0 up txqueuelen 10000");
        link.there.ip("link set tun0 up txqueuelen 10000");
        worker_ = std::thread([this] { run(); });
    }
    ~SlowPath()
    {
        stop_ = true;
        worker_.join();
    }
    SlowPath(const SlowPath&) = delete;
    SlowPath& operator=(const SlowPath&) = delete;

private:
    void run()
    {
        std::vector<char> buffer(65536);
        while (!stop_) {
            pollfd ready[2] = {{ends_[0].get(), POLLIN, 0}, {ends_[1].get(), POLLIN, 0}};
            (void)::poll(ready, 2, 1);
            for (std::size_t from = 0; from < 2; ++from)
                carry(from, buffer);
        }
    }
    void carry(std::size_t from, std::vector<char>& buffer)
    {
        auto& held = held_[from];
        for (ssize_t got = 0; (got = ::read(ends_[from].get(), buffer.data(), buffer.size())) > 0;) {
            const bool full = from == 0 && got > 1000;
            const bool late = full && late_each_ != 0 && ++full_ % late_each_ == 0;
            held.emplace(Clock::now() + delay_ * (late ? 4 : 1),
                         std::vector<char>(buffer.begin(), buffer.begin() + got));
        }
        for (; !held.empty() && held.begin()->first <= Clock::now(); held.erase(held.begin()))
            (void)::write(ends_[1 - from].get(), held.begin()->second.data(), held.begin()->second.size());
    }
    const std::chrono::milliseconds delay_;
    const unsigned late_each_;
    unsigned full_ = 0;
    std::array<Fd, 2> ends_;
    std::array<std::multimap<Clock::time_point, std::vector<char>>, 2> held_; // by when they are due
    std::atomic<bool> stop_{false};
    std::thread worker_;
};

} // namespace faults
