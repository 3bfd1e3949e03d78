// SPDX-License-Identifier: GPL-2.0-or-later
// Inside the virtual machine: what no other program shows is seen by using it: the congestion control that a
// connection got, the subflows it has, the queue of an mq.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest/guest.h"

using guest::netwright;
using guest::shown;

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

namespace {

sockaddr_in place(const char* address, std::uint16_t port)
{
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &name.sin_addr);
    return name;
}

// A listening socket, gone with the object.
class Listener {
public:
    Listener(int protocol, std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol))
    {
        const sockaddr_in name = place("0.0.0.0", port);
        const int on = 1;
        ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
        REQUIRE(::listen(fd_, 8) == 0);
    }
    ~Listener() { ::close(fd_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

private:
    int fd_;
};

// What a new connection to this port of ours has.
std::string congestion_of_new_connection(std::uint16_t port)
{
    const Listener listener(0, port);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in name = place("127.0.0.1", port);
    REQUIRE(::connect(client, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    char text[16] = "";
    socklen_t size = sizeof text;
    REQUIRE(::getsockopt(client, IPPROTO_TCP, TCP_CONGESTION, text, &size) == 0);
    ::close(client);
    return text;
}

} // namespace

TEST_SUITE_BEGIN("short");

TEST_CASE("a port's connections get the congestion control chosen for it, others keep the system's")
{
    REQUIRE(congestion_of_new_connection(4443) == "cubic");
    const auto set = netwright("set congestion/4443 bbr --yes --confirm-within 300s");
    REQUIRE_MESSAGE(set.status == 0, set.out);
    CHECK(congestion_of_new_connection(4443) == "bbr");
    CHECK(congestion_of_new_connection(4444) == "cubic");
    CHECK(shown("sysctl -n net.ipv4.tcp_congestion_control") == "cubic");
    CHECK(netwright("rollback").status == 0);
    CHECK(congestion_of_new_connection(4443) == "cubic");
}

TEST_CASE("a connection has one subflow, and two once an endpoint allows it")
{
    const Listener service(IPPROTO_MPTCP, 9000);
    REQUIRE(netwright("set mptcp/limit/subflows 3 --yes --keep").status == 0);
    const auto alone = netwright("mptcp 10.0.10.2 9000 --seconds 1");
    CHECK_MESSAGE(alone.out.find("has 1 subflow.") != std::string::npos, alone.out);
    const auto set = netwright("set mptcp/endpoint/10.0.11.2 subflow --yes --confirm-within 300s");
    REQUIRE_MESSAGE(set.status == 0, set.out);
    const auto both = netwright("mptcp 10.0.10.2 9000 --seconds 5");
    CHECK_MESSAGE(both.out.find("has 2 subflows.") != std::string::npos, both.out);
    CHECK(netwright("rollback").status == 0);
    CHECK(shown("ip mptcp endpoint show") == "");
}

TEST_CASE("the queues of an mq are set one by one, and the kernel's own come back")
{
    const std::string before = shown("tc qdisc show dev vnet0");
    guest::write_plan({{"qdisc/vnet0/root", "mq"}, {"qdisc/vnet0/tx-1", "fq"}, {"qdisc/vnet0/tx-3", "pfifo_fast"}});
    const auto applied = netwright("apply /tmp/plan.yaml --yes --confirm-within 300s");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK(shown("tc qdisc show dev vnet0 | grep -E ':2 ' | cut -d' ' -f2") == "fq");
    CHECK(shown("tc qdisc show dev vnet0 | grep -E ':4 ' | cut -d' ' -f2") == "pfifo_fast");
    const auto back = netwright("rollback");
    CHECK_MESSAGE(back.status == 0, back.out);
    CHECK(shown("tc qdisc show dev vnet0") == before);
}

TEST_SUITE_END();
