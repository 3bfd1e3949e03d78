// SPDX-License-Identifier: GPL-2.0-or-later
// The state file of a search: described by rows, but for words and values.
#include "model/search_json.h"

#include "model/json_codec.h"

namespace netwright::describe {

// clang-format off
NETWRIGHT_ROWS(Goal, ROW(metric), ROW(unit), ROW(better), ROW(scale), ROW(margin))
NETWRIGHT_ROWS(SearchRun, ROW(goal), ROW(guards), ROW(trouble))
NETWRIGHT_ROWS(SearchPair, ROW(stage), ROW(holder), ROW(challenger), ROW(of_holder), ROW(of_challenger), ROW(seconds))
NETWRIGHT_ROWS(SearchRecord, ROW(schema), ROW(host), ROW(kernel), ROW(place), ROW(traffic), ROW(goal), ROW(guards), ROW(level),
               ROW(budget_s), ROW(dimensions), ROW(trail))
// clang-format on

} // namespace netwright::describe

namespace netwright::json {

template <>
inline Out write(const Direction& direction)
{
    return direction == Direction::Higher ? "higher" : "lower";
}

template <>
inline Result<void> read(const In& in, Direction& out)
{
    if (in != "higher" && in != "lower") return wrong("higher or lower");
    out = in == "higher" ? Direction::Higher : Direction::Lower;
    return {};
}

template <>
inline Out write(const Scale& scale)
{
    return scale == Scale::Ratio ? "ratio" : "difference";
}

template <>
inline Result<void> read(const In& in, Scale& out)
{
    if (in != "ratio" && in != "difference") return wrong("ratio or difference");
    out = in == "ratio" ? Scale::Ratio : Scale::Difference;
    return {};
}

template <>
inline Out write(const SearchStage& stage)
{
    return to_text(stage);
}

template <>
inline Result<void> read(const In& in, SearchStage& out)
{
    std::string text;
    TRY_VOID(read_text(in, text));
    const auto stage = parse_search_stage(text);
    if (!stage) return wrong("explore, trim or prove");
    out = *stage;
    return {};
}

template <>
inline Out write(const Dimension& dimension)
{
    Out levels = Out::array();
    for (const Value& level : dimension.levels)
        levels.push_back(to_text(level));
    return Out{{"tunable", to_text(dimension.tunable)},
               {"ordered", dimension.ordered},
               {"now", dimension.now},
               {"formula", dimension.formula},
               {"levels", std::move(levels)}};
}

template <>
inline Result<void> read(const In& in, Dimension& out)
{
    if (!in.is_object()) return wrong("an object");
    for (const char* const name : {"tunable", "ordered", "now", "formula", "levels"})
        if (!in.contains(name)) return beneath(name, Error{Error::Kind::Malformed, ": is missing", 0});
    std::string tunable;
    std::vector<std::string> levels;
    TRY_VOID(read(in["tunable"], tunable));
    TRY_VOID(read(in["levels"], levels));
    TRY_VOID(read(in["ordered"], out.ordered));
    TRY_VOID(read(in["now"], out.now));
    TRY_VOID(read(in["formula"], out.formula));
    out.tunable = TRY(parse_tunable(tunable));
    out.levels.clear();
    for (const std::string& level : levels)
        out.levels.push_back(TRY(parse_value(out.tunable, level)));
    if (out.now >= levels.size() || out.formula >= levels.size()) return wrong("a level that there is");
    return {};
}

} // namespace netwright::json

namespace netwright {
namespace {

Result<void> check_point(const SearchRecord& record, const SearchPoint& point)
{
    bool fits = point.size() == record.dimensions.size();
    for (std::size_t i = 0; fits && i < point.size(); ++i)
        fits = point[i] < record.dimensions[i].levels.size();
    if (fits) return {};
    return fail(Error::Kind::Malformed, "/trail: a point outside the dimensions");
}

} // namespace

std::string to_json(const SearchRecord& record)
{
    return json::write(record).dump(1, ' ', false, json::Out::error_handler_t::replace) + "\n";
}

Result<SearchRecord> search_from_json(std::string_view text)
{
    const json::In in = json::In::parse(text, nullptr, false);
    if (!in.is_object() || !in.contains("schema") || !in["schema"].is_number_integer())
        return fail(Error::Kind::Malformed, "this is no search of netwright autotune");
    if (const auto schema = in["schema"].get<std::int64_t>(); schema != SearchRecord::current_schema)
        return fail(Error::Kind::Unsupported, fmt::format("a search of schema {}; this netwright reads {}", schema,
                                                          SearchRecord::current_schema));
    SearchRecord record;
    TRY_VOID(json::read(in, record));
    for (const SearchPair& pair : record.trail) {
        TRY_VOID(check_point(record, pair.holder));
        TRY_VOID(check_point(record, pair.challenger));
    }
    return record;
}

} // namespace netwright
