// SPDX-License-Identifier: GPL-2.0-or-later
// What a NIC of the snapshot shows for a link's or driver's setting.
#pragma once

#include "model/nic.h"
#include "model/tunable.h"

#include <optional>

namespace netwright::plan {

Result<std::optional<Value>> link_value(const Nic& nic, LinkSetting::What what);
Result<std::optional<Value>> driver_value(const Nic& nic, const NicSetting& setting);

} // namespace netwright::plan
