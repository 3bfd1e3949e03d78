// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever text comes as netwright.yaml: an error of one line, or an intent that survives being written and read again.
#include "model/intent_yaml.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const auto intent = intent_from_yaml({reinterpret_cast<const char*>(data), size}, "netwright.yaml");
    if (!intent) {
        ENSURE(intent.error().what.find('\n') == std::string::npos);
        return 0;
    }
    const auto again = intent_from_yaml(to_yaml(*intent), "netwright.yaml");
    ENSURE(again);
    ENSURE(again->workload.value == intent->workload.value);
    ENSURE(again->protect == intent->protect);
    return 0;
}
