/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the load balancer's program and the C++ that fills its tables must agree on, to the byte. */
#pragma once

#include <linux/types.h>

/* Ports in host order, addresses in network order. Port 0 stands for fragments, which carry none. The keys are compared
 * as words of 8 bytes, and all zero is none. */
struct lb_vip_key4 {
    __u32 address;
    __u16 port;
    __u8 protocol, zero;
};
struct lb_vip_key6 {
    __u32 address[4];
    __u16 port;
    __u8 protocol, zero[5];
};
enum lb_affinity {
    LB_BY_FLOW,
    LB_BY_SOURCE, /* of the addresses alone */
    LB_BY_QUIC    /* of the connection ID where it names a backend, else LB_BY_FLOW */
};
struct lb_vip {
    __u32 row; /* where its pool's slots begin */
    __u16 counter;
    __u8 affinity; /* enum lb_affinity */
    __u8 traits;   /* enum lb_trait */
};
enum lb_trait {
    LB_DROP_FRAGMENTS = 1, /* they cannot be given to the right backend */
    LB_TRANSLATED = 2,     /* its backends are of mode LB_NAT */
};

/* VIPs by key. A key's line is found by multiplication with numbers for which no line got more keys than it has places:
 * one cache line is looked at, no chain followed. */
enum { LB_PLACES4 = 4, LB_PLACES6 = 2, LB_KEY_WORDS4 = 1, LB_KEY_WORDS6 = 3 };
struct lb_vip_line4 {
    __u64 key[LB_PLACES4];
    struct lb_vip vip[LB_PLACES4];
};
struct lb_vip_line6 {
    __u64 key[LB_PLACES6][LB_KEY_WORDS6];
    struct lb_vip vip[LB_PLACES6];
};
struct lb_vip_lines {
    __u64 factor[LB_KEY_WORDS6];
    __u64 shift; /* 64 - the binary logarithm of how many lines there are */
};
static inline __u64 lb_vip_line(const __u64* key, int words, const struct lb_vip_lines* lines)
{
    __u64 sum = 0;
    for (int i = 0; i < words; ++i)
        sum += key[i] * lines->factor[i];
    return sum >> (lines->shift & 63);
}

/* A pool's Maglev table: a slot holds the number of its backend, the one that had it before, and whether connections
 * of this slot may be with another than its owner: only then is the connection table looked at. */
enum {
    LB_SLOTS = 65537,
    LB_ROW_SLOTS = 32, /* an array's element is rounded up to 8 bytes, and a cache line holds 32 halves of slots */
    LB_ROWS = (LB_SLOTS + LB_ROW_SLOTS - 1) / LB_ROW_SLOTS,
    LB_NOBODY = 0x7fff, /* the number of no backend */
    LB_NUMBERS = 16384,
};
#define LB_SLOT(owner, before, consult) ((owner) | (before) << 16 | (consult) << 31)
#define LB_OWNER(slot) ((slot) & 0x7fff)
#define LB_BEFORE(slot) ((slot) >> 16 & 0x7fff)
#define LB_CONSULT(slot) ((slot) >> 31)
struct lb_row {
    __u32 slot[LB_ROW_SLOTS];
};
/* The packet path has owners in one table, and who was before in another, which is empty while all slots are settled:
 * half the memory, and half of what a CPU's caches have to hold. The bit that says to look there is the owner's. */
struct lb_half_row {
    __u16 slot[LB_ROW_SLOTS];
};
#define LB_HALF_NUMBER(half) ((half) & 0x7fff)
#define LB_HALF_CONSULT(half) ((half) >> 15)

enum lb_mode { LB_IPIP, LB_GUE, LB_LAYER2, LB_NAT, LB_QUIC = 8 /* no way to a backend, but needs code all the same */ };

struct lb_backend {
    __u32 address[4];
    __u8 ipv6, present; /* not present: nobody has this number now */
    __u8 mode;          /* enum lb_mode */
    __u8 link_known;    /* layer 2: `link` is its link address, and it is reached by the interface of arrival */
    __u8 link[6];
    __u16 port; /* NAT: where it listens; 0: where its VIP does */
};

/* A server ID of a connection ID, in the pool that begins at `row`; the value is the backend's number. */
struct lb_quic_key {
    __u32 row, server;
};

