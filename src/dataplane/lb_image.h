// SPDX-License-Identifier: GPL-2.0-or-later
// A load balancer's configuration as the tables that the packet path reads (lb_layout.h). Pure: it can be made,
// compared and tested without a kernel.
#pragma once

#include "dataplane/lb_config.h"
#include "dataplane/lb_layout.h"

#include <map>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct LbImage {
    lb_settings settings{};
    std::vector<lb_vip_key4> keys4;
    std::vector<lb_vip_key6> keys6;
    std::vector<lb_vip> vips4, vips6; // of the keys
    std::vector<lb_vip_line4> lines4; // both, as the packet path looks for them (settings.vips4)
    std::vector<lb_vip_line6> lines6;
    std::vector<lb_quic_key> quic_keys;
    std::vector<std::uint32_t> quic;               // numbers of backends, of the keys
    std::vector<lb_row> rows;                      // LB_ROWS for each pool
    std::vector<lb_backend> backends;              // by number
    std::map<Prefix, std::uint16_t> numbers;       // of backends; they keep them from one image to the next
    std::map<std::string, std::uint16_t> counters; // of VIPs, by their text; likewise
    std::map<std::string, std::uint32_t> pools;    // the first row of each, by name
};

// `now` is CLOCK_MONOTONIC in nanoseconds. Where a pool of `before` gave a slot to another backend that is still in the
// pool, connections stay with that until the drain time is over. Rejected: more backends or VIPs than there are
// numbers.
Result<LbImage> make_lb_image(const LbConfig& config, const LbImage* before, std::uint64_t now);

// Bits of enum lb_mode: what a program must be loaded with to run this configuration.
std::uint32_t modes_of(const LbConfig& config);

inline std::uint32_t slot_of(const LbImage& image, std::uint32_t row, std::uint32_t slot)
{
    return image.rows[row + slot / LB_ROW_SLOTS].slot[slot % LB_ROW_SLOTS];
}

} // namespace netwright::dataplane
