// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/lb_status.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

using std::chrono::seconds;

LbStatus example()
{
    const auto config = parse_lb_config(R"(
source: 10.9.0.1
pools:
  "a<b": {check: {type: tcp, port: 80}, slow_start: 10s, backends: [{address: 10.0.0.1}, {address: 10.0.0.2},
          {address: 10.0.0.3}, {address: 10.0.0.4, weight: 0}, {address: 10.0.0.5}]}
  plain: {backends: [{address: 10.0.1.1}]}
  lost: {check: {type: tcp, port: 80}, backends: [{address: 10.0.2.1}]}
vips:
  - {address: 192.0.2.1, port: 80, protocol: tcp, pool: "a<b"}
  - {address: 192.0.2.1, port: 81, protocol: tcp, pool: plain}
  - {address: 192.0.2.1, port: 82, protocol: tcp, pool: lost}
)",
                                        "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    const Result<void> good, bad = fail(Error::Kind::Rejected, "HTTP status 503");
    const LbCheck hasty{.rise = 1, .fall = 1};
    LbHealths healths;
    const auto of = [&](const char* pool, const char* backend) -> LbHealth& {
        return healths[{pool, *parse_prefix(backend)}];
    };
    (void)note_look(of("a<b", "10.0.0.1"), hasty, good, seconds(1));
    (void)note_look(of("a<b", "10.0.0.2"), hasty, bad, seconds(1));
    (void)note_look(of("a<b", "10.0.0.3"), hasty, bad, seconds(1));
    (void)note_look(of("a<b", "10.0.0.3"), hasty, good, seconds(9));
    (void)note_look(of("a<b", "10.0.0.4"), hasty, good, seconds(1));
    (void)note_look(of("lost", "10.0.2.1"), hasty, bad, seconds(1));
    return status_of("lb.yaml", *config, healths, seconds(11));
}

} // namespace

TEST_CASE("every backend is in a state, and a VIP is healthy while one backend of its pool is up")
{
    const LbStatus status = example();
    std::vector<std::string> states;
    for (const LbBackendStatus& row : status.backends)
        states.push_back(row.state);
    CHECK(states == std::vector<std::string>{"up", "down", "starting", "draining", "unknown", "unchecked", "down"});
    CHECK(status.backends[0].percent == 100);
    CHECK(status.backends[1].percent == 0);
    CHECK(status.backends[1].why == "HTTP status 503");
    CHECK(status.backends[1].seconds == doctest::Approx(10));
    CHECK(status.backends[2].percent == 30);
    CHECK(status.backends[2].why.empty());
    CHECK(status.vips[0].healthy);
    CHECK(status.vips[1].healthy);
    CHECK_FALSE(status.vips[2].healthy);
}

TEST_CASE("what the supervisor tells as JSON is read back, and nonsense is refused")
{
    const LbStatus status = example();
    const auto read = parse_lb_status(to_json(status));
    REQUIRE_MESSAGE(read, read.error().what);
    CHECK(to_json(*read) == to_json(status));
    for (const char* text : {"", "{}", "[1]", R"({"config": 1, "trouble": "", "backends": [], "vips": []})"})
        CHECK_FALSE(parse_lb_status(text));
}

TEST_CASE("names do not break the page, nor Prometheus's lines")
{
    LbStatus status = example();
    status.trouble = "<script>";
    status.backends[0].pool = "with \"quotes\"\nand lines";
    const std::string page = to_html(status, {{LbCounted::Of::Vip, "192.0.2.1:80/tcp", {7, 700}}});
    CHECK(page.find("<script>") == std::string::npos);
    CHECK(page.find("&lt;script&gt;") != std::string::npos);
    CHECK(page.find("<td>a&lt;b<td>10.0.0.2") != std::string::npos);
    CHECK(page.find("<td>192.0.2.1:80/tcp<td>7<td>700") != std::string::npos);
    const std::string lines = to_prometheus(status);
    CHECK(lines.find("netwright_lb_backend_up{pool=\"a<b\",backend=\"10.0.0.2\"} 0\n") != std::string::npos);
    CHECK(lines.find("{pool=\"with \\\"quotes\\\"\\nand lines\",backend=\"10.0.0.1\"} 1\n") != std::string::npos);
    CHECK(lines.find("netwright_lb_vip_healthy{vip=\"192.0.2.1:82/tcp\"} 0\n") != std::string::npos);
    CHECK(lines.find("netwright_lb_backend_weight_percent{pool=\"a<b\",backend=\"10.0.0.3\"} 30\n") !=
          std::string::npos);
}
