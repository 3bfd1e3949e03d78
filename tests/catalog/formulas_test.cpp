// SPDX-License-Identifier: GPL-2.0-or-later
#include "catalog/formulas.h"

#include <doctest/doctest.h>

#include <limits>

using namespace netwright;
using namespace netwright::catalog;
using namespace std::chrono_literals;

TEST_CASE("10 Gbit/s over 50 ms needs 120 MiB, not 625 KB: twice 62.5 MB, rounded up to MiB")
{
    CHECK(receive_buffer_maximum(10_Gbit, 50ms, Path::Clean, 32_MiB) == 120_MiB);
    CHECK(send_buffer_maximum(10_Gbit, 50ms, Path::Clean, 4_MiB) == 120_MiB);
    CHECK(receive_buffer_maximum(1_Gbit, 50ms, Path::Lossy, 6_MiB) == 30_MiB);  // 31.25 MB
    CHECK(send_buffer_maximum(1_Gbit, 50ms, Path::Lossy, 4_MiB) == 24_MiB);     // 25 MB
    CHECK(send_buffer_maximum(10_Gbit, 10ms, Path::Clean, Bytes{0}) == 24_MiB); // 25 MB
    CHECK(send_buffer_maximum(1_Gbit, 100ms, Path::Clean, Bytes{0}) == 24_MiB);
    CHECK(send_buffer_maximum(10_Gbit, 500us, Path::Clean, Bytes{0}) == 2_MiB); // 1.25 MB
}

