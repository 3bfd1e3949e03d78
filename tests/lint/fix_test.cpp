// SPDX-License-Identifier: GPL-2.0-or-later
#include "lint/fix.h"
#include "lint/lint_sheet.h"

using namespace netwright;

namespace {

lint::FixedText fix(const std::string& text)
{
    const SourceText source{"test.conf", text, {}, false};
    return lint::fixed(source, 0, lint_text_of(text));
}

} // namespace

TEST_CASE("a fix keeps comments, order and line endings")
{
    CHECK(fix("# top\r\nnet.core.somaxcon = 8192\r\n\r\n# end\r\n").text ==
          "# top\r\nnet.core.somaxconn = 8192\r\n\r\n# end\r\n");
    CHECK(fix("a.b = 1\nnet.ipv4.tcp_tw_recycle = 1\nc.d = 2").text ==
          "a.b = 1\n# net.ipv4.tcp_tw_recycle = 1\nc.d = 2");
    CHECK(fix("net.ipv4.tcp_rmem=4096\t87380  67108864").text == "net.ipv4.tcp_rmem=4096 131072 67108864");
    CHECK(fix("net.core.default_qdisc = fq  # pacing\n").text == "# pacing\nnet.core.default_qdisc = fq\n");
    CHECK(fix("net.ipv4.conf.all.send_redirects = 0\n").text ==
          "net.ipv4.conf.all.send_redirects = 0\nnet.ipv4.conf.default.send_redirects = 0\n");
    CHECK(fix("net.ipv4.conf.all.send_redirects = 0").text ==
          "net.ipv4.conf.all.send_redirects = 0\nnet.ipv4.conf.default.send_redirects = 0");
    CHECK(fix("\xef\xbb\xbfnet.core.rmem_max = 64M\n").text == "net.core.rmem_max = 67108864\n");
    CHECK(fix("\xef\xbb\xbfnet.ipv4.tcp_fack = 1\n").text == "# net.ipv4.tcp_fack = 1\n");
}

TEST_CASE("what needs no fix stays byte for byte")
{
    const std::string text = "\n\n \t# x\r\nnet.ipv4.tcp_mtu_probing=1 \n\n";
    const auto result = fix(text);
    CHECK(result == lint::FixedText{text, "", 0});
}

TEST_CASE("a fixed text has nothing left to fix")
{
    for (const std::string text :
         {"net.ipv4.tcp_timestamps = 0\nnet.ipv4.tcp_timestamps = 0\n", "net.core.somaxconn = 128 # few\n",
          "net.ipv4.tcp_rmem = 4096 87380 625000\nnet.core.rmem_default = 16777216\n",
          "net.ipv6.conf.all.accept_ra = 0\nnet.ipv4.conf.all.secure_redirects = 0\n",
          "net.core.default_qdisc = fq # a\nnet.ipv4.tcp_wmem = 4096 65536 67108864 # b\n"}) {
        CAPTURE(text);
        const auto once = fix(text);
        CHECK(once.lines > 0);
        CHECK(fix(once.text).lines == 0);
    }
}

TEST_CASE("the difference is a unified diff with three lines around each change")
{
    std::string text = "net.core.somaxcon = 8192\n";
    for (int i = 0; i < 20; ++i)
        text += "# " + std::to_string(i) + "\n";
    text += "net.ipv4.tcp_fack = 1";
    const auto result = fix(text);
    CHECK(result.lines == 2);
    CHECK(result.diff == "--- test.conf\n+++ test.conf (fixed)\n"
                         "@@ -1,4 +1,4 @@\n-net.core.somaxcon = 8192\n+net.core.somaxconn = 8192\n # 0\n # 1\n # 2\n"
                         "@@ -19,4 +19,4 @@\n # 17\n # 18\n # 19\n-net.ipv4.tcp_fack = 1\n\\ No newline at end of "
                         "file\n+# net.ipv4.tcp_fack = 1\n\\ No newline at end of file\n");
}

TEST_CASE("places outside the text are passed over")
{
    const SourceText source{"x", "a = 1\n", {}, false};
    const std::vector<Diagnostic> wild{
        {"r", Level::Note, 0, {9, 1, 1}, "", "", {TextFix::What::Replace, {9, 1, 1}, "y", "w"}},
        {"r", Level::Note, 0, {1, 3, 90}, "", "", {TextFix::What::Replace, {1, 3, 90}, "y", "w"}},
        {"r", Level::Note, 1, {1, 1, 1}, "", "", {TextFix::What::CommentOut, {1, 1, 1}, "", "w"}}};
    CHECK(lint::fixed(source, 0, wild).text == source.text);
}
