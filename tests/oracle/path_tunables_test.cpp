// SPDX-License-Identifier: GPL-2.0-or-later
// Qdiscs, routes, rules, MPTCP, untracked ports: what we set equals what tc, ip and nft show, and comes back.
#include "kernel/mptcp_check.h"
#include "tunable/tunable_kind.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <future>
#include <thread>

#include "support/netns.h"
#include "support/program.h"

using namespace netwright;
using nlohmann::json;
using support::must, support::must_json, support::Netns;

namespace {

Tunable place(const std::string& text)
{
    const auto tunable = parse_tunable(text);
    REQUIRE_MESSAGE(tunable, text);
    return *tunable;
}

// Checked, written, read back; gives what was there before.
std::optional<Value> set(kernel::Kernel& kernel, const std::string& where, const std::string& text)
{
    const Tunable tunable = place(where);
    const auto value = parse_value(tunable, text);
    REQUIRE(value);
    const auto before = tunable::read(kernel, tunable);
    REQUIRE_MESSAGE(before, where, ": ", (before ? "" : before.error().what));
    const auto checked = tunable::check(kernel, tunable, *value);
    REQUIRE_MESSAGE(checked, (checked ? "" : checked.error().what));
    const auto written = tunable::write(kernel, tunable, *value);
    REQUIRE_MESSAGE(written, (written ? "" : written.error().what));
    const auto now = tunable::read(kernel, tunable);
    REQUIRE(now);
    INFO(where, " = ", (*now ? to_text(**now) : "nothing"), ", wanted ", text);
    CHECK(tunable::same(tunable, *now, std::optional(*value)));
    return *before;
}

void put_back(kernel::Kernel& kernel, const std::string& where, const std::optional<Value>& before)
{
    const Tunable tunable = place(where);
    const auto done = before ? tunable::write(kernel, tunable, *before) : tunable::clear(kernel, tunable);
    REQUIRE_MESSAGE(done, (done ? "" : done.error().what));
    const auto now = tunable::read(kernel, tunable);
    REQUIRE(now);
    CHECK(tunable::same(tunable, *now, before));
}

Error refusal(kernel::Kernel& kernel, const std::string& where, const std::string& text)
{
    const Tunable tunable = place(where);
    const auto checked = tunable::check(kernel, tunable, *parse_value(tunable, text));
    REQUIRE_FALSE_MESSAGE(checked, where, " took ", text);
    return checked.error();
}

bool says(const Error& error, std::string_view words) { return error.what.find(words) != std::string::npos; }
bool holds(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

// Two ends of a cable in one namespace, with addresses.
void make_links()
{
    must("ip link set lo up");
    must("ip link add nwa numtxqueues 2 numrxqueues 2 type veth peer name nwb numtxqueues 2 numrxqueues 2");
    must("ip addr add 192.0.2.10/24 dev nwa");
    must("ip -6 addr add 2001:db8::10/64 dev nwa nodad");
    must("ip link set nwa up");
    must("ip link set nwb up");
}

std::string tc() { return must("tc qdisc show dev nwa"); }

} // namespace

TEST_CASE("a root qdisc is what tc shows, and gone again when cleared")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    const std::string before = tc();
    for (const auto& [text, shown] : std::vector<std::pair<std::string, std::string>>{
             {"pfifo limit 77", "qdisc pfifo 8"},
             {"bfifo limit 12345", "limit 12345b"},
             {"pfifo_fast", "qdisc pfifo_fast"},
             {"tbf rate 8Mbit burst 16k latency 50ms", "rate 8Mbit burst 16Kb lat 50"},
             {"htb default 10", "default 0x10"},
             {"mq", "qdisc mq 8"}}) {
        CAPTURE(text);
        const auto old = set(kernel, "qdisc/nwa/root", text);
        CHECK_MESSAGE(holds(tc(), shown), tc());
        put_back(kernel, "qdisc/nwa/root", old);
    }
    CHECK(tc() == before);
}

