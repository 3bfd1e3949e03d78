// SPDX-License-Identifier: GPL-2.0-or-later
// The arithmetic behind every proposed value.
#include "catalog/formulas.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace netwright::catalog {
namespace {

constexpr std::uint64_t mebibyte = 1_MiB .count;
constexpr double longest_ns = 9.2e18; // just below what std::chrono::nanoseconds holds

double seconds(Nanoseconds duration) { return std::max(0.0, std::chrono::duration<double>(duration).count()); }

Nanoseconds duration_of(double in_seconds)
{
    return Nanoseconds(static_cast<std::int64_t>(std::min(in_seconds * 1e9, longest_ns)));
}

double rate_of(PerSecond events) { return events.value > 0 ? events.value : 0; } // NaN compares false

// Up to the next whole number; what does not fit becomes the greatest that does.
std::uint64_t whole(double number)
{
    if (!(number > 0)) return 0;
    // The factor forgives the last bit: 0.1 s x 10000/s must not become 1001.
    const double up = std::ceil(number * (1 - 1e-12));
    return up >= 1.8e19 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(up);
}

std::uint64_t power_of_two(std::uint64_t number)
{
    constexpr std::uint64_t greatest = std::uint64_t{1} << 63;
    return number > greatest ? greatest : std::bit_ceil(number);
}

std::uint64_t times(std::uint64_t a, std::uint64_t b)
{
    std::uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max() : product;
}

std::uint64_t plus(std::uint64_t a, std::uint64_t b)
{
    std::uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

Bytes buffer_maximum(std::uint64_t products, BitRate bandwidth, Nanoseconds rtt, Bytes running)
{
    const std::uint64_t wanted = times(products, bandwidth_delay_product(bandwidth, rtt).count);
    const std::uint64_t mebibytes = wanted / mebibyte + (wanted % mebibyte != 0 ? 1 : 0);
    const Bytes bounded = std::min(Bytes{times(mebibytes, mebibyte)}, greatest_buffer);
    return std::max(bounded, running);
}

struct Truesize {
    std::uint64_t payload, truesize;
};
constexpr std::array truesizes{Truesize{64, 832}, Truesize{512, 1283}, Truesize{1472, 2315}, Truesize{4000, 8519},
                               Truesize{8972, 17749}};

} // namespace

unsigned receive_products(Path path) { return path == Path::Lossy ? 5 : 2; }
unsigned send_products(Path path) { return path == Path::Lossy ? 4 : 2; }

Bytes receive_buffer_maximum(BitRate bandwidth, Nanoseconds rtt, Path path, Bytes running)
{
    return buffer_maximum(receive_products(path), bandwidth, rtt, running);
}

Bytes send_buffer_maximum(BitRate bandwidth, Nanoseconds rtt, Path path, Bytes running)
{
    return buffer_maximum(send_products(path), bandwidth, rtt, running);
}

std::uint64_t tcp_memory_needed(std::uint64_t bulk_sockets, Bytes receive, Bytes send, Bytes page)
{
    if (page.count == 0) return 0;
    const std::uint64_t bytes = times(bulk_sockets, plus(receive.count, send.count)) / 4;
    return bytes / page.count + (bytes % page.count != 0 ? 1 : 0);
}

bool fits_tcp_memory(std::uint64_t bulk_sockets, Bytes receive, Bytes send, std::uint64_t tcp_mem_pages, Bytes page)
{
    return tcp_memory_needed(bulk_sockets, receive, send, page) <= tcp_mem_pages;
}

std::uint64_t tcp_memory_ceiling(Bytes memory, Bytes page, Purpose purpose)
{
    return page.count == 0 ? 0 : memory.count / (purpose == Purpose::Bulk ? 4 : 8) / page.count;
}

unsigned window_scale(Bytes tcp_rmem_maximum, Bytes rmem_max)
{
    const std::uint64_t space = std::max(tcp_rmem_maximum.count, rmem_max.count);
    const int bits = static_cast<int>(std::bit_width(space)) - 1; // ilog2
    return static_cast<unsigned>(std::clamp(bits - 15, 0, 14));
}

BitRate window_ceiling(Bytes window, Nanoseconds rtt)
{
    const double time = seconds(rtt);
    if (time <= 0) return {};
    return BitRate{static_cast<std::uint64_t>(std::min(static_cast<double>(window.count) * 8 / time, 1.8e19))};
}

std::uint64_t accept_backlog(PerSecond connections, Nanoseconds longest_stall)
{
    const std::uint64_t wanted = whole(2 * rate_of(connections) * seconds(longest_stall));
    return std::clamp<std::uint64_t>(power_of_two(wanted), 1024, 16384);
}

std::uint64_t ports_needed(PerSecond connects_to_one_destination, Nanoseconds rest, std::uint64_t concurrent)
{
    return plus(whole(rate_of(connects_to_one_destination) * seconds(rest)), concurrent);
}

PerSecond sustainable_connects(std::uint64_t ports, Nanoseconds rest)
{
    const double time = seconds(rest);
    return {time > 0 ? static_cast<double>(ports) / time : 0};
}

std::uint64_t time_wait_sockets(PerSecond closes) { return whole(rate_of(closes) * seconds(time_wait_length)); }

std::chrono::seconds keepalive_detection(std::chrono::seconds time, std::chrono::seconds interval, unsigned probes)
{
    return time + interval * probes;
}

Nanoseconds retransmission_patience(unsigned retries, Nanoseconds least_rto, Nanoseconds greatest_rto)
{
    const double least = seconds(least_rto), greatest = seconds(greatest_rto);
    if (least <= 0 || greatest < least) return Nanoseconds{0};
    const auto doublings = static_cast<unsigned>(std::log2(greatest / least));
    if (retries <= doublings) return duration_of((std::exp2(retries + 1) - 1) * least);
    return duration_of((std::exp2(doublings + 1) - 1) * least + (retries - doublings) * greatest);
}

std::uint64_t open_files_needed(std::uint64_t connections, std::uint64_t files_each)
{
    const std::uint64_t files = times(connections, files_each);
    return plus(plus(files, files / 10 + (files % 10 != 0 ? 1 : 0)), 512);
}

Nanoseconds sequence_wrap(BitRate rate)
{
    if (rate.bits_per_second == 0) return Nanoseconds::max();
    return duration_of(std::exp2(32) * 8 / static_cast<double>(rate.bits_per_second));
}

Bytes udp_truesize(std::uint64_t payload_bytes)
{
    for (const Truesize& row : truesizes)
        if (payload_bytes <= row.payload) return Bytes{row.truesize};
    return Bytes{times(2, payload_bytes)}; // larger ones cost about twice their payload
}

Bytes udp_receive_request(PerSecond packets, Nanoseconds longest_stall, std::uint64_t payload_bytes)
{
    const double held = rate_of(packets) * seconds(longest_stall);
    return Bytes{whole(held * static_cast<double>(udp_truesize(payload_bytes).count) / 2)};
}

std::uint64_t conntrack_entries(PerSecond new_flows, Nanoseconds mean_life)
{
    return whole(1.5 * rate_of(new_flows) * seconds(mean_life));
}

Bytes conntrack_memory(std::uint64_t entries, std::uint64_t buckets)
{
    return Bytes{plus(times(entries, 400), times(buckets, 8))};
}

NeighbourThresholds neighbour_thresholds(std::uint64_t peak_entries)
{
    const std::uint64_t most = std::max<std::uint64_t>(times(2, peak_entries), 1024);
    return {std::max<std::uint64_t>(most / 4, 128), std::max<std::uint64_t>(most / 2, 512), most};
}

unsigned queues_needed(unsigned card_maximum, unsigned local_cores, PerSecond packets, PerSecond packets_per_core)
{
    const unsigned most = std::max(1U, std::min(card_maximum, local_cores));
    if (rate_of(packets_per_core) <= 0) return most;
    const std::uint64_t needed = whole(rate_of(packets) / packets_per_core.value);
    return static_cast<unsigned>(std::clamp<std::uint64_t>(needed, 1, most));
}

std::uint64_t receive_ring(PerSecond packets_per_queue, Nanoseconds longest_gap, std::uint64_t card_maximum)
{
    return std::min(power_of_two(whole(rate_of(packets_per_queue) * seconds(longest_gap))), card_maximum);
}

std::uint64_t rps_flow_count(std::uint64_t rps_sock_flow_entries, unsigned queues)
{
    return queues == 0 ? 0 : rps_sock_flow_entries / queues;
}

std::uint64_t softnet_backlog(PerSecond packets_per_cpu, Nanoseconds longest_gap)
{
    return whole(rate_of(packets_per_cpu) * seconds(longest_gap));
}

Nanoseconds fifo_delay(std::uint64_t packets, Bytes mtu, BitRate rate)
{
    if (rate.bits_per_second == 0) return Nanoseconds::max();
    return duration_of(static_cast<double>(times(packets, mtu.count)) * 8 / static_cast<double>(rate.bits_per_second));
}

PerSecond interrupt_rate(Nanoseconds delay)
{
    const double time = seconds(delay);
    return {time > 0 ? 1 / time : 0};
}

} // namespace netwright::catalog
