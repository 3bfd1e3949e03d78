// SPDX-License-Identifier: GPL-2.0-or-later
// Two veth pairs, and netwright filter as people type it.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/private_bpffs.h"
#include "support/program.h"

namespace netwright::test {

namespace fs = std::filesystem;

// This namespace has nwa (10.9.0.1) and nwc; beside it lies one with nwb (10.9.0.2).
class Desk {
public:
    Desk()
    {
        support::enter_private_bpffs();
        fs::create_directories(directory);
        support::must("ip netns add " + beside);
        support::must("ip link add nwa type veth peer name nwb netns " + beside);
        support::must("ip link add nwc type veth peer name nwd netns " + beside);
        for (const char* line : {"link set nwa up", "link set nwc up", "addr add 10.9.0.1/24 dev nwa"})
            support::must(std::string("ip ") + line);
        for (const char* line : {"link set nwb up", "link set nwd up", "addr add 10.9.0.2/24 dev nwb"})
            support::must("ip -n " + beside + " " + line);
        for (int i = 0; i < 50 && !pings(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(20)); // carrier
    }
    ~Desk()
    {
        (void)run("filter off");
        (void)run("lb off");
        (void)support::run({"ip", "link", "del", "nwa"});
        (void)support::run({"ip", "link", "del", "nwc"});
        (void)support::run({"ip", "netns", "del", beside});
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    support::Output shell(const std::string& line) const
    {
        return support::run({"sh", "-c", "cd " + directory.string() + " && " + line});
    }
    // An empty SSH_CONNECTION: whoever runs this test over ssh is not looked for.
    support::Output run(const std::string& arguments, const std::string& environment = "env SSH_CONNECTION=") const
    {
        return shell(environment + " " + NETWRIGHT_BINARY + " --state-dir " + (directory / "state").string() + " " +
                     arguments);
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream(directory / name) << text; }
    bool pings() const { return shell("ip netns exec " + beside + " ping -c 1 -W 0.3 10.9.0.1").status == 0; }
    std::uint64_t counted(const std::string& name) const
    {
        const auto stats = run("filter stats --json");
        REQUIRE_MESSAGE(stats.status == 0, stats.out);
        const auto json = nlohmann::json::parse(stats.out);
        return json.contains(name) ? json[name]["packets"].get<std::uint64_t>() : 0;
    }
    bool attached(const std::string& interface) const
    {
        return support::must("ip -d link show " + interface).find("xdp") != std::string::npos;
    }

    std::string beside = "nwf-" + std::to_string(::getpid());
    fs::path directory = fs::temp_directory_path() / ("netwright-filter-" + std::to_string(::getpid()));
};

// The calling process becomes netwright, silently.
[[noreturn]] inline void become(const Desk& desk, const std::string& arguments)
{
    const int nothing = ::open("/dev/null", O_RDWR);
    ::dup2(nothing, STDOUT_FILENO);
    ::dup2(nothing, STDERR_FILENO);
    (void)!::chdir(desk.directory.c_str());
    ::setenv("SSH_CONNECTION", "", 1);
    std::vector<std::string> words = support::words(NETWRIGHT_BINARY + std::string(" --state-dir state ") + arguments);
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
}

inline constexpr const char* no_ping = "{interfaces: [nwa], rules: [{name: no-ping, protocol: icmp, verdict: drop}]}";

} // namespace netwright::test
