// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of peers, and readers of what they print.
#include "peers/peer.h"

#include "base/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace netwright::peers {
namespace {

using enum TrafficKind;
using Json = nlohmann::json;

std::unexpected<Error> unreadable(std::string_view program, std::string_view what)
{
    return fail(Error::Kind::Malformed, fmt::format("{} did not tell {}", program, what));
}

std::optional<double> number_at(const Json& json, const char* pointer)
{
    const Json::json_pointer place(pointer);
    if (!json.contains(place) || !json.at(place).is_number()) return std::nullopt;
    return json.at(place).get<double>();
}

Result<Json> json_of(std::string_view output)
{
    Json json = Json::parse(output, nullptr, false);
    if (json.is_discarded()) return unreadable("iperf3", "any JSON");
    if (json.contains("error") && json["error"].is_string())
        return fail(Error::Kind::Interrupted, "iperf3: " + json["error"].get<std::string>());
    return json;
}

// The number that follows `mark`, anywhere in the text.
std::optional<double> number_after(std::string_view text, std::string_view mark)
{
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    text = text.substr(at + mark.size());
    while (!text.empty() && (is_blank(text.front()) || text.front() == '='))
        text.remove_prefix(1);
    const auto number = parse_double(text.substr(0, text.find_first_not_of("0123456789.")));
    return number ? std::optional(*number) : std::nullopt;
}

// The value of a line "key=value".
std::optional<std::string_view> value_of(std::string_view text, std::string_view key)
{
    std::string_view line;
    while (next_line(text, line))
        if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == '=')
            return trim(line.substr(key.size() + 1));
    return std::nullopt;
}

std::optional<double> number_of(std::string_view text, std::string_view key)
{
    const auto value = value_of(text, key);
    const auto number = value ? parse_double(*value) : fail(Error::Kind::Absent, "");
    return number ? std::optional(*number) : std::nullopt;
}

struct Unit {
    std::string_view name;
    double bits;
};
constexpr std::array units{Unit{"Kbit/s", 1e3}, Unit{"Mbit/s", 1e6}, Unit{"Gbit/s", 1e9}};

// The only line of netperf's output with -P 0 and -o: values with commas between them.
Result<std::vector<double>> netperf_values(std::string_view output, std::size_t count)
{
    std::vector<double> values;
    for (const std::string_view word : split(trim(output), ',')) {
        const auto value = parse_double(trim(word));
        if (!value) return unreadable("netperf", "numbers only");
        values.push_back(*value);
    }
    if (values.size() != count) return unreadable("netperf", fmt::format("{} numbers", count));
    return values;
}

constexpr std::string_view iperf3_server = "iperf3 -s -1";
constexpr std::string_view netperf_server = "netserver -D";
constexpr std::array rows{
    Peer{TcpStream, "iperf3", "iperf3", iperf3_server, "iperf3 -c HOST -t SECONDS -O 1 -l 131072 -J",
         read_iperf3_stream},
    Peer{TcpStream, "netperf", "netperf", netperf_server,
         "netperf -H HOST -t TCP_STREAM -l SECONDS -P 0 -f m -- -m 131072 -o THROUGHPUT", read_netperf_stream},
    Peer{TcpStream, "neper", "tcp_stream", "tcp_stream -B 131072", "tcp_stream -c -H HOST -l SECONDS -B 131072",
         read_neper_stream},
    Peer{TcpRr, "sockperf", "sockperf", "sockperf server --tcp -i HOST",
         "sockperf ping-pong --tcp -i HOST -t SECONDS -m 16 --full-rtt", read_sockperf},
    Peer{TcpRr, "netperf", "netperf", netperf_server,
         "netperf -H HOST -t TCP_RR -l SECONDS -P 0 -- -r 16,16 -o THROUGHPUT,P50_LATENCY", read_netperf_requests},
    Peer{TcpRr, "neper", "tcp_rr", "tcp_rr -Q 16 -R 16", "tcp_rr -c -H HOST -l SECONDS -Q 16 -R 16 -p 50",
         read_neper_requests},
    Peer{TcpCrr, "netperf", "netperf", netperf_server,
         "netperf -H HOST -t TCP_CRR -l SECONDS -P 0 -- -r 1,1 -o THROUGHPUT,P50_LATENCY", read_netperf_requests},
    Peer{TcpCrr, "neper", "tcp_crr", "tcp_crr -Q 1 -R 1", "tcp_crr -c -H HOST -l SECONDS -Q 1 -R 1",
         read_neper_requests},
    Peer{UdpRr, "sockperf", "sockperf", "sockperf server -i HOST",
         "sockperf ping-pong -i HOST -t SECONDS -m 16 --full-rtt", read_sockperf},
    Peer{UdpRr, "netperf", "netperf", netperf_server,
         "netperf -H HOST -t UDP_RR -l SECONDS -P 0 -- -r 16,16 -o THROUGHPUT,P50_LATENCY", read_netperf_requests},
    Peer{UdpRr, "neper", "udp_rr", "udp_rr -Q 16 -R 16", "udp_rr -c -H HOST -l SECONDS -Q 16 -R 16 -p 50",
         read_neper_requests},
    Peer{Pps, "iperf3", "iperf3", iperf3_server, "iperf3 -c HOST -u -b 0 -l 18 -t SECONDS -J", read_iperf3_datagrams},
};

} // namespace

