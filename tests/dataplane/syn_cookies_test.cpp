// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/syn_cookies.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

TEST_CASE("cookies are handed out only where the kernel takes them back, and the reason says what is in the way")
{
    CHECK(takes_cookies({"1", ""}));
    CHECK(takes_cookies({"2", "1"}));
    const auto absent = takes_cookies({"", ""});
    REQUIRE_FALSE(absent);
    CHECK(absent.error().kind == Error::Kind::Unsupported);
    CHECK(absent.error().what.find("CONFIG_SYN_COOKIES") != std::string::npos);
    CHECK(takes_cookies({"0", ""}).error().what.find("net.ipv4.tcp_syncookies 1") != std::string::npos);
    CHECK(takes_cookies({"1", "0"}).error().what.find("nf_conntrack_tcp_loose 1") != std::string::npos);
}

TEST_CASE("what cookies cost, and what connection tracking makes of them, is said")
{
    CHECK(cookie_doubts({"1", ""}).empty());
    CHECK(cookie_doubts({"2", ""}).size() == 1);
    CHECK(cookie_doubts({"2", "1"}).size() == 2);
}
