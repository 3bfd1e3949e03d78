// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lb run, lb status.
#pragma once

#include "cli/command.h"
#include "dataplane/lb_config.h"

#include <functional>
#include <string>

namespace netwright::cli {

// Declare the flags on their subcommands and give back what to do.
std::function<Result<void>()> declare_lb_run(CLI::App& app, const Globals& globals);
std::function<Result<void>()> declare_lb_status(CLI::App& app, const Globals& globals);

// What is doubtful about NAT's ports in this network namespace; "": nothing.
std::string port_doubt_here(const dataplane::LbConfig& config);

} // namespace netwright::cli
