// SPDX-License-Identifier: GPL-2.0-or-later
// Every counter nstat(8) prints is what collect_protocols sees, in a network namespace without traffic but our own.
#include "host/collect.h"
#include "host/counter_sampler.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <map>

#include "oracle/program.h"

using namespace netwright;

namespace {

// "TcpRetransSegs                  42                 0.0"
std::map<std::string, std::uint64_t> parse_nstat(std::string_view text)
{
    std::map<std::string, std::uint64_t> counters;
    for (std::string_view line, name, value; next_line(text, line);) {
        if (line.starts_with('#') || !next_word(line, name) || !next_word(line, value)) continue;
        const auto number = parse_unsigned(value);
        if (number) counters[std::string(name)] = *number; // MaxConn is printed as a huge number or -1
    }
    return counters;
}

void bring_up_loopback(const Fd& socket)
{
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    REQUIRE(::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0);
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    REQUIRE(::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0);
}

// Datagrams to a loopback port nobody listens on.
void send_datagrams(const Fd& socket, int count)
{
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; ++i)
        (void)::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

} // namespace

TEST_CASE("nstat and collect_protocols agree on every counter")
{
    enter_fresh_namespace();
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(socket);
    bring_up_loopback(socket);
    send_datagrams(socket, 7);

    const auto listing = output_of("nstat -asz");
    if (!listing) {
        MESSAGE("nstat(8) is not installed: nothing to compare with");
        return;
    }
    const auto theirs = parse_nstat(*listing);
    const auto ours = host::collect_protocols(kernel::Kernel::live());
    REQUIRE(ours);
    REQUIRE(theirs.size() > 100);
    for (const auto& [name, value] : theirs) {
        CAPTURE(name);
        const auto counter = ours->at(name);
        if (name == "TcpMaxConn") {
            CHECK_FALSE(counter); // -1: no limit, and no counter
            continue;
        }
        REQUIRE(counter);
        // IPv6 announces itself in a fresh namespace in its own time.
        if (name.find('6') == std::string::npos) CHECK(counter->total == value);
    }
    CHECK(ours->at("UdpNoPorts").value().total == 7);
}

TEST_CASE("what happens between two samples is their growth, and the sampler stays in its namespace")
{
    enter_fresh_namespace();
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(socket);
    bring_up_loopback(socket);
    const auto kernel = kernel::Kernel::live();
    host::CounterSampler sampler(kernel);
    const host::CounterSample before = sampler.sample();
    send_datagrams(socket, 5);
    host::CounterSample after = sampler.sample();
    grow_since(after, before);
    CHECK(after.protocols->at("UdpNoPorts").value().growth == 5);
    CHECK(after.protocols->at("UdpOutDatagrams").value().growth == 5);
    REQUIRE(after.interfaces);
    REQUIRE(after.interfaces->size() == 1);
    CHECK(after.interfaces->at(0).name == "lo");
    CHECK(after.interfaces->at(0).rx_packets.growth >= 5);

    enter_fresh_namespace();
    const host::CounterSample later = sampler.sample();
    CHECK(later.protocols->at("UdpNoPorts").value().total == after.protocols->at("UdpNoPorts").value().total);
    CHECK(host::collect_protocols(kernel)->at("UdpNoPorts").value().total == 0);
}
