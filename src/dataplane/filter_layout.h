/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the XDP filter and the C++ that fills its tables must agree on, to the byte. */
#pragma once

#include <linux/types.h>

/* Why a packet is odd. Bits, so that a policy names the ones it drops; the lowest wanted bit names the counter. The
 * first group cannot be read as what it claims to be; what follows can, but has no business in the wild. */
enum filter_odd {
    ODD_IP_VERSION,        /* the version field contradicts the ethertype */
    ODD_IP_HEADER,         /* an IPv4 header length below 20, or headers longer than the datagram */
    ODD_IP_LENGTH,         /* the datagram claims more bytes than the frame has, or less than its header */
    ODD_IPV6_HEADERS,      /* more than six extension headers (RFC 8504 lets a host set such a limit) */
    ODD_TRUNCATED,         /* the datagram ends inside its transport header */
    ODD_TCP_HEADER,        /* a data offset below 5, or beyond the datagram */
    ODD_UDP_LENGTH,        /* a UDP length below 8, or beyond the datagram */
    ODD_FRAGMENT_OVERLAP,  /* a fragment that begins inside the TCP header (RFC 1858) */
    ODD_FRAGMENT_OVERSIZE, /* a fragment that would end beyond 65535 bytes ("ping of death") */
    ODD_TINY_FRAGMENT,     /* a first fragment without its whole transport header (RFC 1858, RFC 7112) */
    ODD_TCP_NULL,          /* no flag at all */
    ODD_TCP_XMAS,          /* FIN, PSH and URG together */
    ODD_TCP_SYN_FIN,
    ODD_TCP_SYN_RST,
    ODD_TCP_FIN_ONLY,     /* FIN without ACK: only a scanner sends it */
    ODD_TCP_SYN_PAYLOAD,  /* data on a SYN that carries no TCP Fast Open option (RFC 7413) */
    ODD_PORT_ZERO,        /* TCP from or to port 0, UDP to port 0 */
    ODD_LAND,             /* source and destination are the same address */
    ODD_BOGON_SOURCE,     /* a source that no packet on a wire can have (RFC 6890, RFC 4291) */
    ODD_IPV4_OPTIONS,     /* source routes and their kin */
    ODD_ROUTING_HEADER_0, /* RFC 5095 */
    ODD_ICMP_FRAGMENT,
    ODD_FRAGMENT, /* any fragment */
    ODD_KINDS
};

/* Counters: these, then one for each odd kind, then one for each list and rule in the order of their ids. Every packet
 * adds to exactly one verdict counter; limits and counting rules that let it go on are counted beside it. */
enum filter_counter {
    COUNT_PASSED,       /* nothing matched, and the default is to pass */
    COUNT_DEFAULT_DROP, /* nothing matched, and the default is to drop */
    COUNT_NOT_IP,       /* ARP, LLDP and the like: passed */
    COUNT_BLOCKED,      /* dropped, and */
    COUNT_ALLOWED,      /* passed, by what was said while the filter ran */
    COUNT_COOKIES,      /* beside the verdict that passed it: a SYN that was answered here */
    COUNT_ODD,
    COUNT_NAMED = COUNT_ODD + ODD_KINDS, /* lists and rules */
    COUNT_MOST = 1024
};
struct filter_count {
    __u64 packets, bytes;
};

/* Fields that rules look at. For each the policy cuts the values into classes; a class has a bit for each rule. */
enum filter_field {
    FIELD_PROTOCOL,         /* IP protocol, + 256 for IPv6 */
    FIELD_DESTINATION_PORT, /* 65536: it has none */
    FIELD_SOURCE_PORT,
    FIELD_LENGTH, /* of the IP datagram with its header, 65535 at most */
    FIELD_TTL,
    FIELD_TCP_FLAGS,   /* the low 8; 256: no TCP */
    FIELD_ICMP,        /* type × 256 + code, as ports; 65536: no ICMP */
    FIELD_SOURCE_LIST, /* the list that holds the source address; 0: none */
    FIELD_DESTINATION_LIST,
    FIELD_FRAGMENT, /* 0 no, 1 first, 2 later */
    FIELD_KINDS
};
enum {
    FIELD_WIDE = 65536 + 8, /* values of a wide field, rounded up; narrow ones have at most 1024 */
    FIELD_NARROW = 1024,
    /* ports, length and ICMP are wide */
    CLASS_SPACE = 4 * FIELD_WIDE + 6 * FIELD_NARROW,
    RULES_MOST = 256,
    RULE_WORDS = RULES_MOST / 64,
    VECTORS_MOST = 8192
};
struct filter_vector {
    __u64 word[RULE_WORDS];
};

enum filter_action { ACTION_PASS, ACTION_DROP, ACTION_LIMIT, ACTION_COUNT };

