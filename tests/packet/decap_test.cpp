// SPDX-License-Identifier: GPL-2.0-or-later
// What the balancer wraps, the backend's program unwraps: the same packet, to the byte.
#include "dataplane/decap.h"
#include "dataplane/loaded.h"

#include <doctest/doctest.h>
#include <linux/bpf.h>

#include <map>

#include "../dataplane/lb_reference.h"
#include "aim.h"
#include "packet_maker.h"

using namespace netwright;
using namespace netwright::dataplane;

namespace {

using Frame = std::vector<std::uint8_t>;

DecapProgram loaded(std::initializer_list<const char*> sources)
{
    std::vector<Prefix> prefixes;
    for (const char* source : sources)
        prefixes.push_back(*parse_prefix(source));
    auto program = DecapProgram::load(prefixes);
    REQUIRE_MESSAGE(program, program.error().what);
    return *std::move(program);
}

Handled run(const DecapProgram& program, const Frame& frame)
{
    auto handled = run_frame(program.program(), frame);
    REQUIRE_MESSAGE(handled, handled.error().what);
    return *std::move(handled);
}

std::uint64_t counted(const DecapProgram& program, decap_counter counter)
{
    const auto counts = sum_counts<decap_count>(program.counts(), DECAP_COUNT_MOST);
    REQUIRE(counts);
    return counts->at(counter).packets;
}

constexpr std::string_view config_text = R"(
source: [10.200.0.0/16, "2001:db8:f::/64"]
pools:
  four: {backends: [{address: 10.3.0.1}]}
  six: {backends: [{address: "2001:db8:3::3"}]}
  gue4: {mode: gue, backends: [{address: 10.5.0.1}]}
  gue6: {mode: gue, backends: [{address: "2001:db8:5::3"}]}
vips:
  - {address: 10.0.0.1, port: [22, 53, 80, 123, 443, 1024, 65535], protocol: [tcp, udp], pool: four}
  - {address: 10.1.0.1, port: [22, 53, 80, 123, 443, 1024, 65535], protocol: [tcp, udp], pool: six}
  - {address: "2001:db8::1", port: [22, 53, 80, 123, 443, 1024, 65535], protocol: [tcp, udp], pool: four}
  - {address: 10.0.0.2, port: [22, 53, 80, 123, 443, 1024, 65535], protocol: [tcp, udp], pool: gue4}
  - {address: 10.0.255.1, port: [22, 53, 80, 123, 443, 1024, 65535], protocol: [tcp, udp], pool: gue6}
  - {address: "2001:db8::3", port: [22, 53, 80, 123, 443, 1024, 65535], protocol: [tcp, udp], pool: gue4}
  - {address: "2001:db8::4", port: [22, 53, 80, 123, 443, 1024, 65535], protocol: [tcp, udp], pool: gue6}
  - {address: "2001:db8::2", port: [22, 53, 80, 123, 443, 1024, 65535], protocol: [tcp, udp], pool: six}
)";

// The one's complement sum of an IPv4 header's halves; 65535 where its checksum is right.
unsigned header_sum(const Frame& frame, std::size_t begin)
{
    unsigned sum = 0;
    for (std::size_t at = begin; at < begin + 20; at += 2)
        sum += static_cast<unsigned>(frame[at] << 8 | frame[at + 1]);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

// A packet to 192.0.2.1 inside one from 10.9.0.1, with these traffic classes.
Frame wrapped(std::uint8_t outer, std::uint8_t inner)
{
    Frame frame{2, 0,  0,    0, 0,    2, 2,  0, 0,  0, 0,   1,  8,   0, 0x45, outer, 0,    60,
                0, 0,  0x40, 0, 64,   4, 0,  0, 10, 9, 0,   1,  10,  0, 0,    1,     0x45, inner,
                0, 40, 0,    0, 0x40, 0, 63, 6, 0,  0, 198, 51, 100, 7, 192,  0,     2,    1};
    const unsigned sum = ~header_sum(frame, 34);
    frame[44] = static_cast<std::uint8_t>(sum >> 8);
    frame[45] = static_cast<std::uint8_t>(sum);
    frame.resize(74);
    return frame;
}

} // namespace

