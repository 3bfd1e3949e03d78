// SPDX-License-Identifier: GPL-2.0-or-later
// The control protocol: every message reads back, nothing else is taken for one, and proofs are HMAC-SHA256.
#include "measure/protocol.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::measure;

namespace {

Traffic some_traffic()
{
    Traffic traffic;
    traffic.kind = TrafficKind::UdpRr;
    traffic.flows = 3;
    traffic.warm_up = std::chrono::milliseconds(250);
    traffic.server_cpus.add(1);
    traffic.congestion = "bbr";
    return traffic;
}

bool is_malformed(std::string_view text)
{
    const auto message = parse_message(text);
    return !message && message.error().kind == Error::Kind::Malformed;
}

} // namespace

TEST_CASE("every message of the bench protocol reads back")
{
    Report report;
    report.result.latency_ns.record(68'000, 3);
    report.result.first_failure = "connect: refused \"here\"";
    report.warnings = {"a warning"};
    const std::vector<Message> all{Hello{1, "0.1", "ab"},
                                   Welcome{1, "0.1", "6.1", "cd", true, "ef"},
                                   Ask{some_traffic(), "proof"},
                                   Ready{7, {1, 65535}},
                                   Go{},
                                   Mark{},
                                   Marked{},
                                   Stop{},
                                   report,
                                   Refusal{"no"}};
    for (const Message& message : all) {
        const std::string text = to_text(message);
        CAPTURE(text);
        const auto again = parse_message(text);
        REQUIRE(again);
        CHECK(again->index() == message.index());
        CHECK(to_text(*again) == text);
    }
    CHECK(std::get<Ask>(*parse_message(to_text(all[2]))).traffic == some_traffic());
}

TEST_CASE("what is no message of the bench protocol is refused")
{
    for (const char* text :
         {"", "{", "[]", "42", "{}", R"({"hello":{}})", R"({"go":{},"mark":{}})", R"({"dance":{}})",
          R"({"hello":{"version":-1,"software":"","nonce":""}})", R"({"ready":{"cookie":1,"ports":[70000]}})",
          R"({"ask":{"traffic":{"kind":"tcp-dance"},"proof":""}})", R"({"go":[1]})"}) {
        CAPTURE(text);
        CHECK(is_malformed(text));
    }
    CHECK(is_malformed(std::string(100'000, '[')));
}

TEST_CASE("frames are cut out of a stream whatever its pieces, and one that is too long ends it")
{
    const std::string stream = to_frame(Go{}) + to_frame(Refusal{"why"});
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        Framer framer(1000);
        std::vector<std::string> texts;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            framer.feed(std::string_view(stream).substr(at, piece));
            for (std::string text;;) {
                const auto whole = framer.next(text);
                REQUIRE(whole);
                if (!*whole) break;
                texts.push_back(text);
            }
        }
        CHECK(texts == std::vector<std::string>{to_text(Go{}), to_text(Refusal{"why"})});
    }
    Framer framer(10);
    framer.feed("GET / HTTP/1.1\r\n");
    std::string text;
    CHECK_FALSE(framer.next(text));
}

TEST_CASE("proofs are HMAC-SHA256 as RFC 4231 computes it")
{
    // Test cases 2 and 6; `who` and `nonce` are one message.
    CHECK(proof_of("Jefe", "what do ya want ", "for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(proof_of(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - ", "Hash Key First") ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    CHECK(same_proof("abc", "abc"));
    CHECK_FALSE(same_proof("abc", "abd"));
    CHECK_FALSE(same_proof("abc", "abcd"));
    CHECK(fresh_nonce()->size() == 32);
    CHECK(*fresh_nonce() != *fresh_nonce());
}
