// SPDX-License-Identifier: GPL-2.0-or-later
// netwright filter as people use it: installed on a veth in a namespace of its own, swapped under traffic, removed.
#include "base/fd.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <sstream>
#include <thread>

#include "filter_desk.h"

using namespace netwright;
using namespace netwright::test;

TEST_CASE("a policy drops what it names, counts it, shows itself, and leaves nothing behind when it is off")
{
    const Desk desk;
    REQUIRE(desk.pings());
    CHECK(desk.run("filter show").out == "no filter runs here\n");
    desk.write("p.yaml", no_ping);
    const auto applied = desk.run("filter apply p.yaml");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK_FALSE(desk.pings());
    CHECK(desk.counted("no-ping") >= 1);
    CHECK(desk.attached("nwa"));
    CHECK_FALSE(desk.attached("nwc"));
    CHECK(desk.run("filter show").out.find("nwa") != std::string::npos);
    CHECK(desk.run("filter off").out == "removed from nwa\n");
    CHECK(desk.pings());
    CHECK_FALSE(desk.attached("nwa"));
    CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
    CHECK(desk.run("filter stats").status == 1);
}

TEST_CASE("policies are swapped under traffic without losing a packet or a count")
{
    const Desk desk;
    desk.write("a.yaml", "{interfaces: [nwa], rules: [{name: ping, protocol: icmp, verdict: pass}]}");
    desk.write("b.yaml", "{interfaces: [nwa, nwc], drop_odd: all, default: drop, rules: [{name: other, protocol: gre, "
                         "verdict: drop}, {name: ping, protocol: icmp, verdict: pass}, {name: arp6, protocol: icmpv6, "
                         "verdict: pass}]}");
    REQUIRE(desk.run("filter apply a.yaml").status == 0);
    const auto before = desk.counted("ping");
    std::string summary;
    std::thread pinger([&] {
        summary =
            support::run({"ip", "netns", "exec", desk.beside, "ping", "-q", "-c", "1000", "-i", "0.002", "10.9.0.1"})
                .out;
    });
    for (int i = 0; i < 24; ++i)
        CHECK(desk.run(i % 2 ? "filter apply a.yaml" : "filter apply b.yaml").out.find("installed") == 0);
    pinger.join();
    INFO(summary);
    CHECK(summary.find(" 0% packet loss") != std::string::npos);
    CHECK(desk.counted("ping") - before == 1000);
    CHECK_FALSE(desk.attached("nwc")); // a.yaml came last
}

