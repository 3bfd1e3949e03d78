// SPDX-License-Identifier: GPL-2.0-or-later
// The lists that nic_rules() joins, one a file.
#pragma once

#include "advise/rule.h"

namespace netwright::advise {

std::span<const Rule> nic_ring_rules();    // nic_rings.cpp: frames that found no descriptor or memory, cloud limits
std::span<const Rule> nic_link_rules();    // nic_link.cpp: duplex, speed, carrier, damaged frames, stalls
std::span<const Rule> nic_offload_rules(); // nic_offloads.cpp: work the NIC could do, and work it must not
std::span<const Rule> nic_feature_rules(); // nic_features.cpp: switches of the device that are on or off by mistake
std::span<const Rule> nic_batch_rules();   // nic_batches.cpp: how much is taken at once, and how long is waited for it
std::span<const Rule> nic_placement_rules(); // nic_placement.cpp: number of queues
std::span<const Rule> nic_interrupt_rules(); // nic_interrupts.cpp: CPUs, hyper-threads, nodes of queue interrupts
std::span<const Rule> nic_hashing_rules();   // nic_hashing.cpp: RSS table, hashed fields
std::span<const Rule> nic_egress_rules();    // nic_egress.cpp: MTU, transmit queue, qdisc

} // namespace netwright::advise
