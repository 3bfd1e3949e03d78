// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a file of /proc/pressure: shares are percentages.
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto pressure = host::parse_pressure(text))
        ENSURE(pressure->some_avg10 >= 0 && pressure->some_avg10 <= 100 && pressure->full_avg10 <= 100);
    return 0;
}
