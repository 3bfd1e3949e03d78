// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/connection_tally.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <random>

using namespace netwright;
using namespace netwright::host;
using kernel::SocketRecord;
using kernel::SocketState;

namespace {

constexpr PortRange usual{32768, 60999};

SocketRecord connection(std::uint16_t local_port, const char* remote, std::uint16_t remote_port,
                        SocketState state = SocketState::Established)
{
    SocketRecord record;
    record.family = AF_INET;
    record.state = state;
    record.local.port = local_port;
    record.remote.port = remote_port;
    REQUIRE(::inet_pton(AF_INET, remote, record.remote.address.data()) == 1);
    if (state != SocketState::TimeWait) {
        record.info.length = sizeof record.info.values;
        record.congestion_control = "cubic";
    }
    return record;
}

} // namespace

TEST_CASE("port ranges are two ports in order")
{
    CHECK((parse_port_range("32768\t60999\n") == Result<PortRange>(usual)));
    for (const char* bad : {"", "1", "2 1", "1 70000", "1 2 3", "a b"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_port_range(bad));
    }
}

TEST_CASE("established connections are grouped by congestion control, the largest group first")
{
    ConnectionTally tally(usual);
    auto record = connection(443, "192.0.2.1", 40000);
    for (const char* algorithm : {"bbr", "cubic", "cubic", "bbr", "cubic"}) {
        record.congestion_control = algorithm;
        tally.add(record);
    }
    const auto groups = tally.groups();
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].congestion_control == "cubic");
    CHECK(groups[0].connections == 3);
    CHECK(groups[1].connections == 2);
    CHECK(tally.count(SocketState::Established) == 5);
}

