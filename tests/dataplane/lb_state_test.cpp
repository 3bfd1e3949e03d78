// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/lb_control.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

TEST_CASE("what is known of a running balancer survives as text")
{
    InstalledLb installed;
    installed.config = "/etc/my balancer.yaml";
    installed.generic = true;
    installed.modes = 5;
    installed.generation = 41;
    installed.interfaces = {"eth0", "bond0.7"};
    installed.numbers = {{*parse_prefix("10.0.0.1"), 3}, {*parse_prefix("2001:db8::1"), 16383}};
    installed.counters = {{"192.0.2.1:80/tcp", 8}, {"[2001:db8::1]:53/udp", 4103}};
    installed.pools = {{"web", 0}, {"two words", 4097}};
    const auto read = parse_installed_lb(to_text(installed));
    REQUIRE_MESSAGE(read, read.error().what);
    CHECK(*read == installed);
}

TEST_CASE("a state of another kind is refused by name")
{
    for (const char* text : {"policy a\n", "backend x 10.0.0.1\n", "backend 1 10.0.0\n", "generation\n"})
        CHECK_FALSE(parse_installed_lb(text));
    CHECK(parse_installed_lb("policy a\n").error().what.find("'policy a'") != std::string::npos);
}
