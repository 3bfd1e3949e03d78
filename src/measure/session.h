// SPDX-License-Identifier: GPL-2.0-or-later
// The server's side of one client's visit: who is it, what does it want, take part, report.
#pragma once

#include "measure/channel.h"
#include "measure/flows.h"
#include "measure/server.h"

#include <list>
#include <mutex>

namespace netwright::measure {

class Session {
public:
    // `test` is held while a test runs: one at a time, since two would measure each other.
    Session(Fd socket, const ServerOptions& options, std::mutex& test, const std::atomic<bool>& ended)
        : channel_(std::move(socket), largest_request), options_(options), test_(test), ended_(ended)
    {
    }
    // What was carried through. Whatever stands in the way is told to the client too, if it can still hear it.
    Result<Traffic> run();

private:
    struct Doors {
        std::vector<Fd> sockets; // a listener, listeners, or a socket for each flow of datagrams
        Ready ready;
    };
    Result<Traffic> greet();
    Result<Doors> open_doors(const Traffic& traffic) const;
    Result<std::vector<Flow>> let_in(Doors& doors, const Traffic& traffic);
    Result<std::vector<Flow>> accept_flows(const Fd& listener, const Traffic& traffic, std::uint32_t cookie);
    Result<std::vector<Flow>> meet_datagrams(std::vector<Fd>& sockets, const Traffic& traffic, std::uint32_t cookie);
    Result<void> take_part(const Traffic& traffic);
    Result<void> wait_for_word(const std::list<Crew>& crews, Deadline deadline);
    Result<void> still_wanted();

    Channel channel_;
    const ServerOptions& options_;
    std::mutex& test_;
    const std::atomic<bool>& ended_;
};

} // namespace netwright::measure
