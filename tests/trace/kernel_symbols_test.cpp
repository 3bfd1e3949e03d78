// SPDX-License-Identifier: GPL-2.0-or-later
// Finding functions by address.
#include "trace/kernel_symbols.h"

#include <doctest/doctest.h>

using netwright::trace::parse_symbols;

TEST_CASE("an address belongs to the function that begins before it, whatever the order of lines")
{
    constexpr auto text = "ffffffff81000000 T _text\n"
                          "ffffffff82000000 T tcp_v4_rcv\n"
                          "ffffffff83000000 D some_data\n"
                          "ffffffffc0000100 t later\t[module]\n"
                          "ffffffffc0000000 t earlier\t[module]\n";
    const auto found =
        parse_symbols(text, {0xffffffff82000123, 0xffffffff83000001, 0xffffffffc0000050, 0xffffffffc0000100});
    CHECK(found.at(0xffffffff82000123) == "tcp_v4_rcv");
    CHECK(found.at(0xffffffff83000001) == "tcp_v4_rcv");
    CHECK(found.at(0xffffffffc0000050) == "earlier");
    CHECK(found.at(0xffffffffc0000100) == "later");
}

TEST_CASE("hidden addresses, broken lines and addresses below all symbols give no name")
{
    CHECK(parse_symbols("0000000000000000 T tcp_v4_rcv\n", {0xffffffff82000123}).at(0xffffffff82000123).empty());
    CHECK(parse_symbols("not a line\nffffffff82000000\nffffffff82000000 T\n", {0xffffffff82000123})
              .at(0xffffffff82000123)
              .empty());
    CHECK(parse_symbols("ffffffff82000000 T tcp_v4_rcv\n", {0x1000}).at(0x1000).empty());
    CHECK(parse_symbols("", {}).empty());
}
