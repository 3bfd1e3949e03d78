// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a nest of attributes, nests in nests: the walk stays inside them and every reader takes any payload.
#include "kernel/ethtool_netlink.h"

#include <cstddef>
#include <cstdint>

using namespace netwright::kernel;

namespace {

void walk(std::span<const std::byte> nest, int depth)
{
    std::size_t seen = 0;
    each_attribute(nest, [&](std::uint16_t, std::span<const std::byte> payload) {
        seen += 4 + payload.size();
        if (payload.data() < nest.data() || payload.data() + payload.size() > nest.data() + nest.size())
            __builtin_trap();
        if (as_text(payload).size() > payload.size()) __builtin_trap();
        (void)(as_u8(payload) + as_u16(payload) + as_u32(payload) + as_u64(payload));
        (void)as_structure<std::uint64_t>(payload);
        if (depth > 0) walk(payload, depth - 1);
    });
    if (seen > nest.size()) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span(data, size));
    walk(bytes, 4);
    const EthtoolBitset bits = EthtoolBitset::parse(bytes);
    for (std::size_t bit = 0; bit < 4096; ++bit)
        if (bits.has(bit) && bit >= bits.size()) __builtin_trap();
    if (parse_ethtool_strings(bytes).size() > 4096) __builtin_trap();
    return 0;
}
