/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What drops.bpf.c counts by, and drops.cpp reads. */
#pragma once

#include <linux/types.h>

enum { drop_reason_unknown = 0xffffffff };

struct drop_key {
    __u64 location;   /* the instruction behind the call that freed the packet */
    __u32 reason;     /* enum skb_drop_reason of the running kernel; drop_reason_unknown before 5.17 */
    __u32 interface;  /* index; 0: none */
    __u16 ether_type; /* host order */
    __u16 port;       /* destination port, host order; 0: not TCP or UDP, or not readable */
    __u8 protocol;    /* of the IP header */
    __u8 zero[3];
};

/* Places in the array of sums. */
enum { drops_elsewhere, drops_unplaced, drops_lost, drop_sums };

#ifdef __cplusplus
#define _Static_assert static_assert
#endif
_Static_assert(sizeof(struct drop_key) == 24, "no padding on either side");