Result<Figures> read_iperf3_stream(std::string_view output)
{
    const Json json = TRY(json_of(output));
    const auto rate = number_at(json, "/end/sum_received/bits_per_second");
    if (!rate) return unreadable("iperf3", "what was received");
    return Figures{{"throughput", *rate}};
}

Result<Figures> read_iperf3_datagrams(std::string_view output)
{
    const Json json = TRY(json_of(output));
    const auto packets = number_at(json, "/end/sum/packets");
    const auto lost = number_at(json, "/end/sum/lost_packets");
    const auto seconds = number_at(json, "/end/sum/seconds");
    if (!packets || !lost || !seconds || *seconds <= 0) return unreadable("iperf3", "packets, losses and seconds");
    if (*lost < 0 || *lost >= *packets)
        return unreadable("iperf3", fmt::format("what makes sense: {} of {} packets lost", *lost, *packets));
    return Figures{{"rate", (*packets - *lost) / *seconds}};
}

Result<Figures> read_sockperf(std::string_view output)
{
    const auto median = number_after(output, "percentile 50.000");
    const std::size_t valid = output.find("[Valid Duration]");
    if (!median || valid == std::string_view::npos) return unreadable("sockperf", "its percentiles");
    const auto seconds = number_after(output.substr(valid), "RunTime");
    const auto answered = number_after(output.substr(valid), "ReceivedMessages");
    if (!seconds || !answered || *seconds <= 0) return unreadable("sockperf", "how many were answered");
    return Figures{{"latency-p50", *median}, {"rate", *answered / *seconds}};
}

Result<Figures> read_netperf_stream(std::string_view output)
{
    const auto values = TRY(netperf_values(output, 1));
    return Figures{{"throughput", values[0] * 1e6}};
}

Result<Figures> read_netperf_requests(std::string_view output)
{
    const auto values = TRY(netperf_values(output, 2));
    return Figures{{"rate", values[0]}, {"latency-p50", values[1]}};
}

Result<Figures> read_neper_stream(std::string_view output)
{
    const auto value = number_of(output, "throughput");
    // Newer ones tell at the sending end only what the other end received.
    if (const auto received = number_of(output, "remote_throughput"); !value && received && *received > 0)
        return Figures{{"throughput", *received}};
    const auto unit = std::ranges::find(units, value_of(output, "throughput_units").value_or("Mbit/s"), &Unit::name);
    if (!value || unit == units.end()) return unreadable("neper", "its throughput");
    return Figures{{"throughput", *value * unit->bits}};
}

Result<Figures> read_neper_requests(std::string_view output)
{
    const auto rate = number_of(output, "throughput");
    if (!rate) return unreadable("neper", "its throughput");
    Figures figures{{"rate", *rate}};
    if (const auto median = number_of(output, "latency_p50")) figures.push_back({"latency-p50", *median * 1e6});
    return figures;
}

std::span<const Peer> peer_rows() { return rows; }

std::vector<Work> works(unsigned seconds)
{
    const auto traffic = [&](TrafficKind kind, std::uint32_t message) {
        Traffic one;
        one.kind = kind;
        one.message = message;
        one.duration = std::chrono::seconds(seconds);
        one.warm_up = std::chrono::seconds(1);
        return one;
    };
    return {{traffic(TcpStream, 131'072), {"throughput"}},
            {traffic(TcpRr, 16), {"latency-p50", "rate"}},
            {traffic(TcpCrr, 1), {"rate"}},
            {traffic(UdpRr, 16), {"latency-p50", "rate"}},
            {traffic(Pps, 18), {"rate"}}};
}

std::string_view origin(std::string_view name)
{
    if (name == "neper") return "github.com/google/neper";
    if (name == "netperf") return "github.com/HewlettPackard/netperf, or Debian's non-free";
    return "a Debian package of that name";
}

} // namespace netwright::peers
