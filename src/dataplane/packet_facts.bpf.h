/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One look at a frame's headers, for every program on the packet path: Ethernet, two VLAN tags, IPv4 with options, six
 * IPv6 extension headers, TCP, UDP, ICMP. Nothing here decides; it notes what is there and what is odd about it. */
#pragma once

#include "filter_layout.h"

#define INLINE static __always_inline
#define BIT(number) (1u << (number))

enum {
    ETHERTYPE_IP = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_QINQ = 0x88a8,
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_AH = 51,
    PROTOCOL_ICMPV6 = 58,
    PROTOCOL_DESTINATION = 60,
    PROTOCOL_MOBILITY = 135,
    PROTOCOL_HIP = 139,
    PROTOCOL_SHIM6 = 140,
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_PSH = 8,
    TCP_ACK = 16,
    TCP_URG = 32,
    NO_PORT = 65536,
    NO_FLAGS = 256,
    NOT_A_FRAGMENT = 0,
    FIRST_FRAGMENT = 1,
    LATER_FRAGMENT = 2,
};

struct facts {
    __u32 source[4], destination[4]; /* network order; IPv4 in the first word */
    __u32 odd;                       /* bits of enum filter_odd */
    __u32 ipv6;
    __u32 protocol, ttl, length, fragment;
    __u32 network; /* where the IP header begins in the frame */
    __u32 source_port, destination_port, icmp, tcp_flags;
    __u32 rest, left; /* between the two steps of note_other */
};

/* clang folds repeated reads of these fields into address arithmetic on the context, which the verifier refuses. */
INLINE void* data_of(struct xdp_md* context)
{
    void* data;
    asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(data) : "r"(context), "i"(__builtin_offsetof(struct xdp_md, data)));
    return data;
}
INLINE void* end_of(struct xdp_md* context)
{
    void* end;
    asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(end) : "r"(context), "i"(__builtin_offsetof(struct xdp_md, data_end)));
    return end;
}

/* Bounds `value` before the verifier's eyes. What clang can prove itself it leaves out, and older verifiers (6.1)
 * cannot follow its proof through copies. */
INLINE __u64 within(__u64 value, const __u32 mask)
{
    asm volatile("%0 &= %1" : "+r"(value) : "i"(mask));
    return value;
}

/* `value` where `difference` is 0, else 0. Which place of several holds what is looked for is as good as drawn by lot:
 * a branch would be foretold wrongly each time. */
INLINE __u64 where_same(__u64 difference, __u64 value)
{
    __u64 differs = difference | -difference;
    asm volatile("" : "+r"(differs)); /* or clang makes a branch of it */
    return value & ((differs >> 63) - 1);
}

INLINE __u32 big16(const void* at) { return __builtin_bswap16(*(const __u16*)at); }

/* Kind 34, or the experimental one with its magic number (RFC 7413, section 4.1.1). Every branch but the loop's leaves
 * the function, or the verifier would follow each sequence of options apart: no-operation (1) is one byte by a table.
 */
__noinline int carries_fast_open(struct xdp_md* context, __u32 offset, __u32 header)
{
    static const __u8 alone[256] = {[1] = 0xff};
    const void* end = end_of(context);
    const __u8* tcp = (const __u8*)data_of(context) + (offset & 0x3fff);
    __u32 at = 20;
    for (int i = 0; i < 40; ++i) {
        const __u8* option = tcp + within(at, 63);
        if (at + 2 > header) return 0;
        if ((const void*)(option + 4) > end) /* there is payload behind the header: this is its last option */
            return (const void*)(option + 2) <= end && option[0] == 34;
        const __u32 kind = option[0];
        const __u32 mask = alone[kind];
        if (kind == 34) return 1;
        if (kind == 254 && at + 4 <= header && option[2] == 0xf9 && option[3] == 0x89) return 1;
        if (kind == 0 || (option[1] | mask) < 2) return 0;
        at += (option[1] & ~mask) | (mask & 1);
        if (at >= 60) return 0;
    }
    return 0;
}

INLINE __u32 odd_tcp_flags(__u32 flags)
{
    __u32 odd = 0;
    if ((flags & 0x3f) == 0) odd |= BIT(ODD_TCP_NULL);
    if ((flags & (TCP_FIN | TCP_PSH | TCP_URG)) == (TCP_FIN | TCP_PSH | TCP_URG)) odd |= BIT(ODD_TCP_XMAS);
    if ((flags & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN)) odd |= BIT(ODD_TCP_SYN_FIN);
    if ((flags & (TCP_SYN | TCP_RST)) == (TCP_SYN | TCP_RST)) odd |= BIT(ODD_TCP_SYN_RST);
    if ((flags & (TCP_FIN | TCP_ACK)) == TCP_FIN) odd |= BIT(ODD_TCP_FIN_ONLY);
    return odd;
}

