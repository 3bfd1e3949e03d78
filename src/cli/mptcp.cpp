// SPDX-License-Identifier: GPL-2.0-or-later
// netwright mptcp: does a connection really use two paths?
#include "base/text.h"
#include "cli/command.h"
#include "kernel/mptcp_check.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace netwright::cli {
namespace {

struct MptcpCommand {
    std::string address;
    std::uint16_t port = 0;
    double seconds = 2;
};

int run(const MptcpCommand& command, const Globals& globals)
{
    const auto address = parse_ip_prefix(command.address);
    if (!address || !address->is_host()) return complain(fmt::format("'{}' is no address", command.address), usage);
    const auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    const std::chrono::milliseconds patience{static_cast<int>(command.seconds * 1000)};
    const auto view = kernel::try_mptcp({*address, command.port}, patience);
    if (!view) return complain(view.error());
    if (!view->is_multipath)
        return complain("the connection fell back to plain TCP: the peer, or somebody on the way, does "
                        "not speak MPTCP",
                        failed);
    fmt::print("The connection has {} subflow{}.\n", view->subflows, view->subflows == 1 ? "" : "s");
    if (view->subflows > 1) return done;
    return complain(
        "one path only: it takes an endpoint of another address (netwright set mptcp/endpoint/ADDRESS subflow) "
        "and mptcp/limit/subflows above 0 at both ends",
        failed);
}

} // namespace

Action declare_mptcp(CLI::App& app, const Globals& globals)
{
    auto command = std::make_shared<MptcpCommand>();
    app.add_option("address", command->address, "of a service that speaks MPTCP; it gets an empty line")
        ->type_name("ADDRESS")
        ->required();
    app.add_option("port", command->port, "its port")->type_name("PORT")->required()->check(CLI::Range(1, 65535));
    app.add_option("--seconds", command->seconds, "how long to wait for the second subflow")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.1, 60.0))
        ->capture_default_str();
    return [command, &globals] { return run(*command, globals); };
}

} // namespace netwright::cli
