// SPDX-License-Identifier: GPL-2.0-or-later
// Names of states, as the journal stores them and `netwright status` prints them.
#include "apply/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::apply {
namespace {

constexpr std::array<std::string_view, 8> states{"prepared",  "applying", "applied", "keeping",
                                                 "confirmed", "undoing",  "undone",  "failed"};
constexpr std::array<std::string_view, 5> step_states{"waiting", "writing", "written", "restored", "left"};

template <class Enum, std::size_t Count>
Result<Enum> parse(const std::array<std::string_view, Count>& names, std::string_view text)
{
    const auto found = std::ranges::find(names, text);
    if (found == names.end()) return fail(Error::Kind::Malformed, fmt::format("unknown state '{}'", text));
    return static_cast<Enum>(found - names.begin());
}

} // namespace

std::string_view to_text(State state) { return states.at(static_cast<std::size_t>(state)); }
Result<State> parse_state(std::string_view text) { return parse<State>(states, text); }
bool is_open(State state) { return state != State::Confirmed && state != State::Undone && state != State::Failed; }

std::string_view to_text(StepState state) { return step_states.at(static_cast<std::size_t>(state)); }
Result<StepState> parse_step_state(std::string_view text) { return parse<StepState>(step_states, text); }

} // namespace netwright::apply
