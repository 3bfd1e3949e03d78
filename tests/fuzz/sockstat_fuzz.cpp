// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as /proc/net/sockstat, a NUL before sockstat6.
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = text.find('\0');
    const auto text6 = cut == std::string_view::npos ? std::string_view() : text.substr(cut + 1);
    (void)host::parse_sockstat(text.substr(0, cut), text6);
    return 0;
}
