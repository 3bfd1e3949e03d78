// SPDX-License-Identifier: GPL-2.0-or-later
// A Snapshot as JSON text and back.
#include "model/snapshot_json.h"

#include "model/json_codec.h"

namespace netwright {

std::string to_json(const Snapshot& snapshot)
{
    // Names from devices and files may hold any byte: what is no UTF-8 is replaced, so that the file stays JSON.
    return json::write(snapshot).dump(1, ' ', false, json::Out::error_handler_t::replace) + "\n";
}

Result<Snapshot> snapshot_from_json(std::string_view text)
{
    const json::In in = json::In::parse(text, nullptr, false);
    if (in.is_discarded()) return fail(Error::Kind::Malformed, "this is not JSON, or it is cut short");
    if (!in.is_object() || !in.contains("schema") || !in["schema"].is_number_integer())
        return fail(Error::Kind::Malformed,
                    "this is no snapshot: it has no schema number (make one with: netwright capture)");
    if (const auto schema = in["schema"].get<std::int64_t>(); schema > Snapshot::current_schema || schema < 1)
        return fail(Error::Kind::Unsupported,
                    fmt::format("its schema is {}, this netwright reads up to {}: use a newer netwright", schema,
                                Snapshot::current_schema));
    Snapshot snapshot;
    if (auto result = json::read(in, snapshot); !result) return std::unexpected(std::move(result).error());
    return snapshot;
}

} // namespace netwright
