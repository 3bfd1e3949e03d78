/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program that feeds packets and the C++ that loads it must agree on. */
#pragma once

#include <linux/types.h>

enum { FEED_MOST = 128 /* bytes of a frame, a multiple of 8 */ };
enum feed_vary { FEED_ONE_SOURCE, FEED_SOURCES4, FEED_SOURCES6 };

/* The IPv4 source address of a flow, host order: `top` in its first four bits, the others scattered (MurmurHash3's
 * finalizer), so that neither tables nor prefetchers find an order in them. */
static inline __u32 feed_address(__u32 flow, __u32 top)
{
    flow = (flow ^ flow >> 16) * 0x85ebca6bu;
    flow = (flow ^ flow >> 13) * 0xc2b2ae35u;
    flow ^= flow >> 16;
    return top << 28 | flow >> 4;
}