TEST_CASE("what tc sets reads back as words that make the same qdisc again")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    for (const std::string words : {"pfifo limit 5", "tbf rate 3mbit burst 4000 limit 20000", "htb default 1f r2q 20",
                                    "fq maxrate 1gbit quantum 4000 nopacing", "fq_codel target 3ms limit 500 noecn",
                                    "cake bandwidth 50mbit diffserv4 nat rtt 20ms", "pfifo"}) {
        CAPTURE(words);
        const auto made = support::run(support::words("tc qdisc replace dev nwa root " + words));
        if (made.status != 0 && holds(made.out, "qdisc kind is unknown")) {
            MESSAGE("this kernel has no qdisc for: ", words);
            continue;
        }
        REQUIRE_MESSAGE(made.status == 0, made.out);
        const json wanted = must_json("tc -j qdisc show dev nwa root").at(0).at("options");
        const auto old = tunable::read(kernel, place("qdisc/nwa/root"));
        REQUIRE(old);
        REQUIRE(*old);
        must("tc qdisc del dev nwa root");
        put_back(kernel, "qdisc/nwa/root", *old);
        CHECK_MESSAGE(must_json("tc -j qdisc show dev nwa root").at(0).at("options") == wanted, to_text(**old));
    }
}

TEST_CASE("the queues of an mq are set one by one, and come back by name")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    const auto root = set(kernel, "qdisc/nwa/root", "mq");
    const auto queue = set(kernel, "qdisc/nwa/tx-1", "pfifo limit 9");
    CHECK(queue);
    CHECK_MESSAGE(holds(tc(), "limit 9p"), tc());
    put_back(kernel, "qdisc/nwa/tx-1", queue);
    CHECK_FALSE(holds(tc(), "limit 9p"));
    CHECK(says(refusal(kernel, "qdisc/nwa/tx-1", ""), "no default of its own"));
    CHECK(tunable::also_changed_by(kernel, place("qdisc/nwa/root")).size() == 2);
    put_back(kernel, "qdisc/nwa/root", root);
    CHECK(says(refusal(kernel, "qdisc/lo/root", "mq"), "several transmit queues"));
}

TEST_CASE("a qdisc that could not be put back is left alone")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    must("tc qdisc add dev nwa root handle 1: htb default 10");
    must("tc class add dev nwa parent 1: classid 1:10 htb rate 1mbit");
    CHECK(says(refusal(kernel, "qdisc/nwa/root", "pfifo"), "1 htb classes"));
    must("tc qdisc del dev nwa root");
    must("tc qdisc add dev nwa root handle 1: tbf rate 1mbit burst 4k limit 10k");
    must("tc qdisc add dev nwa parent 1:1 handle 2: pfifo limit 3");
    CHECK(says(refusal(kernel, "qdisc/nwa/root", "pfifo"), "a pfifo below its tbf"));
    must("tc qdisc del dev nwa root");
    CHECK(says(refusal(kernel, "qdisc/nwa/root", "fq maxrate"), "needs a value"));
    CHECK(says(refusal(kernel, "qdisc/nwa/root", "netem delay 1ms"), "no qdisc that netwright"));
    CHECK(refusal(kernel, "qdisc/nwq/root", "pfifo").kind == Error::Kind::Absent);
    if (support::run(support::words("tc qdisc replace dev nwb root fq")).status != 0) {
        const Error error = refusal(kernel, "qdisc/nwa/root", "fq");
        CHECK(error.kind == Error::Kind::Unsupported);
        CHECK_MESSAGE(says(error, "this kernel has no qdisc fq"), error.what);
    }
}

TEST_CASE("one metric of a route changes, and nothing else of it")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    must("ip addr add 198.51.100.10/24 dev nwb");
    must("ip route add default via 192.0.2.1 proto static metric 50 initcwnd 20 mtu lock 1400 src 192.0.2.10");
    must("ip route add 10.0.0.0/8 proto 42 advmss 1000 nexthop via 192.0.2.1 weight 3 nexthop via 198.51.100.1 weight "
         "1");
    must("ip route add 10.9.0.0/16 via 192.0.2.9 dev nwa onlink table 77");
    must("ip -6 route add default via 2001:db8::1 dev nwa metric 99 pref high");
    must("ip -6 route add 2001:db8:1::/48 nexthop via 2001:db8::1 dev nwa nexthop via 2001:db8::2 dev nwa");
    const auto all = [] { return must("ip -d route show table all") + must("ip -6 -d route show table all"); };
    const std::string before = all();
    for (const auto& [where, text, shown] :
         std::vector<std::array<std::string, 3>>{{"route/default/initcwnd", "40", "initcwnd 40"},
                                                 {"route/default@nwa@metric:50/initrwnd", "33", "initrwnd 33"},
                                                 {"route/default/mtu", "1300", "mtu lock 1300"},
                                                 {"route/default/quickack", "1", "quickack 1"},
                                                 {"route/default/congctl", "reno", "congctl reno"},
                                                 {"route/10.0.0.0/8/initcwnd", "24", "initcwnd 24"},
                                                 {"route/10.9.0.0/16@table:77/advmss", "1234", "advmss 1234"},
                                                 {"route/::/0/initrwnd", "34", "initrwnd 34"},
                                                 {"route/2001:db8:1::/48/congctl", "reno", "congctl reno"}}) {
        CAPTURE(where);
        const auto old = set(kernel, where, text);
        CHECK_MESSAGE(holds(all(), shown), all());
        put_back(kernel, where, old);
        CHECK(all() == before);
    }
}

