// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as the attributes of an answer about a NIC's settings: numbers by attribute, named bits, features.
#include "kernel/ethtool_netlink.h"
#include "tunable/ethtool_group.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const auto attributes = std::as_bytes(std::span(data, size));
    static const std::vector<std::string> names(96, "feature");
    const auto numbers = tunable::parse_ethtool_numbers(attributes);
    for (const std::uint16_t attribute : std::to_array<std::uint16_t>({1, 2, 5, 9})) {
        const tunable::EthtoolField number{"rx", attribute, 3};
        const tunable::EthtoolField on_off{"rx", attribute, 0, "rx", tunable::EthtoolField::Form::Switch};
        const auto value = tunable::value_of(number, numbers), state = tunable::value_of(on_off, numbers);
        if (value && !numbers.contains(3)) std::abort(); // without a limit there is no such setting
        if (state && to_text(*state) != "on" && to_text(*state) != "off") std::abort();
    }
    for (const auto& bit : kernel::parse_ethtool_named_bits(attributes))
        if (bit.name.empty() || bit.name.size() > size) std::abort();
    if (kernel::parse_ethtool_features(attributes, names).size() > names.size()) std::abort();
    return 0;
}
