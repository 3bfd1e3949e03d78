// SPDX-License-Identifier: GPL-2.0-or-later
// Packets as a TUN device with offload hands them over: a virtio-net header and one IP packet, which may be many TCP
// segments in one (include/uapi/linux/virtio_net.h). Here they are counted and cut; bytes in, bytes out.
#pragma once

#include "base/error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace netwright::lab {

inline constexpr std::size_t virtio_header_size = 10; // struct virtio_net_hdr, as TUN uses it unless told otherwise

struct Shape {
    std::size_t headers = 0; // bytes of IP and TCP headers; the whole packet where it is not several segments
    std::size_t payload = 0; // bytes after them
    std::size_t segment = 0; // payload bytes of each segment but the last; 0: this is one packet
    std::size_t count() const { return segment == 0 ? 1 : (payload + segment - 1) / segment; }
    // IP packet size of segment `index`, as it travels.
    std::size_t size_of(std::size_t index) const
    {
        if (segment == 0) return headers + payload;
        const std::size_t from = index * segment;
        return headers + (payload - from < segment ? payload - from : segment);
    }
};

// `packet` starts with the virtio-net header. Malformed: shorter than its headers say, or no IP.
Result<Shape> shape_of(std::span<const std::uint8_t> packet);

// Segments `from` to below `to` as a packet of their own: lengths, sequence numbers, flags and the partial checksum
// that offload leaves to the device are made right. All of them: a copy.
std::vector<std::uint8_t> cut(std::span<const std::uint8_t> packet, const Shape& shape, std::size_t from,
                              std::size_t to);

} // namespace netwright::lab