TEST_CASE("a buffer is never proposed below the running one, nor above 256 MiB")
{
    CHECK(receive_buffer_maximum(10_Gbit, 500us, Path::Clean, 32_MiB) == 32_MiB);
    CHECK(receive_buffer_maximum(BitRate{400'000'000'000}, 200ms, Path::Lossy, 6_MiB) == 256_MiB);
    CHECK(receive_buffer_maximum(BitRate{std::numeric_limits<std::uint64_t>::max()}, 24h, Path::Lossy, 6_MiB) ==
          256_MiB);
    CHECK(receive_buffer_maximum(1_Gbit, 10ms, Path::Clean, 512_MiB) == 512_MiB);
    CHECK(receive_buffer_maximum(1_Gbit, -10ms, Path::Clean, 6_MiB) == 6_MiB);
}

TEST_CASE("the buffers of bulk sockets must fit below tcp_mem")
{
    const Bytes page = 4_KiB;
    CHECK(tcp_memory_needed(100, 120_MiB, 120_MiB, page) == 100ULL * 240 / 4 * 256);
    CHECK(fits_tcp_memory(30, 120_MiB, 120_MiB, 575796, page)); // 1.8 GiB of 2.2 GiB
    CHECK_FALSE(fits_tcp_memory(100, 120_MiB, 120_MiB, 575796, page));
    CHECK(fits_tcp_memory(0, 120_MiB, 120_MiB, 0, page));
    CHECK_FALSE(fits_tcp_memory(std::numeric_limits<std::uint64_t>::max(), 120_MiB, 120_MiB, 575796, page));
    CHECK(tcp_memory_ceiling(Bytes{16ULL << 30}, page, Purpose::General) == 524288); // 2 GiB
    CHECK(tcp_memory_ceiling(Bytes{16ULL << 30}, page, Purpose::Bulk) == 1048576);
    CHECK(tcp_memory_ceiling(16_MiB, Bytes{0}, Purpose::Bulk) == 0);
}

TEST_CASE("the window scale follows the larger of tcp_rmem and rmem_max, up to 14")
{
    CHECK(window_scale(6_MiB, Bytes{212992}) == 7);
    CHECK(window_scale(32_MiB, 4_MiB) == 10);
    CHECK(window_scale(Bytes{65535}, Bytes{65535}) == 0);
    CHECK(window_scale(Bytes{0}, Bytes{0}) == 0);
    CHECK(window_scale(Bytes{2ULL << 30}, Bytes{0}) == 14);
}

TEST_CASE("without window scaling 100 ms allow 5.2 Mbit/s")
{
    CHECK(window_ceiling(Bytes{65535}, 100ms).bits_per_second == doctest::Approx(5'242'800));
    CHECK(window_ceiling(Bytes{65535}, 0ms) == BitRate{0});
}

TEST_CASE("the accept backlog holds twice what arrives during a stall, from 1024 to 16384")
{
    CHECK(accept_backlog({10'000}, 100ms) == 2048);
    CHECK(accept_backlog({10'240}, 100ms) == 2048); // exactly 2048, not the next power
    CHECK(accept_backlog({10'250}, 100ms) == 4096);
    CHECK(accept_backlog({10}, 100ms) == 1024);
    CHECK(accept_backlog({1e9}, 10s) == 16384);
    CHECK(accept_backlog({std::numeric_limits<double>::quiet_NaN()}, 100ms) == 1024);
    CHECK(accept_backlog({-5}, 100ms) == 1024);
    CHECK(accept_backlog({std::numeric_limits<double>::infinity()}, 100ms) == 16384);
}

TEST_CASE("ports rest for a minute in TIME_WAIT, a second with tcp_tw_reuse")
{
    CHECK(ports_needed({470}, time_wait_length, 0) == 28200);
    CHECK(ports_needed({470}, 1s, 100) == 570);
    CHECK(sustainable_connects(28232, time_wait_length).value == doctest::Approx(470.5).epsilon(0.001));
    CHECK(sustainable_connects(28232, 1s).value == 28232);
    CHECK(sustainable_connects(28232, 0s).value == 0);
    CHECK(time_wait_sockets({1000}) == 60'000);
}

TEST_CASE("a dead peer is noticed after two hours and eleven minutes by default")
{
    CHECK(keepalive_detection(7200s, 75s, 9) == 7875s);
    CHECK(keepalive_detection(60s, 10s, 6) == 120s);
}

TEST_CASE("fifteen retransmissions take 924.6 seconds, eight 102.2, five 12.6")
{
    CHECK(retransmission_patience(15, 200ms, 120s) == 924600ms);
    CHECK(retransmission_patience(8, 200ms, 120s) == 102200ms);
    CHECK(retransmission_patience(5, 200ms, 120s) == 12600ms);
    CHECK(retransmission_patience(5, 0ms, 120s) == 0ns);
}

TEST_CASE("open files: a tenth to spare, and 512")
{
    CHECK(open_files_needed(10'000, 2) == 22'512);
    CHECK(open_files_needed(0, 2) == 512);
    CHECK(open_files_needed(std::numeric_limits<std::uint64_t>::max(), 2) == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("sequence numbers come round after 3.4 s at 10 Gbit/s")
{
    CHECK(std::chrono::duration<double>(sequence_wrap(10_Gbit)).count() == doctest::Approx(3.436).epsilon(0.001));
    CHECK(std::chrono::duration<double>(sequence_wrap(100_Gbit)).count() == doctest::Approx(0.3436).epsilon(0.001));
    CHECK(sequence_wrap(BitRate{0}) == Nanoseconds::max());
}

TEST_CASE("a UDP request counts truesize and halves, since the kernel doubles it")
{
    CHECK(udp_truesize(1) == Bytes{832});
    CHECK(udp_truesize(64) == Bytes{832});
    CHECK(udp_truesize(65) == Bytes{1283});
    CHECK(udp_truesize(1472) == Bytes{2315});
    CHECK(udp_truesize(8972) == Bytes{17749});
    CHECK(udp_truesize(20'000) == Bytes{40'000});
    CHECK(udp_receive_request({100'000}, 100ms, 1200) == Bytes{10'000ULL * 2315 / 2});
    CHECK(udp_receive_request({0}, 100ms, 1200) == Bytes{0});
}

TEST_CASE("conntrack: one and a half times the flows alive, about 0.4 KiB each")
{
    CHECK(conntrack_entries({5000}, 60s) == 450'000);
    CHECK(conntrack_memory(1 << 20, 1 << 20) == Bytes{(1ULL << 20) * 408});
}

TEST_CASE("neighbour thresholds are halves of each other and never below the kernel's")
{
    CHECK(neighbour_thresholds(8192) == NeighbourThresholds{4096, 8192, 16384});
    CHECK(neighbour_thresholds(10) == NeighbourThresholds{256, 512, 1024});
}

TEST_CASE("queues: the least of the card, the cores and the need, at least one")
{
    CHECK(queues_needed(64, 16, {3e6}, {1e6}) == 3);
    CHECK(queues_needed(64, 2, {3e6}, {1e6}) == 2);
    CHECK(queues_needed(1, 16, {3e6}, {1e6}) == 1);
    CHECK(queues_needed(0, 0, {3e6}, {1e6}) == 1);
    CHECK(queues_needed(8, 8, {0}, {1e6}) == 1);
    CHECK(queues_needed(8, 8, {1e6}, {0}) == 8); // nothing known about a core
}

TEST_CASE("rings, backlogs and steering tables")
{
    CHECK(receive_ring({2e6}, 1ms, 4096) == 2048);
    CHECK(receive_ring({2e7}, 1ms, 4096) == 4096);
    CHECK(softnet_backlog({500'000}, 10ms) == 5000);
    CHECK(rps_flow_count(65536, 8) == 8192);
    CHECK(rps_flow_count(65536, 0) == 0);
}

TEST_CASE("a FIFO of 1000 full frames delays 12 ms at 1 Gbit/s and 1.2 s at 10 Mbit/s")
{
    CHECK(fifo_delay(1000, Bytes{1500}, 1_Gbit) == 12ms);
    CHECK(fifo_delay(1000, Bytes{1500}, 10_Mbit) == 1200ms);
    CHECK(fifo_delay(1000, Bytes{1500}, BitRate{0}) == Nanoseconds::max());
    CHECK(interrupt_rate(50us).value == doctest::Approx(20'000));
    CHECK(interrupt_rate(0us).value == 0);
}
