// SPDX-License-Identifier: GPL-2.0-or-later
// Completion as a shell asks for it, and the scripts in the shells themselves where they are installed.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/program.h"

namespace {

std::vector<std::string> lines(const std::string& text)
{
    std::vector<std::string> all;
    std::size_t at = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; at = end + 1, end = text.find('\n', at))
        all.push_back(text.substr(at, end - at));
    return all;
}

std::vector<std::string> completed(std::vector<std::string> words)
{
    std::vector<std::string> command{NETWRIGHT_BINARY, "completion", "--words", "--"};
    command.insert(command.end(), words.begin(), words.end());
    const auto output = support::run(command);
    CAPTURE(output.out);
    REQUIRE(output.status == 0);
    return lines(output.out);
}

bool holds(const std::vector<std::string>& words, const std::string& word)
{
    return std::ranges::find(words, word) != words.end();
}

using Words = std::vector<std::string>;

} // namespace

TEST_CASE("commands, flags, values, parameters, counters and tunables are completed")
{
    CHECK(completed({"expl"}) == Words{"explain"});
    CHECK(holds(completed({""}), "lint"));
    CHECK(completed({"lint", "--fail"}) == Words{"--fail-on"});
    CHECK(holds(completed({"lint", "--"}), "--color")); // flags of all commands as well
    CHECK(completed({"plan", "--risk", "me"}) == Words{"medium"});
    CHECK(completed({"plan", "--risk", "=", "me"}) == Words{"medium"}); // how bash splits --risk=me
    CHECK(completed({"plan", "--workload", "web-server,datab"}) == Words{"web-server,database"});
    CHECK(completed({"explain", "net.core.somax"}) == Words{"net.core.somaxconn"});
    CHECK(completed({"explain", "NO_SOC"}) == Words{"NO_SOCKET"});
    CHECK(completed({"explain", "TcpExtListenO"}) == Words{"TcpExtListenOverflows"});
    CHECK(completed({"get", "link/lo/mt"}) == Words{"link/lo/mtu"});
    CHECK(completed({"rules", "listen-queue-over"}) == Words{"listen-queue-overflow"});
    CHECK(completed({"completion", "z"}) == Words{"zsh"});
    CHECK(completed({"diagnose", "drops", "re"}) == Words{"refused", "resets"});
    CHECK(completed({"lint", "--fail-on", "no"}) == Words{"note"});
    CHECK(completed({"--color", "n"}) == Words{"never"});
    CHECK(completed({"apply", "plan"}).empty()); // a file: the shell's business
    CHECK(completed({"nonsense", "x"}).empty());
}

TEST_CASE("bash completes with the script")
{
    const std::string script = std::string("source <(") + NETWRIGHT_BINARY + " completion bash); COMP_WORDS=(" +
                               NETWRIGHT_BINARY +
                               " explain net.core.somax); COMP_CWORD=2; _netwright; printf '%s\\n' \"${COMPREPLY[@]}\"";
    const auto output = support::run({"bash", "-c", script});
    CAPTURE(output.out);
    CHECK(output.out == "net.core.somaxconn\n");
}

bool has_shell(const std::string& name)
{
    if (support::run({"sh", "-c", "command -v " + name}).status == 0) return true;
    MESSAGE("skipped: " << name << " is not installed");
    return false;
}

// The directory of the program under test goes first: the scripts call what was typed.
const std::string path =
    "PATH=" + std::string(NETWRIGHT_BINARY).substr(0, std::string(NETWRIGHT_BINARY).rfind('/')) + ":$PATH; ";

TEST_CASE("zsh completes with the script, sourced or found in $fpath, at the first Tab")
{
    if (!has_shell("zsh")) return;
    // Stand-ins for what only an interactive zsh has: they print what would be offered.
    const std::string pretend = path + "compdef() { :; }; compadd() { print -rl -- ${(P)argv[-1]}; }; "
                                       "words=(netwright explain net.core.somax); CURRENT=3; ";
    const auto sourced = support::run({"zsh", "-fc",
                                       pretend + "source <(netwright completion zsh); _netwright; words=(netwright "
                                                 "lint /etc/hos); _files() { print files; }; _netwright"});
    CHECK(sourced.out == "net.core.somaxconn\nfiles\n");
    const auto found =
        support::run({"zsh", "-fc",
                      pretend + "d=$(mktemp -d); netwright completion zsh > $d/_netwright; fpath=($d $fpath); "
                                "autoload -U _netwright; _netwright; _netwright; rm -r $d"});
    CHECK(found.out == "net.core.somaxconn\nnet.core.somaxconn\n");
}

TEST_CASE("fish completes with the script")
{
    if (!has_shell("fish")) return;
    const auto output = support::run({"sh", "-c",
                                      path + "export PATH; fish --no-config -c 'netwright completion fish | source; "
                                             "complete -C \"netwright explain net.core.somax\"'"});
    CHECK(output.out == "net.core.somaxconn\n");
}

TEST_CASE("a shell nobody knows is refused with those there are")
{
    const auto output = support::run({NETWRIGHT_BINARY, "completion", "csh"});
    CHECK(output.status == 2);
    CHECK(output.out == "netwright: no completion for 'csh': there are bash, zsh and fish\n");
}
