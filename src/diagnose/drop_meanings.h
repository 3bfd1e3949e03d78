// SPDX-License-Identifier: GPL-2.0-or-later
// What a drop reason means: its layer, whether it hurts, and in words. Names are stable where their numbers are not.
#pragma once

#include "model/diagnosis.h"

#include <span>
#include <string_view>

namespace netwright::diagnose {

struct DropMeaning {
    std::string_view reason;
    Layer layer;
    Nature nature;
    std::string_view words; // "frames for another host"
};

std::span<const DropMeaning> drop_meanings();
const DropMeaning* meaning_of(std::string_view reason); // null: a reason nobody has classified

} // namespace netwright::diagnose
