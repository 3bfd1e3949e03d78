// SPDX-License-Identifier: GPL-2.0-or-later
// A search for people, with its trail drawn, and for programs.
#pragma once

#include "model/search.h"
#include "report/terminal.h"

#include <string>

namespace netwright::report {

// A line a race: which stage, how the challenger did as a bar beside the holder's mark, and why it ended so; then what
// is proven.
std::string search_text(const SearchStory& story, const Style& style);
// A page that needs nothing else, with every run drawn.
std::string search_html(const SearchStory& story);
// What search_text() tells (docs/formats/search.md); the runs themselves are in the search's own file.
std::string search_json(const SearchStory& story);

// What the proofs showed: "throughput 1.82 x (1.61 to 2.04) in 9 pairs". Empty: nothing was proven.
std::vector<std::string> proofs_text(const SearchStory& story);
// One sentence that says how it ended.
std::string search_conclusion(const SearchStory& story);

// The middle of what the goal came to, at either end of a race; 0 where no run came to anything.
struct RaceMedians {
    double holder = 0, challenger = 0;
    std::size_t pairs = 0;
};
RaceMedians medians_of(const SearchStory& story, std::size_t race);

} // namespace netwright::report