TEST_CASE("100,000 generated packets go through the balancer's reference and come out as they were")
{
    auto config = parse_lb_config(config_text, "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    const reference::Balancer balancer(*config);
    const auto program = loaded({"10.200.0.0/16", "2001:db8:f::/64"});
    test::PacketMaker maker(21);
    std::mt19937 random(22);
    std::map<std::size_t, std::uint64_t> sent; // by the outer header's size
    std::uint64_t all = 0;
    int differ = 0;
    for (int i = 0; i < 100'000; ++i) {
        Frame frame = maker.frame();
        test::aim(frame, *config, random);
        const auto wanted = balancer.balance(frame);
        if (wanted.action != XDP_TX || !wanted.why.empty()) continue;
        ++sent[wanted.frame.size() - frame.size()];
        ++all;
        frame = reference::Balancer::aged(frame, reference::look(frame).value_or(reference::Packet{}));
        std::copy_n(wanted.frame.begin(), 12, frame.begin()); // addresses of the way back
        const Handled got = run(program, wanted.frame);
        if (got.action == XDP_PASS && got.frame == frame) continue;
        if (++differ <= 5) MESSAGE("packet ", i, ": action ", got.action, ", ", got.frame.size(), " bytes");
    }
    CHECK(differ == 0);
    for (const std::size_t outer : {20U, 28U, 40U, 48U})
        CHECK_MESSAGE(sent[outer] > 1000, outer);
    CHECK(counted(program, DECAP_DONE) == all);
    CHECK(counted(program, DECAP_FOREIGN) == 0);
}

TEST_CASE("100,000 packets that no balancer sent pass untouched")
{
    const auto program = loaded({"203.0.113.0/24"});
    test::PacketMaker maker(23);
    int touched = 0;
    for (int i = 0; i < 100'000; ++i) {
        const Frame frame = maker.frame();
        const Handled got = run(program, frame);
        touched += got.action != XDP_PASS || got.frame != frame;
    }
    CHECK(touched == 0);
    CHECK(counted(program, DECAP_DONE) == 0);
}

TEST_CASE("the outer source decides, to the bit")
{
    const Frame frame = wrapped(0, 0);
    CHECK(run(loaded({"10.9.0.1"}), frame).frame.size() == frame.size() - 20);
    CHECK(run(loaded({"198.51.100.0/24", "10.8.0.0/15"}), frame).frame.size() == frame.size() - 20);
    for (const char* other : {"10.9.0.0", "10.10.0.0/15", "2001:db8::/32"}) {
        const auto program = loaded({other});
        CHECK(run(program, frame).frame == frame);
        CHECK(counted(program, DECAP_FOREIGN) == 1);
    }
    CHECK_FALSE(DecapProgram::load({}));
}

TEST_CASE("UDP is taken for GUE at its port alone, and only with an IP packet right behind it")
{
    Frame frame = wrapped(0, 0);
    const Frame udp{0xc0, 1, 0x17, 0xc0, 0, 48, 0, 0}; // to port 6080
    frame.insert(frame.begin() + 34, udp.begin(), udp.end());
    frame[17] += 8;
    frame[23] = 17;
    CHECK(run(loaded({"10.9.0.1"}), frame).frame.size() == frame.size() - 28);
    CHECK(run(loaded({"10.9.0.2"}), frame).frame == frame);
    Frame elsewhere = frame, variant0 = frame, brief = frame;
    elsewhere[37] = 0xc1;
    variant0[42] = 0;
    brief.resize(40);
    for (const Frame& other : {elsewhere, variant0, brief})
        CHECK(run(loaded({"10.9.0.1"}), other).frame == other);
}

TEST_CASE("options, fragments and what ends inside its headers are left to the stack")
{
    const auto program = loaded({"10.9.0.1"});
    const auto left_alone = [&](Frame frame) { return run(program, frame).frame == frame; };
    Frame options = wrapped(0, 0);
    options[14] = 0x46;
    Frame fragment = wrapped(0, 0);
    fragment[20] = 0x20;
    Frame version = wrapped(0, 0);
    version[34] = 0x65;
    Frame brief = wrapped(0, 0);
    brief.resize(53);
    for (const Frame& frame : {options, fragment, version, brief})
        CHECK(left_alone(frame));
}

TEST_CASE("a router's congestion mark reaches the inner header with a right checksum, or the packet is dropped")
{
    const auto program = loaded({"10.9.0.1"});
    for (const int inner : {1, 2, 3, 0xb9, 0xfe}) {
        const Handled marked = run(program, wrapped(3, static_cast<std::uint8_t>(inner)));
        REQUIRE(marked.action == XDP_PASS);
        CHECK(marked.frame[15] == (inner | 3));
        CHECK(header_sum(marked.frame, 14) == 0xffff);
        CHECK(run(program, wrapped(2, static_cast<std::uint8_t>(inner))).frame[15] == inner);
    }
    CHECK(run(program, wrapped(3, 0)).action == XDP_DROP);
    CHECK(counted(program, DECAP_CONGESTED) == 1);
}
