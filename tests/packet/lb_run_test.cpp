// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lb run: backends that die and come back, reloads, ends and successors, under connections that must not
// notice.
#include "dataplane/lb_page.h"
#include "dataplane/lb_probe.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <deque>
#include <fstream>
#include <memory>
#include <thread>

#include "lb_daemons.h"

using namespace netwright;
using namespace netwright::test;
using namespace netwright::dataplane;

namespace {

std::string state_of(const Network& network, std::size_t backend)
{
    const auto output = network.lb("status --json");
    if (output.status != 0) return output.out;
    return nlohmann::json::parse(output.out)["backends"][backend]["state"];
}

// What an HTTP server in the balancer's namespace says to "GET <path>".
std::string got(const std::string& path, std::uint16_t port)
{
    std::string text;
    std::thread([&] {
        move_to("lb");
        const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
        const std::string request = "GET " + path + " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        (void)::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
        std::array<char, 4096> piece{};
        for (ssize_t size = 0; (size = ::read(socket.get(), piece.data(), piece.size())) > 0;)
            text.append(piece.data(), static_cast<std::size_t>(size));
    }).join();
    return text;
}

} // namespace

TEST_CASE("a backend that dies gets nothing more, one that comes back gets its share again, and the page tells")
{
    const Network network;
    auto a = std::make_unique<Backend>("a");
    const Backend b("b");
    network.write(1, 1, "ipip", "10.3", checked, ", listen: \"127.0.0.1:9464\"");
    const Supervisor supervisor(network);
    REQUIRE_MESSAGE(supervisor.said("the balancer runs"), supervisor.log());
    CHECK(state_of(network, 0) == "up");
    CHECK(letters_of(30).find('a') != std::string::npos);

    a.reset();
    CHECK(supervisor.said("backend 10.3.1.2 of pool 'web' is down: connect: Connection refused"));
    CHECK(comes_true([&] { return network.told("show")["shares"].size() == 1; }));
    CHECK(letters_of(30) == std::string(30, 'b'));
    CHECK(state_of(network, 0) == "down");
    CHECK(network.lb("status").out.find("Connection refused") != std::string::npos);
    const std::string metrics = got("/metrics", 9464);
    CHECK(metrics.find("netwright_lb_backend_up{pool=\"web\",backend=\"10.3.1.2\"} 0") != std::string::npos);
    CHECK(metrics.find("netwright_lb_vip_packets_total{vip=\"192.0.2.1:80/tcp\"}") != std::string::npos);
    CHECK(got("/", 9464).find("<td class=\"down\">down") != std::string::npos);
    CHECK(got("/status.json", 9464).find("\"state\": \"down\"") != std::string::npos);
    CHECK(got("/else", 9464).find("404") != std::string::npos);

    a = std::make_unique<Backend>("a");
    CHECK(supervisor.said("backend 10.3.1.2 of pool 'web' is up"));
    CHECK(comes_true([&] { return letters_of(10).find('a') != std::string::npos; }));
    // Without any backend that answers, nobody is cut off on the checks' word alone.
    a.reset();
    CHECK(comes_true([&] { return state_of(network, 0) == "down"; }));
}

TEST_CASE("a supervisor that ends, is killed or is told to read again leaves every connection where it is")
{
    const Network network;
    const Backend a("a"), b("b");
    network.write(1, 1, "ipip", "10.3", patient);
    auto supervisor = std::make_unique<Supervisor>(network);
    REQUIRE_MESSAGE(supervisor->said("the balancer runs"), supervisor->log());
    {
        Supervisor second(network);
        CHECK(second.wait() == 1);
        CHECK(second.log().find("already") != std::string::npos);
    }
    std::atomic<bool> over = false;
    std::atomic<unsigned> opened = 0, broken = 0;
    std::thread client([&] {
        move_to("client");
        std::deque<std::pair<Fd, char>> open; // the first hundred stay throughout
        while (!over) {
            Fd connection = connected();
            const char first = who(connection);
            broken += first == '-';
            open.emplace_back(std::move(connection), first);
            const auto& [other, letter] = open[opened++ % open.size()];
            broken += who(other) != letter;
            if (open.size() > 200) open.erase(open.begin() + 100);
        }
        for (const auto& [connection, first] : open)
            broken += who(connection) != first;
    });
    const auto generation = [&] { return network.told("show")["generation"].get<int>(); };
    network.write(0, 1, "ipip", "10.3", patient);
    supervisor->signal(SIGHUP);
    CHECK(comes_true([&] { return generation() == 2; }));
    CHECK(state_of(network, 0) == "draining");
    std::ofstream(network.directory / "lb.yaml") << "pools: nonsense\n";
    supervisor->signal(SIGHUP);
    CHECK(supervisor->said("kept the configuration that runs"));
    network.write(1, 1, "gue", "10.3", patient);
    CHECK(supervisor->end(SIGTERM) == 0);
    CHECK(generation() == 2); // it goes on without
    supervisor = std::make_unique<Supervisor>(network);
    CHECK(supervisor->said("the balancer runs"));
    CHECK(generation() == 3);
    CHECK(supervisor->end(SIGKILL) == -SIGKILL);
    supervisor = std::make_unique<Supervisor>(network);
    CHECK(supervisor->said("the balancer runs"));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    over = true;
    client.join();
    CHECK_MESSAGE(broken == 0, broken.load(), " of ", opened.load());
    CHECK(opened > 50);
    CHECK(network.lb("status").status == 0);
    CHECK(supervisor->end(SIGINT) == 0);
    CHECK(network.lb("status").out.find("no netwright lb run") != std::string::npos);
    struct stat facts{};
    REQUIRE(::stat(("/run/netns/" + space("lb")).c_str(), &facts) == 0);
    CHECK_FALSE(fs::exists("/run/netwright/lb-" + std::to_string(facts.st_ino) + ".lock"));
    CHECK_FALSE(fs::exists("/run/netwright/lb-" + std::to_string(facts.st_ino) + ".sock"));
    CHECK(network.lb("off").out == "removed\n");
}

