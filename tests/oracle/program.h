// SPDX-License-Identifier: GPL-2.0-or-later
// What another program says, and a network namespace in which nothing else happens.
#pragma once

#include "base/text.h"
#include "kernel/kernel.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string>

namespace netwright {

// The rest of this process, and its children, live in a new network namespace that ends with it. Needs root.
inline void enter_fresh_namespace() { REQUIRE(::unshare(CLONE_NEWNET) == 0); }

// Its standard output; nothing where it is not installed.
inline std::optional<std::string> output_of(const std::string& command)
{
    FILE* const pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
    REQUIRE(pipe);
    std::string output;
    std::array<char, 65536> part{};
    while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe))
        output.append(part.data(), got);
    const int status = ::pclose(pipe);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return std::nullopt;
    return output;
}

} // namespace netwright
