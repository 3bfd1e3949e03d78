// SPDX-License-Identifier: GPL-2.0-or-later
// The loaded steering programs: every condition and every action, packet by packet.
#include "dataplane/cgroups.h"
#include "dataplane/loaded.h"
#include "dataplane/steer_program.h"

#include <bpf/bpf.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <unistd.h>

#include <map>

#include "../dataplane/steer_reference.h"
#include "packet_maker.h"
#include "support/cgroup.h"

using namespace netwright;
using namespace netwright::dataplane;

namespace {

using Frame = std::vector<std::uint8_t>;
constexpr std::uint32_t untouched = 0xffffffff; // TC_ACT_UNSPEC, as TEST_RUN shows it

struct Steered {
    std::uint32_t action = 0;
    Frame frame;
    std::uint32_t mark = 0, priority = 0;
    std::uint64_t departure = 0;
};

class Loaded {
public:
    explicit Loaded(const std::string& classes, SteerPlaces places = {})
    {
        const auto policy = parse_steer_policy("interfaces: [eth0]\nclasses:\n" + classes, "steer.yaml");
        REQUIRE_MESSAGE(policy, policy.error().what);
        const auto counters = steer_counters(*policy, {});
        REQUIRE(counters);
        counters_ = *counters;
        const auto image = make_steer_image(*policy, counters_, places);
        REQUIRE_MESSAGE(image, image.error().what);
        auto program = SteerProgram::load(*image);
        REQUIRE_MESSAGE(program, program.error().what);
        program_.emplace(*std::move(program));
    }

    Steered run(const Frame& frame, TcSide side = TcSide::Egress, bool paced = false, std::uint32_t mark = 0) const
    {
        auto result = try_run(frame, side, paced, mark);
        REQUIRE(result);
        return *std::move(result);
    }
    // Nothing: TEST_RUN refuses the frame, as it does with half an IP header.
    std::optional<Steered> try_run(const Frame& frame, TcSide side, bool paced, std::uint32_t mark) const
    {
        Steered result;
        result.frame.resize(frame.size() + 64);
        __sk_buff in{}, out{};
        in.mark = mark;
        LIBBPF_OPTS(bpf_test_run_opts, options);
        options.data_in = frame.data();
        options.data_size_in = static_cast<__u32>(frame.size());
        options.data_out = result.frame.data();
        options.data_size_out = static_cast<__u32>(result.frame.size());
        options.ctx_in = &in;
        options.ctx_out = &out;
        options.ctx_size_in = options.ctx_size_out = sizeof in;
        options.repeat = 1;
        if (bpf_prog_test_run_opts(program_->program(side, paced), &options) < 0) return std::nullopt;
        result.action = options.retval;
        result.frame.resize(options.data_size_out);
        result.mark = out.mark;
        result.priority = out.priority;
        result.departure = out.tstamp;
        return result;
    }

