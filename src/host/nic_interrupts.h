// SPDX-License-Identifier: GPL-2.0-or-later
// The interrupts of a device and where they go.
#pragma once

#include "kernel/files.h"
#include "model/nic.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright::host {

// Of the device whose sysfs directory is `device` (with a slash at its end): its message-signalled interrupts, else its
// one line. Absent: it has none, as devices on virtual buses.
Result<std::vector<NicInterrupt>> read_interrupts(const kernel::Files& files, const std::string& device);

// Who serves `irq`, from /proc/interrupts; "" if nobody does: "virtio0-input.0", "eth0-rx-0, eth0-tx-0"
std::string interrupt_action(std::string_view interrupts, unsigned irq);

} // namespace netwright::host
