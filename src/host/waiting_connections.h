// SPDX-License-Identifier: GPL-2.0-or-later
// Of a stream of TCP sockets, those in which most bytes wait: the ones a person would look at with ss first.
#pragma once

#include "kernel/sock_diag.h"
#include "model/sockets.h"

#include <vector>

namespace netwright::host {

Connection connection_from(const kernel::SocketRecord& record); // its owner is not looked for

class WaitingConnections {
public:
    static constexpr std::size_t most = 128;
    void add(const kernel::SocketRecord& record);
    void clear() { kept_.clear(); }
    std::vector<Connection> take(); // most bytes first

private:
    std::vector<Connection> kept_; // a heap whose top has the fewest bytes
};

} // namespace netwright::host
