// SPDX-License-Identifier: GPL-2.0-or-later
// The client's story: greet, ask, open flows, warm up, measure, stop, collect.
#include "measure/client.h"

#include "kernel/files.h"
#include "measure/channel.h"
#include "measure/flows.h"
#include "measure/ledger.h"
#include "measure/steady.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

namespace netwright::measure {
namespace {

using namespace std::chrono_literals;
constexpr auto polite = 10s;
constexpr auto tick = 100ms;
constexpr auto longest_warm_up = 5s;
constexpr auto most_silence = 10s; // without anything coming through
constexpr std::size_t most_connecting = 256;

Deadline in(std::chrono::milliseconds time) { return Clock::now() + time; }

std::string first_line(std::string_view path) { return kernel::Files::live().read_line(path).value_or(""); }

class Client {
public:
    Client(const ClientOptions& options, Traffic traffic, Address server, Fd socket)
        : options_(options), traffic_(std::move(traffic)), server_(server), channel_(std::move(socket), largest_frame)
    {
    }

    Result<Measurement> run()
    {
        TRY_VOID(greet());
        const Ready ready = TRY(ask());
        const auto start = Clock::now();
        auto flows = TRY(open_flows(ready));
        measurement_.connect_s = std::chrono::duration<double>(Clock::now() - start).count();
        std::vector<Address> peers;
        for (const std::uint16_t port : ready.ports)
            peers.push_back(server_.with_port(port));
        start_flows(crews_, std::move(flows), traffic_, ready.cookie, peers, Side::Client);
        TRY_VOID(warm_up());
        TRY_VOID(measure());
        return collect();
    }

private:
    Result<void> greet()
    {
        const Hello hello{protocol_version, NETWRIGHT_VERSION, TRY(fresh_nonce())};
        TRY_VOID(channel_.send(hello, in(polite)));
        const Welcome welcome = TRY(channel_.expect<Welcome>(in(polite)));
        if (welcome.version != protocol_version)
            return fail(
                Error::Kind::Unsupported,
                fmt::format("the server ({}) speaks protocol {}, this is {}: use the same netwright on both ends",
                            welcome.software, welcome.version, protocol_version));
        if (welcome.token && options_.token.empty())
            return fail(Error::Kind::Rejected, "the server wants a token: give --token-file");
        if (!options_.token.empty() && !same_proof(welcome.proof, proof_of(options_.token, "server", hello.nonce)))
            return fail(Error::Kind::Rejected, "the server does not know our token: it is not the one we look for");
        measurement_.server_kernel = welcome.kernel.substr(0, 200);
        if (!options_.token.empty()) proof_ = proof_of(options_.token, "client", welcome.nonce);
        return {};
    }

    Result<Ready> ask()
    {
        TRY_VOID(channel_.send(Ask{traffic_, proof_}, in(polite)));
        Ready ready = TRY(channel_.expect<Ready>(in(polite)));
        const FlowRole role = row_of(traffic_.kind).role;
        const bool datagrams = role == FlowRole::Datagrams || role == FlowRole::DatagramRequest;
        if (ready.ports.empty() || (datagrams && ready.ports.size() != traffic_.flows))
            return fail(Error::Kind::Malformed, "the server offers another number of ports than flows were asked for");
        return ready;
    }

    Result<std::vector<Flow>> open_flows(const Ready& ready)
    {
        std::vector<Flow> flows;
        switch (row_of(traffic_.kind).role) {
        case FlowRole::Bulk:
        case FlowRole::Request:
            flows = TRY(connect_flows(ready));
            break;
        case FlowRole::Datagrams:
        case FlowRole::DatagramRequest:
            return introduce_datagrams(ready);
        case FlowRole::Connections:
            for (std::uint32_t i = 0; i < traffic_.flows; ++i)
                flows.push_back({Fd(), FlowRole::Connections, i});
        }
        TRY_VOID(channel_.expect<Go>(in(polite)));
        return flows;
    }

