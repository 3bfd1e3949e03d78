// SPDX-License-Identifier: GPL-2.0-or-later
// The parser behind collect_qdiscs.
#pragma once

#include "host/interface_names.h"
#include "model/network.h"

#include <optional>

namespace netwright::host {

// One RTM_NEWQDISC message; nothing if it is another message, too short or has no kind.
std::optional<Qdisc> parse_qdisc(const nlmsghdr& message, const NameOf& name_of);

} // namespace netwright::host
