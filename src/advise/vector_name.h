// SPDX-License-Identifier: GPL-2.0-or-later
// What the names of a NIC's interrupts tell: which queue each serves, and which of them are not for packets.
#pragma once

#include "model/nic.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::advise {

enum class Traffic { Receive, Transmit, Both };
std::string_view to_text(Traffic traffic); // "rx", "tx", "rx and tx"

enum class Duty {
    Packets, // serves a queue
    Control, // configuration, events, firmware: no packets
    Storage, // a disk's
    Unknown  // a name no driver known here gives: reported, left alone
};

struct VectorName {
    Duty duty = Duty::Unknown;
    Traffic traffic = Traffic::Both; // of Packets only, as are the next two
    std::uint32_t number = 0;        // as the name has it: some drivers count queues, some vectors
    std::string device;              // "eth0", "virtio0", "pci:0000:03:00.0": what the name says it belongs to
    bool operator==(const VectorName&) const = default;
};

// "eth0-TxRx-3" of driver "ixgbe". The driver may be "": forms that only some drivers use are then not tried.
VectorName parse_vector_name(std::string_view driver, std::string_view action);

// A vector that serves queue `queue` of its NIC.
struct QueueVector {
    unsigned irq = 0;
    std::uint32_t queue = 0;
    Traffic traffic = Traffic::Both;
    bool operator==(const QueueVector&) const = default;
};

struct NicVectors {
    std::vector<QueueVector> queues;          // those in use, by queue, receive before transmit
    std::vector<const NicInterrupt*> unknown; // borrowed from the NIC
};
// Sorts a NIC's interrupts out. Queues are counted in the order of the names' numbers, separately for each direction:
// gve and vmxnet3 number their vectors, transmit first, and gve's names do not even tell the direction.
NicVectors vectors_of(const Nic& nic);

} // namespace netwright::advise
