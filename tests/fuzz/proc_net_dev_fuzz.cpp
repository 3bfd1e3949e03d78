// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as /proc/net/dev.
#include "host/counter_sampler.h"
#include "host/nic_files.h"
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto devices = host::parse_net_dev(text)) {
        for (const host::DeviceCounters& device : *devices)
            ENSURE(device.nic.find(static_cast<char>(10)) == std::string::npos);
    }
    if (const auto interfaces = host::parse_interfaces(text)) {
        for (const host::InterfaceCounters& interface : *interfaces)
            ENSURE(interface.name.find(static_cast<char>(10)) == std::string::npos);
    }
    return 0;
}
