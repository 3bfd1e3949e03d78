// SPDX-License-Identifier: GPL-2.0-or-later
// The control protocol's messages as JSON and back.
#include "measure/protocol.h"

#include "model/measurement_rows.h"

#include <array>

namespace netwright::describe {

using namespace measure;

// clang-format off
NETWRIGHT_ROWS(Hello, ROW(version), ROW(software), ROW(nonce))
NETWRIGHT_ROWS(Welcome, ROW(version), ROW(software), ROW(kernel), ROW(nonce), ROW(token), ROW(proof))
NETWRIGHT_ROWS(Ask, ROW(traffic), ROW(proof))
NETWRIGHT_ROWS(Ready, ROW(cookie), ROW(ports))
NETWRIGHT_ROWS(Go)
NETWRIGHT_ROWS(Mark)
NETWRIGHT_ROWS(Marked)
NETWRIGHT_ROWS(Stop)
NETWRIGHT_ROWS(Report, ROW(result), ROW(warnings))
NETWRIGHT_ROWS(Refusal, ROW(why))
// clang-format on

} // namespace netwright::describe

namespace netwright::measure {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Message>> names{
    "hello", "welcome", "ask", "ready", "go", "mark", "marked", "stop", "report", "refusal"};

std::unexpected<Error> no_message(const std::string& why)
{
    return fail(Error::Kind::Malformed, "no message of netwright bench" + why);
}

template <std::size_t index = 0>
Result<Message> read_named(std::string_view name, const json::In& in)
{
    if constexpr (index == std::variant_size_v<Message>) {
        return no_message("");
    } else {
        if (names[index] != name) return read_named<index + 1>(name, in);
        std::variant_alternative_t<index, Message> message;
        if (const auto read = json::read(in, message); !read) return no_message(" (" + read.error().what + ")");
        return Message{std::move(message)};
    }
}

} // namespace

std::string_view name_of(const Message& message) { return names[message.index()]; }

std::string to_text(const Message& message)
{
    json::Out out = json::Out::object();
    std::visit([&](const auto& one) { out.push_back({std::string(name_of(message)), json::write(one)}); }, message);
    return out.dump(-1, ' ', false, json::Out::error_handler_t::replace);
}

Result<Message> parse_message(std::string_view text)
{
    // Nothing of ours is nested deeper; a parser that recurses is not led further.
    int depth = 0;
    const auto shallow = [&](int at, json::In::parse_event_t, json::In&) {
        depth = std::max(depth, at);
        return at < 8;
    };
    const json::In in = json::In::parse(text, shallow, false);
    if (in.is_discarded() || !in.is_object() || in.size() != 1 || depth >= 8) return no_message("");
    return read_named(in.begin().key(), in.begin().value());
}

std::string to_frame(const Message& message)
{
    const std::string text = to_text(message);
    const auto length = static_cast<std::uint32_t>(text.size());
    std::string frame;
    for (int shift = 24; shift >= 0; shift -= 8)
        frame += static_cast<char>(length >> shift & 0xff);
    return frame + text;
}

Result<bool> Framer::next(std::string& text)
{
    if (pending_.size() < 4) return false;
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
        length = length << 8 | static_cast<unsigned char>(pending_[i]);
    if (length > largest_) return no_message(": what came is something else, or too long");
    if (pending_.size() < 4 + length) return false;
    text.assign(pending_, 4, length);
    pending_.erase(0, 4 + length);
    return true;
}

} // namespace netwright::measure