TEST_CASE("a route is refused where the wrong one might be replaced, or what it is set to makes no sense")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    must("ip route add 10.0.0.0/8 via 192.0.2.1 metric 10");
    must("ip route add 10.0.0.0/8 via 192.0.2.2 metric 20");
    CHECK(says(refusal(kernel, "route/10.0.0.0/8/mtu", "1400"), "several routes"));
    set(kernel, "route/10.0.0.0/8@metric:20/mtu", "1400");
    CHECK(refusal(kernel, "route/10.1.0.0/16/mtu", "1400").kind == Error::Kind::Absent);
    CHECK(says(refusal(kernel, "route/10.0.0.0/8@metric:20/mtu", "67"), "takes 68 to"));
    CHECK(says(refusal(kernel, "route/10.0.0.0/8@metric:20/congctl", "cdg"), "not loaded"));
    CHECK(says(refusal(kernel, "route/10.0.0.0/8@metric:20/initcwnd", "0"), "takes 1 to"));
}

TEST_CASE("rules and routes of our own tables are what ip shows")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    const auto rules = [] { return must("ip rule show") + must("ip -6 rule show"); };
    const std::string before = rules();
    const auto route = set(kernel, "table/210/default", "via 192.0.2.1 dev nwa src 192.0.2.10");
    CHECK_FALSE(route);
    CHECK(holds(must("ip route show table 210"), "default via 192.0.2.1 dev nwa"));
    const auto connected = set(kernel, "table/210/192.0.2.0/24", "dev nwa src 192.0.2.10");
    CHECK(holds(must("ip route show table 210"), "192.0.2.0/24 dev nwa proto static scope link src 192.0.2.10"));
    const auto six = set(kernel, "table/210/::/0", "via fe80::1 dev nwa");
    CHECK(holds(must("ip -6 route show table 210"), "default via fe80::1 dev nwa"));
    const auto rule = set(kernel, "rule/ipv4/10010", "from 192.0.2.10 lookup 210");
    CHECK(holds(rules(), "10010:\tfrom 192.0.2.10 lookup 210"));
    const auto rule6 = set(kernel, "rule/ipv6/10010", "from 2001:db8::10 iif lo fwmark 0x5 lookup 210");
    CHECK_MESSAGE(holds(rules(), "10010:\tfrom 2001:db8::10 fwmark 0x5 iif lo lookup 210"), rules());
    set(kernel, "rule/ipv4/10010", "from 192.0.2.0/24 lookup 210");
    put_back(kernel, "rule/ipv6/10010", rule6);
    put_back(kernel, "rule/ipv4/10010", rule);
    put_back(kernel, "table/210/::/0", six);
    put_back(kernel, "table/210/192.0.2.0/24", connected);
    put_back(kernel, "table/210/default", route);
    CHECK(rules() == before);
    CHECK(must("ip route show table all").find("table 210") == std::string::npos);
    must("ip rule add priority 500 not from 10.0.0.0/8 lookup 77");
    CHECK(says(refusal(kernel, "rule/ipv4/500", "from 10.0.0.1 lookup 5"), "stands there"));
    CHECK(says(refusal(kernel, "rule/ipv4/501", "from 10.0.0.1"), "lookup N"));
}

