// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes behind a netlink header: the parser must stay inside them, and the tally must cope with what it reads.
#include "host/connection_tally.h"

#include <cstddef>
#include <cstdint>
#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    kernel::SocketRecord record;
    if (!kernel::parse_socket(std::as_bytes(std::span(data, size)), record)) return 0;
    static const auto tally = std::make_unique<host::ConnectionTally>(host::PortRange{0, 65535});
    tally->clear();
    tally->add(record);
    tally->add(record);
    if (tally->count(record.state) != 2) __builtin_trap();
    if (const auto busiest = tally->busiest(); busiest && busiest->connections != 2) __builtin_trap();
    for (const auto& group : tally->groups())
        if (!Distribution::from(group.cwnd.parts())) __builtin_trap();
    return 0;
}