/* Of what a connection's hash is made: a constant, and a factor for each of ten words of 32 bits. */
enum { LB_HASH_FACTORS = 11 };
/* NAT: the balancer's own addresses, each at a place that it keeps; a place without one holds zeros. */
enum {
    LB_NAT_PLACES = 8,        /* of each family; IPv6 counts on from there */
    LB_NAT_ENTRIES = 1 << 17, /* of a place: a port, of UDP the upper half */
};
struct lb_nat_settings {
    __u32 address4[LB_NAT_PLACES], address6[LB_NAT_PLACES][4];
    __u32 places4, places6;   /* behind which there are none */
    __u32 first, ports;       /* of them */
    __u32 idle_tcp, idle_udp; /* of connections that were answered, in 2^30 nanoseconds */
};

struct lb_settings {
    __u64 hash[LB_HASH_FACTORS];
    struct lb_vip_lines vips4, vips6;
    __u64 drain_until; /* CLOCK_MONOTONIC, nanoseconds; slots that changed are settled then */
    __u32 mtu;
    __u32 source4, host_bits4;    /* network order */
    __u32 source6[4], host_bits6; /* of the last word */
    __u32 gue_port;               /* network order */
    __u32 quic_config;            /* the first three bits of connection IDs that hold a server ID */
    __u32 icmp_rate;              /* errors that a CPU sends a second, at most */
    struct lb_nat_settings nat;
};

/* What the program reads first: its .bss, which is written through a mapping. */
struct lb_globals {
    __u64 generation; /* its lowest bit is the side that is read; 0: nothing was configured yet */
    struct lb_settings settings[2];
};

/* Connections, a set of eight for each hash: tag (32 bits), backend (16), second of last use (15), and whether more
 * than a SYN was seen (1). Only connections of slots that changed are in it. */
enum { LB_WAYS = 8 };
#define LB_ENTRY(tag, backend, second, confirmed)                                                                      \
    ((__u64)(tag) | (__u64)(backend) << 32 | (__u64)((second) & 0x7fff) << 48 | (__u64)(confirmed) << 63)
struct lb_set {
    __u64 way[LB_WAYS];
};

/* A translated connection, as its client knows it. */
struct lb_nat_key {
    __u32 client[4], vip[4];
    __u16 client_port, vip_port;
    __u32 protocol; /* IPv6: 256 more */
};
/* What stands at a place's port. The word is exchanged as a whole: state (enum lb_nat_state, 8 bits), how often the
 * entry was taken (24), and when it was used last, in 2^30 nanoseconds (32). */
struct lb_nat_entry {
    __u64 word;
    struct lb_nat_key key;
    __u32 backend[4];
    __u16 backend_port, number;
    __u32 unused;
};
enum lb_nat_state {
    LB_NAT_TAKEN = 1,
    LB_NAT_FILLED = 2,
    LB_NAT_ANSWERED = 4,      /* the backend did */
    LB_NAT_OPEN = 8,          /* its client heard that */
    LB_NAT_CLIENT_DONE = 16,  /* FIN */
    LB_NAT_BACKEND_DONE = 32, /* FIN */
    LB_NAT_RESET = 64,
};

/* ICMP errors that a CPU sent in this second. */
struct lb_answers {
    __u64 second, count;
};

/* A packet to a VIP is counted by its VIP, and then by its backend or by the reason why it was dropped. */
enum lb_counter {
    LB_DROP_MALFORMED, /* its headers contradict themselves, or it ends inside them */
    LB_DROP_FRAGMENT,
    LB_DROP_TOO_BIG, /* for the way to the backend, with the outer header */
    LB_DROP_NO_BACKEND,
    LB_DROP_NO_ROOM,     /* the driver leaves no space in front of the frame */
    LB_DROP_TTL,         /* it has been forwarded too often */
    LB_DROP_NO_WAY,      /* layer 2, NAT: no route, or a link address is not known */
    LB_DROP_NAT_FULL,    /* NAT: no port for a new connection */
    LB_DROP_NAT_HEADERS, /* NAT: ports behind IPv6 extension headers */
    LB_COUNT_NAT_BACK,   /* from backends to clients */
    LB_COUNT_NAT_BEGUN,  /* connections */
    LB_COUNT_NAT_PUSHED, /* connections that were not open gave way to others */
    LB_COUNT_VIPS = 16,
    LB_COUNT_BACKENDS = LB_COUNT_VIPS + 4096,
    LB_COUNT_MOST = LB_COUNT_BACKENDS + LB_NUMBERS
};
struct lb_count {
    __u64 packets, bytes;
};
