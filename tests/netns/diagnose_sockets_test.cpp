// SPDX-License-Identifier: GPL-2.0-or-later
// Faults of sockets, programs and TCP, provoked for real; each must be the first cause that diagnose names.
#include "support/fault_lab.h"

using namespace faults;

TEST_CASE("a healthy host has no fault")
{
    const Link link;
    Watch watch(link.there);
    const Connected pair = connected(link, 80);
    char data[4096] = {};
    for (int i = 0; i < 100; ++i) {
        REQUIRE(::send(pair.client.get(), data, sizeof data, 0) == sizeof data);
        REQUIRE(::recv(pair.server.get(), data, sizeof data, MSG_WAITALL) == sizeof data);
    }
    const auto diagnosis = watch.diagnosis();
    INFO(words_of(diagnosis));
    CHECK(diagnosis.causes.empty());
    CHECK(diagnosis.cleared.size() > 50);
}

TEST_CASE("a listener whose accept queue is full is named, with its process and how many it refused")
{
    const Link link;
    const Fd listener = link.there.in([] { return listening("10.9.0.2", 8080, 2); });
    Watch watch(link.there);
    const auto clients = link.here.in([] { return calling_often("10.9.0.2", 8080, 12); });
    std::this_thread::sleep_for(50ms);
    const auto first = expect_first(watch.diagnosis(), "accept-queue-full");
    CHECK(names_victim(first, "10.9.0.2:8080"));
    CHECK(names_victim(first, "pid " + std::to_string(::getpid())));
    CHECK(first.events >= 9);
    CHECK(first.layer == Layer::Socket);
}

TEST_CASE("the client of a full listener sees attempts without an answer")
{
    const Link link;
    const Fd listener = link.there.in([] { return listening("10.9.0.2", 8080, 0); });
    Watch watch(link.here);
    const auto clients = link.here.in([] { return calling_often("10.9.0.2", 8080, 12); });
    std::this_thread::sleep_for(1200ms);
    const auto first = expect_first(watch.diagnosis(), "syn-unanswered");
    CHECK(names_victim(first, "10.9.0.2:8080"));
}

TEST_CASE("a port nobody listens on is refused with a reset")
{
    const Link link;
    Watch server(link.there), client(link.here);
    const auto clients = link.here.in([] { return calling_often("10.9.0.2", 81, 20); });
    std::this_thread::sleep_for(20ms);
    const auto first = expect_first(server.diagnosis(), "no-tcp-listener");
    CHECK(first.events == 20);
    CHECK(names_victim(first, "port 81"));
    CHECK(expect_first(client.diagnosis({Symptom::Refused}), "refused-by-peer").events == 20);
}

TEST_CASE("a UDP reader that does not read loses datagrams")
{
    const Link link;
    const Fd reader = link.there.in([] {
        Fd socket = udp();
        bind_to(socket, "10.9.0.2", 5000);
        set(socket, SOL_SOCKET, SO_RCVBUF, 4096);
        return socket;
    });
    Watch watch(link.there);
    link.here.in([] { send_datagrams("10.9.0.2", 5000, 500); });
    std::this_thread::sleep_for(20ms);
    const auto first = expect_first(watch.diagnosis(), "udp-receive-buffer-full");
    CHECK(names_victim(first, "10.9.0.2:5000"));
    CHECK(names_victim(first, "pid " + std::to_string(::getpid())));
    CHECK(first.events > 400);
}

TEST_CASE("UDP to a port nobody has")
{
    const Link link;
    Watch watch(link.there);
    link.here.in([] { send_datagrams("10.9.0.2", 5001, 200); });
    std::this_thread::sleep_for(20ms);
    const auto first = expect_first(watch.diagnosis(), "udp-no-port");
    CHECK(first.events == 200);
    CHECK(names_victim(first, "port 5001"));
}
