// SPDX-License-Identifier: GPL-2.0-or-later
// Writing a file anew with its fixes: comments, order and line endings stay; what goes becomes a comment.
#pragma once

#include "model/diagnostic.h"

#include <span>
#include <string>

namespace netwright::lint {

struct FixedText {
    std::string text;
    std::string diff;      // unified, "" when nothing changes
    std::size_t lines = 0; // of the original that change
    bool operator==(const FixedText&) const = default;
};

// Diagnostics of other sources than `index` are passed over.
FixedText fixed(const SourceText& source, std::size_t index, std::span<const Diagnostic> diagnostics);

} // namespace netwright::lint
