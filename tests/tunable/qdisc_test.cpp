// SPDX-License-Identifier: GPL-2.0-or-later
// Qdiscs between tc's words and netlink's numbers.
#include "tunable/qdisc_kind.h"

#include <doctest/doctest.h>
#include <linux/rtnetlink.h>

using namespace netwright;
using namespace netwright::tunable;

namespace {

const QueueingLink ethernet;

// Words → message → words.
std::string round_trip(std::string_view text)
{
    const auto spec = parse_qdisc(text);
    REQUIRE(spec);
    kernel::Request request(RTM_NEWQDISC, 0);
    request.header(tcmsg{});
    put_qdisc_options(request, *spec, ethernet);
    const auto bytes = request.bytes();
    std::string again(spec->kind->name);
    kernel::each_attribute(*reinterpret_cast<const nlmsghdr*>(bytes.data()), sizeof(tcmsg),
                           [&](std::uint16_t type, std::span<const std::byte> payload) {
                               if (type != TCA_OPTIONS) return;
                               const QdiscSpec read = parse_qdisc_options(*spec->kind, payload);
                               CHECK(read.foreign.empty());
                               again = to_text(read, ethernet);
                           });
    return again;
}

} // namespace

TEST_CASE("what is written reads back in the same words")
{
    for (const char* text :
         {"fq", "fq limit 5000 nopacing maxrate 1Gbit", "fq buckets 4096 quantum 9000 horizon 2s horizon_cap",
          "fq_codel target 3ms ce_threshold 1ms noecn", "cake bandwidth 50Mbit diffserv4 nat rtt 20ms overhead -4",
          "cake besteffort dual-dsthost ingress ack-filter", "mq", "pfifo_fast", "pfifo limit 77", "bfifo limit 9000",
          "htb default 1f r2q 20", "noqueue"}) {
        CAPTURE(text);
        CHECK(round_trip(text) == text);
    }
}

TEST_CASE("what says the default says nothing")
{
    CHECK(round_trip("fq limit 10000p quantum 3028b initial_quantum 15140 low_rate_threshold 550Kbit") == "fq");
    CHECK(round_trip("fq_codel limit 10240 target 5000us interval 100ms memory_limit 32Mb ecn") == "fq_codel");
    CHECK(round_trip("pfifo limit 1000") == "pfifo");
    CHECK(to_text(*parse_qdisc("fq quantum 3028"), QueueingLink{9014, 1000}) == "fq quantum 3028");
}

TEST_CASE("a token bucket's latency is a limit")
{
    const auto spec = parse_qdisc("tbf rate 8Mbit burst 16kb latency 50ms");
    REQUIRE(spec);
    CHECK(number_of(*spec, "limit") == 8'000'000 / 8 / 20 + 16384);
    CHECK(to_text(*spec, ethernet) == "tbf rate 8Mbit burst 16384 limit 66384");
}

TEST_CASE("words that make no qdisc are refused with those that would")
{
    for (const char* text : {"netem delay 1ms", "fq maxrate", "fq maxrate fast", "fq quantum -1", "fq buckets 1000",
                             "fq maxrate 40Gbit", "tbf rate 1Mbit", "tbf latency 5ms", "mq limit 3",
                             "pfifo limit 99999999999", "pfifo limit", "cake sometimes"}) {
        CAPTURE(text);
        const auto spec = parse_qdisc(text);
        REQUIRE_FALSE(spec);
        CHECK(spec.error().kind == Error::Kind::Rejected);
    }
    CHECK(parse_qdisc("fq fast").error().what.find("maxrate") != std::string::npos);
    CHECK_FALSE(parse_qdisc("")->kind);
}

TEST_CASE("the same by meaning: order, defaults and clocks aside")
{
    const auto equal = [](const char* a, const char* b) { return same(*parse_qdisc(a), *parse_qdisc(b), ethernet); };
    CHECK(equal("fq maxrate 1Gbit limit 10000", "fq maxrate 1000Mbit"));
    CHECK(equal("fq_codel target 4999us", "fq_codel"));
    CHECK(equal("tbf rate 8Mbit burst 16384 limit 20000", "tbf rate 8Mbit burst 16383 limit 20000"));
    CHECK_FALSE(equal("fq", "fq nopacing"));
    CHECK_FALSE(equal("fq", "fq_codel"));
    CHECK_FALSE(equal("fq_codel ce_threshold 1ms", "fq_codel"));
}

TEST_CASE("an option of a newer kernel makes a qdisc that is not ours to replace")
{
    const std::array<std::uint32_t, 2> unknown{8U | 99U << 16, 7};
    const QdiscKind& fq = *find_qdisc_kind("fq");
    CHECK_FALSE(parse_qdisc_options(fq, std::as_bytes(std::span(unknown))).foreign.empty());
    const std::array<std::uint32_t, 2> zero{8U | 99U << 16, 0};
    CHECK(parse_qdisc_options(fq, std::as_bytes(std::span(zero))).foreign.empty());
}
