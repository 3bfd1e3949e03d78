// SPDX-License-Identifier: GPL-2.0-or-later
// Inside the virtual machine: this kernel's verifier takes our packet programs, and they do what they are told.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "guest/guest.h"

using guest::netwright;
using guest::shell;

namespace {

// A pair of virtual links, nwx0 here and nwx1 in a namespace of its own.
class Pair {
public:
    Pair()
    {
        for (const char* line :
             {"mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf", "ip netns add far",
              "ip link add nwx0 type veth peer name nwx1 netns far", "ip addr add 10.77.0.1/24 dev nwx0",
              "ip link set nwx0 up", "ip -n far addr add 10.77.0.2/24 dev nwx1", "ip -n far link set nwx1 up",
              "ip -n far link set lo up", "sysctl -qw net.ipv4.conf.nwx0.forwarding=1"}) {
            const support::Output made = shell(line);
            REQUIRE_MESSAGE(made.status == 0, line, ": ", made.out);
        }
        REQUIRE(guest::comes_true([] { return pings(); }));
    }
    ~Pair()
    {
        (void)netwright("filter off");
        (void)netwright("lb off");
        (void)netwright("lb decap --off");
        (void)netwright("steer off");
        (void)shell("ip link del nwx0; ip netns del far");
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;

    static bool pings() { return shell("ip netns exec far ping -c 1 -W 1 10.77.0.1").status == 0; }
    static bool attached() { return shell("ip -d link show nwx0 | grep -q xdp").status == 0; }
};

// A program of somebody's that passes everything.
void attach_other()
{
    const std::array<bpf_insn, 2> pass{bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS},
                                       bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    const int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody", "GPL", pass.data(), pass.size(), nullptr);
    REQUIRE(program >= 0);
    const auto index = static_cast<int>(::if_nametoindex("nwx0"));
    REQUIRE(bpf_xdp_attach(index, program, XDP_FLAGS_DRV_MODE, nullptr) == 0);
    ::close(program);
}

void detach_other()
{
    REQUIRE(bpf_xdp_detach(static_cast<int>(::if_nametoindex("nwx0")), XDP_FLAGS_DRV_MODE, nullptr) == 0);
}

void write(const char* path, const char* text) { std::ofstream(path) << text; }

} // namespace

TEST_SUITE_BEGIN("short");

TEST_CASE("a filter that uses everything is taken by the verifier, drops what it names, and goes away")
{
    const Pair pair;
    write("/tmp/filter.yaml", R"(
interfaces: [nwx0]
keep_others: true
drop_odd: all
default: pass
syn_cookies: [80, 443]
sample_every: 1
sample_most: 100
lists:
  partners: {prefixes: [192.0.2.0/24, "2001:db8::/32"]}
  blocked: {verdict: drop, prefixes: [198.51.100.0/24, "2001:db8:bad::/48"]}
rules:
  - {name: answers, protocol: udp, from_port: 53, length: 513-, verdict: drop}
  - {name: partners-only, protocol: tcp, to_port: [9100, 9200-9300], from: partners, verdict: pass}
  - {name: new-connections, protocol: tcp, flags: "syn,!ack", limit: {rate: 200/s, burst: 400, per: "source/24,56"}}
  - {name: volume, protocol: udp, limit: {rate: 50Mbit, per: destination}}
  - {name: brief, ttl: 1, fragment: false, verdict: count}
  - {name: ping, protocol: icmp, icmp_type: 8, verdict: drop}
)");
    attach_other();
    const support::Output applied = netwright("filter apply /tmp/filter.yaml");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK_FALSE(Pair::pings());
    CHECK(netwright("filter stats").out.find("ping") != std::string::npos);
    CHECK(netwright("filter samples").out.find("10.77.0.2 > 10.77.0.1 icmp 8/0") != std::string::npos);
    CHECK(netwright("filter allow 10.77.0.0/24 2001:db8::/32 --for 1h").status == 0);
    CHECK(Pair::pings());
    CHECK(netwright("filter unblock 10.77.0.0/24").status == 0);
    CHECK_FALSE(Pair::pings());
    CHECK(netwright("filter show").out.find("behind      nwx0: XDP program 'somebody'") != std::string::npos);
    CHECK(netwright("filter off").status == 0);
    CHECK(Pair::pings());
    CHECK(Pair::attached()); // somebody's program is there again
    detach_other();
    CHECK_FALSE(Pair::attached());
}

TEST_CASE("the balancer and its backend's half are taken by the verifier")
{
    const Pair pair;
    write("/tmp/lb.yaml", R"(
interfaces: [nwx0]
source: [10.200.0.0/16, "2001:db8:f::/64"]
pools:
  web: {backends: [{address: 10.77.0.9}, {address: "2001:db8:3::3", weight: 2}]}
  far: {mode: gue, backends: [{address: 10.77.0.10}, {address: "2001:db8:3::4"}]}
  near: {mode: layer2, backends: [{address: 10.77.0.2}]}
  plain: {mode: nat, backends: [{address: 10.77.0.11, port: 8080}]}
nat: {addresses: [10.77.0.1, "2001:db8:9::1"]}
vips:
  - {address: 192.0.2.1, port: [80, 443], protocol: tcp, pool: web}
  - {address: "2001:db8:1::1", port: 53, protocol: [tcp, udp], pool: web, affinity: source}
  - {address: 192.0.2.1, port: 53, protocol: udp, pool: far, affinity: quic}
  - {address: 192.0.2.2, port: 80, protocol: tcp, pool: near}
  - {address: 192.0.2.3, port: 80, protocol: tcp, pool: plain}
)");
    for (int generation = 1; generation <= 2; ++generation) {
        const support::Output applied = netwright("lb apply /tmp/lb.yaml");
        REQUIRE_MESSAGE(applied.status == 0, applied.out);
        CHECK(netwright("lb show --json").out.find("\"generation\": " + std::to_string(generation)) !=
              std::string::npos);
    }
    CHECK(Pair::pings()); // what is for no VIP passes
    CHECK(shell("ip -n far route add 192.0.2.1 via 10.77.0.1").status == 0);
    (void)shell("ip netns exec far busybox nc -w 1 192.0.2.1 80 </dev/null"); // a SYN; nobody answers
    CHECK(netwright("lb stats --prometheus").out.find("vip=\"192.0.2.1:80/tcp\"} 0") == std::string::npos);
    CHECK(shell("ip neigh replace 10.77.0.11 lladdr 02:00:00:00:00:11 dev nwx0").status == 0);
    CHECK(shell("ip -n far route add 192.0.2.3 via 10.77.0.1").status == 0);
    (void)shell("ip netns exec far busybox nc -w 1 192.0.2.3 80 </dev/null");
    CHECK(netwright("lb stats --prometheus").out.find("netwright_lb_nat_packets_total{event=\"begun\"} 1\n") !=
          std::string::npos);
    CHECK(netwright("lb show --json").out.find("\"tcp\": 1") != std::string::npos);
    CHECK(netwright("lb off").status == 0);
    const support::Output decap = netwright("lb decap nwx0 --from 10.200.0.0/16,2001:db8:f::/64");
    CHECK_MESSAGE(decap.status == 0, decap.out);
    CHECK(Pair::pings());
    CHECK(netwright("lb decap --off").status == 0);
    CHECK_FALSE(Pair::attached());
}

TEST_CASE("steering that uses everything is taken by the verifier; fq holds packets back, and without it they drop")
{
    const Pair pair;
    const std::string classes = R"(
interfaces: [nwx0]
classes:
  - {name: key, protocol: tcp, family: 4, to: [10.0.0.0/8, "2001:db8::/32"], to_port: 9092-9096, dscp: [default, ef],
     cgroup: /, payload: {at: 4, hex: "0001"}, set: {priority: "1:a", mark: 1/3, queue: 0, dscp: af41}}
  - {name: out, protocol: udp, to_port: 1, redirect: {to: lo, as: neighbour}}
  - {name: in, direction: ingress, from: 10.99.0.0/16, redirect: {to: lo, as: peer}}
  - {name: slow, protocol: icmp, limit: {rate: 8kbit, burst: 100}}
)";
    write("/tmp/steer.yaml", classes.c_str());
    const auto answered = [] {
        return shell("for i in 1 2 3 4; do ping -c 1 -W 3 10.77.0.2 >/tmp/ping.$i & done 2>"
                     "/dev/null; wait; cat /tmp/ping.* | grep -c ' 0% packet loss'")
            .out;
    };
    const support::Output dropping = netwright("steer apply /tmp/steer.yaml");
    REQUIRE_MESSAGE(dropping.status == 0, dropping.out);
    CHECK(dropping.out.find("drop on nwx0") != std::string::npos);
    CHECK(answered() != "4\n");
    REQUIRE(shell("tc qdisc replace dev nwx0 root fq").status == 0);
    CHECK(netwright("steer show").out.find("has an fq qdisc now") != std::string::npos);
    const support::Output delaying = netwright("steer apply /tmp/steer.yaml");
    REQUIRE_MESSAGE(delaying.status == 0, delaying.out);
    CHECK(delaying.out.find("delay on nwx0") != std::string::npos);
    REQUIRE(guest::comes_true([] { return Pair::pings(); })); // what was used up in advance is over
    const std::string before = netwright("steer stats").out;
    CHECK_MESSAGE(answered() == "4\n", before, netwright("steer stats").out);
    CHECK(netwright("steer off").status == 0);
    CHECK(shell("tc qdisc show dev nwx0").out.find("clsact") == std::string::npos);
}

