// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever text comes as a plan: an error of one line, or a plan that survives being written and read again.
#include "model/plan_yaml.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const auto plan = plan_from_yaml({reinterpret_cast<const char*>(data), size}, "plan.yaml");
    if (!plan) {
        ENSURE(plan.error().what.find('\n') == std::string::npos);
        return 0;
    }
    const auto again = plan_from_yaml(to_yaml(*plan), "plan.yaml");
    ENSURE(again);
    ENSURE(*again == *plan);
    return 0;
}
