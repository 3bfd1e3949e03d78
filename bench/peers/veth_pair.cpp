// SPDX-License-Identifier: GPL-2.0-or-later
// Namespaces by ip(8); their names hold our process number, so that what a killed run has left can be told.
#include "peers/veth_pair.h"

#include "base/text.h"
#include "cli/lab_flags.h"
#include "kernel/files.h"

#include <fmt/format.h>
#include <unistd.h>

#include "peers/program.h"

namespace netwright::peers {
namespace {

constexpr std::string_view prefix = "nwpeers-";
constexpr auto patience = std::chrono::seconds(20);

Result<void> ip(const std::string& arguments)
{
    const auto done = run(command_of("ip " + arguments, "", 0), "", patience);
    if (done) return {};
    return fail(done.error().kind, fmt::format("ip {}: {}", arguments, done.error().what));
}

void remove_orphans()
{
    const kernel::Files files = kernel::Files::live();
    for (const std::string& name : files.list("run/netns").value_or(std::vector<std::string>{})) {
        if (!name.starts_with(prefix)) continue;
        const auto pid = parse_unsigned(split(std::string_view(name).substr(prefix.size()), '-').front());
        if (pid && !files.exists(fmt::format("proc/{}", *pid))) (void)ip("netns delete " + name);
    }
}

} // namespace

Result<VethPair> VethPair::make()
{
    remove_orphans();
    VethPair pair(fmt::format("{}{}", prefix, ::getpid()));
    TRY_VOID(pair.join()); // what was made of it goes with it
    return pair;
}

Result<void> VethPair::join() const
{
    TRY_VOID(ip("netns add " + client()));
    TRY_VOID(ip("netns add " + server()));
    TRY_VOID(ip(fmt::format("-n {} link add veth0 type veth peer name veth0 netns {}", client(), server())));
    for (const auto& [space, address] : {std::pair(client(), client_address), std::pair(server(), server_address)}) {
        TRY_VOID(ip(fmt::format("-n {} address add {}/30 dev veth0", space, address)));
        TRY_VOID(ip(fmt::format("-n {} link set lo up", space)));
        TRY_VOID(ip(fmt::format("-n {} link set veth0 up", space)));
    }
    return {};
}

Result<std::uint64_t> VethPair::packets() const
{
    std::uint64_t sum = 0;
    TRY_VOID(cli::in_namespace(client(), [&](kernel::Kernel& kernel) -> Result<void> {
        for (const char* name : {"rx_packets", "tx_packets"}) {
            const auto line = kernel.files.read_line(fmt::format("sys/class/net/veth0/statistics/{}", name));
            if (!line) return std::unexpected(line.error());
            const auto count = parse_unsigned(*line);
            if (!count) return std::unexpected(count.error());
            sum += *count;
        }
        return {};
    }));
    return sum;
}

VethPair::~VethPair()
{
    if (name_.empty()) return;
    (void)ip("netns delete " + client()); // the devices go with it
    (void)ip("netns delete " + server());
}

} // namespace netwright::peers