struct filter_rule {
    __u16 action, counter;
    __u16 limit_per;        /* enum filter_per */
    __u16 prefix4, prefix6; /* LIMIT per source or destination: bits of the address that count */
    __u16 unused;
    __u32 unused2;
    __u64 cost;  /* nanoseconds a packet (or, per byte, 2^-16 nanoseconds a byte) uses up */
    __u64 burst; /* nanoseconds that may be used up ahead of time */
};
enum filter_per { PER_SOURCE, PER_DESTINATION, PER_PORT, PER_RULE, PER_BYTES = 16 /* a flag */ };
/* LIMITS_DEEP limits at most may hold for one packet: the first ones of its rules. */
enum { LIMITS_DEEP = 4 };

/* A list's verdict: pass and drop decide at once, before any other check; match is for rules to refer to. */
struct filter_list {
    __u16 action, counter; /* ACTION_PASS, ACTION_DROP, ACTION_COUNT: a rule's business */
};
enum { LISTS_MOST = 256 };

/* IPv4 prefixes as a trie of 16, 8 and 8 bits, small enough to stay in a CPU's own caches with 100,000 entries.
 *   root[address >> 16], 32 bits: a list, or the number of a node
 *   node: which of its 256 /24s say something else than most, and where their words begin; a cache line
 *   words, 64 bits: a list; up to four addresses of one list by their last byte; or the number of a leaf
 *   a leaf says which of 256 addresses are in one list, a cache line; four in a row hold 256 list numbers
 * The kind is in the two high bits. */
enum { TRIE_LIST = 0, TRIE_NODE = 1, TRIE_FEW = 1, TRIE_BITS = 2, TRIE_BYTES = 3, TRIE_ROOT = 65536 };
#define TRIE_KIND(word) ((word) >> 30)
#define TRIE_WIDE_KIND(word) ((word) >> 62)
#define TRIE_INDEX(word) ((word) & 0x3fffffff)
enum { TRIE_INSIDE = 32, TRIE_OUTSIDE = 40 }; /* TRIE_FEW: where its two lists stand; below, the addresses */
struct trie_node {
    __u64 bits[4];
    __u8 before[4];  /* how many bits are set in the words of `bits` before */
    __u32 first;     /* of the words */
    __u32 otherwise; /* the list of all others */
    __u32 unused[5];
};
struct trie_leaf {
    union {
        struct {
            __u64 bits[4];
            __u16 inside, outside; /* the lists of addresses whose bit is set, or not */
        };
        __u8 list[64];
    };
};

/* IPv6 prefixes: one hash of prefixes, asked once for each length in use, longest first. */
struct prefix6 {
    __u32 word[4]; /* network order, bits beyond the length 0 */
    __u32 length;
};
enum { LENGTHS6_MOST = 16 };

/* What was said of addresses while the filter ran. Nobody has to take an entry away when its time is over: the program
 * looks at the clock. Until when, CLOCK_MONOTONIC in nanoseconds; 0: not at all. Who is allowed is not blocked. */
struct live_end {
    __u64 allowed, blocked;
};
#define LIVE_FOREVER (~0ull)
/* For IPv4 it is one array of lines, which takes the place of the one before in one step: the trie as above, but with
 * lines for indexes (of words: eighths of lines), and numbers that stand for ends instead of lists. For IPv6 it is a
 * hash of prefixes; the element of this length holds the lengths in use, longest first, a byte each. */
enum {
    LIVE_LINE = 64,
    LIVE_ENDS = TRIE_ROOT * 4 / LIVE_LINE,                              /* behind the root */
    LIVE_NODES = LIVE_ENDS + 256 * sizeof(struct live_end) / LIVE_LINE, /* nodes, words, leaves */
    LIVE_LENGTHS = 255,
};
struct live_line {
    union {
        __u32 word[16]; /* of the root */
        __u64 wide[8];
        struct trie_node node;
        struct trie_leaf leaf;
        struct live_end end[4];
    };
};
struct live_value {
    union {
        struct live_end end;
        __u8 lengths[16];
    };
};

/* A limiter's bucket: the virtual time up to which its budget is used up (GCRA, ITU-T I.371). One that lies in the past
 * is as good as empty, so a full set gives up what carries the least. */
struct filter_bucket {
    __u64 tag, used_until;
};
enum { BUCKET_WAYS = 4 };
struct filter_bucket_set {
    struct filter_bucket way[BUCKET_WAYS];
};

/* What of a packet goes to user space, of one in `sample_every` drops, and of so many a second at most. */
enum { SAMPLE_BYTES = 64 };
struct filter_sample {
    __u64 time; /* CLOCK_MONOTONIC, nanoseconds */
    __u32 interface;
    __u16 counter; /* which check dropped it */
    __u16 length;  /* of the frame, 65535 at most */
    __u8 head[SAMPLE_BYTES];
};
