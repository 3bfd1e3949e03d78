// SPDX-License-Identifier: GPL-2.0-or-later
// The programs that people have behind a balancer: nginx, curl, iperf3, and what speaks QUIC.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <fstream>
#include <set>
#include <sstream>

#include "lb_network.h"

using namespace netwright::test;
using netwright::Fd;

namespace {

constexpr std::size_t large = 8'000'000;
constexpr std::uint16_t quic_port = 4433;

// nginx and iperf3 in both backends, until this ends.
class Servers {
public:
    explicit Servers(const fs::path& directory) : directory_(directory)
    {
        for (const std::string name : {"a", "b"}) {
            fs::create_directories(directory / name);
            std::ofstream(directory / name / "letter") << name;
            std::ofstream(directory / name / "large") << std::string(large, name[0]);
            const std::string file = (directory / (name + ".conf")).string();
            std::ofstream(file) << "daemon off; user root; worker_processes 1; pid " << pid_file(name, "nginx") << ";\n"
                                << "error_log " << (directory / "error.log").string() << ";\n"
                                << "events {}\nhttp { access_log off; server { listen 80; root "
                                << (directory / name).string() << "; } }\n";
            start(inside(name) + "nginx -c " + file);
            start(inside(name) + "iperf3 -s --pidfile " + pid_file(name, "iperf3"));
            wait_for(name, "80");
            wait_for(name, "5201");
        }
    }
    ~Servers()
    {
        for (const std::string name : {"a", "b"})
            for (const std::string program : {"nginx", "iperf3"}) {
                pid_t pid = 0;
                if (std::ifstream(pid_file(name, program)) >> pid && pid > 1) ::kill(pid, SIGTERM);
            }
        for (std::thread& one : running_)
            one.join();
    }
    Servers(const Servers&) = delete;
    Servers& operator=(const Servers&) = delete;

private:
    void start(const std::string& command)
    {
        running_.emplace_back([command] { (void)support::run(support::words(command)); });
    }
    static void wait_for(const std::string& name, const std::string& port)
    {
        for (int tries = 0; tries < 100; ++tries) {
            if (!support::must(inside(name) + "ss -Hltn sport = :" + port).empty()) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        throw std::runtime_error("nobody listens at port " + port);
    }
    std::string pid_file(const std::string& name, const std::string& program) const
    {
        return (directory_ / (name + "." + program)).string();
    }
    fs::path directory_;
    std::vector<std::thread> running_;
};

void apply(const Network& network, int a, int b)
{
    std::ostringstream backends;
    backends << "{address: 10.3.1.2, weight: " << a << ", quic_id: 1}, {address: 10.3.2.2, weight: " << b
             << ", quic_id: 2}";
    std::ofstream(network.directory / "lb.yaml")
        << "{interfaces: [eth0], source: 10.200.0.0/16, quic_config: 1, pools: {all: {backends: [" << backends.str()
        << "]}}, vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: all}, "
           "{address: 192.0.2.1, port: 5201, protocol: tcp, pool: all, affinity: source}, "
           "{address: 192.0.2.1, port: 4433, protocol: udp, pool: all, affinity: quic}]}";
    const auto applied = network.lb("apply lb.yaml");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
}

support::Output client(const std::string& command) { return support::run(support::words(inside("client") + command)); }

sockaddr_in quic_vip()
{
    sockaddr_in address = vip();
    address.sin_port = ::htons(quic_port);
    return address;
}

// Answers every datagram with its letter.
class QuicServer {
public:
    explicit QuicServer(const std::string& name)
    {
        std::thread([&] {
            move_to(name);
            socket_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            const timeval patience{0, 50'000};
            const sockaddr_in address = quic_vip(); // answers come from there
            (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        }).join();
        thread_ = std::jthread([this, name](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                sockaddr_in from{};
                socklen_t size = sizeof from;
                char packet[64];
                if (::recvfrom(socket_.get(), packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &size) > 0)
                    (void)::sendto(socket_.get(), name.data(), 1, 0, reinterpret_cast<const sockaddr*>(&from), size);
            }
        });
    }

private:
    Fd socket_;
    std::jthread thread_;
};

// Who answers a packet with a short header whose connection ID names that server, from a new port: '-' if nobody.
char who_has(unsigned server)
{
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const timeval patience{2, 0};
    const sockaddr_in address = quic_vip();
    const std::array<unsigned char, 16> packet{0x40, 1 << 5 | 8, 0, static_cast<unsigned char>(server), 7, 7};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char letter = '-';
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::send(socket.get(), packet.data(), packet.size(), 0) < 0 || ::recv(socket.get(), &letter, 1, 0) != 1)
        return '-';
    return letter;
}

} // namespace

TEST_CASE("nginx, curl, iperf3 and QUIC through the balancer, while it drains")
{
    const Network network;
    const Servers servers(network.directory);
    const QuicServer first("a"), second("b");
    apply(network, 1, 1);

    const auto letters = client("curl -s -H Connection:close http://192.0.2.1/letter?[1-100]");
    CHECK(letters.status == 0);
    CHECK(letters.out.size() == 100);
    CHECK(std::set<char>(letters.out.begin(), letters.out.end()) == std::set{'a', 'b'});

    // Downloads and streams that are under way when their backend drains end where they began.
    const std::string slowly = "curl -s --limit-rate 8M -o " + (network.directory / "got-").string();
    std::vector<std::thread> downloads;
    std::atomic<int> failed = 0;
    for (int i = 0; i < 8; ++i)
        downloads.emplace_back(
            [&, i] { failed += client(slowly + std::to_string(i) + " http://192.0.2.1/large").status != 0; });
    support::Output streams;
    downloads.emplace_back([&] { streams = client("iperf3 -J -c 192.0.2.1 -t 2 -P 2"); });
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    apply(network, 0, 1);
    const auto drained = client("curl -s -H Connection:close http://192.0.2.1/letter?[1-20]");
    CHECK(drained.out == std::string(20, 'b'));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    apply(network, 1, 1);
    for (std::thread& download : downloads)
        download.join();
    CHECK(failed == 0);
    for (int i = 0; i < 8; ++i) {
        std::ifstream file(network.directory / ("got-" + std::to_string(i)));
        const std::string got{std::istreambuf_iterator<char>(file), {}};
        REQUIRE(got.size() == large);
        CHECK(got.find_first_not_of(got[0]) == std::string::npos); // all of it from one backend
    }
    REQUIRE_MESSAGE(streams.status == 0, streams.out);
    CHECK(nlohmann::json::parse(streams.out)["end"]["sum_received"]["bytes"].get<double>() > 1e6);

    as_client([] {
        for (int i = 0; i < 50; ++i) { // each from a port of its own
            CHECK(who_has(1) == 'a');
            CHECK(who_has(2) == 'b');
        }
    });
}
