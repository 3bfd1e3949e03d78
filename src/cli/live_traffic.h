// SPDX-License-Identifier: GPL-2.0-or-later
// Running test traffic from a command: against a server, or against one that is started here for the purpose.
#pragma once

#include "cli/bench_flags.h"
#include "model/measurement.h"

#include <atomic>

namespace netwright::cli {

// While it lives SIGINT and SIGTERM are remembered instead of ending the program. One at a time.
class Interruption {
public:
    Interruption();
    ~Interruption();
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;
    const std::atomic<bool>& seen() const;
};

// Did the last Interruption, or the one that lives, see a signal?
bool was_interrupted();

// A server in a process of its own, which ends with this object or with this process. `enter` runs in it first.
class ForkedServer {
public:
    static Result<ForkedServer> start(const std::string& bind, const std::function<Result<void>()>& enter = {});
    ForkedServer(ForkedServer&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)), port_(other.port_), host_(std::move(other.host_)),
          token_(std::move(other.token_))
    {
    }
    ForkedServer& operator=(ForkedServer&&) = delete;
    ~ForkedServer();
    measure::ClientOptions reached() const
    {
        measure::ClientOptions options;
        options.host = host_;
        options.port = port_;
        options.token = token_;
        return options;
    }

private:
    ForkedServer(int pid, std::string host, std::string token)
        : pid_(pid), host_(std::move(host)), token_(std::move(token))
    {
    }
    int pid_;
    std::uint16_t port_ = 0;
    std::string host_, token_;
};

// With a progress line on stderr if that is a terminal; SIGINT and SIGTERM end it as Interrupted.
Result<Measurement> measure_traffic(const measure::ClientOptions& where, const Traffic& traffic);
// `host` "": against a server that is forked here.
Result<Measurement> measure_traffic(const std::string& host, const PeerFlags& peer, const Traffic& traffic);

} // namespace netwright::cli