    steer_count counted(const std::string& name) const { return counter(counters_.at(name)); }
    steer_count counter(std::uint32_t number) const
    {
        const auto sum = read_steer_count(program_->counts(), number);
        REQUIRE(sum);
        return *sum;
    }

private:
    SteerCounters counters_;
    std::optional<SteerProgram> program_;
};

void put(Frame& frame, std::initializer_list<int> bytes)
{
    for (const int byte : bytes)
        frame.push_back(static_cast<std::uint8_t>(byte));
}

Frame link_header(std::initializer_list<int> type)
{
    Frame frame;
    put(frame, {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1});
    put(frame, type);
    return frame;
}

unsigned header_sum(const Frame& frame, std::size_t begin)
{
    unsigned sum = 0;
    for (std::size_t at = begin; at < begin + 20; at += 2)
        sum += static_cast<unsigned>(frame[at] << 8 | frame[at + 1]);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

struct Flow {
    int protocol = 17;
    int from_port = 40000, to_port = 53;
    int dscp = 0, ecn = 0;
    std::string payload = "0123456789abcdef";
    bool later_fragment = false;
};

void put_transport(Frame& frame, const Flow& flow)
{
    put(frame, {flow.from_port >> 8, flow.from_port & 255, flow.to_port >> 8, flow.to_port & 255});
    if (flow.protocol == 6)
        put(frame, {0, 0, 0, 1, 0, 0, 0, 0, 0x60, 0x10, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0}); // 4 bytes of options
    else
        put(frame, {0, static_cast<int>(8 + flow.payload.size()), 0, 0});
    frame.insert(frame.end(), flow.payload.begin(), flow.payload.end());
}

// 10.1.2.3 to 192.0.2.1; `front` stands for the Ethernet header.
Frame ipv4(const Flow& flow, Frame front = link_header({8, 0}))
{
    const std::size_t begin = front.size();
    const int length = static_cast<int>(20 + (flow.protocol == 6 ? 24 : 8) + flow.payload.size());
    put(front, {0x45,
                flow.dscp << 2 | flow.ecn,
                length >> 8,
                length & 255,
                0,
                1,
                flow.later_fragment ? 0x00 : 0x40,
                flow.later_fragment ? 0x10 : 0,
                64,
                flow.protocol,
                0,
                0,
                10,
                1,
                2,
                3,
                192,
                0,
                2,
                1});
    const unsigned sum = ~header_sum(front, begin);
    front[begin + 10] = static_cast<std::uint8_t>(sum >> 8);
    front[begin + 11] = static_cast<std::uint8_t>(sum);
    put_transport(front, flow);
    return front;
}

// 2001:db8:1::3 to 2001:db8:2::1, with `extensions` between (the first one's number is `next`).
Frame ipv6(const Flow& flow, int next = -1, const Frame& extensions = {})
{
    Frame frame = link_header({0x86, 0xdd});
    const int tos = flow.dscp << 2 | flow.ecn;
    const int length = static_cast<int>((flow.protocol == 6 ? 24 : 8) + flow.payload.size() + extensions.size());
    put(frame, {0x60 | tos >> 4, (tos & 15) << 4 | 0xa, 0xbc, 0xde, length >> 8, length & 255,
                next < 0 ? flow.protocol : next, 64});
    put(frame, {0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3});
    put(frame, {0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    frame.insert(frame.end(), extensions.begin(), extensions.end());
    put_transport(frame, flow);
    return frame;
}

bool in_class(const std::string& conditions, const Frame& frame, TcSide side = TcSide::Egress)
{
    const std::string direction = side == TcSide::Ingress ? "ingress" : "egress";
    const Loaded loaded("  - {name: it, direction: " + direction + ", set: {mark: 7}" + conditions + "}\n");
    const bool marked = loaded.run(frame, side).mark == 7;
    CHECK(loaded.counted("it").packets == (marked ? 1 : 0));
    CHECK(loaded.counter(STEER_UNCLASSIFIED).packets + loaded.counter(STEER_NOT_IP).packets == (marked ? 0 : 1));
    return marked;
}

} // namespace

TEST_CASE("each condition holds for the packets it names, and for no others")
{
    struct Case {
        std::string conditions;
        bool udp4, tcp4, udp6;
    };
    const Frame udp4 = ipv4({}), tcp4 = ipv4({.protocol = 6, .to_port = 9092, .dscp = 46}),
                udp6 = ipv6({.to_port = 5060, .dscp = 46});
    for (const Case& one : {
             Case{"", true, true, true},
             Case{", protocol: udp", true, false, true},
             Case{", protocol: [tcp, gre]", false, true, false},
             Case{", family: 6", false, false, true},
             Case{", family: 4, protocol: udp", true, false, false},
             Case{", to_port: 53", true, false, false},
             Case{", to_port: [50-60, 5000-]", true, true, true},
             Case{", to_port: 54-9091", false, false, true},
             Case{", from_port: 40000", true, true, true},
             Case{", from_port: 1-39999", false, false, false},
             Case{", protocol: tcp, to_port: 9092", false, true, false},
             Case{", dscp: ef", false, true, true},
             Case{", dscp: [0, cs1]", true, false, false},
             Case{", from: 10.1.0.0/16", true, true, false},
             Case{", from: [10.1.2.4, '2001:db8:1::/48']", false, false, true},
             Case{", to: [192.0.2.0/31, '2001:db8:2::1']", true, true, true},
             Case{", to: 192.0.2.2", false, false, false},
             Case{", from: 0.0.0.0/0", true, true, false},
             Case{", payload: {text: '0123'}, protocol: [tcp, udp]", true, true, true},
             Case{", payload: {at: 10, hex: '6162636465'}, protocol: tcp", false, true, false},
             Case{", payload: {at: 11, hex: '61'}, protocol: udp", false, false, false},
             Case{", payload: {at: 15, text: 'f?'}, protocol: udp", false, false, false}, // beyond its end
             Case{", from: 10.1.2.3, to_port: 53, protocol: udp, dscp: default, payload: {text: '0'}", true, false,
                  false},
         }) {
        CAPTURE(one.conditions);
        for (const TcSide side : {TcSide::Egress, TcSide::Ingress}) {
            CHECK(in_class(one.conditions, udp4, side) == one.udp4);
            CHECK(in_class(one.conditions, tcp4, side) == one.tcp4);
            CHECK(in_class(one.conditions, udp6, side) == one.udp6);
        }
    }
}

TEST_CASE("the longest prefix allows what the shorter ones around it allow")
{
    const Loaded loaded("  - {name: host, from: 10.1.2.3, to: 192.0.2.9, set: {mark: 1}}\n"
                        "  - {name: wide, from: 10.0.0.0/8, set: {mark: 2}}\n"
                        "  - {name: rest, set: {mark: 3}}\n");
    CHECK(loaded.run(ipv4({})).mark == 2);
    CHECK(loaded.run(ipv6({})).mark == 3);
}

TEST_CASE("headers are found behind VLAN tags and IPv6 extensions; later fragments have no ports")
{
    const std::string port = ", to_port: 53, protocol: udp";
    CHECK(in_class(port, ipv4({}, link_header({0x81, 0, 0, 5, 8, 0}))));
    CHECK(in_class(port, ipv4({}, link_header({0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0}))));
    CHECK_FALSE(in_class(port, ipv4({}, link_header({0x88, 0xb5})))); // an experiment's ethertype
    CHECK_FALSE(in_class(port, ipv4({.later_fragment = true})));
    CHECK(in_class(", protocol: udp", ipv4({.later_fragment = true})));
    Frame extensions;
    put(extensions, {60, 0, 1, 4, 0, 0, 0, 0}); // hop by hop, then destination options of 16 bytes
    put(extensions, {44, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); // then a fragment header
    put(extensions, {17, 0, 0, 1, 0, 0, 0, 9});                          // the first of several
    CHECK(in_class(port, ipv6({}, 0, extensions)));
    extensions[extensions.size() - 5] = 0x09; // a later one
    CHECK_FALSE(in_class(port, ipv6({}, 0, extensions)));
    Frame seven;
    for (int i = 0; i < 7; ++i)
        put(seven, {i < 6 ? 60 : 17, 0, 1, 4, 0, 0, 0, 0});
    CHECK_FALSE(in_class(port, ipv6({}, 60, seven)));
}

TEST_CASE("packets cut short belong to classes that do not ask for what is missing")
{
    const Frame whole = ipv4({.protocol = 6});
    for (std::size_t size = 34; size < whole.size(); ++size) { // less than an IP header TEST_RUN does not take
        const Frame cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        CAPTURE(size);
        CHECK(in_class(", protocol: tcp", cut));
        CHECK(in_class(", to_port: 53", cut) == (size >= 38));
        CHECK(in_class(", protocol: tcp, payload: {text: '0123'}", cut) == (size >= 34 + 24 + 4));
    }
}

TEST_CASE("the first class in which all holds is the packet's, also where only the payload differs")
{
    const Loaded loaded("  - {name: produce, protocol: tcp, to_port: 9092, payload: {at: 4, hex: '0000'}}\n"
                        "  - {name: fetch, protocol: tcp, to_port: 9092, payload: {at: 4, hex: '0001'}}\n"
                        "  - {name: other, protocol: tcp, to_port: 9092}\n");
    using namespace std::string_literals;
    Flow flow{.protocol = 6, .to_port = 9092, .payload = "\0\0\0\x20\0\x01\0\x0b"s};
    loaded.run(ipv4(flow));
    flow.payload[5] = 0;
    loaded.run(ipv6(flow));
    loaded.run(ipv6(flow));
    flow.payload[5] = 2;
    loaded.run(ipv4(flow));
    CHECK(loaded.counted("produce").packets == 2);
    CHECK(loaded.counted("fetch").packets == 1);
    CHECK(loaded.counted("other").packets == 1);
    CHECK(loaded.counted("fetch").bytes == ipv4(flow).size());
}

TEST_CASE("60,000 generated packets belong to the class that the reference gives them, on either side")
{
    const std::string classes = R"(
  - {name: c1, protocol: tcp, from: [10.1.0.0/16, "2001:db8::/34"], to_port: [22, 443], set: {mark: 1}}
  - {name: c2, protocol: udp, payload: {hex: "00"}, set: {mark: 2}}
  - {name: c3, protocol: [tcp, udp], payload: {at: 1, hex: "ff"}, set: {mark: 3}}
  - {name: c4, direction: ingress, from_port: 1024-, to: [10.0.0.0/9, 192.0.0.0/8, "2001::/16"], set: {mark: 4}}
  - {name: c5, from_port: [53, 443], to: [10.0.0.0/9, 10.0.0.0/24, "2001:db8::/40"], set: {mark: 5}}
  - {name: c6, direction: ingress, family: 6, protocol: [icmpv6, 59], set: {mark: 6}}
  - {name: c7, family: 4, dscp: [ef, 1, 2, 3, 4, 5, 6, 7], set: {mark: 7}}
  - {name: c8, to_port: -100, set: {mark: 8}}
  - {name: c9, protocol: gre, set: {mark: 9}}
  - {name: c10, direction: ingress, from: ["::/1", 203.0.0.0/8], set: {mark: 10}}
  - {name: c11, from: ["::/0"], set: {mark: 11}}
)";
    const auto policy = parse_steer_policy("interfaces: [eth0]\nclasses:" + classes, "steer.yaml");
    REQUIRE_MESSAGE(policy, policy.error().what);
    const Loaded loaded(classes.substr(1));
    test::PacketMaker maker(31);
    std::map<std::string, int> met;
    int differ = 0;
    for (int i = 0; i < 60'000; ++i) {
        const Frame frame = maker.frame();
        const TcSide side = i % 2 ? TcSide::Egress : TcSide::Ingress;
        const auto steered = loaded.try_run(frame, side, false, 0);
        const std::string wanted = reference::class_of(*policy, side, frame);
        const std::string got = steered && steered->mark ? fmt::format("c{}", steered->mark) : "";
        if (!steered) CHECK(frame.size() < 62); // two tags and an IPv6 header
        if (!steered || wanted == got)
            ++met[wanted];
        else if (++differ <= 5)
            MESSAGE("packet ", i, " reference: ", wanted, " program: ", got);
    }
    CHECK(differ == 0);
    CHECK(met.size() == 12); // every class, and none
    for (const auto& [name, packets] : met)
        CHECK_MESSAGE(packets >= 5, name);
}

TEST_CASE("64 classes by payload are told apart")
{
    std::string classes;
    for (int i = 0; i < 64; ++i)
        classes += fmt::format("  - {{name: c{}, protocol: udp, payload: {{hex: '{:02x}ff'}}, set: {{mark: {}}}}}\n", i,
                               i, i + 1);
    const Loaded loaded(classes);
    for (const int i : {0, 1, 31, 62, 63})
        CHECK(loaded.run(ipv4({.payload = std::string{static_cast<char>(i), '\xff', 'x'}})).mark ==
              static_cast<std::uint32_t>(i + 1));
    CHECK(loaded.run(ipv4({.payload = "\x40\xff"})).mark == 0);
}

TEST_CASE("priority and mark are set; the mark's other bits stay")
{
    const Loaded loaded("  - {name: a, protocol: udp, set: {priority: 6, mark: 0x20/0xf0}}\n"
                        "  - {name: b, set: {priority: '1:1f'}}\n");
    const Steered marked = loaded.run(ipv4({}), TcSide::Egress, false, 0xabcd);
    CHECK(marked.action == untouched);
    CHECK(marked.mark == 0xab2d);
    CHECK(marked.priority == 6);
    CHECK(marked.frame == ipv4({}));
    CHECK(loaded.run(ipv4({.protocol = 6})).priority == 0x1001f);
}

TEST_CASE("DSCP is written with the checksum right and the congestion bits as they were")
{
    const Loaded loaded("  - {name: it, set: {dscp: af41}}\n");
    for (const int ecn : {0, 1, 2, 3})
        for (const int before : {0, 34, 46, 63}) {
            const Flow was{.dscp = before, .ecn = ecn}, is{.dscp = 34, .ecn = ecn};
            CHECK(loaded.run(ipv4(was)).frame == ipv4(is)); // whose checksum is computed afresh
            CHECK(loaded.run(ipv6(was)).frame == ipv6(is));
            const Frame tag = link_header({0x81, 0, 0, 5, 8, 0});
            CHECK(loaded.run(ipv4(was, tag)).frame == ipv4(is, tag));
        }
}

TEST_CASE("a limit drops what comes faster, and counts it")
{
    // 1 Mbit/s is 125 bytes a millisecond; a burst of 3000 bytes.
    const Loaded loaded("  - {name: it, limit: {rate: 1Mbit, burst: 3000}}\n");
    const Frame frame = ipv4({.payload = std::string(958, 'x')}); // 1000 bytes
    REQUIRE(frame.size() == 1000);
    std::uint32_t passed = 0;
    for (int i = 0; i < 20; ++i)
        passed += loaded.run(frame).action == untouched;
    CHECK(passed >= 4); // three within the burst, and one that overdraws
    CHECK(passed <= 6); // the machine may take some milliseconds
    CHECK(loaded.counted("it").packets == 20);
    CHECK(loaded.counted("it").dropped == 20 - passed);
    CHECK(loaded.counted("it").delayed == 0);
    ::usleep(16'000); // two more packets' worth
    CHECK(loaded.run(frame).action == untouched);
}

TEST_CASE("where fq keeps time, a limit gives each packet its time, and drops only what is too far ahead")
{
    const Loaded loaded("  - {name: it, limit: {rate: 8Mbit, burst: 1000}}\n"); // 1000 bytes a millisecond
    const Frame frame = ipv4({.payload = std::string(958, 'x')});
    std::uint64_t last = 0;
    int delayed = 0;
    for (int i = 0; i < 50; ++i) {
        const Steered sent = loaded.run(frame, TcSide::Egress, true);
        REQUIRE(sent.action == untouched);
        if (sent.departure == 0) continue;
        ++delayed;
        if (last) CHECK(sent.departure >= last + 999'000);
        if (last) CHECK(sent.departure <= last + 2'000'000);
        last = sent.departure;
    }
    CHECK(delayed >= 40);
    CHECK(loaded.counted("it").delayed == static_cast<std::uint64_t>(delayed));
    CHECK(loaded.counted("it").dropped == 0);

    const Loaded slow("  - {name: it, limit: {rate: 8kbit, burst: 1000}}\n"); // a second a packet
    int dropped = 0;
    for (int i = 0; i < 6; ++i)
        dropped += slow.run(frame, TcSide::Egress, true).action == TC_ACT_SHOT;
    CHECK(dropped == 2); // one at once, one overdraws, two wait up to 2 s; but no more
}

TEST_CASE("redirects name the interface")
{
    const Loaded loaded("  - {name: a, protocol: udp, redirect: lo}\n"
                        "  - {name: b, redirect: {to: lo, as: ingress}}\n",
                        {.interfaces = {{"lo", 1}}, .cgroups = {}});
    CHECK(loaded.run(ipv4({})).action == TC_ACT_REDIRECT);
    CHECK(loaded.run(ipv4({.protocol = 6})).action == TC_ACT_REDIRECT);
    const Loaded inward("  - {name: a, direction: ingress, protocol: udp, redirect: {to: lo, as: peer}}\n"
                        "  - {name: b, direction: ingress, redirect: {to: lo, as: neighbour}}\n",
                        {.interfaces = {{"lo", 1}}, .cgroups = {}});
    CHECK(inward.run(ipv4({}), TcSide::Ingress).action == TC_ACT_REDIRECT);
    CHECK(inward.run(ipv4({.protocol = 6}), TcSide::Ingress).action == TC_ACT_REDIRECT);
    CHECK(inward.run(ipv4({})).action == untouched);
}

TEST_CASE("a packet belongs to its socket's cgroup and to those above it")
{
    // TEST_RUN's socket is ours.
    if (support::cgroup_mount().empty()) {
        MESSAGE("skipped: cgroup2 is not mounted");
        return;
    }
    const std::string name = fmt::format("nwt-steer-{}", ::getpid());
    const support::Cgroup upper(name), lower(name + "/below"), other(name + "/aside");
    SteerPlaces places;
    for (const support::Cgroup* one : {&upper, &lower, &other})
        places.cgroups.emplace(one->name(), cgroup_id(one->name()).value_or(0));
    const std::string classes = fmt::format("  - {{name: other, cgroup: {}, set: {{mark: 3}}}}\n"
                                            "  - {{name: lower, cgroup: {}, set: {{mark: 1}}}}\n"
                                            "  - {{name: upper, cgroup: {}, set: {{mark: 2}}}}\n",
                                            other.name(), lower.name(), upper.name());
    const Loaded loaded(classes, places);
    lower.enter();
    CHECK(loaded.run(ipv4({})).mark == 1);
    upper.enter();
    CHECK(loaded.run(ipv4({})).mark == 2);
    other.enter();
    CHECK(loaded.run(ipv4({})).mark == 3);
    other.leave();
    CHECK(loaded.run(ipv4({})).mark == 0);
}
