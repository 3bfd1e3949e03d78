// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"
#include "report/terminal.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::report;

TEST_CASE("colour appears only when it is asked for")
{
    CHECK(paint("HIGH", Tone::Red, Style{.colour = false}) == "HIGH");
    CHECK(paint("HIGH", Tone::Red, Style{.colour = true}) == "\033[31mHIGH\033[0m");
    CHECK(paint("", Tone::Red, Style{.colour = true}).empty());
}

TEST_CASE("columns count characters, not bytes; wide ones twice and combining ones not at all")
{
    CHECK(columns("eth0") == 4);
    CHECK(columns("a → b") == 5);
    CHECK(columns("日本") == 4);
    CHECK(columns("e\u0301") == 1);
    CHECK(columns("\xff\xfe") == 2);
    CHECK(padded("é", 3) == "é  ");
    CHECK(padded("long", 2) == "long");
}

TEST_CASE("a name from the host cannot smuggle an escape sequence, a newline or broken UTF-8 into the terminal")
{
    CHECK(printable("nginx\033[2J\n") == "nginx [2J ");
    CHECK(printable("a\xff"
                    "b") == "a\uFFFDb");
    CHECK(printable("\xc0\xaf") == "\uFFFD\uFFFD");                     // overlong '/'
    CHECK(printable("\xed\xa0\x80").find('\xed') == std::string::npos); // a surrogate
    CHECK(printable("\xe2\x82") == "\uFFFD\uFFFD");                     // cut short
    CHECK(printable("x\u202Ey") == "x y");                              // right-to-left override
    CHECK(printable("\u009b") == " ");                                  // the one-character CSI
    CHECK(printable("größe → 日本") == "größe → 日本");
}

TEST_CASE("wrapped lines keep to the width, and long words stay whole")
{
    const auto lines = wrap("the quick brown fox  /proc/sys/net/ipv4/tcp_rmem jumps", 12);
    CHECK(lines == std::vector<std::string>{"the quick", "brown fox", "/proc/sys/net/ipv4/tcp_rmem", "jumps"});
    CHECK(wrap("", 10) == std::vector<std::string>{""});
    CHECK(wrap("one\ntwo", 10) == std::vector<std::string>{"one", "two"});
    CHECK(wrap("→→→ →→→", 7) == std::vector<std::string>{"→→→ →→→"});
    CHECK(wrap("→→→ →→→", 6) == std::vector<std::string>{"→→→", "→→→"});
}

TEST_CASE("text hangs beside its label, and nothing is written for an empty text")
{
    const Style style{.width = 30};
    CHECK(hanging("  why", "one two three four five six seven", 8, style) == "  why   one two three four\n"
                                                                             "        five six seven\n");
    CHECK(hanging("  why", "  ", 8, style).empty());
}

TEST_CASE("a table aligns its columns by what is widest and wraps the last")
{
    const Style style{.width = 40};
    const std::string text =
        table({{"ID", "STATE", "NOTE"}, {"7", "kept", "a note that is longer than the rest of the line"}}, style);
    CHECK(text == "ID  STATE  NOTE\n"
                  "7   kept   a note that is longer than\n"
                  "           the rest of the line\n");
    CHECK(table({}, style).empty());
}

TEST_CASE("a table in a very narrow window still shows every word")
{
    const std::string text =
        table({{"RULE", "QUESTION"}, {"a-rather-long-rule-name", "does it fit?"}}, Style{.width = 10});
    CHECK(text.find("does it fit?") != std::string::npos);
}

TEST_CASE("counts agree with their nouns, and long lists are cut with their rest counted")
{
    CHECK(counted(2, "class") == "2 classes");
    CHECK(counted(1, "prefix") == "1 prefix");
    CHECK(counted(1, "rule") == "1 rule");
    CHECK(counted(0, "rule") == "0 rules");
    CHECK(first_few({"a", "b", "c"}, 2) == "a, b and 1 more");
    CHECK(first_few({"a", "b"}, 2) == "a, b");
    CHECK(first_few({}, 2).empty());
}
