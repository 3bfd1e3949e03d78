// SPDX-License-Identifier: GPL-2.0-or-later
// Prefixes as people and the kernel write them.
#include "base/ip_prefix.h"

#include <doctest/doctest.h>

#include <vector>

using namespace netwright;

TEST_CASE("a prefix reads back as the same text")
{
    for (const char* text : {"default", "10.0.0.0/8", "192.0.2.7", "::/0", "2001:db8::/32", "fe80::1", "0.0.0.0/1"}) {
        CAPTURE(text);
        const auto prefix = parse_ip_prefix(text);
        REQUIRE(prefix);
        CHECK(to_text(*prefix) == text);
    }
    CHECK(to_text(*parse_ip_prefix("0.0.0.0/0")) == "default");
    CHECK(to_text(*parse_ip_prefix("10.0.0.1/32")) == "10.0.0.1");
}

TEST_CASE("what is no address is malformed")
{
    for (const char* text : {"", "10", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0.256",
                             "fe80::1%eth0", "10.0.0.0/8/8", "localhost", "::g"}) {
        CAPTURE(text);
        const auto prefix = parse_ip_prefix(text);
        REQUIRE_FALSE(prefix);
        CHECK(prefix.error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("a network holds its hosts, and no other family's")
{
    const auto wide = *parse_ip_prefix("10.1.128.0/17");
    CHECK(wide.contains(*parse_ip_prefix("10.1.200.3")));
    CHECK(wide.contains(wide));
    CHECK_FALSE(wide.contains(*parse_ip_prefix("10.1.127.255")));
    CHECK_FALSE(wide.contains(*parse_ip_prefix("10.0.0.0/8")));
    CHECK_FALSE(parse_ip_prefix("default")->contains(*parse_ip_prefix("::1")));
    CHECK(to_text(parse_ip_prefix("10.1.200.3/17")->network()) == "10.1.128.0/17");
    CHECK(to_text(parse_ip_prefix("2001:db8:ffff::1/33")->network()) == "2001:db8:8000::/33");
}

TEST_CASE("payloads of another size are refused")
{
    const std::vector<std::byte> bytes(5);
    CHECK_FALSE(ip_address_of(bytes));
    CHECK_FALSE(ip_prefix_of(std::span(bytes).first(4), 33));
    CHECK(to_text(*ip_prefix_of(std::span(bytes).first(4), 0)) == "default");
}
