// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/sysctl_line.h"

#include <doctest/doctest.h>

using namespace netwright;

TEST_CASE("a line comes apart into views of itself")
{
    const std::string_view text = "  -net.core.somaxconn = 4096 \r";
    const SysctlLine line = parse_sysctl_line(text);
    CHECK(line.kind == SysctlLine::Kind::Setting);
    CHECK(line.ignore_failure);
    CHECK(line.key == "net.core.somaxconn");
    CHECK(line.value == "4096");
    CHECK(line.key.data() - text.data() == 3);
    CHECK(line.value.data() - text.data() == 24);
}

TEST_CASE("blank lines, comments, exclusions and nonsense are told apart")
{
    using Kind = SysctlLine::Kind;
    CHECK(parse_sysctl_line("").kind == Kind::Blank);
    CHECK(parse_sysctl_line(" \t\r").kind == Kind::Blank);
    CHECK(parse_sysctl_line("# a = b").kind == Kind::Blank);
    CHECK(parse_sysctl_line(";a = b").kind == Kind::Blank);
    CHECK(parse_sysctl_line("- net.ipv4.conf.eth0.forwarding").kind == Kind::Exclusion);
    CHECK(parse_sysctl_line("a=").value.empty());
    for (const std::string_view text : {"nonsense", "-", "= 1", "-= 1", "a b = 1"}) {
        CAPTURE(text);
        CHECK(parse_sysctl_line(text).kind == Kind::Malformed);
        CHECK_FALSE(parse_sysctl_line(text).problem.empty());
    }
}

TEST_CASE("the separator that comes first separates")
{
    CHECK(dotted_sysctl_key("net/ipv4/conf/eth0.100/forwarding") == "net.ipv4.conf.eth0/100.forwarding");
    CHECK(dotted_sysctl_key("net.ipv4.conf.eth0/100.forwarding") == "net.ipv4.conf.eth0/100.forwarding");
    CHECK(dotted_sysctl_key("kernel") == "kernel");
}
