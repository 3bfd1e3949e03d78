// SPDX-License-Identifier: GPL-2.0-or-later
// --watch SECONDS.
#include "cli/watch.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <thread>

namespace netwright::cli {

void add_watch_flag(CLI::App& app, double& seconds)
{
    app.add_option("--watch", seconds, "again every so many seconds")->check(CLI::Range(0.1, 3600.0));
}

Result<void> print_again(double seconds, const std::function<Result<std::string>()>& text)
{
    for (;;) {
        const std::string now = TRY(text());
        TRY_VOID(print(now));
        if (seconds <= 0) return {};
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
        TRY_VOID(print("\n"));
    }
}

} // namespace netwright::cli
