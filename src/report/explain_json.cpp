// SPDX-License-Identifier: GPL-2.0-or-later
// The explanation for machines (docs/formats/explain.md).
#include "report/explain_report.h"

#include <nlohmann/json.hpp>

namespace netwright::report {
namespace {

using Json = nlohmann::ordered_json;

Json bound_json(const catalog::Bound& bound)
{
    return {{"least", bound.least ? Json(*bound.least) : Json()}, {"most", bound.most ? Json(*bound.most) : Json()}};
}

Json here_json(const std::vector<SeenHere>& here)
{
    Json list = Json::array();
    for (const SeenHere& seen : here) {
        Json one{{"address", seen.address}};
        if (seen.value)
            one["value"] = printable(*seen.value);
        else
            one["not_seen"] = seen.value.error().what;
        list.push_back(std::move(one));
    }
    return list;
}

Json setters_json(const std::vector<SetBy>& setters)
{
    Json list = Json::array();
    for (const SetBy& one : setters)
        list.push_back({{"path", printable(one.path)},
                        {"line", one.line},
                        {"key", printable(one.key)},
                        {"value", printable(one.value)},
                        {"wins", one.wins},
                        {"read_at_boot", one.read_at_boot}});
    return list;
}

Json words(std::span<const std::string_view> list)
{
    Json json = Json::array();
    for (const std::string_view one : list)
        json.push_back(one);
    return json;
}

Json parameter_json(const Explanation& one, const catalog::Parameter& p, const ExplainView& view)
{
    Json json{{"name", p.key},    {"kind", "parameter"}, {"plane", plane_text(p.plane)},
              {"group", p.group}, {"does", p.does},      {"here", here_json(one.here)}};
    const bool literal = catalog::default_for(p, view.kernel).has_value();
    json["default"] = {{"kernel", to_text(view.kernel)},
                       {"value", literal ? Json(default_text(p, view.kernel)) : Json()},
                       {"text", default_text(p, view.kernel)},
                       {"estimated_here", one.estimated ? Json(*one.estimated) : Json()}};
    json["range"] = range_text(p);
    json["bounds"] = Json::array();
    for (const catalog::Bound& bound : p.bounds)
        json["bounds"].push_back(bound_json(bound));
    json["unit"] = p.unit;
    json["set_by"] = setters_json(one.set_by);
    json["scope"] = scope_text(catalog::scope_for(p, view.kernel));
    json["namespace_since"] = namespace_since_text(p);
    json["takes_effect"] = p.takes_effect;
    json["only_new"] = p.only_new;
    json["when"] = p.tune;
    json["formula"] = p.formula;
    json["interplay"] = p.interactions;
    json["evidence"] = p.evidence;
    json["myth"] = p.myth;
    json["security"] = p.security;
    json["risk"] = to_text(p.risk);
    json["introduced"] = p.introduced;
    json["removed"] = p.removed;
    json["netwright"] = policy_text(p.policy);
    json["source"] = p.source;
    return json;
}

Json topic_json(const Explanation& one, const catalog::Topic& topic)
{
    return {{"name", topic.name},
            {"kind", catalog::to_text(topic.kind)},
            {"group", topic.group},
            {"means", topic.means},
            {"here", here_json(one.here)},
            {"harm", catalog::to_text(topic.harm)},
            {"look", topic.look},
            {"beware", topic.beware},
            {"layer", topic.layer},
            {"unit", topic.unit.empty() ? "events" : topic.unit},
            {"scope", scope_text(topic.scope)},
            {"where", topic.where},
            {"also", words(topic.also)},
            {"related", words(topic.related)},
            {"introduced", topic.introduced},
            {"source", topic.source}};
}

} // namespace

std::string explain_json(const ExplainView& view)
{
    Json list = Json::array();
    for (const Explanation& one : view.explanations) {
        if (const auto* const parameter = std::get_if<const catalog::Parameter*>(&one.known))
            list.push_back(parameter_json(one, **parameter, view));
        else
            list.push_back(topic_json(one, *std::get<const catalog::Topic*>(one.known)));
    }
    const Json json{{"schema", 1}, {"kernel", to_text(view.kernel)}, {"explanations", std::move(list)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace netwright::report
