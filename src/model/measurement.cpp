// SPDX-License-Identifier: GPL-2.0-or-later
// The numbers in a measurement: one row each, from which text, JSON, CSV, baselines and experiments follow.
#include "model/measurement.h"

#include <algorithm>
#include <array>

namespace netwright {
namespace {

using Value = std::optional<double>;

const TrafficRow& row(const Measurement& m) { return row_of(m.traffic.kind); }
bool is_bulk(const Measurement& m) { return row(m).role == FlowRole::Bulk; }
bool is_datagrams(const Measurement& m) { return row(m).role == FlowRole::Datagrams; }

Value ratio(double part, double whole)
{
    if (whole <= 0) return std::nullopt;
    return part / whole;
}
Value percent(double part, double whole)
{
    if (whole <= 0) return std::nullopt;
    return 100 * part / whole;
}
double number(std::uint64_t count) { return static_cast<double>(count); }

Value throughput(const Measurement& m)
{
    if (!is_bulk(m) && !is_datagrams(m)) return std::nullopt;
    return ratio(8 * number(m.server.bytes_received), m.server.seconds);
}
Value rate(const Measurement& m)
{
    if (is_datagrams(m)) return ratio(number(m.server.operations), m.server.seconds);
    if (is_bulk(m) && m.client.latency_ns.empty()) return std::nullopt;
    return ratio(number(m.client.operations), m.client.seconds);
}
Value sent_rate(const Measurement& m)
{
    if (!is_datagrams(m)) return std::nullopt;
    return ratio(number(m.client.operations), m.client.seconds);
}

template <int per_ten_thousand>
Value latency(const Measurement& m)
{
    if (m.client.latency_ns.empty()) return std::nullopt;
    return number(m.client.latency_ns.quantile(per_ten_thousand / 1e4)) / 1e3;
}
Value latency_mean(const Measurement& m)
{
    if (m.client.latency_ns.empty()) return std::nullopt;
    return m.client.latency_ns.mean() / 1e3;
}
Value latency_deviation(const Measurement& m)
{
    if (m.client.latency_ns.empty()) return std::nullopt;
    return m.client.latency_ns.deviation() / 1e3;
}

Value jitter(const Measurement& m)
{
    if (m.server.variation_ns.empty() && m.server.jitter_ns <= 0) return std::nullopt;
    return m.server.jitter_ns / 1e3;
}
Value variation(const Measurement& m)
{
    if (m.server.variation_ns.empty()) return std::nullopt;
    return number(m.server.variation_ns.quantile(0.99)) / 1e3;
}
Value delay(const Measurement& m)
{
    if (m.server.delay_ns.empty()) return std::nullopt;
    return number(m.server.delay_ns.quantile(0.99)) / 1e3;
}
Value loss(const Measurement& m)
{
    if (!is_datagrams(m)) return std::nullopt;
    return percent(number(m.server.lost), number(m.server.lost + m.server.operations));
}
Value reordered(const Measurement& m)
{
    if (!is_datagrams(m)) return std::nullopt;
    return percent(number(m.server.reordered), number(m.server.operations));
}
Value failures(const Measurement& m)
{
    return percent(number(m.client.failures), number(m.client.failures + m.client.operations));
}
Value retransmits(const Measurement& m) { return percent(number(m.client.retransmits), number(m.client.segments)); }
Value rtt(const Measurement& m)
{
    if (m.client.rtt_us.empty()) return std::nullopt;
    return number(m.client.rtt_us.quantile(0.5));
}
Value cwnd(const Measurement& m)
{
    if (m.client.cwnd.empty()) return std::nullopt;
    return number(m.client.cwnd.quantile(0.5));
}
Value connect_time(const Measurement& m)
{
    if (m.connect_s <= 0) return std::nullopt;
    return m.connect_s;
}
Value memory(const Measurement& m)
{
    if (m.traffic.kind != TrafficKind::Idle) return std::nullopt;
    return ratio(number(m.server.tcp_memory), m.traffic.flows);
}

// Seconds of CPU for a gigabit, or microseconds for an operation.
Value cost(const Measurement& m, double cpu_seconds)
{
    const auto bits = throughput(m);
    if (row(m).counts_bits) return bits ? ratio(cpu_seconds, *bits * m.server.seconds / 1e9) : std::nullopt;
    const auto operations = rate(m);
    return operations ? ratio(1e6 * cpu_seconds, *operations * m.client.seconds) : std::nullopt;
}
template <EndResult Measurement::* end, auto part, bool for_bits>
Value cost_of(const Measurement& m)
{
    const Value seconds = m.*end.*part;
    if (row(m).counts_bits != for_bits || !seconds) return std::nullopt;
    return cost(m, *seconds);
}

struct MetricRow {
    Metric metric;
    Value (*value)(const Measurement&);
};

constexpr auto higher = Direction::Higher;
constexpr auto lower = Direction::Lower;
constexpr auto by_ratio = Scale::Ratio;
constexpr auto by_difference = Scale::Difference;
using M = Measurement;
using E = EndResult;

constexpr std::array rows{
    MetricRow{{"throughput", "bit/s", higher, by_ratio, 0.02, true}, throughput},
    MetricRow{{"rate", "1/s", higher, by_ratio, 0.02, true}, rate},
    MetricRow{{"sent-rate", "1/s", higher, by_ratio, 0.02}, sent_rate},
    MetricRow{{"latency-p50", "us", lower, by_ratio, 0.02, true}, latency<5000>},
    MetricRow{{"latency-p90", "us", lower, by_ratio, 0.03}, latency<9000>},
    MetricRow{{"latency-p99", "us", lower, by_ratio, 0.05, true}, latency<9900>},
    MetricRow{{"latency-p99.9", "us", lower, by_ratio, 0.1}, latency<9990>},
    MetricRow{{"latency-p99.99", "us", lower, by_ratio, 0.1}, latency<9999>},
    MetricRow{{"latency-max", "us", lower, by_ratio, 0.2}, latency<10000>},
    MetricRow{{"latency-mean", "us", lower, by_ratio, 0.02}, latency_mean},
    MetricRow{{"latency-deviation", "us", lower, by_ratio, 0.1}, latency_deviation},
    MetricRow{{"jitter", "us", lower, by_ratio, 0.1}, jitter},
    MetricRow{{"variation-p99", "us", lower, by_ratio, 0.1}, variation},
    MetricRow{{"delay-above-least-p99", "us", lower, by_ratio, 0.1}, delay},
    MetricRow{{"loss", "%", lower, by_difference, 0.1, true}, loss},
    MetricRow{{"reordered", "%", lower, by_difference, 0.1}, reordered},
    MetricRow{{"failures", "%", lower, by_difference, 0.1, true}, failures},
    MetricRow{{"retransmits", "%", lower, by_difference, 0.1}, retransmits},
    MetricRow{{"rtt", "us", lower, by_ratio, 0.05}, rtt},
    MetricRow{{"cwnd", "segments", higher, by_ratio, 0.1}, cwnd},
    MetricRow{{"connect-time", "s", lower, by_ratio, 0.1}, connect_time},
    MetricRow{{"memory-per-connection", "byte", lower, by_ratio, 0.1}, memory},
    MetricRow{{"client-user", "s/Gbit", lower, by_ratio, 0.1}, cost_of<&M::client, &E::user_s, true>},
    MetricRow{{"client-system", "s/Gbit", lower, by_ratio, 0.1}, cost_of<&M::client, &E::system_s, true>},
    MetricRow{{"client-softirq", "s/Gbit", lower, by_ratio, 0.1}, cost_of<&M::client, &E::softirq_s, true>},
    MetricRow{{"server-user", "s/Gbit", lower, by_ratio, 0.1}, cost_of<&M::server, &E::user_s, true>},
    MetricRow{{"server-system", "s/Gbit", lower, by_ratio, 0.1}, cost_of<&M::server, &E::system_s, true>},
    MetricRow{{"server-softirq", "s/Gbit", lower, by_ratio, 0.1}, cost_of<&M::server, &E::softirq_s, true>},
    MetricRow{{"client-user-each", "us", lower, by_ratio, 0.1}, cost_of<&M::client, &E::user_s, false>},
    MetricRow{{"client-system-each", "us", lower, by_ratio, 0.1}, cost_of<&M::client, &E::system_s, false>},
    MetricRow{{"client-softirq-each", "us", lower, by_ratio, 0.1}, cost_of<&M::client, &E::softirq_s, false>},
    MetricRow{{"server-user-each", "us", lower, by_ratio, 0.1}, cost_of<&M::server, &E::user_s, false>},
    MetricRow{{"server-system-each", "us", lower, by_ratio, 0.1}, cost_of<&M::server, &E::system_s, false>},
    MetricRow{{"server-softirq-each", "us", lower, by_ratio, 0.1}, cost_of<&M::server, &E::softirq_s, false>},
};

} // namespace

std::vector<Metric> metrics(const Measurement& measurement)
{
    std::vector<Metric> found;
    for (const MetricRow& one : rows)
        if (const Value value = one.value(measurement)) {
            found.push_back(one.metric);
            found.back().value = *value;
        }
    return found;
}

std::optional<double> metric(const Measurement& measurement, std::string_view name)
{
    for (const MetricRow& one : rows)
        if (one.metric.name == name) return one.value(measurement);
    return std::nullopt;
}

bool is_metric(std::string_view name) { return metric_named(name).has_value(); }

std::optional<Metric> metric_named(std::string_view name)
{
    for (const MetricRow& one : rows)
        if (one.metric.name == name) return one.metric;
    return std::nullopt;
}

std::string metric_meant(std::string_view name)
{
    const std::string latency = "latency-" + std::string(name);
    return !is_metric(name) && is_metric(latency) ? latency : std::string(name);
}

} // namespace netwright
