// SPDX-License-Identifier: GPL-2.0-or-later
// The control connection: whole messages in, whole messages out, each with a deadline.
#pragma once

#include "measure/protocol.h"
#include "measure/socket.h"

namespace netwright::measure {

class Channel {
public:
    Channel(Fd socket, std::size_t largest) : socket_(std::move(socket)), framer_(largest) {}

    Result<void> send(const Message& message, Deadline deadline);
    // Interrupted: the other end hung up, or the deadline came. A Refusal is an answer like any other.
    Result<Message> receive(Deadline deadline);
    // The answer that must come next. Rejected, with the other end's words: a Refusal. Malformed: something else.
    template <class Wanted>
    Result<Wanted> expect(Deadline deadline)
    {
        Message message = TRY(receive(deadline));
        if (auto* wanted = std::get_if<Wanted>(&message)) return std::move(*wanted);
        return std::unexpected(surprise(message));
    }
    // What the other end has to say when nothing is expected of it: nothing while all is well.
    std::optional<Error> trouble();

    const Fd& socket() const { return socket_; }

private:
    static Error surprise(const Message& message);
    Result<void> read_some();

    Fd socket_;
    Framer framer_;
};

} // namespace netwright::measure
