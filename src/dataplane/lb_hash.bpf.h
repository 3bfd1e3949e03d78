/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which slot a connection falls into. */
#pragma once

#include "lb_layout.h"
#include "packet_facts.bpf.h"

/* Of source, destination, ports and protocol. The high half is multilinear hashing (Lemire and Kaser, "Strongly
 * universal string hashing is fast", 2014): who does not know the factors cannot choose connections of one slot. The
 * low half stirs all of the sum: it tells connections of one slot apart. */
INLINE __u64 hash_of(const struct facts* facts, const __u64* factor, int addresses_alone)
{
    const __u32* from = facts->source;
    const __u32* to = facts->destination;
    __u64 sum = factor[0] + factor[1] * from[0] + factor[2] * to[0];
    if (!addresses_alone) {
        const __u32 ports = facts->destination_port << 16 | (facts->source_port & 0xffff);
        sum += factor[3] * ports + factor[4] * (facts->protocol & 255);
    }
    if (facts->ipv6)
        for (int i = 1; i < 4; ++i)
            sum += factor[3 + 2 * i] * from[i] + factor[4 + 2 * i] * to[i];
    return (sum & 0xffffffff00000000ull) | ((sum ^ sum >> 29) * 0xff51afd7ed558ccdull) >> 32;
}
