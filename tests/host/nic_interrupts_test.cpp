// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/nic_interrupts.h"

#include <doctest/doctest.h>

using netwright::host::interrupt_action;

TEST_CASE("an interrupt's action is what stands at the end of its line")
{
    constexpr std::string_view table =
        "           CPU0       CPU1\n"
        " 38:          1          2   PCI-MSIX-0000:00:03.0    1-edge      virtio2-input.0\n"
        "  9:          0          0   IO-APIC   9-fasteoi   acpi, eth0\n"
        " 24:          0          0   PCI-MSI 524288-edge\n"
        "NMI:          0          0   Non-maskable interrupts\n";
    CHECK(interrupt_action(table, 38) == "virtio2-input.0");
    CHECK(interrupt_action(table, 9) == "acpi, eth0");
    CHECK(interrupt_action(table, 24) == ""); // requested by nobody
    CHECK(interrupt_action(table, 3) == "");
    CHECK(interrupt_action("", 3) == "");
}
