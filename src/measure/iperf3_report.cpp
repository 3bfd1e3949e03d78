// SPDX-License-Identifier: GPL-2.0-or-later
// iperf3's JSON as a measurement (src/iperf_api.c JSON_write_results and iperf_print_results, iperf 3.12).
#include "kernel/files.h"
#include "measure/iperf3.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>

namespace netwright::measure {
namespace {

using Json = nlohmann::json;
constexpr double most_counted = 9e18; // what fits std::uint64_t with room to spare

// Nothing: it is not there, or is no number that a count, a time or a share could be.
std::optional<double> number_at(const Json& json, const char* pointer)
{
    const Json::json_pointer place(pointer);
    if (!json.contains(place) || !json.at(place).is_number()) return std::nullopt;
    const double value = json.at(place).get<double>();
    if (!std::isfinite(value) || value < 0 || value > most_counted) return std::nullopt;
    return value;
}

Result<double> needed(const Json& json, const char* pointer)
{
    if (const auto value = number_at(json, pointer)) return *value;
    return fail(Error::Kind::Malformed, fmt::format("iperf3 did not tell {} (or not sensibly)", pointer + 1));
}

std::uint64_t count_of(double number) { return static_cast<std::uint64_t>(number); }

std::string text_at(const Json& json, const char* pointer)
{
    const Json::json_pointer place(pointer);
    return json.contains(place) && json.at(place).is_string() ? json.at(place).get<std::string>() : std::string();
}

// Calls `use` with every flow of every interval that counts.
template <class Use>
void each_sample(const Json& json, Use&& use)
{
    const auto intervals = json.find("intervals");
    if (intervals == json.end() || !intervals->is_array()) return;
    for (const Json& interval : *intervals) {
        const auto streams = interval.is_object() ? interval.find("streams") : interval.end();
        if (streams == interval.end() || !streams->is_array()) continue;
        for (const Json& stream : *streams)
            if (stream.is_object() && !stream.value("omitted", Json(false)).is_null() &&
                stream.value("omitted", Json(false)) == false)
                use(stream);
    }
}

Result<void> read_stream(const Json& json, Measurement& measured)
{
    EndResult& client = measured.client;
    client.seconds = TRY(needed(json, "/end/sum_sent/seconds"));
    client.bytes_sent = count_of(TRY(needed(json, "/end/sum_sent/bytes")));
    measured.server.seconds = TRY(needed(json, "/end/sum_received/seconds"));
    measured.server.bytes_received = count_of(TRY(needed(json, "/end/sum_received/bytes")));
    client.congestion = text_at(json, "/end/sender_tcp_congestion");
    const double mss = number_at(json, "/start/tcp_mss_default").value_or(0);
    const auto again = number_at(json, "/end/sum_sent/retransmits");
    if (again && mss >= 1) {
        client.retransmits = count_of(*again);
        client.segments = count_of(static_cast<double>(client.bytes_sent) / mss) + client.retransmits;
        measured.labels.emplace_back("segments reckoned from bytes and the MSS: iperf3 does not count them");
    }
    each_sample(json, [&](const Json& stream) {
        if (const auto rtt = number_at(stream, "/rtt")) client.rtt_us.record(count_of(*rtt));
        const auto window = number_at(stream, "/snd_cwnd");
        if (window && mss >= 1) client.cwnd.record(count_of(*window / mss));
    });
    return {};
}

Result<void> read_datagrams(const Json& json, const Traffic& traffic, Measurement& measured)
{
    const double sent = TRY(needed(json, "/end/sum/packets"));
    const double lost = TRY(needed(json, "/end/sum/lost_packets"));
    if (lost > sent)
        return fail(Error::Kind::Malformed, fmt::format("iperf3 tells of {} lost of {} packets", lost, sent));
    EndResult &client = measured.client, &server = measured.server;
    server.seconds = TRY(needed(json, "/end/sum/seconds"));
    client.seconds = number_at(json, "/end/sum_sent/seconds").value_or(server.seconds); // not told before 3.7
    client.operations = count_of(sent);
    client.bytes_sent = client.operations * traffic.message;
    server.operations = count_of(sent - lost);
    server.lost = count_of(lost);
    server.bytes_received = server.operations * traffic.message;
    server.jitter_ns = 1e6 * number_at(json, "/end/sum/jitter_ms").value_or(0);
    const auto streams = json["end"].find("streams");
    if (streams != json["end"].end() && streams->is_array())
        for (const Json& stream : *streams)
            server.reordered += count_of(number_at(stream, "/udp/out_of_order").value_or(0));
    return {};
}

// Shares of one CPU, in percent, over the whole test.
void read_cpu(const Json& json, Measurement& measured)
{
    const auto time = [&](const char* pointer, double seconds) {
        return number_at(json, pointer).value_or(0) / 100 * seconds;
    };
    EndResult &client = measured.client, &server = measured.server;
    client.user_s = time("/end/cpu_utilization_percent/host_user", client.seconds);
    client.system_s = time("/end/cpu_utilization_percent/host_system", client.seconds);
    server.user_s = time("/end/cpu_utilization_percent/remote_user", server.seconds);
    server.system_s = time("/end/cpu_utilization_percent/remote_system", server.seconds);
}

} // namespace

Result<Measurement> measurement_from_iperf3(std::string_view text, const Traffic& traffic)
{
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("end") || !json["end"].is_object())
        return fail(Error::Kind::Malformed, "this is no JSON of iperf3");
    if (const std::string error = text_at(json, "/error"); !error.empty())
        return fail(Error::Kind::Interrupted, "iperf3: " + error);
    Measurement measured;
    measured.traffic = traffic;
    if (traffic.kind == TrafficKind::TcpStream)
        TRY_VOID(read_stream(json, measured));
    else
        TRY_VOID(read_datagrams(json, traffic, measured));
    if (measured.server.seconds <= 0 || measured.server.bytes_received == 0)
        return fail(Error::Kind::Interrupted, "nothing came through while measuring");
    read_cpu(json, measured);
    measured.taken = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    measured.kernel = kernel::Files::live().read_line("proc/sys/kernel/osrelease").value_or("");
    measured.hostname = kernel::Files::live().read_line("proc/sys/kernel/hostname").value_or("");
    measured.labels.push_back(fmt::format("by iperf3 ({} here), which tells neither latencies nor soft interrupts",
                                          text_at(json, "/start/version")));
    return measured;
}

} // namespace netwright::measure
