// SPDX-License-Identifier: GPL-2.0-or-later
// netwright steer as people use it: on veths between namespaces, swapped under traffic, removed.
#include "base/fd.h"
#include "tunable/tunable_kind.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/private_bpffs.h"
#include "support/program.h"

namespace fs = std::filesystem;
using netwright::Fd;

namespace {

const std::string suffix = std::to_string(::getpid());
const std::string near_by = "nws-b-" + suffix, far_off = "nws-d-" + suffix;

// Acts in another namespace, in a thread of its own.
template <class Act>
void in_namespace(const std::string& name, Act act)
{
    bool entered = false;
    std::thread([&] {
        const Fd there(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
        entered = there && ::setns(there.get(), CLONE_NEWNET) == 0;
        if (entered) act();
    }).join();
    REQUIRE(entered);
}

sockaddr_in address_of(const char* address, int port)
{
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, address, &place.sin_addr);
    return place;
}

// This namespace has nwa (10.9.0.1, four queues) and nwc; their ends are nwb (10.9.0.2) near by, and nwd far off.
class Desk {
public:
    Desk()
    {
        support::enter_private_bpffs();
        fs::create_directories(directory);
        for (const std::string& space : {near_by, far_off})
            support::must("ip netns add " + space);
        support::must("ip link add nwa numtxqueues 4 type veth peer name nwb netns " + near_by);
        support::must("ip link add nwc type veth peer name nwd netns " + far_off);
        for (const char* line : {"link set nwa up", "link set nwc up", "link set lo up", "addr add 10.9.0.1/24 dev nwa",
                                 "addr add 10.8.0.1/24 dev nwc"})
            support::must(std::string("ip ") + line);
        for (const char* line : {"link set nwb up", "addr add 10.9.0.2/24 dev nwb"})
            support::must("ip -n " + near_by + " " + line);
        for (const char* line : {"link set nwd up", "route add 10.9.0.0/24 dev nwd"})
            support::must("ip -n " + far_off + " " + line);
        for (int i = 0; i < 50 && !pings(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(20)); // carrier
    }
    ~Desk()
    {
        (void)run("steer off");
        for (const std::string link : {"nwa", "nwc", "nwe.5"})
            (void)support::run({"ip", "link", "del", link});
        for (const std::string& space : {near_by, far_off})
            (void)support::run({"ip", "netns", "del", space});
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    support::Output shell(const std::string& line) const
    {
        return support::run({"sh", "-c", "cd " + directory.string() + " && " + line});
    }
    support::Output run(const std::string& arguments) const
    {
        return shell("env -u SSH_CONNECTION " + program() + " " + arguments);
    }
    std::string program() const { return NETWRIGHT_BINARY " --state-dir " + (directory / "state").string(); }
    support::Output apply(const std::string& policy) const
    {
        std::ofstream(directory / "p.yaml") << policy;
        return run("steer apply p.yaml");
    }
    bool pings() const { return shell("ping -c 1 -W 1 10.9.0.2").status == 0; }
    nlohmann::json counted(const std::string& name) const
    {
        const auto stats = run("steer stats --json");
        REQUIRE_MESSAGE(stats.status == 0, stats.out);
        return nlohmann::json::parse(stats.out).at(name);
    }

    fs::path directory = fs::temp_directory_path() / ("netwright-steer-" + suffix);
};

struct Got {
    int packets = 0;
    int tos = -1; // of the last
};

// What a UDP socket in `space` gets of what `send` sends.
template <class Send>
Got received(const std::string& space, Send send)
{
    Got got;
    Fd socket;
    in_namespace(space, [&] {
        socket = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const auto any = address_of("0.0.0.0", 7777);
        const int on = 1;
        if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) socket.reset();
        ::setsockopt(socket.get(), IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
    });
    REQUIRE(socket);
    send();
    pollfd waiting{socket.get(), POLLIN, 0};
    while (::poll(&waiting, 1, 300) == 1) {
        std::array<char, 2048> data{};
        alignas(cmsghdr) std::array<char, 64> control{};
        iovec part{data.data(), data.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        if (::recvmsg(socket.get(), &message, 0) < 0) break;
        ++got.packets;
        for (cmsghdr* one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one))
            if (one->cmsg_type == IP_TOS) got.tos = *CMSG_DATA(one);
    }
    return got;
}

void send_udp(const char* address, int packets = 1, std::size_t size = 100)
{
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto to = address_of(address, 7777);
    const std::string data(size, 'x');
    for (int i = 0; i < packets; ++i)
        (void)::sendto(socket.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

unsigned tcx_programs(const std::string& interface)
{
    unsigned sum = 0;
    for (const int type : {46, 47}) {
        __u32 flags = 0, count = 0;
        if (bpf_prog_query(static_cast<int>(::if_nametoindex(interface.c_str())), static_cast<bpf_attach_type>(type), 0,
                           &flags, nullptr, &count) == 0)
            sum += count;
    }
    return sum;
}

std::string clsact_of(const std::string& interface)
{
    return support::must("tc qdisc show dev " + interface) +
           support::must("tc filter show dev " + interface + " egress") +
           support::must("tc filter show dev " + interface + " ingress");
}

bool attached(const std::string& interface)
{
    return tcx_programs(interface) != 0 || clsact_of(interface).find("steer") != std::string::npos;
}

std::string hook_line(const std::string& hook) { return "hook: " + hook + "\n"; }

} // namespace

TEST_CASE("packets leave with their DSCP, are counted, and nothing stays behind when it is off: TCX and clsact")
{
    const Desk desk;
    CHECK(desk.run("steer show").out == "nothing is steered here\n");
    const std::string before = clsact_of("nwa");
    for (const std::string hook : {"auto", "clsact"}) {
        const auto applied = desk.apply(hook_line(hook) + "interfaces: [nwa]\nclasses:\n"
                                                          "  - {name: voice, protocol: udp, to: 10.9.0.0/24, to_port: "
                                                          "7777, set: {dscp: ef, priority: 6}}\n"
                                                          "  - {name: back, direction: ingress, protocol: icmp}\n");
        REQUIRE_MESSAGE(applied.status == 0, applied.out);
        CHECK(attached("nwa"));
        CHECK_FALSE(attached("nwc"));
        const Got got = received(near_by, [] { send_udp("10.9.0.2", 3); });
        CHECK(got.packets == 3);
        CHECK(got.tos == 46 << 2);
        CHECK(desk.pings());
        CHECK(desk.counted("voice")["packets"] == 3);
        CHECK(desk.counted("back")["packets"] == 1);
        CHECK(desk.run("steer show").out.find(hook == "auto" ? "TCX" : "clsact") != std::string::npos);
        CHECK(desk.run("steer off").out == "removed from nwa\n");
        CHECK_FALSE(attached("nwa"));
        CHECK(clsact_of("nwa") == before);
        CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
        CHECK(received(near_by, [] { send_udp("10.9.0.2"); }).tos == 0);
    }
    CHECK(desk.run("steer stats").status == 1);
}

TEST_CASE("packets are redirected: as they are, to a neighbour, and into a veth's other namespace")
{
    const Desk desk;
    const auto to_far = [&](const std::string& classes, auto send) {
        const auto applied = desk.apply("interfaces: [nwa]\nclasses:\n" + classes);
        REQUIRE_MESSAGE(applied.status == 0, applied.out);
        return received(far_off, send).packets;
    };
    const auto outward = [] { send_udp("10.9.0.2", 2); };
    const auto inward = [] { in_namespace(near_by, [] { send_udp("10.9.0.1", 2); }); };
    const auto takes = [](const std::string& address) {
        support::must("ip -n " + far_off + " addr flush dev nwd");
        support::must("ip -n " + far_off + " addr add " + address + "/32 dev nwd");
        support::must("ip -n " + far_off + " route replace 10.9.0.0/24 dev nwd");
    };
    takes("10.9.0.1");
    CHECK(received(far_off, inward).packets == 0);
    CHECK(to_far("  - {name: in, direction: ingress, protocol: udp, redirect: {to: nwc, as: peer}}\n", inward) == 2);
    takes("10.9.0.2");
    CHECK(received(near_by, outward).packets == 2); // the other direction goes its usual way

    // The frame keeps the link address of nwb: nwd takes it when that is its own too.
    const auto links = support::must_json("ip -j -n " + near_by + " link show nwb");
    support::must("ip -n " + far_off + " link set nwd address " + links[0]["address"].get<std::string>());
    CHECK(to_far("  - {name: out, protocol: udp, redirect: nwc}\n", outward) == 2);

    support::must("ip -n " + far_off + " link set nwd address 02:00:00:00:0d:0d");
    CHECK(received(far_off, outward).packets == 0);
    support::must("ip route add 10.9.0.2/32 dev nwc metric 900");
    support::must("ip route add 10.9.0.2/32 dev nwa metric 100");
    CHECK(received(near_by, [] {}).packets == 0);
    // The first packet asks for the address; which may take what comes in the same instant.
    const int arrived = to_far("  - {name: out, protocol: udp, redirect: {to: nwc, as: neighbour}}\n", outward);
    CHECK(arrived >= 1);
    CHECK(received(far_off, outward).packets == 2);
    CHECK(received(near_by, outward).packets == 0);
}

TEST_CASE("who is logged in keeps his connection when everything else is redirected, unless he forces it")
{
    const Desk desk;
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto here = address_of("10.9.0.1", 2222);
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0);
    REQUIRE(::listen(listener.get(), 16) == 0);
    const auto connects = [&] {
        bool connected = false;
        in_namespace(near_by, [&] {
            const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            const timeval patience{0, 300'000};
            ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
            connected = ::connect(client.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0;
        });
        return connected;
    };
    std::ofstream(desk.directory / "all.yaml")
        << "interfaces: [nwa]\nclasses: [{name: all, direction: ingress, redirect: {to: nwc, as: peer}}]\n";
    const std::string ssh = "SSH_CONNECTION='10.9.0.2 51234 10.9.0.1 22' " + desk.program() + " steer apply all.yaml";
    const auto guarded = desk.shell(ssh);
    REQUIRE_MESSAGE(guarded.status == 0, guarded.out);
    CHECK(guarded.out.find("your connection from 10.9.0.2 is left alone") != std::string::npos);
    CHECK(connects());
    CHECK_FALSE(desk.pings());
    CHECK(desk.counted("administrator-in")["packets"] >= 2);
    REQUIRE(desk.shell(ssh + " --force").status == 0);
    CHECK_FALSE(connects());
    REQUIRE(desk.run("rollback").status == 0);
    CHECK(connects()); // who was spared is spared again
}

TEST_CASE("steering is a transaction: status shows it, it is taken back unless confirmed in time, and by rollback")
{
    const Desk desk;
    for (const std::string hook : {"auto", "clsact"}) {
        CAPTURE(hook);
        const std::string first = "hook: " + hook + "\ninterfaces: [nwa]\nclasses: [{name: first, protocol: icmp}]\n";
        const std::string second =
            "hook: " + hook + "\ninterfaces: [nwa, nwc]\nclasses: [{name: second, protocol: icmp}]\n";
        std::ofstream(desk.directory / "first.yaml") << first;
        std::ofstream(desk.directory / "second.yaml") << second;
        REQUIRE(desk.run("steer apply first.yaml").status == 0);
        fs::remove(desk.directory / "first.yaml"); // nothing of ours is needed to come back
        const auto applied = desk.run("steer apply second.yaml --confirm-within 5s");
        REQUIRE_MESSAGE(applied.status == 0, applied.out);
        CHECK(applied.out.find("unless you run: netwright confirm") != std::string::npos);
        CHECK(attached("nwc"));
        const auto status = desk.run("status").out;
        CHECK_MESSAGE(status.find("tc/steer  ") != std::string::npos, status);
        CHECK_MESSAGE(status.find("-first.yaml -> ") != std::string::npos, status);
        CHECK(desk.run("steer apply second.yaml").out.find("still open") != std::string::npos);
        if (hook != "auto") REQUIRE(desk.run("rollback").status == 0); // the watchdog needs to be waited for once only
        for (int i = 0; i < 200 && attached("nwc"); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        CHECK_FALSE(attached("nwc")); // the first one was put back
        CHECK(attached("nwa"));
        CHECK(desk.run("steer show").out.find("-first.yaml") != std::string::npos);

        REQUIRE(desk.run("steer apply second.yaml --confirm-within 60s").status == 0);
        REQUIRE(desk.run("confirm").status == 0);
        REQUIRE(desk.run("steer off").status == 0);
        CHECK_FALSE(attached("nwa"));
        const auto back = desk.run("rollback");
        CHECK_MESSAGE(back.status == 0, back.out);
        CHECK(attached("nwc")); // off is undone,
        REQUIRE(desk.run("rollback").status == 0);
        CHECK_FALSE(attached("nwc")); // and the second,
        REQUIRE(desk.run("rollback").status == 0);
        CHECK_FALSE(attached("nwa")); // and the first
        CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
    }
}

TEST_CASE("steering goes by hand as the journal's undo script says, on either hook")
{
    const Desk desk;
    for (const std::string hook : {"auto", "clsact"}) {
        CAPTURE(hook);
        REQUIRE(
            desk.apply("hook: " + hook + "\ninterfaces: [nwa]\nclasses: [{name: it, direction: ingress}]\n").status ==
            0);
        REQUIRE(attached("nwa"));
        const std::string undo = netwright::tunable::undo_command(
            netwright::PacketPath{netwright::PacketPath::What::Steering}, std::nullopt);
        const auto undone = desk.shell(undo);
        CHECK_MESSAGE(undone.status == 0, undone.out);
        for (int i = 0; i < 100 && attached("nwa"); ++i) // the kernel lets go of a link at leisure
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        CHECK_FALSE(attached("nwa"));
        (void)desk.run("steer off");
        (void)support::run({"tc", "qdisc", "del", "dev", "nwa", "clsact"});
    }
}

TEST_CASE("without fq a limit drops, and says so")
{
    const Desk desk;
    const auto applied = desk.apply(
        "interfaces: [nwa]\nclasses:\n  - {name: slow, protocol: udp, limit: {rate: 1Mbit, burst: 10000}}\n");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK(applied.out.find("limits      drop on nwa: no fq qdisc there") != std::string::npos);
    const Got got = received(near_by, [] { send_udp("10.9.0.2", 200, 958); });
    CHECK(got.packets >= 10);
    CHECK(got.packets <= 40); // 125 bytes a millisecond, should the machine be slow
    CHECK(desk.counted("slow")["packets"] == 200);
    CHECK(desk.counted("slow")["dropped"] == 200 - got.packets);
}

TEST_CASE("a queue is chosen")
{
    const Desk desk;
    support::must("tc qdisc replace dev nwa root mq");
    REQUIRE(desk.apply("interfaces: [nwa]\nclasses:\n  - {name: it, protocol: udp, set: {queue: 2}}\n").status == 0);
    const auto sent = [](const std::string& parent) {
        for (const auto& qdisc : support::must_json("tc -s -j qdisc show dev nwa"))
            if (qdisc.value("parent", "").ends_with(parent)) return qdisc["packets"].get<int>();
        return -1;
    };
    const int before = sent(":3");
    REQUIRE(before >= 0);
    for (int i = 0; i < 8; ++i)
        send_udp("10.9.0.2", 2); // each from a port of its own: the hash would spread them
    CHECK(sent(":3") - before >= 16);
}

TEST_CASE("policies are swapped under traffic without losing a packet or a count")
{
    const Desk desk;
    for (const std::string hook : {"auto", "clsact"}) {
        const std::string head = hook_line(hook) + "interfaces: [nwa]\nclasses:\n";
        const std::string first = head + "  - {name: ping, protocol: icmp}\n";
        const std::string second = hook_line(hook) + "interfaces: [nwa, nwc]\nclasses:\n"
                                                     "  - {name: other, from: 10.7.0.0/16, limit: 1Mbit}\n"
                                                     "  - {name: in, direction: ingress, protocol: icmp}\n"
                                                     "  - {name: ping, protocol: icmp, to: 10.9.0.2}\n";
        REQUIRE(desk.apply(first).status == 0);
        const int before = desk.counted("ping")["packets"];
        std::string summary;
        std::thread pinger([&] { summary = support::run({"ping", "-q", "-c", "500", "-i", "0.002", "10.9.0.2"}).out; });
        for (int i = 0; i < 10; ++i)
            CHECK(desk.apply(i % 2 ? first : second).status == 0);
        pinger.join();
        INFO(summary);
        CHECK(summary.find(" 0% packet loss") != std::string::npos);
        CHECK(desk.counted("ping")["packets"] == before + 500);
        CHECK_FALSE(attached("nwc")); // the first policy came last
        REQUIRE(desk.run("steer off").status == 0);
    }
}

TEST_CASE("what cannot be installed changes nothing on any interface")
{
    const Desk desk;
    const std::string good = "interfaces: [nwa]\nclasses: [{name: ping, protocol: icmp}]\n";
    for (const bool running : {false, true}) {
        if (running) REQUIRE(desk.apply(good).status == 0);
        for (const auto& [policy, says] : std::initializer_list<std::pair<std::string, std::string>>{
                 {"interfaces: [nwa, nwx]\nclasses: [{name: ping, set: {mark: 1}}]\n", "no interface nwx"},
                 {"interfaces: [nwa]\nclasses: [{name: ping, redirect: nwx}]\n", "no interface nwx"},
                 {"interfaces: [nwa]\nclasses: [{name: ping, cgroup: nwt-none.slice}]\n", "no cgroup nwt-none.slice"},
             }) {
            const auto refused = desk.apply(policy);
            CHECK(refused.status == 1);
            CHECK_MESSAGE(refused.out.find(says) != std::string::npos, refused.out);
            CHECK(attached("nwa") == running);
        }
        if (!running) CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
    }
    CHECK(desk.pings());
    CHECK(desk.counted("ping")["packets"] == 1);
    CHECK(desk.apply("hook: clsact\n" + good).out.find("steer off") != std::string::npos);
}

TEST_CASE("an interface that was deleted and made again is named, and taken again")
{
    const Desk desk;
    const std::string policy = "interfaces: [nwe.5]\nclasses: [{name: it, protocol: udp}]\n"; // a VLAN's usual name
    support::must("ip link add nwe.5 type veth peer name nwf netns " + far_off);
    REQUIRE(desk.apply(policy).status == 0);
    support::must("ip link del nwe.5");
    CHECK(desk.run("steer show").out.find("nwe.5 (egress) does not have the program any more") != std::string::npos);
    support::must("ip link add nwe.5 type veth peer name nwf netns " + far_off);
    CHECK_FALSE(attached("nwe.5"));
    REQUIRE(desk.apply(policy).status == 0);
    CHECK(attached("nwe.5"));
    CHECK(desk.run("steer show").out.find("trouble") == std::string::npos);
}

TEST_CASE("another's filters beside ours stay, and so does their qdisc")
{
    const Desk desk;
    support::must("tc qdisc add dev nwa clsact");
    support::must("tc filter add dev nwa egress protocol ip prio 5 u32 match ip dport 9 0xffff classid 1:1");
    const std::string before = clsact_of("nwa");
    REQUIRE(desk.apply("hook: clsact\ninterfaces: [nwa]\nclasses: [{name: it, protocol: icmp}]\n").status == 0);
    CHECK(desk.pings());
    CHECK(desk.counted("it")["packets"] == 1);
    REQUIRE(desk.run("steer off").status == 0);
    CHECK(clsact_of("nwa") == before);
}

TEST_CASE("without rights, and without bpffs, one line says what is missing")
{
    const Desk desk;
    std::ofstream(desk.directory / "p.yaml") << "interfaces: [nwa]\nclasses: [{name: it}]\n";
    fs::permissions(desk.directory, fs::perms::all);
    const auto refused = desk.shell("setpriv --reuid 65534 --clear-groups " + desk.program() + " steer apply p.yaml");
    CHECK(refused.status == 1);
    CHECK(std::count(refused.out.begin(), refused.out.end(), '\n') == 1);
    const auto absent = support::run(
        {"unshare", "-m", "sh", "-c",
         "umount -a -t bpf; cd " + desk.directory.string() + " && exec " + NETWRIGHT_BINARY + " steer show"});
    CHECK(absent.status == 1);
    CHECK(absent.out.find("mount -t bpf bpf /sys/fs/bpf") != std::string::npos);
}
