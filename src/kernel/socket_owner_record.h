/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What socket_owner.bpf.c writes for every socket descriptor, and socket_owners.cpp reads. */
#pragma once

#include <linux/types.h>

struct socket_owner_record {
    __u64 inode;
    __u32 pid;
    __u16 protocol;
    __u8 family;
    __u8 state;
};
#ifdef __cplusplus
#define _Static_assert static_assert
#endif
_Static_assert(sizeof(struct socket_owner_record) == 16, "no padding on either side");