TEST_CASE("when one of two balancers dies, its connections live on at the other")
{
    if (!fs::exists("/usr/sbin/bird")) {
        MESSAGE("without BIRD (bird2) this shows nothing");
        return;
    }
    const Network network;
    network.connect("lb2", "10.5.0");
    support::must(NETWRIGHT_BINARY + std::string(" lb decap r-lb r-lb2 --from 203.0.113.1")); // for veth's sake
    support::must("sysctl -qw net.ipv4.fib_multipath_hash_policy=1");                         // by port, too
    support::must("ip route del 192.0.2.1/32");
    const BirdDaemon router(
        network, "router",
        "router id 10.2.0.1;\nprotocol kernel { merge paths on; ipv4 { import none; export all; }; }\n"
        "protocol bgp one from soon { local 10.2.0.1 as 65000; neighbor 10.2.0.2 as 65001; ipv4 { import all; export "
        "none; }; }\n"
        "protocol bgp two from soon { local 10.5.0.1 as 65000; neighbor 10.5.0.2 as 65001; ipv4 { import all; export "
        "none; }; }\n");
    const Backend a("a"), b("b");
    std::vector<std::unique_ptr<BirdDaemon>> speakers;
    std::vector<std::unique_ptr<Supervisor>> supervisors;
    for (const std::string name : {"lb", "lb2"}) {
        const std::string net = name == "lb" ? "10.2.0" : "10.5.0",
                          vips = (network.directory / (name + ".vips")).string();
        std::ofstream(vips) << "";
        network.write(1, 1, "ipip", "10.3", patient,
                      ", announce: {file: " + vips + ", control: " + BirdDaemon::control_of(network, name) + "}");
        if (name == "lb2") fs::rename(network.directory / "lb.yaml", network.directory / "lb2.yaml");
        speakers.push_back(std::make_unique<BirdDaemon>(
            network, name,
            "router id " + net + ".2;\ninclude \"" + vips + "\";\nprotocol bgp uplink from soon { local " + net +
                ".2 as 65001; neighbor " + net +
                ".1 as 65000;\n"
                "ipv4 { import none; export where proto = \"netwright_lb4\"; next hop self; }; }\n"));
        REQUIRE(comes_true([&] { return fs::exists(BirdDaemon::control_of(network, name)); }));
        supervisors.push_back(std::make_unique<Supervisor>(network, name));
        REQUIRE_MESSAGE(supervisors.back()->said("the balancer runs"), supervisors.back()->log());
    }
    const auto routes = [] { return support::must("ip route show 192.0.2.1"); };
    REQUIRE(comes_true([&] {
        return routes().find("via 10.2.0.2") != std::string::npos && routes().find("via 10.5.0.2") != std::string::npos;
    }));
    as_client([&] {
        std::vector<Fd> connections;
        std::string before, after;
        for (int i = 0; i < 200; ++i) {
            connections.push_back(connected());
            before += who(connections.back());
        }
        CHECK(before.find('-') == std::string::npos);
        for (const std::string name : {"lb", "lb2"}) { // each had its part of them
            const auto stats = nlohmann::json::parse(support::must(netwright_in(name) + "lb stats --json"));
            CHECK(stats["vip"]["192.0.2.1:80/tcp"]["packets"].get<int>() > 100);
        }
        support::must("ip -n " + space("lb") + " link set eth0 down");
        for (const Fd& connection : connections)
            after += who(connection);
        CHECK(after == before);
    });
    CHECK(routes().find("via 10.2.0.2") == std::string::npos);
}

