// SPDX-License-Identifier: GPL-2.0-or-later
// Looking at a backend once, as its pool's check says.
#pragma once

#include "dataplane/lb_check.h"
#include "dataplane/prefix.h"

namespace netwright::dataplane {

// Blocks for the check's timeout at most. The error says in a few words what was wrong with the backend.
Result<void> probe(const LbCheck& check, const Prefix& backend);

// Http and Https, with libcurl. Unsupported: that is not installed.
Result<void> probe_http(const LbCheck& check, const Prefix& backend);
Result<void> can_probe_http();

} // namespace netwright::dataplane
