// SPDX-License-Identifier: GPL-2.0-or-later
// Test traffic as typed.
#include "cli/bench_flags.h"

#include "base/text.h"
#include "base/units.h"
#include "measure/iperf3.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>

namespace netwright::cli {
namespace {

Result<std::uint32_t> bytes_of(const std::string& text)
{
    if (text.empty()) return 0;
    const Bytes bytes = TRY(parse_bytes(text));
    if (bytes.count == 0 || bytes.count > ~std::uint32_t{0})
        return fail(Error::Kind::Rejected, text + ": 1 byte to 4 GiB");
    return static_cast<std::uint32_t>(bytes.count);
}

Result<std::chrono::milliseconds> time_of(const std::string& text)
{
    return std::chrono::ceil<std::chrono::milliseconds>(TRY(parse_duration(text)));
}

// Bit/s for bulk and datagrams ("1Gbit"), else operations a second ("5000").
Result<std::uint64_t> rate_of(const std::string& text, TrafficKind kind)
{
    if (text.empty()) return 0;
    if (row_of(kind).counts_bits) return TRY(parse_bit_rate(text)).bits_per_second;
    const std::uint64_t rate = TRY(parse_unsigned(text));
    if (rate == 0) return fail(Error::Kind::Rejected, "--rate 0: at least one a second");
    return rate;
}

Result<std::uint8_t> tos_of(const std::string& text)
{
    if (text.empty()) return 0;
    const bool hex = text.starts_with("0x");
    const std::uint64_t value = TRY(hex ? parse_hex(std::string_view(text).substr(2)) : parse_unsigned(text));
    if (value > 255) return fail(Error::Kind::Rejected, "--tos: 0 to 255");
    return static_cast<std::uint8_t>(value);
}

} // namespace

void add_traffic_flags(CLI::App& app, TrafficFlags& flags, const std::string& duration, const std::string& rate)
{
    flags.duration = duration;
    app.add_option("-f,--flows", flags.flows, "flows at the same time (idle: connections)");
    app.add_option("--threads", flags.threads, "threads on either end (default: one a flow, up to the CPUs)");
    app.add_option("-m,--message", flags.message, "size of a write, a request or a datagram")->type_name("BYTES");
    app.add_option("--response", flags.response, "size of a response (default: as the request)")->type_name("BYTES");
    app.add_option("-t,--duration", flags.duration, "how long to measure")->type_name("TIME")->capture_default_str();
    app.add_option("--warm-up", flags.warm_up,
                   "before measuring: a time, or auto: until the rate is steady, at most 5s")
        ->type_name("TIME")
        ->capture_default_str();
    app.add_option(
           rate, flags.rate,
           "keep to a schedule: bit/s for streams (1Gbit), else a second (5000); latency counts from when each was due")
        ->type_name("RATE");
    app.add_option("--congestion", flags.congestion, "TCP congestion control")->type_name("NAME");
    app.add_option("--tos", flags.tos, "type of service of the packets, such as 0x10")->type_name("BYTE");
    app.add_option("--cpus", flags.client_cpus, "CPUs of the client's threads, such as 0-3")->type_name("LIST");
    app.add_option("--server-cpus", flags.server_cpus, "CPUs of the server's threads")->type_name("LIST");
    app.add_flag("--zerocopy", flags.zerocopy, "send without copying (MSG_ZEROCOPY)");
    app.add_flag("--discard", flags.discard, "tcp-stream: the receiver discards in the kernel (MSG_TRUNC)");
    app.add_flag("--udp-offload", flags.offload, "udp-stream, pps: datagrams are cut and joined by offload (GSO, GRO)");
}

Result<Traffic> traffic_of(const std::string& workload, const TrafficFlags& flags)
{
    Traffic traffic;
    traffic.kind = TRY(parse_traffic_kind(workload));
    traffic.flows = flags.flows != 0 ? flags.flows : row_of(traffic.kind).flows;
    traffic.threads = flags.threads;
    traffic.message = TRY(bytes_of(flags.message));
    traffic.response = TRY(bytes_of(flags.response));
    traffic.duration = TRY(time_of(flags.duration));
    if (flags.warm_up == "0")
        traffic.warm_up.emplace(0);
    else if (flags.warm_up != "auto")
        traffic.warm_up = TRY(time_of(flags.warm_up));
    traffic.rate = TRY(rate_of(flags.rate, traffic.kind));
    traffic.congestion = flags.congestion;
    traffic.tos = TRY(tos_of(flags.tos));
    traffic.client_cpus = TRY(CpuSet::parse_list(flags.client_cpus));
    traffic.server_cpus = TRY(CpuSet::parse_list(flags.server_cpus));
    traffic.zerocopy = flags.zerocopy;
    traffic.discard = flags.discard;
    traffic.offload = flags.offload;
    return traffic;
}

void add_peer_flags(CLI::App& app, PeerFlags& flags)
{
    app.add_option("-p,--port", flags.port,
                   fmt::format("where the server listens (default: {}; of iperf3 {})", measure::default_port,
                               measure::iperf3_port));
    app.add_option("--token-file", flags.token_file,
                   "file whose first line is the secret both ends share (else: NETWRIGHT_TOKEN)")
        ->type_name("FILE");
    app.add_flag("--iperf3", flags.iperf3, "an iperf3 server is what listens there: tcp-stream, udp-stream and pps");
}

Result<measure::ClientOptions> server_at(const std::string& host, const PeerFlags& flags)
{
    measure::ClientOptions options;
    options.host = host;
    options.iperf3 = flags.iperf3;
    options.port = flags.port != 0 ? flags.port : flags.iperf3 ? measure::iperf3_port : measure::default_port;
    if (host.empty() && (flags.iperf3 || flags.port != 0))
        return fail(Error::Kind::Rejected, "--port and --iperf3 need the host where the server runs");
    if (flags.iperf3 && !flags.token_file.empty())
        return fail(Error::Kind::Rejected, "--token-file: iperf3 knows no token");
    if (!flags.iperf3) options.token = TRY(token_of(flags.token_file));
    return options;
}

Result<std::string> token_of(const std::string& token_file)
{
    if (token_file.empty()) {
        const char* const token = std::getenv("NETWRIGHT_TOKEN");
        return std::string(token ? token : "");
    }
    const std::string text = TRY(read_file(token_file, 64U << 10));
    std::string token(trim(std::string_view(text).substr(0, text.find('\n'))));
    if (token.empty())
        return fail(Error::Kind::Malformed, token_file + ": its first line is empty; a secret is needed");
    return token;
}

} // namespace netwright::cli
