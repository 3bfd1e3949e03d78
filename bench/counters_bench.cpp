// SPDX-License-Identifier: GPL-2.0-or-later
// What one look at the counters costs: our sampler beside nstat, our sysctl walk beside `sysctl -a`; CPU time, medians.
// Prints ratios and judges nothing: machines differ.
#include "base/median.h"
#include "host/collect.h"
#include "host/counter_sampler.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

extern char** environ;

namespace {

using namespace netwright;

double cpu_us(int who)
{
    rusage usage{};
    ::getrusage(who, &usage);
    const auto us = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return us(usage.ru_utime) + us(usage.ru_stime);
}

// CPU microseconds of one call; several at once, as the clock ticks coarsely.
double cost(int repeats, const std::function<void()>& work)
{
    std::vector<double> costs;
    for (int round = 0; round < 15; ++round) {
        const double before = cpu_us(RUSAGE_SELF);
        for (int i = 0; i < repeats; ++i)
            work();
        costs.push_back((cpu_us(RUSAGE_SELF) - before) / repeats);
    }
    return median(costs);
}

bool run_quietly(const std::vector<std::string>& command)
{
    std::vector<char*> arguments;
    for (const std::string& word : command)
        arguments.push_back(const_cast<char*>(word.c_str())); // posix_spawn does not write to them
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const int failed = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return false;
    int status = 0;
    ::waitpid(child, &status, 0);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 127);
}

// CPU microseconds of a whole program; nothing where it is not installed.
std::optional<double> cost_of_program(const std::vector<std::string>& command)
{
    std::vector<double> costs;
    for (int round = 0; round < 15; ++round) {
        const double before = cpu_us(RUSAGE_CHILDREN);
        if (!run_quietly(command)) return std::nullopt;
        costs.push_back(cpu_us(RUSAGE_CHILDREN) - before);
    }
    return median(costs);
}

void print_row(const char* what, double ours, const std::vector<std::string>& peer)
{
    std::string name;
    for (const std::string& word : peer)
        name += (name.empty() ? "" : " ") + word;
    if (const auto theirs = cost_of_program(peer))
        std::printf("%-34s %9.1f us   %-14s %9.1f us   ratio %.1f\n", what, ours, name.c_str(), *theirs,
                    *theirs / ours);
    else
        std::printf("%-34s %9.1f us   %-14s not installed\n", what, ours, name.c_str());
}

} // namespace

int main()
{
    auto kernel = kernel::Kernel::live();
    host::CounterSampler sampler(kernel);
    host::CounterSample last = sampler.sample();
    print_row("one sample of all core counters", cost(50, [&] { last = sampler.sample(); }), {"nstat", "-asz"});
    print_row("the same, opening every file", cost(50, [&] { last = host::CounterSampler(kernel).sample(); }),
              {"nstat", "-asz"});
    print_row("every sysctl", cost(3, [&] { (void)host::collect_sysctls(kernel); }), {"sysctl", "-a"});
    print_row("a whole snapshot, one sample", cost(3, [&] { (void)host::collect(kernel, {}); }), {"sysctl", "-a"});
}
