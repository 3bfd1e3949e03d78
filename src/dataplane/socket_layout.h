/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the per-socket programs and the C++ that fills their constants must agree on, to the byte. */
#pragma once

#include <linux/types.h>

enum { SOCKET_PREFIXES = 32, SOCKET_RANGES = 16, SOCKET_OPTIONS = 8 };

/* IPv4 stands in its IPv6 form, ::ffff:a.b.c.d; network order. */
struct socket_prefix {
    __u32 address[4], mask[4];
};
struct socket_range {
    __u32 first, last;
};
/* One option of setsockopt(2) whose value is an int. */
struct socket_option {
    __u32 level, name;
    __s32 value;
    __u32 late; /* only once the connection is there */
};
struct socket_tally {
    __u64 tuned, refused; /* connections, and options that the kernel did not take */
};
