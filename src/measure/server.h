// SPDX-License-Identifier: GPL-2.0-or-later
// The other end of a test: waits for clients and takes part in what they ask for, within limits.
#pragma once

#include "measure/protocol.h"
#include "measure/socket.h"

#include <atomic>
#include <functional>
#include <string>

namespace netwright::measure {

inline constexpr std::uint16_t default_port = 5301;

struct ServerOptions {
    std::string bind = "127.0.0.1";
    std::uint16_t port = default_port; // 0: any
    std::uint16_t data_port = 0;       // the first port of test traffic; 0: any
    std::string token;                 // "": anybody may ask, which is refused unless `bind` is a loopback address
    TrafficLimits limits;
    bool one_shot = false;                         // ends after one test
    std::function<void(const std::string&)> log{}; // one line for each thing that happened
};

class Server {
public:
    // Listens. Refused: no token where others than this host could connect.
    static Result<Server> open(ServerOptions options);
    std::uint16_t port() const { return port_; }
    // Serves until `ended` (looked at five times a second), or after one test.
    Result<void> serve(const std::atomic<bool>& ended);

private:
    Server(ServerOptions options, Fd listener, std::uint16_t port)
        : options_(std::move(options)), listener_(std::move(listener)), port_(port)
    {
    }
    ServerOptions options_;
    Fd listener_;
    std::uint16_t port_;
};

} // namespace netwright::measure