TEST_CASE("each kind of check sees what is there and what is not, in the time it has")
{
    support::enter_private_bpffs();
    support::must("ip link set lo up");
    const Prefix here = *parse_prefix("127.0.0.1"), nowhere = *parse_prefix("192.0.2.99");
    const auto server = LbPageServer::start({here, 8080}, [](std::string_view path) -> std::optional<LbPage> {
        if (path == "/health") return LbPage{"text/plain", "well\n"};
        return std::nullopt;
    });
    REQUIRE_MESSAGE(server, server.error().what);
    LbCheck check{.port = 8080, .timeout = std::chrono::milliseconds(300)};
    const auto says = [&](const Prefix& backend) {
        const auto seen = probe(check, backend);
        return seen ? std::string("well") : seen.error().what;
    };
    CHECK(says(here) == "well");
    CHECK(says(nowhere).find("unreachable") != std::string::npos);
    check.port = 8081;
    CHECK(says(here) == "connect: Connection refused");

    check.kind = LbCheck::Kind::Http;
    CHECK_FALSE(says(here) == "well");
    check.port = 8080;
    check.path = "/health";
    CHECK(says(here) == "well");
    check.host = "www.example"; // it is not asked for, nor looked up
    CHECK(says(here) == "well");
    check.path = "/elsewhere";
    CHECK(says(here) == "HTTP status 404");
    check.least_status = check.most_status = 404;
    CHECK(says(here) == "well");
    check.kind = LbCheck::Kind::Https; // no TLS there
    CHECK_FALSE(says(here) == "well");

    check = LbCheck{.kind = LbCheck::Kind::Udp, .port = 5300, .timeout = std::chrono::milliseconds(300)};
    check.send = "ping";
    CHECK(says(here) == "receive: Connection refused");
    const Fd echo(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(5300);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(echo.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    CHECK(says(here) == "no answer within 300 ms");
    std::thread answering([&] {
        std::array<char, 16> text{};
        sockaddr_in from{};
        for (int i = 0; i < 3; ++i) { // the first waits there from before
            socklen_t size = sizeof from;
            const auto length =
                ::recvfrom(echo.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
            (void)::sendto(echo.get(), text.data(), static_cast<std::size_t>(length), 0,
                           reinterpret_cast<sockaddr*>(&from), size);
        }
    });
    check.expect = "pin";
    CHECK(says(here) == "well");
    check.expect = "pong";
    CHECK(says(here).find("without what was expected") != std::string::npos);
    answering.join();

    check = LbCheck{.kind = LbCheck::Kind::Command, .timeout = std::chrono::milliseconds(300)};
    check.command = {"/bin/sh", "-c", "test \"$NETWRIGHT_BACKEND\" = 127.0.0.1"};
    CHECK(says(here) == "well");
    CHECK(says(nowhere) == "/bin/sh ended with 1");
    check.command = {"/bin/sleep", "10"};
    CHECK(says(here) == "no answer within 300 ms");
    check.command = {"/no/such/program"};
    CHECK(says(here).find("No such file") != std::string::npos);
}

TEST_CASE("HTTPS is asked with the configured name, and a wrong certificate matters where it should")
{
    support::enter_private_bpffs();
    support::must("ip link set lo up");
    const Tidy tidy;
    fs::create_directories(tidy.directory);
    const std::string key = (tidy.directory / "key").string(), certificate = (tidy.directory / "certificate").string();
    const auto made =
        support::run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-days", "1", "-subj", "/CN=www.example", "-keyout", key, "-out", certificate});
    if (made.status != 0) {
        MESSAGE("without openssl this shows nothing");
        return;
    }
    const pid_t server = ::fork();
    if (server == 0) {
        const int nothing = ::open("/dev/null", O_RDWR);
        for (const int stream : {0, 1, 2})
            ::dup2(nothing, stream);
        ::execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:8443", "-www", "-key", key.c_str(), "-cert",
                 certificate.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    LbCheck check{.kind = LbCheck::Kind::Https, .port = 8443, .timeout = std::chrono::seconds(2)};
    check.host = "www.example";
    const Prefix here = *parse_prefix("127.0.0.1");
    CHECK(comes_true([&] { return probe(check, here).has_value(); }));
    check.verify = true;
    const auto seen = probe(check, here);
    REQUIRE_FALSE(seen);
    CHECK(seen.error().what.find("certificate") != std::string::npos);
    (void)::kill(server, SIGKILL);
    (void)::waitpid(server, nullptr, 0);
}
