/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and ports against constant lists. */
#pragma once

#include "socket_layout.h"

const volatile struct socket_prefix prefixes[SOCKET_PREFIXES];
const volatile struct socket_range ranges[SOCKET_RANGES];
const volatile __u32 prefix_count, range_count; /* 0: any */

/* A field of a context is taken at a constant offset only: volatile keeps the compiler from choosing the offset first.
 */
static __always_inline __u32 field(const volatile __u32* place) { return *place; }

static __always_inline int port_fits(__u32 port)
{
    if (!range_count) return 1;
    for (__u32 i = 0; i < SOCKET_RANGES; ++i) {
        if (i >= range_count) return 0;
        if (port >= ranges[i].first && port <= ranges[i].last) return 1;
    }
    return 0;
}

static __always_inline int address_fits(const __u32* address)
{
    if (!prefix_count) return 1;
    for (__u32 i = 0; i < SOCKET_PREFIXES; ++i) {
        __u32 differs = 0;
        if (i >= prefix_count) return 0;
        for (int word = 0; word < 4; ++word)
            differs |= (address[word] & prefixes[i].mask[word]) ^ prefixes[i].address[word];
        if (!differs) return 1;
    }
    return 0;
}
