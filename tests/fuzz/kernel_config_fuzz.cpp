// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as config.gz, packed and unpacked: never more than was allowed.
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto unpacked = host::gunzip(text, 1U << 20)) {
        ENSURE(unpacked->size() <= 1U << 20);
        (void)host::parse_kernel_config(*unpacked);
    }
    (void)host::parse_kernel_config(text);
    return 0;
}
