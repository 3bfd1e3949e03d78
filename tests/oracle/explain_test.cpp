// SPDX-License-Identifier: GPL-2.0-or-later
// explain as people run it: this host's value is sysctl's, files are named with their lines, and errors help.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/program.h"

namespace fs = std::filesystem;

namespace {

support::Output netwright(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), NETWRIGHT_BINARY);
    return support::run(arguments);
}

nlohmann::json explained(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), {"explain", "--json"});
    const auto output = netwright(arguments);
    CAPTURE(output.out);
    REQUIRE(output.status == 0);
    return nlohmann::json::parse(output.out)["explanations"];
}

// A captured host whose files set one key three times.
class Tree {
public:
    Tree()
    {
        write("etc/sysctl.d/10-first.conf", "# ours\nnet.core.somaxconn = 1024\n");
        write("etc/sysctl.d/99-last.conf", "net.core.somaxconn = 512\nnet.ipv4.conf.*.rp_filter = 2\n");
        write("proc/sys/net/core/somaxconn", "512\n");
        write("proc/sys/net/ipv4/conf/eth0/rp_filter", "2\n");
        write("proc/sys/net/ipv4/conf/all/rp_filter", "0\n");
    }
    ~Tree()
    {
        std::error_code ignored;
        fs::remove_all(root, ignored);
    }
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;

    const fs::path root = fs::temp_directory_path() / ("nw-explain-" + std::to_string(::getpid()));

private:
    void write(const std::string& path, const std::string& text) const
    {
        fs::create_directories((root / path).parent_path());
        std::ofstream(root / path) << text;
    }
};

} // namespace

TEST_CASE("the value told is the one sysctl tells")
{
    const auto told = explained({"net.ipv4.tcp_rmem"});
    std::string value = support::must("sysctl -n net.ipv4.tcp_rmem");
    std::ranges::replace(value, '\t', ' ');
    CHECK(told[0]["here"][0]["value"].get<std::string>() + "\n" == value);
}

TEST_CASE("the files that set a key are named with their lines, and the last one wins")
{
    const Tree tree;
    const auto told = explained({"net.core.somaxconn", "--root", tree.root.string(), "--kernel", "5.3"});
    CHECK(told[0]["here"][0]["value"] == "512");
    CHECK(told[0]["default"]["value"] == "128"); // 5.3's
    const auto& files = told[0]["set_by"];
    REQUIRE(files.size() == 2);
    CHECK(files[0]["path"].get<std::string>().ends_with("/etc/sysctl.d/10-first.conf"));
    CHECK(files[0]["line"] == 2);
    CHECK(files[0]["wins"] == false);
    CHECK(files[1]["wins"] == true);
    CHECK(files[1]["read_at_boot"] == true);
}

TEST_CASE("a file that nothing reads at boot is not said to be overridden")
{
    const Tree tree;
    std::ofstream(tree.root / "etc/sysctl.conf") << "net.ipv4.tcp_sack = 0\n";
    const auto output = netwright({"explain", "tcp_sack", "--root", tree.root.string(), "--kernel", "6.12"});
    CHECK(output.out.find("/etc/sysctl.conf line 1: net.ipv4.tcp_sack = 0") != std::string::npos);
    CHECK(output.out.find("not read at boot") != std::string::npos);
    CHECK(output.out.find("overridden") == std::string::npos);
}

TEST_CASE("one interface's key shows that interface, the kind shows all")
{
    const Tree tree;
    const std::vector<std::string> where{"--root", tree.root.string(), "--kernel", "6.1"};
    auto one = where, all = where;
    one.insert(one.begin(), "net.ipv4.conf.eth0.rp_filter");
    all.insert(all.begin(), "rp_filter");
    const auto told = explained(one);
    REQUIRE(told[0]["here"].size() == 1);
    CHECK(told[0]["here"][0]["value"] == "2");
    CHECK(told[0]["set_by"].size() == 1); // the pattern
    CHECK(explained(all)[0]["here"].size() == 2);
}

TEST_CASE("what is not known is answered with what is near, and what is typed wrong with a usage error")
{
    const auto misspelt = netwright({"explain", "net.ipv4.tcp_rmen"});
    CHECK(misspelt.status == 2);
    CHECK(misspelt.out.find("did you mean net.ipv4.tcp_rmem") != std::string::npos);
    CHECK(netwright({"explain"}).status == 2);
    CHECK(netwright({"explain", "zzz"}).status == 2);
    CHECK(netwright({"explain", "--kernel", "new", "somaxconn"}).status == 2);
    CHECK(netwright({"explain", "--search", "keepalive probes"}).out.find("tcp_keepalive_probes") != std::string::npos);
    CHECK(netwright({"explain", "--search", "keepalive xyzzy"}).status == 2);
}

TEST_CASE("globs, counters, drop reasons, driver words and addresses are all names")
{
    CHECK(explained({"net.ipv4.tcp_*mem"}).size() == 3);
    CHECK(explained({"TcpExtListenOverflows"})[0]["here"][0].contains("value"));
    CHECK(explained({"NO_SOCKET"})[0]["kind"] == "drop reason");
    CHECK(explained({"rx_out_of_buffer"})[0]["name"] == "driver.no-buffer");
    CHECK(explained({"link/lo/mtu"})[0]["here"][0]["value"] == "65536");
}
