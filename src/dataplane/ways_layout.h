/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs that measure ways through this host and the C++ that loads them must agree on. */
#pragma once

#include <linux/types.h>

enum { WAYS_HEAD = 48, WAYS_FLOWS = 256 }; /* bytes of each frame that are written anew; different source ports */

enum ways_counter {
    WAYS_SENT,    /* by the generator */
    WAYS_HANDLED, /* dropped or sent on by an XDP program */
    WAYS_ARRIVED, /* at the end of the wire that leaves */
    WAYS_COUNT_MOST
};
struct ways_count {
    __u64 packets, bytes;
};
