// SPDX-License-Identifier: GPL-2.0-or-later
// Measurements with their metrics spelled out, so that programs need not compute them from histograms.
#include "model/measurement_json.h"

#include "model/measurement_rows.h"

namespace netwright {

std::string to_json(const Measurement& measurement)
{
    json::Out out = json::write(measurement);
    json::Out numbers = json::Out::object();
    for (const Metric& one : metrics(measurement))
        numbers[std::string(one.name)] = json::Out{{"value", one.value}, {"unit", one.unit}};
    out["metrics"] = std::move(numbers);
    return out.dump(-1, ' ', false, json::Out::error_handler_t::replace);
}

Result<Measurement> measurement_from_json(std::string_view text)
{
    const json::In in = json::In::parse(text, nullptr, false);
    if (!in.is_object() || !in.contains("schema") || !in["schema"].is_number_integer())
        return fail(Error::Kind::Malformed, "this is no measurement of netwright bench");
    if (const auto schema = in["schema"].get<std::int64_t>(); schema != Measurement::current_schema)
        return fail(Error::Kind::Unsupported, fmt::format("a measurement of schema {}; this netwright reads {}", schema,
                                                          Measurement::current_schema));
    Measurement measurement;
    TRY_VOID(json::read(in, measurement));
    return measurement;
}

} // namespace netwright