/* `left`: bytes of the datagram from here on, which the frame has been found to hold. */
INLINE void note_tcp(struct xdp_md* context, struct facts* facts, const __u8* at, const void* end, __u32 left)
{
    if (left < 20 || (const void*)(at + 20) > end) {
        facts->odd |= facts->fragment ? BIT(ODD_TINY_FRAGMENT) : BIT(ODD_TRUNCATED);
        return;
    }
    const __u32 header = (at[12] >> 4) * 4u;
    facts->source_port = big16(at);
    facts->destination_port = big16(at + 2);
    facts->tcp_flags = at[13];
    if (header < 20) facts->odd |= BIT(ODD_TCP_HEADER);
    if (header > left) facts->odd |= facts->fragment ? BIT(ODD_TINY_FRAGMENT) : BIT(ODD_TCP_HEADER);
    facts->odd |= odd_tcp_flags(facts->tcp_flags);
    if (facts->source_port == 0 || facts->destination_port == 0) facts->odd |= BIT(ODD_PORT_ZERO);
    if ((facts->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && left > header && header >= 20 &&
        !carries_fast_open(context, (__u32)(at - (const __u8*)data_of(context)), header))
        facts->odd |= BIT(ODD_TCP_SYN_PAYLOAD);
}

INLINE void note_udp(struct facts* facts, const __u8* at, const void* end, __u32 left)
{
    if (left < 8 || (const void*)(at + 8) > end) {
        facts->odd |= facts->fragment ? BIT(ODD_TINY_FRAGMENT) : BIT(ODD_TRUNCATED);
        return;
    }
    const __u32 length = big16(at + 4);
    facts->source_port = big16(at);
    facts->destination_port = big16(at + 2);
    if (length < 8 || (length > left && !facts->fragment)) facts->odd |= BIT(ODD_UDP_LENGTH);
    if (facts->destination_port == 0) facts->odd |= BIT(ODD_PORT_ZERO);
}

INLINE void note_icmp(struct facts* facts, const __u8* at, const void* end, __u32 left)
{
    if (facts->fragment) facts->odd |= BIT(ODD_ICMP_FRAGMENT);
    if (facts->fragment == LATER_FRAGMENT) return;
    if (left < 8 || (const void*)(at + 8) > end) {
        facts->odd |= facts->fragment ? BIT(ODD_TINY_FRAGMENT) : BIT(ODD_TRUNCATED);
        return;
    }
    facts->icmp = big16(at); /* type and code */
}

INLINE void note_transport(struct xdp_md* context, struct facts* facts, const __u8* at, const void* end, __u32 left)
{
    const __u32 protocol = facts->protocol & 255;
    if (protocol == (facts->ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP)) note_icmp(facts, at, end, left);
    if (facts->fragment == LATER_FRAGMENT) return;
    if (protocol == PROTOCOL_TCP) note_tcp(context, facts, at, end, left);
    if (protocol == PROTOCOL_UDP) note_udp(facts, at, end, left);
}

/* `offset` in bytes from the start of the unfragmented payload, `left` the bytes this piece carries. */
INLINE void note_fragment(struct facts* facts, __u32 offset, int more, __u32 left)
{
    if (!offset && !more) return; /* RFC 6946: a fragment header on a whole datagram */
    facts->fragment = offset ? LATER_FRAGMENT : FIRST_FRAGMENT;
    facts->odd |= BIT(ODD_FRAGMENT);
    if (offset && offset < 20 && (facts->protocol & 255) == PROTOCOL_TCP) facts->odd |= BIT(ODD_FRAGMENT_OVERLAP);
    if (offset + left > 65535) facts->odd |= BIT(ODD_FRAGMENT_OVERSIZE);
}

INLINE void note_ipv4_addresses(struct facts* facts)
{
    const __u32 top = facts->source[0] & 255; /* network order: the first byte lies lowest */
    if (facts->source[0] == facts->destination[0]) facts->odd |= BIT(ODD_LAND);
    /* 0.0.0.0 to the broadcast address is how DHCP begins. */
    if (top == 127 || top >= 224 || (top == 0 && (facts->source[0] || facts->destination[0] != 0xffffffff)))
        facts->odd |= BIT(ODD_BOGON_SOURCE);
}

/* What the network layer carries, and how many bytes of it; nowhere: the headers do not tell. */
struct rest {
    const __u8* at;
    __u32 left;
};
#define NOWHERE ((struct rest){0, 0})

/* `left`: bytes of the frame from here on. */
INLINE struct rest note_ipv4(struct facts* facts, const __u8* at, const void* end, __u32 left)
{
    if (left < 20 || (const void*)(at + 20) > end) {
        facts->odd |= BIT(ODD_TRUNCATED);
        return NOWHERE;
    }
    const __u32 header = (at[0] & 15) * 4u;
    const __u32 where = big16(at + 6);
    facts->length = big16(at + 2);
    facts->ttl = at[8];
    facts->protocol = at[9];
    facts->source[0] = *(const __u32*)(at + 12);
    facts->destination[0] = *(const __u32*)(at + 16);
    note_ipv4_addresses(facts);
    if (at[0] >> 4 != 4) facts->odd |= BIT(ODD_IP_VERSION);
    if (header < 20) facts->odd |= BIT(ODD_IP_HEADER);
    if (header > 20) facts->odd |= BIT(ODD_IPV4_OPTIONS);
    if (facts->length > left || facts->length < header) facts->odd |= BIT(ODD_IP_LENGTH);
    if (facts->odd & (BIT(ODD_IP_VERSION) | BIT(ODD_IP_HEADER) | BIT(ODD_IP_LENGTH))) return NOWHERE;
    note_fragment(facts, (where & 0x1fff) * 8, (where & 0x2000) != 0, facts->length - header);
    return (struct rest){at + header, facts->length - header};
}

INLINE void note_ipv6_addresses(struct facts* facts)
{
    const __u32* source = facts->source;
    const __u32* destination = facts->destination;
    const int high_zero = !source[0] && !source[1];
    if (source[0] == destination[0] && source[1] == destination[1] && source[2] == destination[2] &&
        source[3] == destination[3])
        facts->odd |= BIT(ODD_LAND);
    if ((source[0] & 255) == 255) facts->odd |= BIT(ODD_BOGON_SOURCE);              /* multicast */
    if (high_zero && source[2] == 0xffff0000u) facts->odd |= BIT(ODD_BOGON_SOURCE); /* ::ffff:0:0/96 */
    if (!high_zero || source[2]) return;
    if (source[3] == 0x01000000u) facts->odd |= BIT(ODD_BOGON_SOURCE); /* ::1 */
    /* :: asks for an address of its own: neighbour discovery and MLD, to multicast groups. */
    if (!source[3] && (destination[0] & 255) != 255) facts->odd |= BIT(ODD_BOGON_SOURCE);
}

INLINE int is_extension(__u32 protocol)
{
    return protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_ROUTING || protocol == PROTOCOL_FRAGMENT ||
           protocol == PROTOCOL_AH || protocol == PROTOCOL_DESTINATION || protocol == PROTOCOL_MOBILITY ||
           protocol == PROTOCOL_HIP || protocol == PROTOCOL_SHIM6;
}

/* Walks the extension headers behind `at`. The place is kept as a bounded offset: a pointer that has grown by unknown
 * amounts looks different to the verifier on every way through the loop. */
INLINE struct rest note_ipv6_chain(struct xdp_md* context, struct facts* facts, __u32 offset, __u32 left)
{
    const __u8* data = data_of(context);
    const void* end = end_of(context);
    for (int i = 0; i < 7; ++i) {
        offset &= 0x3fff; /* 62 bytes in front and six headers of at most 2048 */
        const __u8* at = data + offset;
        const __u32 protocol = facts->protocol & 255;
        if (!is_extension(protocol)) return (struct rest){at, left};
        if (facts->fragment == LATER_FRAGMENT) return NOWHERE; /* what follows is the sender's payload */
        if (i == 6) {
            facts->odd |= BIT(ODD_IPV6_HEADERS);
            return NOWHERE;
        }
        if (left < 8 || (const void*)(at + 8) > end) {
            facts->odd |= facts->fragment ? BIT(ODD_TINY_FRAGMENT) : BIT(ODD_TRUNCATED);
            return NOWHERE;
        }
        __u32 size = (at[1] + 1u) * 8;
        if (protocol == PROTOCOL_FRAGMENT) size = 8;
        if (protocol == PROTOCOL_AH) size = (at[1] + 2u) * 4;
        if (size > left) {
            facts->odd |= facts->fragment ? BIT(ODD_TINY_FRAGMENT) : BIT(ODD_TRUNCATED);
            return NOWHERE;
        }
        if (protocol == PROTOCOL_ROUTING && at[2] == 0) facts->odd |= BIT(ODD_ROUTING_HEADER_0);
        facts->protocol = 256u + at[0];
        if (protocol == PROTOCOL_FRAGMENT) note_fragment(facts, big16(at + 2) & 0xfff8, at[3] & 1, left - 8);
        offset += size;
        left -= size;
    }
    return NOWHERE;
}

/* The fixed header; what follows may be an extension header. */
INLINE struct rest note_ipv6_header(struct facts* facts, const __u8* at, const void* end, __u32 left)
{
    facts->ipv6 = 1;
    facts->protocol = 256;
    if (left < 40 || (const void*)(at + 40) > end) {
        facts->odd |= BIT(ODD_TRUNCATED);
        return NOWHERE;
    }
    const __u32 payload = big16(at + 4);
    facts->length = payload + 40 > 65535 ? 65535 : payload + 40;
    facts->ttl = at[7];
    facts->protocol = 256u + at[6];
    __builtin_memcpy(facts->source, at + 8, 16);
    __builtin_memcpy(facts->destination, at + 24, 16);
    note_ipv6_addresses(facts);
    if (at[0] >> 4 != 6) facts->odd |= BIT(ODD_IP_VERSION);
    if (payload + 40 > left) facts->odd |= BIT(ODD_IP_LENGTH);
    if (facts->odd & (BIT(ODD_IP_VERSION) | BIT(ODD_IP_LENGTH))) return NOWHERE;
    return (struct rest){at + 40, payload};
}

INLINE struct rest note_ipv6(struct xdp_md* context, struct facts* facts, const __u8* at, const void* end, __u32 left)
{
    const struct rest rest = note_ipv6_header(facts, at, end, left);
    if (!rest.at) return NOWHERE;
    return note_ipv6_chain(context, facts, (__u32)(rest.at - (const __u8*)data_of(context)), rest.left);
}

__noinline int note_other_transport(struct xdp_md* context, struct facts* facts)
{
    if (!facts) return 0;
    note_transport(context, facts, (const __u8*)data_of(context) + (facts->rest & 0x3fff), end_of(context),
                   facts->left);
    return 1;
}

/* Whatever is neither plain IPv4 nor plain IPv6. A global function is checked by the verifier once, apart from its
 * caller. */
__noinline int note_other(struct xdp_md* context, struct facts* facts, __u32 frame)
{
    struct rest rest = NOWHERE;
    if (!facts) return 0;
    const __u8* at = data_of(context);
    const void* end = end_of(context);
    if ((const void*)(at + 14) > end) return 0;
    __u32 left = frame - 14;
    __u32 type = big16(at + 12);
    at += 14;
    for (int i = 0; i < 2; ++i) {
        if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ) break;
        if ((const void*)(at + 4) > end) return 0;
        type = big16(at + 2);
        at += 4;
        left -= 4;
    }
    facts->network = (__u32)(at - (const __u8*)data_of(context));
    if (type == ETHERTYPE_IP)
        rest = note_ipv4(facts, at, end, left);
    else if (type == ETHERTYPE_IPV6)
        rest = note_ipv6(context, facts, at, end, left);
    else
        return 0;
    if (!rest.at) return 1;
    facts->rest = (__u32)(rest.at - (const __u8*)data_of(context));
    facts->left = rest.left;
    return note_other_transport(context, facts);
}

/* IPv6 without extension headers: what most of it is. */
INLINE int is_plain6(const __u8* at, const void* end)
{
    if ((const void*)(at + 40) > end) return 0;
    return at[6] == PROTOCOL_TCP || at[6] == PROTOCOL_UDP || at[6] == PROTOCOL_ICMPV6;
}

/* 0: the frame carries no IP. */
INLINE int note_packet(struct xdp_md* context, struct facts* facts, __u32 frame)
{
    const __u8* at = data_of(context);
    const void* end = end_of(context);
    facts->source_port = facts->destination_port = facts->icmp = NO_PORT;
    facts->tcp_flags = NO_FLAGS;
    if ((const void*)(at + 14) > end) return 0;
    const __u32 type = big16(at + 12);
    const int plain6 = type == ETHERTYPE_IPV6 && is_plain6(at + 14, end);
    if (type != ETHERTYPE_IP && !plain6) return note_other(context, facts, frame);
    facts->network = 14;
    const struct rest rest =
        plain6 ? note_ipv6_header(facts, at + 14, end, frame - 14) : note_ipv4(facts, at + 14, end, frame - 14);
    if (rest.at) note_transport(context, facts, rest.at, end, rest.left);
    return 1;
}
