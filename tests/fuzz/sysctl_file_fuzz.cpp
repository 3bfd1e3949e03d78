// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a sysctl.d file: what is accepted has a key without blanks and a line number.
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto file = host::parse_sysctl_file(text);
    for (const SysctlProblem& problem : file.problems)
        ENSURE(!problem.why.empty() && problem.line > 0);
    for (const SysctlSetting& setting : file.settings)
        ENSURE(!setting.key.empty() && setting.line > 0);
    return 0;
}
