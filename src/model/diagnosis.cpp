// SPDX-License-Identifier: GPL-2.0-or-later
// The words for layers, symptoms and natures.
#include "model/diagnosis.h"

#include "model/words.h"

#include <array>

namespace netwright {
namespace {

constexpr std::array<std::string_view, layer_count> layer_names{"NIC",   "driver",    "XDP and tc",  "softirq",
                                                                "qdisc", "netfilter", "IP",          "neighbour",
                                                                "TCP",   "socket",    "application", "path"};
constexpr std::array<std::string_view, symptom_count> symptom_names{"drops", "latency", "throughput", "refused",
                                                                    "cpu",   "numa",    "resets"};
constexpr std::array<std::string_view, 3> nature_names{"harmful", "policy", "harmless"};

} // namespace

std::string_view to_text(Layer layer) { return layer_names.at(static_cast<std::size_t>(layer)); }
std::string_view to_text(Symptom symptom) { return symptom_names.at(static_cast<std::size_t>(symptom)); }
Result<Symptom> parse_symptom(std::string_view text) { return word_to<Symptom>("symptom", symptom_names, text); }
std::string_view to_text(Nature nature) { return nature_names.at(static_cast<std::size_t>(nature)); }

} // namespace netwright
