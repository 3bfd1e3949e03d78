// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/yaml_tree.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>

using namespace netwright;

namespace {

std::string complaint(std::string_view text)
{
    const auto tree = parse_yaml(text, "x.yaml");
    return tree ? "accepted" : tree.error().what;
}

std::string repeat(std::string_view piece, std::size_t times)
{
    std::string out;
    for (std::size_t i = 0; i < times; ++i)
        out += piece;
    return out;
}

} // namespace

TEST_CASE("a tree remembers what stood where, and what was quoted")
{
    const auto tree = parse_yaml("a: 1\nb:\n  - two\n  - \"3\"\nc: ~\n", "x.yaml");
    REQUIRE(tree);
    REQUIRE(tree->kind == YamlNode::Kind::Map);
    CHECK(tree->find("a")->text == "1");
    CHECK(tree->find("a")->kind == YamlNode::Kind::Plain);
    const YamlNode& b = *tree->find("b");
    REQUIRE(b.items.size() == 2);
    CHECK(b.items[1].kind == YamlNode::Kind::Quoted);
    CHECK(b.items[1].line == 4);
    CHECK(b.items[1].column == 5);
    CHECK(tree->find("c")->kind == YamlNode::Kind::Null);
    CHECK(tree->find("d") == nullptr);
}

TEST_CASE("text without any node is null")
{
    for (const char* text : {"", "\n\n", "# only a comment\n", "---\n"}) {
        CAPTURE(text);
        const auto tree = parse_yaml(text, "x.yaml");
        REQUIRE(tree);
        CHECK(tree->kind == YamlNode::Kind::Null);
    }
}

TEST_CASE("what settings do not need is refused at its place, on one line")
{
    CHECK(complaint("a: &x 1\nb: 2\n").starts_with("x.yaml:1:"));
    CHECK(complaint("a: 1\nb: *x\n").starts_with("x.yaml:2:4: "));
    CHECK(complaint("a: !!python/object 1\n").find("tags") != std::string::npos);
    CHECK(complaint("a: 1\na: 2\n").starts_with("x.yaml:2:1: 'a' stands here twice"));
    CHECK(complaint("? [a]\n: 1\n").find("a key must be a word") != std::string::npos);
    CHECK(complaint("a: 1\n---\nb: 2\n").find("second document") != std::string::npos);
    CHECK(complaint("a: [1, 2\n").starts_with("x.yaml:"));
    CHECK(complaint("a: \"open\n") == "x.yaml:1:4: this quote is never closed: was the file cut short?");
    CHECK(complaint("a: 'it''s open\n").starts_with("x.yaml:1:"));
    CHECK(complaint("a: \"closed \\\"\"\n") == "accepted");
    CHECK(complaint(std::string_view("a: 1\nb: \0\n", 10)).starts_with("x.yaml:2:4: control character 0x00"));
    CHECK(complaint("a: \xff\xfe\n").starts_with("x.yaml:1:4: not UTF-8"));
    CHECK(complaint("\x7f"
                    "ELF\x02")
              .starts_with("x.yaml:1:1: control character"));
    for (const char* bad :
         {"a: b: c", "\t- a", "- a\nb", "%YAML 9.9\n---\na: 1", "a: 'x", "{a, b", "]", ": :", "a: |9z"})
        CHECK(complaint(bad).find('\n') == std::string::npos);
}

TEST_CASE("hostile text costs a bounded amount of work")
{
    const std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\n";
    CHECK(complaint(laughs).find("anchors") != std::string::npos);
    CHECK(complaint(repeat("[", 17) + repeat("]", 17)).find("deeper than 16 levels") != std::string::npos);
    CHECK(complaint(repeat("[", 100'000)) != "accepted");
    CHECK(complaint(repeat("- ", 100'000)) != "accepted");
    CHECK(complaint("[" + repeat("x,", 150'000) + "]").find("more than 100,000 pieces") != std::string::npos);
    CHECK(complaint(std::string((1U << 20) + 1, ' ')).find("larger than 1 MiB") != std::string::npos);
    CHECK(complaint(std::string(1U << 20, 'a')) == "accepted");
}

TEST_CASE("whatever text is written reads back equal")
{
    const std::array<std::string, 40> texts{"",
                                            " ",
                                            "plain words",
                                            "123",
                                            "1e3",
                                            "0x10",
                                            "010",
                                            "1_000",
                                            "true",
                                            "Yes",
                                            "null",
                                            "~",
                                            "NaN",
                                            ".inf",
                                            "- a",
                                            "a: b",
                                            "a #b",
                                            "#",
                                            "it's",
                                            "say \"hi\"",
                                            "back\\slash",
                                            "tab\there",
                                            "line\nbreak",
                                            "\r\n",
                                            "\x01\x7f",
                                            "ünïcödé → é",
                                            "\xc2\x85 next line",
                                            "\xe2\x80\xa8 separator",
                                            "\xef\xbb\xbf mark",
                                            "[1, 2]",
                                            "{a: 1}",
                                            "&a",
                                            "*a",
                                            "!t",
                                            "%x",
                                            "@x",
                                            "`x",
                                            "ends with blank ",
                                            "2026-11-21",
                                            "12:30:45"};
    for (const std::string& text : texts) {
        CAPTURE(text);
        const auto tree = parse_yaml("a:\n  - " + yaml_text(text) + "\nb: " + yaml_list(std::span(&text, 1)), "x.yaml");
        REQUIRE(tree);
        CHECK(tree->find("a")->items[0].text == text);
        CHECK(tree->find("b")->items[0].text == text);
        CHECK(tree->find("b")->items[0].is_text());
    }
}

TEST_CASE("long prose is folded and reads back equal")
{
    const std::string sentence = "# The window: at most half of tcp_rmem[2]; \"twice\" 62.5 MB, 50 ms - that's why... ";
    std::string prose = repeat(sentence, 5);
    prose.pop_back();
    for (const std::string& text : {prose, prose + " ", prose + "  two blanks", prose + "\nsecond line", " " + prose,
                                    std::string(300, 'x'), repeat("\xc3\xa9 ", 99) + "e", prose + "\x01"}) {
        CAPTURE(text);
        const auto tree = parse_yaml("k:\n  - why: " + yaml_prose(text, 4) + "\n    next: 1\n", "x.yaml");
        REQUIRE(tree);
        CHECK(tree->find("k")->items[0].find("why")->text == text);
        CHECK(tree->find("k")->items[0].find("next")->text == "1");
    }
    CHECK(yaml_prose(prose, 4).starts_with(">-\n      # The window"));
}

TEST_CASE("bytes that are not UTF-8 become the replacement character")
{
    const auto tree = parse_yaml("a: " + yaml_text("x\xff\xc3y"), "x.yaml");
    REQUIRE(tree);
    CHECK(tree->find("a")->text == "x\xef\xbf\xbd\xef\xbf\xbdy");
}
