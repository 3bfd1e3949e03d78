/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys and values of the maps that congestion_choice.bpf.c looks into, and congestion_choice.cpp fills. */
#pragma once

#include <linux/types.h>

/* A longest-prefix-match key: IPv4 stands in its IPv6 form, ::ffff:a.b.c.d. */
struct congestion_prefix {
    __u32 length; /* bits of `address` */
    __u8 address[16];
};
struct congestion_algorithm {
    char name[16]; /* TCP_CA_NAME_MAX */
};
#ifdef __cplusplus
#define _Static_assert static_assert
#endif
_Static_assert(sizeof(struct congestion_prefix) == 20, "no padding on either side");
_Static_assert(sizeof(struct congestion_algorithm) == 16, "no padding on either side");
