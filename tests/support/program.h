// SPDX-License-Identifier: GPL-2.0-or-later
// Runs another program to the end and keeps what it said: for tests that compare us with ip, tc, ethtool, ss, sysctl.
#pragma once

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

extern char** environ; // NOLINT: POSIX declares it nowhere

namespace support {

struct Output {
    int status = -1; // exit status; 128 + signal if a signal ended it
    std::string out; // standard output and standard error, as they came
};

// Starts it in the calling thread's namespaces. Throws if there is no such program: a test cannot go on without it.
inline Output run(std::vector<std::string> arguments)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    std::vector<char*> argv;
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    Output output;
    char buffer[65536];
    for (ssize_t got = 0; failed == 0 && (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        output.out.append(buffer, static_cast<std::size_t>(got));
    ::close(ends[0]);
    if (failed != 0) throw std::runtime_error("cannot start " + arguments.front());
    int status = 0;
    ::waitpid(pid, &status, 0);
    output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return output;
}

// The words of a command line, split at blanks; there is no quoting.
inline std::vector<std::string> words(const std::string& line)
{
    std::vector<std::string> parts;
    for (std::size_t from = 0; from < line.size();) {
        const std::size_t to = std::min(line.find(' ', from), line.size());
        if (to > from) parts.push_back(line.substr(from, to - from));
        from = to + 1;
    }
    return parts;
}

// What must succeed: throws with the program's own words otherwise.
inline std::string must(const std::string& line)
{
    Output output = run(words(line));
    if (output.status != 0) throw std::runtime_error(line + ": " + output.out);
    return std::move(output.out);
}

inline nlohmann::json must_json(const std::string& line)
{
    const std::string text = must(line);
    return text.find_first_not_of(" \n") == std::string::npos ? nlohmann::json::array() : nlohmann::json::parse(text);
}

} // namespace support
