// SPDX-License-Identifier: GPL-2.0-or-later
// The words for severity and confidence, and back.
#include "model/finding.h"

#include "model/words.h"

#include <array>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 5> severity_names{"info", "low", "medium", "high", "critical"};
constexpr std::array<std::string_view, 4> confidence_names{"convention", "derived", "since boot", "measured"};

} // namespace

std::string_view to_text(Severity severity) { return severity_names.at(static_cast<std::size_t>(severity)); }
Result<Severity> parse_severity(std::string_view text) { return word_to<Severity>("severity", severity_names, text); }

std::string_view to_text(Confidence confidence) { return confidence_names.at(static_cast<std::size_t>(confidence)); }
Result<Confidence> parse_confidence(std::string_view text)
{
    return word_to<Confidence>("confidence", confidence_names, text);
}

} // namespace netwright
