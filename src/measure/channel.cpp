// SPDX-License-Identifier: GPL-2.0-or-later
// Messages over a TCP connection.
#include "measure/channel.h"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <cerrno>

namespace netwright::measure {
namespace {

const char* const gone = "the other end of the test has gone";

} // namespace

Result<void> Channel::send(const Message& message, Deadline deadline)
{
    const std::string frame = to_frame(message);
    for (std::string_view rest = frame; !rest.empty();) {
        const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET) return fail(Error::Kind::Interrupted, gone);
        if (errno != EAGAIN && errno != EINTR) return std::unexpected(errno_error("talk to the other end", errno));
        TRY_VOID(wait_for(socket_, POLLOUT, deadline, "talk to the other end"));
    }
    return {};
}

Result<void> Channel::read_some()
{
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return fail(Error::Kind::Interrupted, gone);
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        return std::unexpected(errno_error("listen to the other end", errno));
    if (got > 0) framer_.feed({buffer.data(), static_cast<std::size_t>(got)});
    return {};
}

Result<Message> Channel::receive(Deadline deadline)
{
    for (std::string text;;) {
        const bool whole = TRY(framer_.next(text));
        if (whole) return parse_message(text);
        TRY_VOID(wait_for(socket_, POLLIN, deadline, "listen to the other end"));
        TRY_VOID(read_some());
    }
}

std::optional<Error> Channel::trouble()
{
    pollfd asked{socket_.get(), POLLIN, 0};
    if (::poll(&asked, 1, 0) <= 0) return std::nullopt;
    auto message = receive(Clock::now() + std::chrono::seconds(1));
    return message ? surprise(*message) : std::move(message).error();
}

Error Channel::surprise(const Message& message)
{
    if (const auto* refusal = std::get_if<Refusal>(&message))
        return {Error::Kind::Rejected, "the server refuses: " + refusal->why.substr(0, 500), 0};
    return {Error::Kind::Malformed, fmt::format("the other end said '{}' out of turn", name_of(message)), 0};
}

} // namespace netwright::measure
