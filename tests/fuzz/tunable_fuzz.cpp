// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses and values as people or plans write them: an accepted one reads back the same and stays within its kind.
#include "base/text.h"
#include "base/units.h"
#include "model/tunable.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)parse_bit_rate(text);
    (void)parse_duration(text);
    (void)parse_bytes(text);
    (void)CpuSet::parse_list(text);
    (void)CpuSet::parse_mask(text);
    const auto newline = text.find('\n');
    const auto tunable = parse_tunable(text.substr(0, newline));
    if (!tunable) return 0;
    const auto again = parse_tunable(to_text(*tunable));
    if (!again || *again != *tunable) std::abort();
    if (text.starts_with("sysctl/") && to_text(*tunable).find("..") != std::string::npos) std::abort();
    if (newline == std::string_view::npos) return 0;
    const auto value = parse_value(*tunable, text.substr(newline + 1));
    if (value && parse_value(*tunable, to_text(*value)) != value) std::abort();
    return 0;
}
