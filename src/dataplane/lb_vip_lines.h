// SPDX-License-Identifier: GPL-2.0-or-later
// A load balancer's VIPs as a hash table without chains (lb_layout.h). Pure.
#pragma once

#include "dataplane/lb_layout.h"

#include <span>
#include <vector>

namespace netwright::dataplane {

// `lines` gets what a key's line is found with. Keys are different from each other; the same ones give the same table.
std::vector<lb_vip_line4> make_vip_lines4(std::span<const lb_vip_key4> keys, std::span<const lb_vip> vips,
                                          lb_vip_lines& lines);
std::vector<lb_vip_line6> make_vip_lines6(std::span<const lb_vip_key6> keys, std::span<const lb_vip> vips,
                                          lb_vip_lines& lines);

} // namespace netwright::dataplane
