// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/lb_check.h"
#include "dataplane/lb_config.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

Result<LbConfig> read(const std::string& check, const std::string& more = "")
{
    return parse_lb_config(more + "source: 10.9.0.1\npools: {web: {backends: [{address: 10.0.0.1}], " + check +
                               "}}\nvips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]\n",
                           "lb.yaml");
}

LbCheck check_of(const std::string& text)
{
    const auto config = read("check: {" + text + "}");
    REQUIRE_MESSAGE(config, config.error().what);
    return config->pools[0].check.value_or(LbCheck{});
}

} // namespace

TEST_CASE("each kind of check is read with what it takes, and the rest has sane values")
{
    const LbCheck tcp = check_of("type: tcp, port: 8080");
    CHECK(tcp == LbCheck{.kind = LbCheck::Kind::Tcp, .port = 8080});
    const LbCheck http =
        check_of("type: http, host: www.example, path: /health, status: 200, interval: 500ms, rise: 1");
    CHECK(http.port == 80);
    CHECK(http.host == "www.example");
    CHECK(http.path == "/health");
    CHECK(http.least_status == 200);
    CHECK(http.most_status == 200);
    CHECK(http.interval == std::chrono::milliseconds(500));
    CHECK(http.timeout == std::chrono::milliseconds(500)); // never longer than the interval
    CHECK(http.rise == 1);
    const LbCheck https = check_of("type: https, status: 200-204, verify: true, timeout: 2s");
    CHECK(https.port == 443);
    CHECK(https.verify);
    CHECK(https.most_status == 204);
    const LbCheck udp = check_of("type: udp, port: 53, send: ping, expect: pong");
    CHECK(udp.send == "ping");
    CHECK(udp.expect == "pong");
    CHECK(check_of("type: command, command: [/bin/true, -x]").command == std::vector<std::string>{"/bin/true", "-x"});
}

TEST_CASE("what is wrong with a check, a slow start or a status page is named with its line")
{
    const std::array cases{
        std::pair{"check: {type: icmp}", "tcp"},
        std::pair{"check: {port: 80}", "type"},
        std::pair{"check: {type: tcp}", "port"},
        std::pair{"check: {type: tcp, port: 80, path: /}", "path"},
        std::pair{"check: {type: http, path: health}", "begins with '/'"},
        std::pair{"check: {type: http, host: \"a b\"}", "blanks"},
        std::pair{"check: {type: http, path: \"/a\\r\\nX: y\"}", "control characters"},
        std::pair{"check: {type: http, status: 399-200}", "lower one"},
        std::pair{"check: {type: http, status: 99}", "100 to 599"},
        std::pair{"check: {type: udp, port: 53}", "send"},
        std::pair{"check: {type: command, command: [check]}", "whole path"},
        std::pair{"check: {type: tcp, port: 80, interval: 1s, timeout: 2s}", "at most its interval"},
        std::pair{"check: {type: tcp, port: 80, interval: 1ms}", "50ms to 1h"},
        std::pair{"check: {type: tcp, port: 80, fall: 0}", "1 to 100"},
        std::pair{"slow_start: 10s", "needs a 'check'"},
        std::pair{"check: {type: tcp, port: 80}, slow_start: 2h", "at most 1h"},
    };
    for (const auto& [text, says] : cases) {
        const auto config = read(text);
        REQUIRE_FALSE(config);
        CHECK_MESSAGE(config.error().what.find(says) != std::string::npos, text, config.error().what);
        CHECK(config.error().what.starts_with("lb.yaml:"));
    }
    for (const char* listen : {"9464", "localhost:9464", "127.0.0.1:0", "::1:80", "[127.0.0.1]:80", "10.0.0.0/8:80"}) {
        const auto config = read("mode: ipip", "listen: \"" + std::string(listen) + "\"\n");
        REQUIRE_FALSE(config);
        CHECK(config.error().what.find("127.0.0.1:9464") != std::string::npos);
    }
    CHECK_FALSE(read("mode: ipip", "announce: {control: /run/bird/bird.ctl}\n"));
    CHECK_FALSE(read("mode: ipip", "announce: {file: bird.conf}\n"));
    const auto served = read("mode: ipip", "listen: \"[::1]:9464\"\n");
    REQUIRE(served);
    CHECK(served->listen.value_or(LbListen{}).port == 9464);
}
