// SPDX-License-Identifier: GPL-2.0-or-later
// Which file sets a sysctl at boot: what rules about values and rules about files both ask.
#pragma once

#include "advise/rule.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::advise {

struct Setter {
    std::string path;
    SysctlSetting setting;
    bool boots = true; // read by systemd-sysctl; false: only `sysctl --system` of procps reads it
};

// Every place that sets `key` by its full name, in the order of precedence: the last one wins. Files that could not be
// read are left out. Patterns such as net.ipv4.conf.*.rp_filter are not resolved.
std::vector<Setter> setters_of(const Case& about, std::string_view key);
// The one that wins at boot.
std::optional<Setter> setter_of(const Case& about, std::string_view key);
// Names that place in a finding's evidence: "/etc/sysctl.d/99-tuning.conf line 3".
void note_setter(const Case& about, std::string_view key, Finding& finding);

} // namespace netwright::advise
