// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel's version as far as it can be compared. Distributions backport: probe for a file, use this to explain.
#pragma once

#include "base/error.h"

#include <compare>
#include <string>
#include <string_view>

namespace netwright {

struct KernelVersion {
    unsigned major = 0, minor = 0, patch = 0;
    auto operator<=>(const KernelVersion&) const = default;
    static Result<KernelVersion> parse(std::string_view release); // "6.1.0-28-amd64" is 6.1.0, "5.15" is 5.15.0
};

std::string to_text(KernelVersion version); // "6.1.0"

} // namespace netwright
