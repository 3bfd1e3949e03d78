// SPDX-License-Identifier: GPL-2.0-or-later
// What a drop reason means: its layer, whether it hurts, and in words, as the catalogue has it.
#pragma once

#include "model/diagnosis.h"

#include <optional>
#include <string_view>

namespace netwright::diagnose {

struct DropMeaning {
    std::string_view reason = "";
    Layer layer;
    Nature nature;
    std::string_view words = ""; // "The frame was for another machine's address."
    std::string_view look = "";  // what to look at; "" = nothing in particular
};

std::optional<DropMeaning> meaning_of(std::string_view reason); // nothing: a reason the catalogue does not know
std::optional<Layer> layer_called(std::string_view word);       // the catalogue's words for layers: "softnet", "qdisc"

} // namespace netwright::diagnose
