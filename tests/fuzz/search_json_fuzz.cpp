// SPDX-License-Identifier: GPL-2.0-or-later
// State files of searches: any bytes are refused or read back to the same JSON, and a trail is taken up or refused.
#include "measure/search.h"
#include "model/search_json.h"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace netwright;

// Whatever the trail says, the search stays within its dimensions.
void take_up(const SearchRecord& record)
{
    measure::SearchRules rules;
    rules.goal = record.goal;
    for (const std::string& text : record.guards)
        if (auto guard = measure::parse_guardrail(text)) rules.guards.push_back(*std::move(guard));
    rules.level = 0.05;
    rules.budget_s = 1000;
    measure::Search search(record.dimensions, rules);
    for (const SearchPair& pair : record.trail)
        if (!search.record(pair)) return;
    for (std::size_t i = 0; i < record.dimensions.size(); ++i)
        if (search.proven()[i] >= record.dimensions[i].levels.size()) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto record = search_from_json({reinterpret_cast<const char*>(data), size});
    if (!record) return 0;
    const auto again = search_from_json(to_json(*record));
    if (!again || to_json(*again) != to_json(*record)) std::abort();
    take_up(*record);
    return 0;
}