TEST_CASE("sources are blocked and allowed while a policy runs and across policies, and a block ends by itself")
{
    const Desk desk;
    CHECK(desk.run("filter block 10.9.0.2").out.find("no filter runs here") != std::string::npos);
    desk.write("p.yaml", "{interfaces: [nwa]}");
    REQUIRE(desk.run("filter apply p.yaml").status == 0);
    REQUIRE(desk.run("filter block 10.9.0.0/24 2001:db8::/32 --for 1h").status == 0);
    CHECK_FALSE(desk.pings());
    CHECK(desk.counted("blocked") >= 1);
    desk.write("q.yaml", no_ping);
    REQUIRE(desk.run("filter apply q.yaml").status == 0);
    CHECK(desk.run("filter blocks").out.find("2001:db8::/32  blocked  for 3") != std::string::npos);
    REQUIRE(desk.run("filter allow 10.9.0.2").status == 0);
    CHECK(desk.pings());
    CHECK(desk.counted("allowed") >= 1);
    REQUIRE(desk.run("filter unblock 10.9.0.2").status == 0);
    REQUIRE(desk.run("filter apply p.yaml").status == 0);
    CHECK_FALSE(desk.pings()); // the block stands
    const auto missing = desk.run("filter unblock 10.9.0.2 10.9.0.0/24");
    CHECK(missing.status == 0);
    CHECK(missing.out.find("10.9.0.2 was neither") != std::string::npos);
    CHECK(desk.pings());
    CHECK(desk.run("filter unblock 10.9.0.2").status == 1);
    REQUIRE(desk.run("filter block 10.9.0.2 --for 1500ms").status == 0);
    CHECK_FALSE(desk.pings());
    for (int i = 0; i < 40 && !desk.pings(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(desk.pings());
    CHECK(desk.run("filter blocks --json").out.find("10.9.0.2") == std::string::npos);
    desk.write("none.yaml", "{interfaces: [nwa], live: false}");
    REQUIRE(desk.run("filter apply none.yaml").status == 0);
    CHECK(desk.run("filter block 10.9.0.2").out.find("live: false") != std::string::npos);
}

TEST_CASE("a feed from a file or stdin replaces what it said before, and nobody blocks himself or all unasked")
{
    const Desk desk;
    desk.write("p.yaml", "{interfaces: [nwa]}");
    REQUIRE(desk.run("filter apply p.yaml").status == 0);
    desk.write("feed.txt", "10.9.0.2 ; bad\n192.0.2.0/24\n# end\n");
    const auto taken = desk.run("filter block --from feed.txt --feed bad");
    CHECK_MESSAGE(taken.out == "blocked 2 prefixes; 2 entries blocked or allowed in all\n", taken.out);
    CHECK_FALSE(desk.pings());
    REQUIRE(desk.run("filter block 192.0.2.0/24").status == 0);
    REQUIRE(desk.shell("echo 198.51.100.1 | " NETWRIGHT_BINARY " --state-dir state filter block --from - --feed bad")
                .status == 0);
    CHECK(desk.pings());
    const auto json = nlohmann::json::parse(desk.run("filter blocks --json").out);
    REQUIRE(json.size() == 2);
    CHECK(json[0]["prefix"] == "192.0.2.0/24"); // not the feed's
    CHECK(json[1] == nlohmann::json{{"prefix", "198.51.100.1"}, {"verdict", "drop"}, {"feed", "bad"}});
    REQUIRE(desk.run("filter unblock --feed bad").status == 0);
    CHECK(nlohmann::json::parse(desk.run("filter blocks --json").out).size() == 1);
    desk.write("broken.txt", "10.0.0.1\n10.0.0.300\n");
    CHECK(desk.run("filter block --from broken.txt").out.find("broken.txt:2:") != std::string::npos);
    const std::string ssh = "env SSH_CONNECTION='10.9.0.2 51234 10.9.0.1 22'";
    CHECK(desk.run("filter block 10.9.0.0/24", ssh).out.find("you are logged in from 10.9.0.2") != std::string::npos);
    CHECK(desk.run("filter block ::/0").out.find("--force") != std::string::npos);
    CHECK(desk.pings());
    REQUIRE(desk.run("filter block 10.9.0.0/24 --force", ssh).status == 0);
    CHECK_FALSE(desk.pings());
}

TEST_CASE("a policy's list ends when its time is over, also in a policy that comes back; its feed can be renewed")
{
    const Desk desk;
    desk.write("list.txt", "10.9.0.2\n192.0.2.1\n");
    desk.write("fed.yaml", "{interfaces: [nwa], lists: {bad: {verdict: drop, file: list.txt, feed: bad}}}");
    REQUIRE(desk.run("filter apply fed.yaml").status == 0);
    CHECK_FALSE(desk.pings());
    REQUIRE(
        desk.shell("echo 192.0.2.1 | " NETWRIGHT_BINARY " --state-dir state filter block --from - --feed bad").status ==
        0);
    CHECK(desk.pings());
    desk.write("soon.yaml", "{interfaces: [nwa], lists: {soon: {verdict: drop, prefixes: [{prefix: 10.9.0.2, expires: "
                            "2s}, {prefix: 192.0.2.7, expires: 1h}]}}}");
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(desk.run("filter apply soon.yaml").status == 0);
    CHECK_FALSE(desk.pings());
    const auto json = nlohmann::json::parse(desk.run("filter blocks --json").out);
    REQUIRE(json.size() == 2); // the feed went with its list
    CHECK(json[0]["prefix"] == "10.9.0.2");
    CHECK(json[0]["feed"] == "list:soon");
    CHECK(json[1]["seconds"].get<double>() > 3500);
    desk.write("none.yaml", "{interfaces: [nwa]}");
    REQUIRE(desk.run("filter apply none.yaml").status == 0);
    CHECK(desk.pings());
    CHECK(desk.run("filter blocks").out.find("nothing is blocked") == 0);
    std::this_thread::sleep_until(begin + std::chrono::milliseconds(3100)); // a second is the kept time's unit
    REQUIRE(desk.run("rollback").status == 0);
    CHECK(desk.pings());
    CHECK(nlohmann::json::parse(desk.run("filter blocks --json").out).size() == 1);
}

TEST_CASE("a list of thousands changes in one step: who stands in both editions is in it all the time")
{
    const Desk desk;
    desk.write("p.yaml", "{interfaces: [nwa], default: drop}");
    REQUIRE(desk.run("filter apply --force p.yaml").status == 0);
    for (const char edition : {'1', '2'}) {
        std::string text = "10.9.0.2\n";
        for (int i = 0; i < 10'000; ++i) // around it, so that its own leaf and pages differ
            text += fmt::format("10.{}.{}.{}{}\n", 9 + i / 5000, i / 25 % 200, edition, 10 + i % 25);
        desk.write(std::string("edition-") + edition, text);
    }
    REQUIRE(desk.run("filter allow --from edition-2 --feed f").status == 0);
    std::string summary;
    std::thread pinger([&] {
        summary =
            support::run({"ip", "netns", "exec", desk.beside, "ping", "-q", "-c", "500", "-i", "0.002", "10.9.0.1"})
                .out;
    });
    for (int i = 0; i < 8; ++i)
        CHECK(desk.run(fmt::format("filter allow --from edition-{} --feed f", 1 + i % 2)).out.find("allowed 10001") ==
              0);
    pinger.join();
    CHECK_MESSAGE(summary.find(" 0% packet loss") != std::string::npos, summary);
}

namespace {

// Takes connections and sends each `bytes` bytes, until it has served `most` of them.
void serve(int listener, int most, std::size_t bytes)
{
    const std::string text(bytes, 'x');
    for (int i = 0; i < most; ++i) {
        const Fd one(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
        if (one) (void)!::send(one.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }
}

sockaddr_in6 place(const char* address)
{
    sockaddr_in6 found{};
    found.sin6_family = AF_INET6;
    found.sin6_port = htons(8080);
    ::inet_pton(AF_INET6, address, &found.sin6_addr);
    return found;
}

// What a client beside gets of a connection to that address; 0: it got none.
std::size_t fetch(const std::string& from, const char* address)
{
    std::size_t got = 0;
    std::thread([&] {
        const Fd there(::open(("/run/netns/" + from).c_str(), O_RDONLY | O_CLOEXEC));
        if (::setns(there.get(), CLONE_NEWNET) != 0) return;
        const Fd one(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const timeval patience{3, 0};
        ::setsockopt(one.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(one.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        const sockaddr_in6 to = place(address);
        if (::connect(one.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return;
        char buffer[65536];
        for (ssize_t size; (size = ::recv(one.get(), buffer, sizeof buffer, 0)) > 0;)
            got += static_cast<std::size_t>(size);
    }).join();
    return got;
}

std::uint64_t cookies_taken_back()
{
    std::istringstream words(support::must("nstat -asz TcpExtSyncookiesRecv"));
    std::string word;
    while (words >> word)
        if (std::uint64_t number = 0; word == "TcpExtSyncookiesRecv" && words >> number) return number;
    return 0;
}

} // namespace

TEST_CASE("connections that begin with a cookie of the filter's carry data, in IPv4 and IPv6")
{
    const Desk desk;
    support::must("ip addr add fd09::1/64 dev nwa nodad");
    support::must("ip -n " + desk.beside + " addr add fd09::2/64 dev nwb nodad");
    desk.write("cookies.yaml", "{interfaces: [nwa], syn_cookies: 8080}");
    desk.write("beside.yaml", "{interfaces: [nwb]}"); // a veth sends back only to one that has a program, too
    support::must("sysctl -qw net.ipv4.tcp_syncookies=0");
    CHECK(desk.run("filter apply cookies.yaml").out.find("net.ipv4.tcp_syncookies is 0") != std::string::npos);
    support::must("sysctl -qw net.ipv4.tcp_syncookies=2");
    const auto applied = desk.run("filter apply cookies.yaml");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK(applied.out.find("neither window scaling nor SACK") != std::string::npos);
    REQUIRE(desk.run("--netns " + desk.beside + " filter apply beside.yaml").status == 0);

    const Fd listener(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in6 any = place("::");
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
    REQUIRE(::listen(listener.get(), 64) == 0);
    constexpr int most = 20;
    constexpr std::size_t bytes = 300'000;
    std::thread server(serve, listener.get(), most, bytes);
    const auto before = cookies_taken_back();
    for (int i = 0; i < most; ++i)
        CHECK(fetch(desk.beside, i % 2 ? "fd09::1" : "::ffff:10.9.0.1") == bytes);
    ::shutdown(listener.get(), SHUT_RDWR); // should a connection be missing
    server.join();
    CHECK(cookies_taken_back() - before == most);
    CHECK(desk.counted("syn-cookies") == most);
    (void)desk.run("--netns " + desk.beside + " filter off");
}

TEST_CASE("dropped packets are shown with their heads and the rule's name, as often as the policy says")
{
    const Desk desk;
    desk.write("none.yaml", no_ping);
    REQUIRE(desk.run("filter apply none.yaml").status == 0);
    CHECK(desk.run("filter samples").out.find("sample_every: 1000") != std::string::npos);
    desk.write("all.yaml", "{interfaces: [nwa], sample_every: 1, rules: [{name: no-ping, protocol: icmp, verdict: "
                           "drop}]}");
    REQUIRE(desk.run("filter apply all.yaml").status == 0);
    CHECK(desk.run("filter samples").out.empty());
    (void)desk.shell("ip netns exec " + desk.beside + " ping -c 3 -i 0.01 -W 0.1 -s 4 10.9.0.1"); // 46 bytes
    const auto two = desk.run("filter samples --count 2 --json");
    REQUIRE_MESSAGE(std::count(two.out.begin(), two.out.end(), '\n') == 2, two.out);
    const auto one = nlohmann::json::parse(two.out.substr(0, two.out.find('\n')));
    CHECK(one["check"] == "no-ping");
    CHECK(one["interface"] == "nwa");
    CHECK(one["packet"] == "10.9.0.2 > 10.9.0.1 icmp 8/0");
    CHECK(one["length"] == 46);
    CHECK(one["head"].get<std::string>().size() == 2 * 46);
    CHECK(desk.run("filter samples --watch --count 1")
              .out.find("  nwa  no-ping  10.9.0.2 > 10.9.0.1 icmp 8/0 (46 "
                        "bytes)\n") != std::string::npos);
    desk.write("few.yaml", "{interfaces: [nwa], sample_every: 1, sample_most: 4, rules: [{name: no-ping, protocol: "
                           "icmp, verdict: drop}]}");
    REQUIRE(desk.run("filter apply few.yaml").status == 0);
    (void)desk.shell("ip netns exec " + desk.beside + " ping -c 60 -i 0.005 -W 0.1 10.9.0.1"); // within two seconds
    const auto few = desk.run("filter samples").out;
    CHECK(std::count(few.begin(), few.end(), '\n') >= 4);
    CHECK(std::count(few.begin(), few.end(), '\n') <= 12);
}

TEST_CASE("a policy is a transaction: status shows it, it is taken back unless confirmed in time, and by rollback")
{
    const Desk desk;
    desk.write("list.txt", "10.9.0.2\n");
    desk.write("block.yaml", "{interfaces: [nwa], lists: {bad: {verdict: drop, file: list.txt}}}");
    desk.write("open.yaml", "{interfaces: [nwa, nwc], drop_odd: all}");
    REQUIRE(desk.run("filter apply block.yaml").status == 0);
    fs::remove(desk.directory / "list.txt"); // nothing of ours is needed to come back
    fs::remove(desk.directory / "block.yaml");
    CHECK_FALSE(desk.pings());
    const auto applied = desk.run("filter apply open.yaml --confirm-within 5s");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK(applied.out.find("unless you run: netwright confirm") != std::string::npos);
    CHECK(desk.pings());
    const auto status = desk.run("status").out;
    CHECK_MESSAGE(status.find("xdp/filter  ") != std::string::npos, status);
    CHECK(status.find("-block.yaml -> ") != std::string::npos);
    CHECK(desk.run("filter apply open.yaml").out.find("still open") != std::string::npos);
    for (int i = 0; i < 200 && desk.pings(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK_FALSE(desk.pings()); // the watchdog put the list back
    CHECK_FALSE(desk.attached("nwc"));

    REQUIRE(desk.run("filter apply open.yaml --confirm-within 60s").status == 0);
    REQUIRE(desk.run("confirm").status == 0);
    CHECK(desk.attached("nwc"));
    REQUIRE(desk.run("filter off").status == 0);
    CHECK_FALSE(desk.attached("nwa"));
    const auto back = desk.run("rollback");
    CHECK_MESSAGE(back.status == 0, back.out);
    CHECK(desk.attached("nwc")); // off is undone,
    REQUIRE(desk.run("rollback").status == 0);
    CHECK_FALSE(desk.pings()); // and what replaced the list,
    REQUIRE(desk.run("rollback").status == 0);
    CHECK_FALSE(desk.attached("nwa")); // and the list
    CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
}

TEST_CASE("what cannot be installed changes nothing on any interface")
{
    const Desk desk;
    desk.write("absent.yaml", "{interfaces: [nwa, nwx], rules: [{name: no-ping, protocol: icmp, verdict: drop}]}");
    auto refused = desk.run("filter apply absent.yaml");
    CHECK(refused.status == 1);
    CHECK(refused.out.find("no interface nwx") != std::string::npos);
    CHECK_FALSE(desk.attached("nwa"));

    desk.write("p.yaml", "{interfaces: [nwa], rules: [{name: ping, protocol: icmp, verdict: count}]}");
    REQUIRE(desk.run("filter apply p.yaml").status == 0);
    refused = desk.run("filter apply absent.yaml");
    CHECK(refused.status == 1);
    CHECK(desk.pings()); // the old policy still runs
    CHECK(desk.counted("ping") >= 1);
    CHECK(desk.run("filter show").out.find("p.yaml") != std::string::npos);

    desk.write("generic.yaml", "{interfaces: [nwa], mode: generic}");
    CHECK(desk.run("filter apply generic.yaml").out.find("filter off") != std::string::npos);
}

TEST_CASE("a policy that blocks everything, or the administrator, needs --force")
{
    const Desk desk;
    desk.write("all.yaml", "{interfaces: [nwa], default: drop}");
    const auto asked = desk.run("filter apply all.yaml");
    CHECK(asked.status == 1);
    CHECK(asked.out.find("blocks everything") != std::string::npos);
    CHECK(desk.pings());

    desk.write("p.yaml", no_ping);
    const std::string ssh = "env SSH_CONNECTION='10.9.0.2 51234 10.9.0.1 22'";
    const auto guarded = desk.run("filter apply p.yaml", ssh);
    CHECK_MESSAGE(guarded.status == 0, guarded.out);
    CHECK(guarded.out.find("10.9.0.2 is always passed") != std::string::npos);
    CHECK(desk.pings());
    CHECK(desk.counted("administrator") >= 1);
    // As under sudo: the process above has the variable.
    const std::string sudo = ssh + " sh -c 'exec \"$@\" & wait' sh env -u SSH_CONNECTION";
    REQUIRE(desk.run("filter off", sudo).status == 0);
    const auto behind = desk.run("filter apply p.yaml", sudo);
    CHECK_MESSAGE(behind.out.find("10.9.0.2 is always passed") != std::string::npos, behind.out);
    CHECK(desk.run("filter block 10.9.0.2", sudo).out.find("would block you") != std::string::npos);
    CHECK(desk.run("filter apply all.yaml", ssh).out.find("blocks everything") != std::string::npos); // all others
    CHECK(desk.pings());
    REQUIRE(desk.run("filter apply --force p.yaml", ssh).status == 0);
    CHECK_FALSE(desk.pings());
}

TEST_CASE("without rights, and without bpffs, one line says what is missing")
{
    const Desk desk;
    desk.write("p.yaml", no_ping);
    fs::permissions(desk.directory, fs::perms::all);
    const auto refused = desk.run("filter apply p.yaml", "setpriv --reuid 65534 --clear-groups env SSH_CONNECTION=");
    CHECK(refused.status == 1);
    CHECK(std::count(refused.out.begin(), refused.out.end(), '\n') == 1);
    const auto absent = support::run(
        {"unshare", "-m", "sh", "-c",
         "umount -a -t bpf; cd " + desk.directory.string() + " && exec " + NETWRIGHT_BINARY + " filter show"});
    CHECK(absent.status == 1);
    CHECK(absent.out.find("mount -t bpf bpf /sys/fs/bpf") != std::string::npos);
}
