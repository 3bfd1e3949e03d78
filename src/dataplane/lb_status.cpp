// SPDX-License-Identifier: GPL-2.0-or-later
// The forms of a balancer's status.
#include "dataplane/lb_status.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace netwright::dataplane {
namespace {

const char* state_of(const LbPool& pool, const LbBackend& backend, const LbHealth* health, unsigned part)
{
    if (backend.weight == 0) return "draining";
    if (!pool.check) return "unchecked";
    if (!health || !health->known) return "unknown";
    if (!health->up) return "down";
    return part < 10 ? "starting" : "up";
}

std::string escaped(std::string_view text)
{
    std::string result;
    for (const char c : text)
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        case '"':
            result += "&quot;";
            break;
        default:
            result += c;
        }
    return result;
}

// A label's value in Prometheus's text format.
std::string label(std::string_view text)
{
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        if (c == '\n')
            result += "\\n";
        else
            result += c;
    }
    return result + "\"";
}

constexpr std::array<const char*, 4> counted_words{"vip", "backend", "dropped", "nat"};
constexpr std::array<const char*, 4> counted_labels{"vip", "backend", "reason", "event"};

} // namespace

LbStatus status_of(const std::string& name, const LbConfig& config, const LbHealths& healths, Nanoseconds now)
{
    LbStatus status{name, "", {}, {}};
    for (const LbPool& pool : config.pools)
        for (const LbBackend& backend : pool.backends) {
            const auto found = healths.find({pool.name, backend.address});
            const LbHealth* const health = found == healths.end() ? nullptr : &found->second;
            const unsigned part = health ? tenths(*health, pool.slow_start, now) : 10;
            LbBackendStatus row{pool.name, to_text(backend.address), state_of(pool, backend, health, part), "", 0, 0};
            row.percent = row.state == "down" || row.state == "draining" ? 0 : part * 10;
            if (row.state == "down") row.why = health->why;
            if (health && health->known) row.seconds = std::chrono::duration<double>(now - health->since).count();
            status.backends.push_back(std::move(row));
        }
    for (const LbVip& vip : config.vips)
        status.vips.push_back({to_text(vip), !all_down(config.pools[vip.pool], healths)});
    return status;
}

std::string to_json(const LbStatus& status)
{
    nlohmann::json backends = nlohmann::json::array(), vips = nlohmann::json::array();
    for (const LbBackendStatus& row : status.backends)
        backends.push_back({{"pool", row.pool},
                            {"backend", row.backend},
                            {"state", row.state},
                            {"why", row.why},
                            {"weight_percent", row.percent},
                            {"seconds", row.seconds}});
    for (const LbVipStatus& row : status.vips)
        vips.push_back({{"vip", row.vip}, {"healthy", row.healthy}});
    const nlohmann::json json{
        {"config", status.config}, {"trouble", status.trouble}, {"backends", backends}, {"vips", vips}};
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<LbStatus> parse_lb_status(std::string_view text)
{
    try {
        const auto json = nlohmann::json::parse(text);
        LbStatus status{json.at("config"), json.at("trouble"), {}, {}};
        for (const auto& row : json.at("backends"))
            status.backends.push_back({row.at("pool"), row.at("backend"), row.at("state"), row.at("why"),
                                       row.at("weight_percent"), row.at("seconds")});
        for (const auto& row : json.at("vips"))
            status.vips.push_back({row.at("vip"), row.at("healthy")});
        return status;
    } catch (const nlohmann::json::exception& wrong) {
        return fail(Error::Kind::Malformed, fmt::format("the supervisor's answer: {}", wrong.what()));
    }
}

std::string to_html(const LbStatus& status, const std::vector<LbCounted>& counts)
{
    std::string text = "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>netwright lb</title>\n"
                       "<style>body{font-family:sans-serif}table{border-collapse:collapse;margin:1em 0}"
                       "td,th{border:1px solid #999;padding:.2em .6em;text-align:left}.down{background:#f99}"
                       ".starting{background:#fe9}.up{background:#9e9}</style>\n";
    text += fmt::format("<h1>{}</h1>\n", escaped(status.config));
    if (!status.trouble.empty()) text += fmt::format("<p class=\"down\">{}</p>\n", escaped(status.trouble));
    text += "<table><tr><th>VIP<th>healthy\n";
    for (const LbVipStatus& row : status.vips)
        text += fmt::format("<tr><td>{}<td class=\"{}\">{}\n", escaped(row.vip), row.healthy ? "up" : "down",
                            row.healthy ? "yes" : "no");
    text += "</table>\n<table><tr><th>pool<th>backend<th>state<th>weight<th>for<th>why\n";
    for (const LbBackendStatus& row : status.backends)
        text += fmt::format("<tr><td>{}<td>{}<td class=\"{}\">{}<td>{} %<td>{:.0f} s<td>{}\n", escaped(row.pool),
                            row.backend, row.state, row.state, row.percent, row.seconds, escaped(row.why));
    text += "</table>\n<table><tr><th><th><th>packets<th>bytes\n";
    for (const LbCounted& count : counts)
        text += fmt::format("<tr><td>{}<td>{}<td>{}<td>{}\n", counted_words.at(static_cast<std::size_t>(count.of)),
                            escaped(count.name), count.sum.packets, count.sum.bytes);
    return text + "</table>\n</html>\n";
}

std::string to_prometheus(const LbStatus& status)
{
    std::string text = "# TYPE netwright_lb_backend_up gauge\n";
    for (const LbBackendStatus& row : status.backends)
        text += fmt::format("netwright_lb_backend_up{{pool={},backend={}}} {}\n", label(row.pool), label(row.backend),
                            row.state == "down" ? 0 : 1);
    text += "# TYPE netwright_lb_backend_weight_percent gauge\n";
    for (const LbBackendStatus& row : status.backends)
        text += fmt::format("netwright_lb_backend_weight_percent{{pool={},backend={}}} {}\n", label(row.pool),
                            label(row.backend), row.percent);
    text += "# TYPE netwright_lb_vip_healthy gauge\n";
    for (const LbVipStatus& row : status.vips)
        text += fmt::format("netwright_lb_vip_healthy{{vip={}}} {}\n", label(row.vip), row.healthy ? 1 : 0);
    return text;
}

std::string to_prometheus(const std::vector<LbCounted>& counts)
{
    std::string text;
    for (const bool bytes : {false, true})
        for (std::size_t kind = 0; kind < counted_words.size(); ++kind) {
            const std::string metric =
                fmt::format("netwright_lb_{}_{}_total", counted_words.at(kind), bytes ? "bytes" : "packets");
            if (std::ranges::find(counts, static_cast<LbCounted::Of>(kind), &LbCounted::of) == counts.end()) continue;
            text += fmt::format("# TYPE {} counter\n", metric);
            for (const LbCounted& count : counts)
                if (static_cast<std::size_t>(count.of) == kind)
                    text += fmt::format("{}{{{}=\"{}\"}} {}\n", metric, counted_labels.at(kind), count.name,
                                        bytes ? count.sum.bytes : count.sum.packets);
        }
    return text;
}

} // namespace netwright::dataplane
