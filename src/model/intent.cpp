// SPDX-License-Identifier: GPL-2.0-or-later
// The workloads by name, one row each.
#include "model/intent.h"

#include "base/text.h"
#include "model/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

struct Row {
    Workload workload;
    std::string_view name, sentence;
};

constexpr std::array rows{
    Row{Workload::General, "general", "nothing in particular: only what is right for every host"},
    Row{Workload::WebServer, "web-server", "web server or API gateway: many connections in, short or kept alive"},
    Row{Workload::Proxy, "proxy", "reverse proxy or service that opens many connections to others"},
    Row{Workload::Bulk, "bulk", "bulk transfer, CDN or file server over long paths"},
    Row{Workload::Database, "database", "database: requests and replies inside the data centre, replication"},
    Row{Workload::Streaming, "streaming", "streaming ingest such as Kafka: many gigabits in over TCP"},
    Row{Workload::LowLatency, "low-latency", "trading or control traffic: the tail of the delay is what counts"},
    Row{Workload::Game, "game", "game server: small UDP packets in real time"},
    Row{Workload::Voip, "voip", "voice and video: RTP over UDP, loss and jitter count"},
    Row{Workload::Gateway, "gateway", "router, NAT gateway, firewall or layer-4 balancer: packets pass through"},
    Row{Workload::IdleConnections, "idle-connections", "IoT or push: very many connections, mostly silent"},
    Row{Workload::Kubernetes, "kubernetes", "node of a Kubernetes cluster"},
    Row{Workload::CloudGuest, "cloud-guest", "virtual machine whose provider sets the limits"},
};

constexpr auto names = [] {
    std::array<std::string_view, rows.size()> all{};
    for (std::size_t i = 0; i < rows.size(); ++i)
        all[i] = rows[i].name;
    return all;
}();

// A row's place is its enumerator's number, so that lookups need no search.
static_assert([] {
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (static_cast<std::size_t>(rows[i].workload) != i) return false;
    return true;
}());

const Row& row_of(Workload workload) { return rows.at(static_cast<std::size_t>(workload)); }

} // namespace

std::string_view to_text(Workload workload) { return row_of(workload).name; }
std::string_view describe(Workload workload) { return row_of(workload).sentence; }
Result<Workload> parse_workload(std::string_view text) { return word_to<Workload>("workload", names, text); }

Result<std::vector<Workload>> parse_workloads(std::string_view text)
{
    std::vector<Workload> named;
    for (const std::string_view word : split(text, ',')) {
        const Workload one = TRY(parse_workload(trim(word)));
        if (std::ranges::find(named, one) != named.end())
            return fail(Error::Kind::Rejected, fmt::format("workload {} is named twice", to_text(one)));
        named.push_back(one);
    }
    return named;
}

Result<BitRate> parse_bandwidth(std::string_view text)
{
    constexpr BitRate least{1'000}, most{100'000'000'000'000};
    const BitRate rate = TRY(parse_bit_rate(text));
    if (rate >= least && rate <= most) return rate;
    return fail(Error::Kind::Malformed,
                fmt::format("bandwidth '{}': no network has it (from {} to {})", text, to_text(least), to_text(most)));
}

Result<Nanoseconds> parse_round_trip(std::string_view text)
{
    constexpr Nanoseconds least = std::chrono::microseconds{1}, most = std::chrono::minutes{1};
    const Nanoseconds time = TRY(parse_duration(text));
    if (time >= least && time <= most) return time;
    return fail(Error::Kind::Malformed, fmt::format("round trip '{}': no path has it (from {} to {})", text,
                                                    duration_text(least), duration_text(most)));
}

const std::vector<Workload>& all_workloads()
{
    static const std::vector<Workload> all = [] {
        std::vector<Workload> list;
        for (const Row& row : rows)
            list.push_back(row.workload);
        return list;
    }();
    return all;
}

bool serves(const Intent& intent, Workload workload)
{
    return intent.workload.value == workload || std::ranges::find(intent.beside, workload) != intent.beside.end();
}

std::vector<Workload> workloads(const Intent& intent)
{
    std::vector<Workload> all{intent.workload.value};
    all.insert(all.end(), intent.beside.begin(), intent.beside.end());
    return all;
}

std::string workloads_text(const Intent& intent)
{
    std::string text;
    for (const Workload one : workloads(intent))
        text += fmt::format("{}{}", text.empty() ? "" : ", ", to_text(one));
    return text;
}

} // namespace netwright
