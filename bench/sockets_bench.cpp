// SPDX-License-Identifier: GPL-2.0-or-later
// What seeing sockets costs on a host with many: netwright's collectors beside ss, in one namespace, in one run.
// Holder processes, as many as RLIMIT_NOFILE asks for, open the sockets in a namespace of their own; every measured run
// is a fresh process, so that CPU time (wait4) and peak memory are its alone. "nothing" is the same binary without a
// collector: the base for memory.
//     sockets_bench [--sockets N] [--slow]        --slow: also ss -tinp, which needs ten seconds for 100,000
#include "base/median.h"
#include "host/collect.h"
#include "host/socket_owners.h"
#include "host/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

using namespace netwright;

namespace {

[[noreturn]] void give_up(const char* what)
{
    fmt::print(stderr, "sockets_bench: {}: {}\n", what, std::strerror(errno));
    std::_Exit(1);
}

// ---- the sockets ----

constexpr std::uint16_t port = 9000;
constexpr int most_connections = 20'000; // of a holder: below the 28,232 ephemeral ports to one destination

void bring_loopback_up()
{
    const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (::ioctl(any.get(), SIOCSIFFLAGS, &request) < 0) give_up("bring lo up");
}

// How many connections one holder keeps, both ends of each.
int connections_a_holder()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) < 0) give_up("raise RLIMIT_NOFILE");
    const auto files = std::min<rlim_t>(limit.rlim_max, 2 * most_connections + 100);
    return static_cast<int>(files - 100) / 2;
}

void open_connections(int holder, int count)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(0x7f000001U + static_cast<unsigned>(holder));
    const auto* const there = reinterpret_cast<const sockaddr*>(&address);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::bind(listener, there, sizeof address) < 0 || ::listen(listener, 128) < 0) give_up("listen");
    for (int i = 0; i < count; ++i) {
        const int client = ::socket(AF_INET, SOCK_STREAM, 0);
        if (client < 0 || ::connect(client, there, sizeof address) < 0) give_up("connect");
        if (::accept(listener, nullptr, nullptr) < 0) give_up("accept");
    }
}

void enter_namespace_of(pid_t holder)
{
    const Fd ns(::open(fmt::format("/proc/{}/ns/net", holder).c_str(), O_RDONLY | O_CLOEXEC));
    if (!ns || ::setns(ns.get(), CLONE_NEWNET) < 0) give_up("enter the holder's namespace");
}

// Ends with the benchmark, however that ends.
pid_t start_holder(int number, int connections, pid_t first)
{
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) < 0) give_up("pipe");
    const pid_t holder = ::fork();
    if (holder < 0) give_up("fork");
    if (holder == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (first != 0) {
            enter_namespace_of(first);
        } else {
            if (::unshare(CLONE_NEWNET) < 0) give_up("make a network namespace (needs root)");
            bring_loopback_up();
        }
        open_connections(number, connections);
        (void)!::write(ready[1], "x", 1);
        for (;;)
            ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) std::_Exit(1); // the holder has said why
    ::close(ready[0]);
    return holder;
}

std::vector<pid_t> start_holders(int sockets)
{
    std::vector<pid_t> holders;
    const int share = connections_a_holder();
    for (int left = sockets / 2; left > 0; left -= share) {
        const int number = static_cast<int>(holders.size());
        holders.push_back(start_holder(number, std::min(left, share), holders.empty() ? 0 : holders.front()));
    }
    return holders;
}

// ---- the measured processes ----

int collect(std::string_view what)
{
    if (what == "nothing") return 0;
    auto kernel = kernel::Kernel::live();
    if (what == "listeners") return host::collect_listeners(kernel) ? 0 : 1;
    const auto sockets = host::collect_sockets(kernel);
    if (!sockets) return 1;
    if (what == "summary") return 0;
    const auto source = what == "owners" ? host::OwnerSource::Best : host::OwnerSource::DescriptorsOnly;
    const auto owners = host::collect_connection_owners(kernel, source);
    return owners && !owners->most.empty() ? 0 : 1;
}

struct Cost {
    double cpu_ms = 0, wall_ms = 0, peak_mib = 0;
};

