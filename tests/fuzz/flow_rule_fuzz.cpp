// SPDX-License-Identifier: GPL-2.0-or-later
// Flow rules in words, names of interrupts, and our own drop-ins: what is accepted reads back the same.
#include "advise/vector_name.h"
#include "kernel/flow_rule.h"
#include "model/drop_in.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)parse_drop_in(text);
    const auto name = advise::parse_vector_name("sfc", text);
    if (name.duty == advise::Duty::Packets && name.device.size() > text.size()) std::abort();
    const auto rule = kernel::parse_flow_rule(text);
    if (!rule) return 0;
    const auto again = kernel::parse_flow_rule(kernel::flow_rule_text(*rule));
    if (!again || std::memcmp(&again->h_u, &rule->h_u, sizeof rule->h_u) != 0 ||
        std::memcmp(&again->m_u, &rule->m_u, sizeof rule->m_u) != 0 || again->ring_cookie != rule->ring_cookie)
        std::abort();
    return 0;
}
