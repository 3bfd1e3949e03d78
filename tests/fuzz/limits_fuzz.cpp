// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as the files that tell of one process and of ports: limits, cgroup, a descriptor's link, a port range.
#include "host/connection_tally.h"
#include "host/limits.h"
#include "kernel/process_table.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto limit = host::parse_descriptor_limit(text); !limit)
        ENSURE(limit.error().kind == Error::Kind::Malformed || limit.error().kind == Error::Kind::Absent);
    ENSURE(host::parse_cgroup(text).find('\n') == std::string::npos);
    (void)kernel::parse_socket_link(text);
    if (const auto range = host::parse_port_range(text)) ENSURE(range->first <= range->last);
    return 0;
}
