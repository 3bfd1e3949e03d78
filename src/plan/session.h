// SPDX-License-Identifier: GPL-2.0-or-later
// The connection a person is logged in over, and which changes could cut it.
#pragma once

#include "model/change.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::plan {

struct Session {
    std::string peer, local;       // addresses
    std::vector<std::string> nics; // the interface it goes through, and those below it (a bond's, a VLAN's)
    bool operator==(const Session&) const = default;
};

// The addresses in SSH_CONNECTION's text ("192.0.2.7 51234 192.0.2.10 22"); nothing if it is malformed.
std::optional<Session> parse_ssh_connection(std::string_view text);

// A sentence for each change that stops that traffic for a moment, or could stop it for good.
std::vector<std::string> interruptions(const std::vector<Change>& changes, const Session& session);

} // namespace netwright::plan
