// SPDX-License-Identifier: GPL-2.0-or-later
// How ready a host is for programs that take a NIC from the kernel (AF_XDP, DPDK), and what they would take away.
#pragma once

#include "model/bypass.h"

#include <string_view>

namespace netwright::advise {

BypassReport judge_bypass(const BypassFacts& facts);

// A DPDK poll-mode driver, and how it gets at the device.
struct PollModeDriver {
    std::string_view kernel_driver, name;
    enum class Way {
        Vfio,       // the device is taken from its kernel driver and given to vfio-pci
        Bifurcated, // the kernel driver stays: DPDK gets queues and flows of it
        Vmbus       // Hyper-V: uio_hv_generic, or its virtual function
    } way;
};
const PollModeDriver* poll_mode_driver(std::string_view kernel_driver); // null: none is known

} // namespace netwright::advise