    // Many at a time, so that thousands over a long path do not take minutes.
    Result<std::vector<Flow>> connect_flows(const Ready& ready)
    {
        const Address peer = server_.with_port(ready.ports.front());
        const std::uint32_t count = connections_of(traffic_);
        std::vector<Flow> flows;
        while (flows.size() < count) {
            const std::size_t from = flows.size();
            for (std::size_t i = from; i < std::min<std::size_t>(count, from + most_connecting); ++i) {
                const auto number = static_cast<std::uint32_t>(i);
                Fd socket = TRY(start_connecting(peer, &traffic_));
                flows.push_back({std::move(socket), role_of(traffic_, number), number});
            }
            for (std::size_t i = from; i < flows.size(); ++i)
                TRY_VOID(introduce(flows[i], ready.cookie));
        }
        return flows;
    }

    Result<void> introduce(const Flow& flow, std::uint32_t cookie)
    {
        const std::string what = fmt::format("connect flow {} to {}", flow.number, to_text(server_));
        TRY_VOID(wait_for(flow.socket, POLLOUT, in(polite), what));
        TRY_VOID(finished(flow.socket, what));
        TRY_VOID(set_blocking(flow.socket, true));
        const Greeting greeting{cookie, flow.number};
        if (::send(flow.socket.get(), &greeting, sizeof greeting, MSG_NOSIGNAL) != sizeof greeting)
            return std::unexpected(errno_error(what, errno));
        return {};
    }

    // Datagrams get lost: each flow introduces itself until the server has seen all.
    Result<std::vector<Flow>> introduce_datagrams(const Ready& ready)
    {
        std::vector<Flow> flows;
        for (std::uint32_t i = 0; i < traffic_.flows; ++i) {
            Fd socket = TRY(datagrams_to(server_.with_port(ready.ports[i])));
            flows.push_back({std::move(socket), row_of(traffic_.kind).role, i});
        }
        const DatagramHeader header{introduction(ready.cookie), 0, 0};
        for (const Deadline deadline = in(polite); Clock::now() < deadline;) {
            for (const Flow& flow : flows)
                (void)::send(flow.socket.get(), &header, sizeof header, MSG_NOSIGNAL);
            if (!wait_for(channel_.socket(), POLLIN, in(tick), "")) continue;
            TRY_VOID(channel_.expect<Go>(in(polite)));
            for (const Flow& flow : flows)
                TRY_VOID(prepare_datagrams(flow.socket, server_.family(), traffic_, Side::Client));
            return flows;
        }
        return fail(Error::Kind::Interrupted, "the server saw no datagram of ours: is UDP let through?");
    }