TEST_CASE("endpoints and limits of MPTCP are what ip shows")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    const auto limit = tunable::read(kernel, place("mptcp/limit/subflows"));
    if (!limit && limit.error().kind == Error::Kind::Unsupported) {
        MESSAGE("this kernel has no MPTCP path manager: ", limit.error().what);
        return;
    }
    const std::string before = must("ip mptcp limits");
    const auto subflows = set(kernel, "mptcp/limit/subflows", "5");
    const auto accepted = set(kernel, "mptcp/limit/add-addr-accepted", "3");
    CHECK_MESSAGE(holds(must("ip mptcp limits"), "add_addr_accepted 3 subflows 5"), must("ip mptcp limits"));
    const auto endpoint = set(kernel, "mptcp/endpoint/192.0.2.10", "subflow backup dev nwa");
    const std::string shown = must("ip mptcp endpoint show");
    CHECK_MESSAGE(
        (holds(shown, "192.0.2.10") && holds(shown, "subflow") && holds(shown, "backup") && holds(shown, "dev nwa")),
        shown);
    set(kernel, "mptcp/endpoint/192.0.2.10", "signal");
    set(kernel, "mptcp/endpoint/2001:db8::10", "subflow fullmesh id 7");
    CHECK_MESSAGE(holds(must("ip mptcp endpoint show"), "id 7 subflow fullmesh"), must("ip mptcp endpoint show"));
    CHECK(says(refusal(kernel, "mptcp/limit/subflows", "9"), "0 to 8"));
    CHECK(says(refusal(kernel, "mptcp/endpoint/192.0.2.10", "signal fullmesh"), "exclude"));
    CHECK(says(refusal(kernel, "mptcp/endpoint/192.0.2.10", "primary"), "not understood"));
    put_back(kernel, "mptcp/endpoint/192.0.2.10", endpoint);
    put_back(kernel, "mptcp/endpoint/2001:db8::10", std::nullopt);
    put_back(kernel, "mptcp/limit/subflows", subflows);
    put_back(kernel, "mptcp/limit/add-addr-accepted", accepted);
    CHECK(must("ip mptcp limits") == before);
    CHECK(must("ip mptcp endpoint show").empty());
}

