/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the decapsulating program and the C++ that loads it must agree on. */
#pragma once

#include <linux/types.h>

/* A prefix of balancers' addresses, in network order; IPv4 in the first word. */
struct decap_source {
    __u32 address[4], mask[4];
    __u32 ipv6;
};
enum { DECAP_SOURCES = 16 };

enum decap_counter {
    DECAP_DONE,
    DECAP_FOREIGN,   /* tunnelled, from an address that is no balancer's: left as it is */
    DECAP_CONGESTED, /* marked on its way, and the inner packet cannot carry the mark: dropped (RFC 6040) */
    DECAP_COUNT_MOST
};
struct decap_count {
    __u64 packets, bytes;
};
