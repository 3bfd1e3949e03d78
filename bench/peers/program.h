// SPDX-License-Identifier: GPL-2.0-or-later
// Other programs, run inside a network namespace.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netwright::peers {

// "iperf3 -c HOST -t SECONDS" as words, with those two filled in.
std::vector<std::string> command_of(std::string_view line, std::string_view host, unsigned seconds);

// Is it in one of the directories of `path` (as $PATH)?
bool is_installed(const std::string& program, std::string_view path);

// A running program; it is killed when this object ends, or when we do.
class Program {
public:
    // In the namespace `space`, or in ours where that is "". What it writes to stdout and stderr is kept for finish().
    static Result<Program> start(const std::vector<std::string>& words, const std::string& space);
    Program(Program&& other) noexcept : pid_(std::exchange(other.pid_, -1)), output_(std::move(other.output_)) {}
    Program& operator=(Program&&) = delete;
    ~Program();
    // All it said, once it has ended. Interrupted: it took longer, or ended with another status than 0.
    Result<std::string> finish(std::chrono::milliseconds patience);

private:
    Program(int pid, Fd output) : pid_(pid), output_(std::move(output)) {}
    int pid_;
    Fd output_;
};

// Runs it to its end.
Result<std::string> run(const std::vector<std::string>& words, const std::string& space,
                        std::chrono::milliseconds patience);

} // namespace netwright::peers