namespace {

// One connection over lo to `port`, held while `look` looks; gives the client's socket to it.
template <class Look>
void with_connection(std::uint16_t port, Look look)
{
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* const name = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(::bind(server, name, sizeof address) == 0);
    REQUIRE(::listen(server, 4) == 0);
    REQUIRE(::connect(client, name, sizeof address) == 0);
    const int accepted = ::accept4(server, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(accepted >= 0);
    look(client, accepted);
    for (const int socket : {accepted, client, server})
        ::close(socket);
}

std::string algorithm_of(int socket)
{
    char name[16] = "";
    socklen_t size = sizeof name;
    REQUIRE(::getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name, &size) == 0);
    return name;
}

std::string tracked()
{
    std::ifstream in("/proc/thread-self/net/nf_conntrack");
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_CASE("a connection with an endpoint really has two subflows")
{
    const Netns space;
    auto kernel = space.kernel();
    if (!tunable::read(kernel, place("mptcp/limit/subflows"))) {
        MESSAGE("this kernel has no MPTCP");
        return;
    }
    must("ip link add nwa type veth peer name nwb");
    must("ip link add nwc type veth peer name nwd");
    must("ip addr add 10.1.1.1/24 dev nwa");
    must("ip addr add 10.2.2.1/24 dev nwc");
    std::promise<pid_t> other;
    std::promise<void> linked, listening, finish;
    std::thread peer([&] { // a namespace of its own, which ends with it
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        other.set_value(::gettid());
        linked.get_future().wait();
        for (const char* line : {"ip addr add 10.1.1.2/24 dev nwb", "ip addr add 10.2.2.2/24 dev nwd",
                                 "ip link set nwb up", "ip link set nwd up", "ip mptcp limits set subflow 4"})
            must(line);
        const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_port = htons(9000);
        REQUIRE(::bind(server, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
        REQUIRE(::listen(server, 4) == 0);
        listening.set_value();
        finish.get_future().wait();
        ::close(server);
    });
    const std::string number = std::to_string(other.get_future().get());
    must("ip link set nwb netns " + number);
    must("ip link set nwd netns " + number);
    linked.set_value();
    listening.get_future().wait();
    must("ip link set nwa up");
    must("ip link set nwc up");
    using namespace std::chrono_literals;
    const auto ask = [] { return kernel::try_mptcp({*parse_ip_prefix("10.1.1.2"), 9000}, 1500ms); };
    set(kernel, "mptcp/limit/subflows", "0");
    const auto alone = ask();
    REQUIRE_MESSAGE(alone, (alone ? "" : alone.error().what));
    CHECK(alone->is_multipath);
    CHECK(alone->subflows == 1);
    set(kernel, "mptcp/limit/subflows", "2");
    set(kernel, "mptcp/endpoint/10.2.2.1", "subflow");
    const auto both = ask();
    REQUIRE(both);
    CHECK(both->subflows == 2);
    finish.set_value();
    peer.join();
}

TEST_CASE("whoever switches tracking off is told what stops working")
{
    const Tunable port = *parse_tunable("notrack/tcp/8080");
    const std::string words = tunable::consequence(port, Value{std::string("on")});
    for (const char* what : {"notrack/tcp/8080: ", "ct state", "established, related", "NAT", "conntrack -L"})
        CHECK_MESSAGE(words.find(what) != std::string::npos, what);
    CHECK(tunable::consequence(port, Value{std::string("off")}) == "");
    CHECK(tunable::consequence(*parse_tunable("link/eth0/mtu"), Value{std::int64_t{1400}}) == "");
}

TEST_CASE("an untracked port leaves no trace in conntrack, its neighbours do")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    if (support::run({"nft", "add table inet probe"}).status != 0) {
        MESSAGE("this kernel has no nftables");
        return;
    }
    must("nft add chain inet probe input { type filter hook input priority 0 ; }"); // tracking is on when somebody asks
    must("nft add rule inet probe input ct state invalid counter");
    const auto off = set(kernel, "notrack/tcp/8080", "on");
    CHECK(to_text(*off) == "off");
    const auto second = set(kernel, "notrack/udp/53", "on");
    CHECK(holds(must("nft list set inet netwright_notrack tcp_ports"), "8080"));
    const std::string table = must("nft list table inet netwright_notrack");
    CHECK(holds(table, "tcp sport @tcp_ports notrack"));
    CHECK(holds(table, "fib daddr type local tcp dport @tcp_ports notrack"));
    with_connection(8080, [](int, int) { CHECK_FALSE(holds(tracked(), "port=8080")); });
    with_connection(8081, [](int, int) { CHECK(holds(tracked(), "port=8081")); });
    put_back(kernel, "notrack/tcp/8080", off);
    CHECK(to_text(**tunable::read(kernel, place("notrack/udp/53"))) == "on");
    with_connection(8080, [](int, int) { CHECK(holds(tracked(), "port=8080")); });
    put_back(kernel, "notrack/udp/53", second);
    CHECK_FALSE(holds(must("nft list ruleset"), "netwright_notrack"));
    must("nft add chain inet probe nat { type nat hook prerouting priority -100 ; }");
    must("nft add rule inet probe nat tcp dport 80 redirect to :8080");
    CHECK(says(refusal(kernel, "notrack/tcp/80", "on"), "redirect to :8080"));
    CHECK(tunable::check(kernel, place("notrack/tcp/443"), Value{std::string("on")}));
}

TEST_CASE("new connections of a cgroup get the algorithm chosen for their port or peer")
{
    const Netns space;
    auto kernel = space.kernel();
    make_links();
    std::string root;
    {
        std::ifstream mounts("/proc/self/mounts");
        for (std::string line; std::getline(mounts, line);)
            if (const auto words = support::words(line); words.size() > 2 && words[2] == "cgroup2") root = words[1];
    }
    const std::string name = "nw-test-" + std::to_string(::getpid()), directory = root + "/" + name;
    if (root.empty() || ::mkdir(directory.c_str(), 0755) != 0) {
        MESSAGE("no cgroup2 that may be written to");
        return;
    }
    const std::string by_port = "congestion/7001@" + name, by_peer = "congestion/127.0.0.0/8@" + name;
    const auto none = set(kernel, by_port, "reno");
    CHECK_FALSE(none);
    set(kernel, by_peer, "cubic");
    CHECK(refusal(kernel, by_port, "nonsense").kind == Error::Kind::Rejected);
    const pid_t child = ::fork();
    if (child == 0) {
        std::ofstream(directory + "/cgroup.procs") << "0" << std::flush;
        bool right = true;
        with_connection(7001, [&](int client, int accepted) {
            right = algorithm_of(client) == "reno" && algorithm_of(accepted) == "reno";
        });
        with_connection(7002, [&](int client, int) { right = right && algorithm_of(client) == "cubic"; });
        ::_exit(right ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    put_back(kernel, by_port, none);
    put_back(kernel, by_peer, none);
    ::rmdir(directory.c_str());
}
