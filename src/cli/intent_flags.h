// SPDX-License-Identifier: GPL-2.0-or-later
// What the host is for, from flags and netwright.yaml; flags win.
#pragma once

#include "cli/command.h"
#include "model/intent.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netwright::cli {

struct IntentFlags {
    std::string file; // --intent
    std::string workload, bandwidth, rtt, stall, risk;
    std::optional<std::uint64_t> connections, connection_rate, datagram_rate;
    std::optional<double> loss_percent;
    std::vector<std::string> protect;
};
void add_intent_flags(CLI::App& app, IntentFlags& flags);

// Only what people said; what they did not say is for advise::infer.
Result<Intent> given_intent(const IntentFlags& flags);

} // namespace netwright::cli
