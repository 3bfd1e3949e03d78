// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as the attributes of an answer of the ethtool or netdev family, behind a byte that says to what.
#include "host/nic_ethtool.h"
#include "host/nic_napi.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    if (size == 0) return 0;
    const auto attributes = std::as_bytes(std::span(data, size)).subspan(1);
    static const std::vector<std::string> names(96, "feature");
    Nic nic;
    nic.name = "eth0";
    switch (data[0] % 7) {
    case 0:
        host::parse_link_modes(nic, attributes);
        break;
    case 1:
        host::parse_rings(nic, attributes);
        break;
    case 2:
        host::parse_channels(nic, attributes);
        break;
    case 3:
        host::parse_coalescing(nic, attributes);
        break;
    case 4:
        host::parse_features(nic, attributes, names);
        break;
    case 5:
        host::parse_rss(nic, attributes);
        break;
    default:
        (void)host::parse_napi(attributes);
        break;
    }
    if (nic.features && nic.features->size() > names.size()) __builtin_trap();
    if (nic.rss && nic.rss->indirection.size() * 4 > size) __builtin_trap();
    return 0;
}
