// SPDX-License-Identifier: GPL-2.0-or-later
// Subjects that rulebook.cpp takes up beside those of rule.h.
#pragma once

#include "advise/rule.h"

namespace netwright::advise {

std::span<const Rule> route_rules();     // routes.cpp: metrics of routes, several ways out
std::span<const Rule> fast_open_rules(); // fast_open.cpp: TCP Fast Open
std::span<const Rule> untracked_rules(); // untracked.cpp: services that need no connection tracking

} // namespace netwright::advise