    static Result<Fd> datagrams_to(const Address& peer)
    {
        Fd socket(::socket(peer.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (!socket) return std::unexpected(errno_error("open a socket", errno));
        if (::connect(socket.get(), peer.raw(), peer.length) < 0)
            return std::unexpected(errno_error("connect to " + to_text(peer), errno));
        return socket;
    }

    // What comes through, as the client sees it.
    static std::uint64_t flowed(const Totals& totals) { return totals.sent + totals.received + totals.operations; }

    // Lets one tick pass, looks after everything, and gives the rate by which steadiness is judged.
    Result<double> pass(bool measuring, Deadline since, std::chrono::milliseconds whole)
    {
        const Totals before = totals_of(crews_);
        const auto from = Clock::now();
        std::this_thread::sleep_for(tick);
        if (options_.cancelled && *options_.cancelled) return fail(Error::Kind::Interrupted, "ended before its time");
        if (auto trouble = channel_.trouble()) return std::unexpected(std::move(*trouble));
        for (const Crew& crew : crews_)
            if (crew.broken()) return fail(Error::Kind::Interrupted, "the test broke: " + crew.first_failure());
        const Totals now = totals_of(crews_);
        const double seconds = std::chrono::duration<double>(Clock::now() - from).count();
        if (flowed(now) != flowed(before) || now.failures != before.failures) last_sign_ = Clock::now();
        if (Clock::now() - last_sign_ > most_silence)
            return fail(Error::Kind::Interrupted, fmt::format("nothing came through for {} s", most_silence.count()));
        const double bits = 8 * static_cast<double>(now.sent - before.sent) / seconds;
        const double operations = static_cast<double>(now.operations - before.operations) / seconds;
        if (options_.progress)
            options_.progress({measuring, std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since),
                               whole, bits, operations, now.failures});
        return row_of(traffic_.kind).counts_bits ? bits : operations;
    }

    Result<void> warm_up()
    {
        const auto since = Clock::now();
        const auto whole = traffic_.warm_up.value_or(longest_warm_up);
        Steadiness steadiness;
        while (Clock::now() < since + whole && !(measurement_.steady && !traffic_.warm_up)) {
            steadiness.add(TRY(pass(false, since, whole)));
            measurement_.steady = steadiness.reached();
        }
        if (!measurement_.steady && traffic_.warm_up.value_or(1s) > 0ms)
            measurement_.warnings.push_back("the rate was not steady when measuring began: --warm-up for longer");
        TRY_VOID(channel_.send(Mark{}, in(polite)));
        TRY_VOID(channel_.expect<Marked>(in(polite)));
        return {};
    }

    Result<void> measure()
    {
        ledger_.begin();
        for (Crew& crew : crews_)
            crew.measure();
        const auto since = Clock::now();
        while (Clock::now() < since + traffic_.duration) {
            TRY_VOID(pass(true, since, traffic_.duration));
            ledger_.sample();
        }
        return {};
    }

    Result<Measurement> collect()
    {
        ledger_.end();
        TRY_VOID(channel_.send(Stop{}, in(polite)));
        Report report = TRY(channel_.expect<Report>(in(polite)));
        for (Crew& crew : crews_)
            crew.stop();
        measurement_.client = ledger_.result();
        measurement_.server = std::move(report.result);
        std::ranges::move(report.warnings, std::back_inserter(measurement_.warnings));
        return finish();
    }

    Result<Measurement> finish()
    {
        const EndResult& counted = row_of(traffic_.kind).has_latency ? measurement_.client : measurement_.server;
        if (counted.operations == 0 && counted.bytes_received == 0) {
            const std::string why = measurement_.client.first_failure;
            return fail(Error::Kind::Interrupted,
                        "nothing came through while measuring" + (why.empty() ? "" : ": " + why));
        }
        measurement_.traffic = traffic_;
        measurement_.peer = to_text(server_);
        measurement_.taken = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        measurement_.kernel = first_line("proc/sys/kernel/osrelease");
        measurement_.hostname = first_line("proc/sys/kernel/hostname");
        label();
        return std::move(measurement_);
    }

    void label()
    {
        auto& labels = measurement_.labels;
        if (traffic_.discard)
            labels.push_back("the receiver discards in the kernel (MSG_TRUNC): no copy to the application");
        if (traffic_.offload)
            labels.push_back("datagrams cut by offload (UDP GSO and GRO): not one system call or packet each");
        if (traffic_.zerocopy) labels.push_back("sent without copying (MSG_ZEROCOPY), where the device can");
        if (traffic_.rate != 0) labels.push_back("on a fixed schedule (--rate); latency counts from when each was due");
        if (server_.is_loopback()) labels.push_back("over loopback: no device, no wire");
        const auto& latency = measurement_.client.latency_ns;
        if (!latency.empty() && latency.count() < 100)
            measurement_.warnings.push_back(fmt::format("only {} latencies: percentiles above {} are the maximum",
                                                        latency.count(), latency.count() < 10 ? "p50" : "p90"));
    }

    const ClientOptions& options_;
    Traffic traffic_;
    Address server_;
    Channel channel_;
    std::string proof_;
    std::list<Crew> crews_;
    Ledger ledger_{crews_};
    Measurement measurement_;
    Deadline last_sign_ = Clock::now();
};

} // namespace

Result<Measurement> run_traffic(const ClientOptions& options, const Traffic& traffic)
{
    raise_descriptor_limit();
    Traffic asked = TRY(settled(traffic, TrafficLimits{.flows = 1'000'000,
                                                       .threads = 1024,
                                                       .message = 1U << 30,
                                                       .duration = std::chrono::hours(24 * 365)}));
    const Address server = TRY(resolve(options.host, options.port));
    Fd socket = TRY(connect_to(server, in(polite)));
    return Client(options, std::move(asked), server, std::move(socket)).run();
}

} // namespace netwright::measure
