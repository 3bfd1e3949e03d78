// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lb run, and what announces its VIPs, as children of a test.
#pragma once

#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include "lb_network.h"

namespace netwright::test {

template <class Holds>
bool comes_true(Holds holds)
{
    for (int i = 0; i < 400; ++i) {
        if (holds()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
}

inline std::string text_of(const fs::path& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Soon sure, and never wrong on a busy machine; and one that changes its mind about nobody.
inline const std::string checked = "check: {type: tcp, port: 80, interval: 300ms, rise: 2, fall: 3}, ";
inline const std::string patient = "check: {type: tcp, port: 80, interval: 10s, timeout: 10s, fall: 100}, ";

// `netwright lb run lb.yaml` in the balancer's namespace.
class Supervisor {
public:
    explicit Supervisor(const Network& network, const std::string& name = "lb")
        : log_(network.directory / (name + ".log"))
    {
        const std::string config = (network.directory / (name + ".yaml")).string();
        child_ = ::fork();
        if (child_ != 0) return;
        const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ::dup2(log, 2);
        ::execl(NETWRIGHT_BINARY, "netwright", "--netns", space(name).c_str(), "lb", "run", config.c_str(),
                static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ~Supervisor()
    {
        if (child_ > 0) (void)end(SIGTERM);
    }
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;
    void signal(int number) const { REQUIRE(::kill(child_, number) == 0); }
    int end(int number)
    {
        (void)::kill(child_, number);
        return wait();
    }
    int wait() // its exit code, or the signal that ended it, negative
    {
        int status = 0;
        (void)::waitpid(std::exchange(child_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    bool said(const std::string& words) const
    {
        return comes_true([&] { return text_of(log_).find(words) != std::string::npos; });
    }
    std::string log() const { return text_of(log_); }

private:
    fs::path log_;
    pid_t child_ = -1;
};

// The letters of `count` new connections' backends.
inline std::string letters_of(int count)
{
    std::string letters;
    as_client([&] {
        for (int i = 0; i < count; ++i)
            letters += who(connected());
    });
    return letters;
}

// BIRD in the foreground of a namespace ("": the router's).
class BirdDaemon {
public:
    BirdDaemon(const Network& network, const std::string& name, const std::string& config)
    {
        const fs::path file = network.directory / ("bird-" + name + ".conf"), control = control_of(network, name);
        const std::string patience = "connect delay time 1; connect retry time 1; error wait time 1, 2;";
        std::ofstream(file) << "log \"" << (network.directory / ("bird-" + name + ".log")).string()
                            << "\" all;\nprotocol device {}\ntemplate bgp soon { " << patience << " }\n"
                            << config;
        child_ = ::fork();
        if (child_ != 0) return;
        if (name != "router") move_to(name);
        ::execl("/usr/sbin/bird", "bird", "-f", "-c", file.c_str(), "-s", control.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ~BirdDaemon()
    {
        (void)::kill(child_, SIGTERM);
        (void)::waitpid(child_, nullptr, 0);
    }
    BirdDaemon(const BirdDaemon&) = delete;
    BirdDaemon& operator=(const BirdDaemon&) = delete;
    static std::string control_of(const Network& network, const std::string& name)
    {
        return (network.directory / ("bird-" + name + ".ctl")).string();
    }

private:
    pid_t child_ = -1;
};

} // namespace netwright::test
