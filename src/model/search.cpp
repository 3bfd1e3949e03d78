// SPDX-License-Identifier: GPL-2.0-or-later
// Points of a search, and stages, in words.
#include "model/search.h"

#include <fmt/format.h>

#include <array>

namespace netwright {
namespace {

struct StageRow {
    SearchStage stage;
    std::string_view name;
};
constexpr std::array stage_rows{StageRow{SearchStage::Explore, "explore"}, StageRow{SearchStage::Trim, "trim"},
                                StageRow{SearchStage::Prove, "prove"}};

SearchPoint point_at(const std::vector<Dimension>& dimensions, std::size_t Dimension::* level)
{
    SearchPoint point;
    for (const Dimension& dimension : dimensions)
        point.push_back(dimension.*level);
    return point;
}

} // namespace

std::string_view to_text(SearchStage stage)
{
    for (const StageRow& row : stage_rows)
        if (row.stage == stage) return row.name;
    return "";
}

std::string_view to_text(SearchRace::End end)
{
    return end == SearchRace::End::Won ? "won" : end == SearchRace::End::Lost ? "lost" : "open";
}

Result<SearchStage> parse_search_stage(std::string_view text)
{
    for (const StageRow& row : stage_rows)
        if (row.name == text) return row.stage;
    return fail(Error::Kind::Malformed, "a stage is explore, trim or prove");
}

SearchPoint point_now(const std::vector<Dimension>& dimensions) { return point_at(dimensions, &Dimension::now); }

SearchPoint point_of_formulas(const std::vector<Dimension>& dimensions)
{
    return point_at(dimensions, &Dimension::formula);
}

std::string point_text(const std::vector<Dimension>& dimensions, const SearchPoint& point)
{
    std::string text;
    for (std::size_t i = 0; i < dimensions.size(); ++i) {
        if (point[i] == dimensions[i].now) continue;
        const std::string name = to_text(dimensions[i].tunable);
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name.substr(name.find('/') + 1),
                            to_text(dimensions[i].levels[point[i]]));
    }
    return text.empty() ? "as it is" : text;
}

} // namespace netwright