TEST_CASE("what tcp_info says is summed up; no sample yet is not a sample of 0")
{
    ConnectionTally tally(usual);
    auto record = connection(443, "192.0.2.1", 40000);
    auto& info = record.info.values;
    info.tcpi_rtt = 20'000;
    info.tcpi_min_rtt = 10'000;
    info.tcpi_snd_cwnd = 10;
    info.tcpi_total_retrans = 4;
    info.tcpi_bytes_sent = 1'000'000;
    info.tcpi_bytes_retrans = 6'000;
    info.tcpi_bytes_received = 500;
    info.tcpi_delivery_rate = 1'000'000;
    info.tcpi_delivery_rate_app_limited = 1;
    info.tcpi_busy_time = 1'000;
    info.tcpi_rwnd_limited = 250;
    info.tcpi_sndbuf_limited = 2'000; // more than busy happens while the clock runs
    record.has_memory = true;
    record.memory[SK_MEMINFO_RMEM_ALLOC] = 7;
    record.memory[SK_MEMINFO_RCVBUF] = 8;
    record.memory[SK_MEMINFO_WMEM_QUEUED] = 5;
    tally.add(record);
    info = {};
    info.tcpi_min_rtt = ~0U;
    record.memory[SK_MEMINFO_RMEM_ALLOC] = 6;
    tally.add(record);

    const auto groups = tally.groups();
    REQUIRE(groups.size() == 1);
    const ConnectionGroup& group = groups[0];
    CHECK(group.connections == 2);
    CHECK(group.rtt_us.count() == 1);
    CHECK(group.rtt_us.largest() == 20'000);
    CHECK(group.min_rtt_us.count() == 1);
    CHECK(group.cwnd.count() == 2);
    CHECK(group.retransmits == 4);
    CHECK(group.bytes_sent == 1'000'000);
    CHECK(group.bytes_retransmitted == 6'000);
    CHECK(group.bytes_received == 500);
    CHECK(group.delivery_rate_bps.count() == 1);
    CHECK(group.delivery_rate_bps.largest() == 8'000'000);
    CHECK(group.app_limited == 1);
    CHECK(group.busy_us == 1'000);
    CHECK(group.rwnd_limited_percent.largest() == 25);
    CHECK(group.sndbuf_limited_percent.largest() == 100);
    CHECK(group.sndbuf_limited_percent.count() == 1); // an idle connection has no share
    CHECK(group.receive_memory == 13);
    CHECK(group.send_memory == 10);
    CHECK(group.receive_buffer_full == 1);
}

TEST_CASE("a kernel without the limit counters leaves them empty instead of at 0 %")
{
    ConnectionTally tally(usual);
    auto record = connection(443, "192.0.2.1", 40000);
    record.info.length = offsetof(tcp_info, tcpi_busy_time);
    record.info.values.tcpi_bytes_acked = 700;
    tally.add(record);
    CHECK(tally.groups().at(0).rwnd_limited_percent.count() == 0);
    CHECK(tally.groups().at(0).bytes_sent == 700);
}

TEST_CASE("time-wait sockets carry no tcp_info: counted, not grouped")
{
    ConnectionTally tally(usual);
    tally.add(connection(443, "192.0.2.1", 40000, SocketState::TimeWait));
    CHECK(tally.count(SocketState::TimeWait) == 1);
    CHECK(tally.groups().empty());
}

TEST_CASE("the busiest destination counts outgoing connections and their time-wait, nothing else")
{
    ConnectionTally tally(usual);
    tally.listens_on(40443);
    for (std::uint16_t i = 0; i < 5; ++i) {
        tally.add(connection(443, "192.0.2.1", 40000));   // accepted: not from an ephemeral port
        tally.add(connection(40443, "192.0.2.2", 40000)); // accepted: somebody listens there
        tally.add(connection(static_cast<std::uint16_t>(33000 + i), "198.51.100.1", 5432,
                             i < 2 ? SocketState::TimeWait : SocketState::Established));
    }
    tally.add(connection(33100, "198.51.100.1", 5433));
    const auto busiest = tally.busiest();
    REQUIRE(busiest);
    CHECK((*busiest == BusiestDestination{"198.51.100.1", 5432, 5}));
}

TEST_CASE("without outgoing connections the busiest destination is absent")
{
    ConnectionTally tally(usual);
    tally.add(connection(443, "192.0.2.1", 40000));
    REQUIRE_FALSE(tally.busiest());
    CHECK(tally.busiest().error().kind == Error::Kind::Absent);
}

TEST_CASE("a cleared tally is as new, but still knows who listens")
{
    ConnectionTally tally(usual);
    tally.listens_on(40443);
    tally.add(connection(33000, "198.51.100.1", 5432));
    tally.clear();
    tally.add(connection(40443, "192.0.2.2", 40000));
    CHECK(tally.count(SocketState::Established) == 1);
    CHECK(tally.groups().at(0).connections == 1);
    CHECK_FALSE(tally.busiest());
}

TEST_CASE("destinations are counted exactly while they fit")
{
    DestinationCount count;
    CHECK_FALSE(count.most());
    for (std::uint16_t port = 1; port <= DestinationCount::capacity; ++port)
        for (int times = 0; times < (port == 77 ? 9 : 8); ++times)
            count.add({{0, 0, 0xffff, port * 16777216U}, port});
    REQUIRE(count.most());
    CHECK(count.most()->destination.port == 77);
    CHECK(count.most()->count == 9);
    count.clear();
    CHECK_FALSE(count.most());
}

TEST_CASE("past its capacity the count of a frequent destination falls short by at most total / capacity")
{
    DestinationCount count;
    std::mt19937 engine(5);
    const auto random = [&] { return static_cast<std::uint32_t>(engine()); };
    std::uint64_t total = 0, frequent = 0;
    for (int i = 0; i < 200'000; ++i, ++total) {
        if (i % 10 == 0) {
            ++frequent;
            count.add({{1, 2, 3, 4}, 443});
        } else {
            count.add({{random(), random(), random(), random()}, static_cast<std::uint16_t>(random())});
        }
    }
    REQUIRE(count.most());
    CHECK(count.most()->destination == kernel::Endpoint{{1, 2, 3, 4}, 443});
    CHECK(count.most()->count <= frequent);
    CHECK(count.most()->count >= frequent - total / DestinationCount::capacity);
}
