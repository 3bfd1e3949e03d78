// SPDX-License-Identifier: GPL-2.0-or-later
// VIPs through real BGP daemons: the balancer's tells a router, which is BIRD.
#include <doctest/doctest.h>

#include <memory>

#include "lb_daemons.h"

using namespace netwright;
using namespace netwright::test;

namespace {

constexpr const char* router_config =
    "router id 10.2.0.1;\nprotocol kernel { ipv4 { import none; export all; }; }\n"
    "protocol bgp balancer from soon { local 10.2.0.1 as 65000; neighbor 10.2.0.2 as 65001;\n"
    "graceful restart off; ipv4 { import all; export none; }; }\n"; // what goes is gone at once

bool learned() { return support::must("ip route show 192.0.2.1").find("via 10.2.0.2") != std::string::npos; }

// FRR's bgpd alone, in the balancer's namespace.
class Bgpd {
public:
    explicit Bgpd(const Network& network) : directory_(network.directory.string())
    {
        const std::string config = directory_ + "/bgpd.conf";
        std::ofstream(config) << "router bgp 65001\n bgp router-id 10.2.0.2\n no bgp ebgp-requires-policy\n"
                                 " no bgp network import-check\n timers bgp 1 3\n"
                                 " neighbor 10.2.0.1 remote-as 65000\n neighbor 10.2.0.1 timers connect 1\n";
        child_ = ::fork();
        if (child_ != 0) return;
        move_to("lb");
        const int log = ::open((directory_ + "/bgpd.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ::dup2(log, 1);
        ::dup2(log, 2);
        ::execl("/usr/lib/frr/bgpd", "bgpd", "-f", config.c_str(), "--vty_socket", directory_.c_str(), "-i",
                (directory_ + "/bgpd.pid").c_str(), "-Z", "-S", "-P", "0", static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ~Bgpd()
    {
        (void)::kill(child_, SIGTERM);
        (void)::waitpid(child_, nullptr, 0);
    }
    Bgpd(const Bgpd&) = delete;
    Bgpd& operator=(const Bgpd&) = delete;

private:
    std::string directory_;
    pid_t child_ = -1;
};

} // namespace

TEST_CASE("BIRD announces a VIP while a backend is up, and withdraws it when all are down")
{
    if (!fs::exists("/usr/sbin/bird")) {
        MESSAGE("without BIRD (bird2) this shows nothing");
        return;
    }
    const Network network;
    support::must("ip route del 192.0.2.1/32"); // to be learned
    const fs::path vips = network.directory / "vips.conf";
    std::ofstream(vips) << "";
    const BirdDaemon router(network, "router", router_config);
    const BirdDaemon speaker(
        network, "lb",
        "router id 10.2.0.2;\ninclude \"" + vips.string() +
            "\";\nprotocol bgp uplink from soon { local 10.2.0.2 as 65001; neighbor 10.2.0.1 as 65000;\n"
            "ipv4 { import none; export where proto = \"netwright_lb4\"; next hop self; }; }\n");
    auto a = std::make_unique<Backend>("a"), b = std::make_unique<Backend>("b");
    network.write(1, 1, "ipip", "10.3", checked,
                  ", announce: {file: " + vips.string() + ", control: " + BirdDaemon::control_of(network, "lb") + "}");
    Supervisor supervisor(network);
    REQUIRE_MESSAGE(supervisor.said("the balancer runs"), supervisor.log());
    CHECK_MESSAGE(comes_true(learned), supervisor.log());
    CHECK(letters_of(1) != "-");
    a.reset();
    CHECK(supervisor.said("backend 10.3.1.2 of pool 'web' is down"));
    CHECK(learned());
    b.reset();
    CHECK(comes_true([&] { return !learned(); }));
    CHECK(network.lb("status").out.find("every backend is down") != std::string::npos);
    b = std::make_unique<Backend>("b");
    CHECK(comes_true(learned));
    CHECK(supervisor.end(SIGTERM) == 0); // packets go on, and so does what brings them
    CHECK(learned());
    CHECK(letters_of(1) == "b");
}

TEST_CASE(
    "FRR announces a VIP while a backend is up, withdraws it when all are down, and is told again when it restarts")
{
    if (!fs::exists("/usr/lib/frr/bgpd")) {
        MESSAGE("without FRR (frr) this shows nothing");
        return;
    }
    const Network network;
    support::must("ip route del 192.0.2.1/32"); // to be learned
    const BirdDaemon router(network, "router", router_config);
    auto speaker = std::make_unique<Bgpd>(network);
    auto a = std::make_unique<Backend>("a"), b = std::make_unique<Backend>("b");
    network.write(1, 1, "ipip", "10.3", checked,
                  ", announce: {frr: 65001, control: " + network.directory.string() + "/bgpd.vty}");
    Supervisor supervisor(network);
    REQUIRE_MESSAGE(supervisor.said("the balancer runs"), supervisor.log());
    CHECK_MESSAGE(comes_true(learned), supervisor.log());
    CHECK(letters_of(1) != "-");
    a.reset();
    b.reset();
    CHECK(comes_true([&] { return !learned(); }));
    b = std::make_unique<Backend>("b");
    CHECK(comes_true(learned));

    speaker.reset(); // it forgets
    CHECK(comes_true([&] { return !learned(); }));
    speaker = std::make_unique<Bgpd>(network);
    CHECK_MESSAGE(comes_true(learned), supervisor.log());
    CHECK(supervisor.end(SIGTERM) == 0); // packets go on, and so does what brings them
    CHECK(learned());
    CHECK(letters_of(1) == "b");
}
