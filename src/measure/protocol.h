// SPDX-License-Identifier: GPL-2.0-or-later
// What client and server say to each other beside the test traffic (docs/formats/bench-protocol.md). A frame is the
// length of its text in four bytes, the highest first, and JSON text: an object with one member, named after the
// message. Both ends say their protocol version first; another one ends the talk with words that name both.
//
//   client   Hello            Ask                                Mark      Stop
//   server          Welcome        Ready  (flows connect)  Go          Marked   Report
// Instead of any answer the server may say Refusal, and hang up.
#pragma once

#include "model/measurement.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace netwright::measure {

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::size_t largest_frame = 4U << 20;    // a report of full histograms is about half of it
inline constexpr std::size_t largest_request = 64U << 10; // of what a client may send

struct Hello {
    std::uint32_t version = protocol_version;
    std::string software;
    std::string nonce; // 32 hex digits, for the server's proof
    bool operator==(const Hello&) const = default;
};
struct Welcome {
    std::uint32_t version = protocol_version;
    std::string software, kernel;
    std::string nonce;  // for the client's proof
    bool token = false; // whether one is needed
    std::string proof;  // that the server knows the token: hmac(token, "server" nonce-of-client)
    bool operator==(const Welcome&) const = default;
};
struct Ask {
    Traffic traffic;
    std::string proof; // hmac(token, "client" nonce-of-server); "" without a token
    bool operator==(const Ask&) const = default;
};
struct Ready {
    std::uint32_t cookie = 0;         // each flow's first bytes, and each datagram's
    std::vector<std::uint16_t> ports; // one for all TCP flows, or one for each flow of datagrams
    bool operator==(const Ready&) const = default;
};
struct Go {
    bool operator==(const Go&) const = default;
};
struct Mark { // the warm-up is over: count from now
    bool operator==(const Mark&) const = default;
};
struct Marked {
    bool operator==(const Marked&) const = default;
};
struct Stop {
    bool operator==(const Stop&) const = default;
};
struct Report {
    EndResult result;
    std::vector<std::string> warnings;
};
struct Refusal {
    std::string why;
    bool operator==(const Refusal&) const = default;
};
using Message = std::variant<Hello, Welcome, Ask, Ready, Go, Mark, Marked, Stop, Report, Refusal>;
std::string_view name_of(const Message& message); // "hello"

std::string to_text(const Message& message);          // JSON
Result<Message> parse_message(std::string_view text); // Malformed: no message of this protocol
std::string to_frame(const Message& message);

// Bytes as they come from a stream, cut into the texts of frames.
class Framer {
public:
    explicit Framer(std::size_t largest) : largest_(largest) {}
    void feed(std::string_view bytes) { pending_ += bytes; }
    // True and the next frame's text; false: more bytes are needed. Malformed: too long to be one of ours.
    Result<bool> next(std::string& text);

private:
    std::size_t largest_;
    std::string pending_;
};

// HMAC-SHA256 (RFC 2104, FIPS 180-4) in hex: proves knowledge of the token without showing it.
std::string proof_of(std::string_view token, std::string_view who, std::string_view nonce);
// Takes the same time wherever they differ.
bool same_proof(std::string_view one, std::string_view two);
Result<std::string> fresh_nonce();

} // namespace netwright::measure
