// SPDX-License-Identifier: GPL-2.0-or-later
// The words for risk, reach and persistence, and back.
#include "model/change.h"

#include "model/words.h"

#include <array>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 4> risk_names{"none", "low", "medium", "high"};
constexpr std::array<std::string_view, 5> reach_names{"namespace", "namespace, new sockets", "host",
                                                      "host, new sockets", "device"};
constexpr std::array<std::string_view, 5> persistence_names{"sysctl.d", "systemd.link", "boot unit", "drop-in", "none"};

} // namespace

std::string_view to_text(Risk risk) { return risk_names.at(static_cast<std::size_t>(risk)); }
Result<Risk> parse_risk(std::string_view text) { return word_to<Risk>("risk", risk_names, text); }

std::string_view to_text(Reach reach) { return reach_names.at(static_cast<std::size_t>(reach)); }
Result<Reach> parse_reach(std::string_view text) { return word_to<Reach>("reach", reach_names, text); }

std::string_view to_text(Persistence persistence)
{
    return persistence_names.at(static_cast<std::size_t>(persistence));
}
Result<Persistence> parse_persistence(std::string_view text)
{
    return word_to<Persistence>("persistence", persistence_names, text);
}

} // namespace netwright
