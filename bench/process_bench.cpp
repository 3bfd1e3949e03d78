// SPDX-License-Identifier: GPL-2.0-or-later
// Whole processes beside their peers, in turn, in one run: CPU time (user + system) and peak memory as wait4(2) counts
// them.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct Cost {
    double cpu_ms = 0;
    double peak_mib = 0;
};

struct Program {
    std::string name;
    std::vector<std::string> words;
    std::vector<Cost> runs;
    bool present = true;
};

Cost run_once(Program& program)
{
    const pid_t child = ::fork();
    if (child == 0) {
        const int nowhere = ::open("/dev/null", O_WRONLY);
        ::dup2(nowhere, 1);
        ::dup2(nowhere, 2);
        std::vector<char*> argv;
        for (std::string& word : program.words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    rusage used{};
    ::wait4(child, &status, 0, &used);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) program.present = false;
    const auto ms = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    };
    return {ms(used.ru_utime) + ms(used.ru_stime), static_cast<double>(used.ru_maxrss) / 1024};
}

double median(std::vector<Cost> runs, double Cost::* figure)
{
    std::ranges::sort(runs, {}, figure);
    return runs[runs.size() / 2].*figure;
}

} // namespace

int main(int argc, char** argv)
{
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 21;
    const std::string own = NETWRIGHT_BINARY;
    std::vector<Program> programs{{"audit --seconds 0", {own, "audit", "--seconds", "0"}, {}},
                                  {"capture --seconds 0", {own, "capture", "--seconds", "0", "-o", "/dev/null"}, {}},
                                  {"list", {own, "list"}, {}},
                                  {"sysctl -a", {"sysctl", "-a"}, {}},
                                  {"tuned-adm verify", {"tuned-adm", "verify"}, {}}};
    for (Program& program : programs)
        (void)run_once(program); // the first reads pages from disk
    for (int round = 0; round < rounds; ++round)
        for (Program& program : programs)
            if (program.present) program.runs.push_back(run_once(program));
    const Program& peer = programs[3];
    std::printf("%d rounds in turn, medians; ratios against sysctl -a\n%-22s %9s %9s %7s\n", rounds, "program",
                "CPU ms", "peak MiB", "ratio");
    for (const Program& program : programs) {
        if (!program.present) {
            std::printf("%-22s not installed: no peer figure\n", program.name.c_str());
            continue;
        }
        const double cpu = median(program.runs, &Cost::cpu_ms);
        const double base = peer.present ? median(peer.runs, &Cost::cpu_ms) : 0;
        std::printf("%-22s %9.1f %9.1f %7.2f\n", program.name.c_str(), cpu, median(program.runs, &Cost::peak_mib),
                    base > 0 ? cpu / base : 0.0);
    }
    return 0;
}
