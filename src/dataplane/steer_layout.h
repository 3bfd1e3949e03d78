/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the steering program and the C++ that fills its tables must agree on, to the byte. */
#pragma once

#include <linux/types.h>

/* A packet belongs to the first class whose conditions all hold. Each table holds, by value of one field, a bit for
 * every class that allows it: the AND over the fields is what the packet may belong to. */
enum {
    STEER_CLASSES = 64,
    STEER_PROTOCOLS = 512, /* IP protocol, + 256 for IPv6 */
    STEER_NO_PORT = 65536,
    STEER_PORTS = 65537,
    STEER_DSCPS = 64,
    STEER_PREFIXES = 4096, /* in each of the two tries */
    STEER_CGROUP_DEPTH = 16,
    STEER_PAYLOAD = 16, /* bytes of a payload that are compared */
};

/* Counters: these, then one for each class by the number that its name got. */
enum steer_counter { STEER_UNCLASSIFIED, STEER_NOT_IP, STEER_NAMED, STEER_COUNTERS = 256 };
struct steer_count {
    __u64 packets, bytes;   /* segments, and bytes as they go over the wire */
    __u64 dropped, delayed; /* of `packets`, by a limit */
};

enum steer_set { SET_PRIORITY = 1, SET_MARK = 2, SET_QUEUE = 4, SET_DSCP = 8 };
enum steer_way {
    STEER_STAY,
    STEER_FRAME,     /* out of an interface as it is */
    STEER_NEIGHBOUR, /* out of an interface, with the link address that its route and neighbour table give */
    STEER_INGRESS,   /* as if it had come in by an interface */
    STEER_PEER       /* as if it had come in by an interface's other end, in that end's network namespace */
};

struct steer_class {
    __u32 counter;
    __u32 sets; /* bits of enum steer_set */
    __u32 priority, mark, mark_mask, queue, dscp;
    __u32 way, interface;             /* enum steer_way, and the interface's number */
    __u32 payload_at, payload_length; /* length 0: any payload */
    __u32 unused;
    __u8 payload[STEER_PAYLOAD]; /* zeros behind the length */
    __u64 cost;                  /* 2^-16 nanoseconds that a byte uses up; 0: no limit */
    __u64 burst;                 /* nanoseconds that may be used up ahead of time */
};

/* A prefix of either family: IPv4 lies in the first word of the address. */
struct steer_prefix {
    __u32 length; /* 32 for the family, and the prefix's own */
    __u32 family; /* 4 or 6 */
    __u32 address[4];
};

#ifdef __cplusplus
#define _Static_assert static_assert
#endif
_Static_assert(sizeof(struct steer_class) == 80, "no padding on either side");
_Static_assert(sizeof(struct steer_prefix) == 24, "no padding on either side");
