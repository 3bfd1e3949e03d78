// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/sysctl.h"

#include <doctest/doctest.h>

using namespace netwright;

namespace {

SysctlTable table()
{
    return SysctlTable({{"net.ipv4.tcp_rmem", "4096\t131072\t33554432"},
                        {"net.core.somaxconn", "4096"},
                        {"net.ipv4.route.flush", fail(Error::Kind::Refused, "can only be written", 13)},
                        {"net.ipv4.tcp_congestion_control", "cubic"},
                        {"net.ipv4.ip_local_reserved_ports", ""}});
}

} // namespace

TEST_CASE("a sysctl is found by its key, whatever the order it came in")
{
    const SysctlTable sysctls = table();
    REQUIRE(sysctls.find("net.core.somaxconn"));
    CHECK(sysctls.all().front().key == "net.core.somaxconn");
    CHECK(sysctls.find("net.core.somaxcon") == nullptr);
    CHECK(sysctls.find("net.core.somaxconn.") == nullptr);
    CHECK(SysctlTable().find("net.core.somaxconn") == nullptr);
}

TEST_CASE("a key this kernel does not have is absent, one that cannot be read keeps its reason")
{
    const auto absent = table().number("net.ipv4.tcp_tw_recycle");
    REQUIRE_FALSE(absent);
    CHECK(absent.error().kind == Error::Kind::Absent);
    CHECK(absent.error().what.find("net.ipv4.tcp_tw_recycle") != std::string::npos);
    const SysctlTable sysctls = table();
    const auto refused = sysctls.text("net.ipv4.route.flush");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Error::Kind::Refused);
    CHECK(refused.error().code == 13);
}

TEST_CASE("numbers are read from tabs and blanks; words and nothing are no numbers")
{
    const SysctlTable sysctls = table();
    CHECK(sysctls.number("net.ipv4.tcp_rmem").value() == 4096);
    CHECK(sysctls.numbers("net.ipv4.tcp_rmem").value() == std::vector<std::int64_t>{4096, 131072, 33554432});
    CHECK(sysctls.numbers("net.ipv4.ip_local_reserved_ports").value().empty());
    const auto word = sysctls.number("net.ipv4.tcp_congestion_control");
    REQUIRE_FALSE(word);
    CHECK(word.error().kind == Error::Kind::Malformed);
    CHECK(sysctls.number("net.ipv4.ip_local_reserved_ports").error().kind == Error::Kind::Malformed);
    CHECK(sysctls.numbers("net.ipv4.tcp_congestion_control").error().kind == Error::Kind::Malformed);
}