TEST_CASE(
    "programs for sockets are taken by the verifier: a connection is tuned, and a service answers on another port")
{
    const Pair pair;
    REQUIRE(shell("(busybox nc -l -p 7000 </dev/null >/dev/null 2>&1 & echo $! >/tmp/nc.pid); sleep 1").status == 0);
    const support::Output tuned = netwright("socket tune far initial-window=20 mark=1 --to 10.77.0.0/24,2001:db8::/32 "
                                            "--ports 1-9999");
    CHECK_MESSAGE(tuned.status == 0, tuned.out);
    const support::Output served = netwright("socket serve more --pid " + shell("tr -d '\\n' </tmp/nc.pid").out +
                                             " --port 7000 --to 10.77.0.1,2001:db8::1 --ports 7001-7005");
    CHECK_MESSAGE(served.status == 0, served.out);
    CHECK(shell("busybox nc -w 2 10.77.0.1 7003 </dev/null").status == 0);
    const std::string listed = netwright("socket list").out;
    CHECK_MESSAGE(listed.find("refused") == std::string::npos, listed);
    CHECK_MESSAGE(listed.find("connections") != std::string::npos, listed);
    CHECK(netwright("socket off far").status == 0);
    CHECK(netwright("socket off more").status == 0);
    (void)shell("kill $(cat /tmp/nc.pid) 2>/dev/null");
}

TEST_CASE("ways for packets are measured with this kernel's generator, or with a packet socket")
{
    const std::string gentle = "paths --rate 2k --runs 1 --duration 200ms --ways stack,xdp,af-xdp-copy --json";
    for (const char* generator : {" --generator auto", " --generator socket"}) {
        const support::Output measured = netwright(gentle + generator);
        REQUIRE_MESSAGE(measured.status == 0, measured.out);
        CHECK_MESSAGE(measured.out.find("verifier") == std::string::npos, measured.out);
        CHECK_MESSAGE(measured.out.find("\"handled\": 0") == std::string::npos, measured.out);
    }
}

TEST_SUITE_END();
