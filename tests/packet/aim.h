// SPDX-License-Identifier: GPL-2.0-or-later
// Generated frames that are meant for a balancer.
#pragma once

#include "dataplane/lb_config.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace netwright::test {

// Most of the frames get a VIP's address.
inline void aim(std::vector<std::uint8_t>& frame, const dataplane::LbConfig& config, std::mt19937& random)
{
    std::size_t at = 12;
    while (at + 6 < frame.size() && (frame[at] == 0x81 || frame[at] == 0x88))
        at += 4;
    const dataplane::LbVip& vip = config.vips[random() % config.vips.size()];
    const std::size_t place = at + 2 + (vip.address.ipv6 ? 24 : 16), size = vip.address.ipv6 ? 16 : 4;
    const std::uint8_t type = vip.address.ipv6 ? 0x86 : 0x08;
    if (random() % 8 == 0 || frame.size() < place + size || frame[at] != type) return;
    std::copy_n(vip.address.address.begin(), size, frame.begin() + static_cast<std::ptrdiff_t>(place));
}

} // namespace netwright::test