Cost run_once(const std::vector<std::string>& command)
{
    const auto start = std::chrono::steady_clock::now();
    const pid_t child = ::fork();
    if (child < 0) give_up("fork");
    if (child == 0) {
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        ::dup2(null, STDOUT_FILENO);
        std::vector<char*> words;
        for (const auto& word : command)
            words.push_back(const_cast<char*>(word.c_str()));
        words.push_back(nullptr);
        ::execvp(words[0], words.data());
        give_up(words[0]);
    }
    int status = 0;
    rusage usage{};
    if (::wait4(child, &status, 0, &usage) < 0) give_up("wait4");
    const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - start;
    if (status != 0) fmt::print(stderr, "sockets_bench: '{}' failed\n", fmt::join(command, " "));
    const auto ms = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    };
    return {ms(usage.ru_utime) + ms(usage.ru_stime), wall.count(), static_cast<double>(usage.ru_maxrss) / 1024};
}

Cost median_of(const std::vector<std::string>& command, int rounds)
{
    std::vector<double> cpu, wall, peak;
    for (int i = 0; i < rounds; ++i) {
        const Cost cost = run_once(command);
        cpu.push_back(cost.cpu_ms);
        wall.push_back(cost.wall_ms);
        peak.push_back(cost.peak_mib);
    }
    return {median(cpu), median(wall), median(peak)};
}

// ---- the table ----

struct Row {
    const char* collector; // of ours
    const char* question;
    std::vector<std::string> peer;
    bool slow = false;
};

const std::vector<Row>& rows()
{
    static const std::vector<Row> all{
        {"listeners", "listeners: queue, limit, drops, owner", {"ss", "-tln"}},
        {"summary", "all sockets, with tcp_info, summed up", {"ss", "-tin"}},
        {"owners", "the same, and owners through BPF", {"ss", "-tinp"}, true},
        {"owners-files", "the same, and owners through /proc", {"ss", "-tinp"}, true},
    };
    return all;
}

void print_cost(std::string_view name, const Cost& cost, double base_mib)
{
    fmt::print("  {:<44} {:>9.1f} {:>9.1f} {:>11.1f}\n", name, cost.cpu_ms, cost.wall_ms, cost.peak_mib - base_mib);
}

void compare(const Row& row, bool slow, const Cost& base)
{
    const Cost ours = median_of({"/proc/self/exe", "--collect", row.collector}, 9);
    print_cost(row.question, ours, base.peak_mib);
    if (row.slow && !slow) return;
    const Cost peer = median_of(row.peer, row.slow ? 1 : 9);
    print_cost(fmt::format("{}", fmt::join(row.peer, " ")), peer, base.peak_mib);
    fmt::print("  {:<44} {:>8.1f}x\n\n", "ratio of CPU time, peer / ours", peer.cpu_ms / ours.cpu_ms);
}

int compare_all(int sockets, bool slow)
{
    const auto holders = start_holders(sockets);
    enter_namespace_of(holders.front());
    const Cost base = median_of({"/proc/self/exe", "--collect", "nothing"}, 9);
    fmt::print("{} established sockets of {} processes; medians of 9 runs (--slow rows: the peer once)\n", sockets,
               holders.size());
    fmt::print("  {:<44} {:>9} {:>9} {:>11}\n", "", "CPU ms", "wall ms", "MiB > base");
    print_cost("nothing: the empty process", base, base.peak_mib);
    for (const Row& row : rows())
        compare(row, slow, base);
    for (const pid_t holder : holders) {
        ::kill(holder, SIGKILL);
        ::waitpid(holder, nullptr, 0);
    }
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    int sockets = 100'000;
    bool slow = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--slow") {
            slow = true;
        } else if (word == "--collect" && i + 1 < argc) {
            return collect(argv[i + 1]);
        } else if (word == "--sockets" && i + 1 < argc && (sockets = std::atoi(argv[++i])) > 1) {
        } else {
            fmt::print(stderr, "usage: sockets_bench [--sockets N] [--slow]\n");
            return 2;
        }
    }
    return compare_all(sockets, slow);
}
