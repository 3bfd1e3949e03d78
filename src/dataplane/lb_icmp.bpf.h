/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors: those that are about a connection go where that goes, and those that a router must send are sent. */
#pragma once

#include "lb_send.bpf.h"

enum {
    ICMP4_UNREACHABLE = 3,
    ICMP4_TOO_BIG = ICMP4_UNREACHABLE << 8 | 4, /* type and code */
    ICMP4_EXCEEDED = 11,
    ICMP4_PARAMETER = 12,
    ICMP6_UNREACHABLE = 1,
    ICMP6_TOO_BIG = 2,
    ICMP6_EXCEEDED = 3,
    ICMP6_PARAMETER = 4,
    LEAST_MTU6 = 1280,
    ICMP_HEADER = 8,
    QUOTE = 504, /* bpf_csum_diff sums up 512 bytes, and RFC 1812 wants answers of at most 576 */
    DONT_FRAGMENT = 0x4000,
    INTERNET_CONTROL = 0xc0, /* the traffic class of what routers say (RFC 1812, section 4.3.2.5) */
};

INLINE int is_icmp_error(const struct facts* facts)
{
    const __u32 type = facts->icmp >> 8;
    if (facts->icmp == NO_PORT || facts->fragment) return 0;
    if (facts->ipv6) return type >= ICMP6_UNREACHABLE && type <= ICMP6_PARAMETER;
    return type == ICMP4_UNREACHABLE || type == ICMP4_EXCEEDED || type == ICMP4_PARAMETER;
}

/* Where the packet that an error quotes begins; 0: not behind plain headers. */
INLINE const __u8* quote_of(struct xdp_md* context, const struct facts* facts)
{
    const __u8* network = (const __u8*)data_of(context) + within(facts->network, 31);
    if ((const void*)(network + sizeof(struct ipv6hdr)) > end_of(context)) return 0;
    if (facts->ipv6) return network[6] == PROTOCOL_ICMPV6 ? network + sizeof(struct ipv6hdr) + ICMP_HEADER : 0;
    return network + (network[0] & 15) * 4u + ICMP_HEADER;
}

INLINE const __u8* read_quote4(const __u8* at, const void* end, struct facts* flow)
{
    if ((const void*)(at + sizeof(struct iphdr)) > end || at[0] >> 4 != 4 || (at[0] & 15) < 5) return 0;
    if (big16(at + 6) & 0x1fff) return 0; /* only the first fragment tells the ports */
    flow->protocol = at[9];
    flow->destination[0] = *(const __u32*)(at + 12);
    flow->source[0] = *(const __u32*)(at + 16);
    return at + (at[0] & 15) * 4u;
}

INLINE const __u8* read_quote6(const __u8* at, const void* end, struct facts* flow)
{
    if ((const void*)(at + sizeof(struct ipv6hdr)) > end || at[0] >> 4 != 6) return 0;
    flow->protocol = at[6];
    __builtin_memcpy(flow->destination, at + 8, 16);
    __builtin_memcpy(flow->source, at + 24, 16);
    return at + sizeof(struct ipv6hdr);
}

/* Makes of an error's quote, which is a packet that some backend sent, the facts of its client's packets. The eight
 * bytes behind the IP header that RFC 792 promises are enough. 0: it is about no connection, or about another's. */
__noinline int note_quoted(struct xdp_md* context, const struct facts* facts, struct facts* flow)
{
    if (!facts || !flow) return 0;
    const __u8* quote = quote_of(context, facts);
    const void* end = end_of(context);
    if (!quote) return 0;
    flow->ipv6 = facts->ipv6;
    const __u8* ports = facts->ipv6 ? read_quote6(quote, end, flow) : read_quote4(quote, end, flow);
    if (!ports || (const void*)(ports + 8) > end) return 0;
    if (flow->protocol != PROTOCOL_TCP && flow->protocol != PROTOCOL_UDP) return 0;
    for (int i = 0; i < 4; ++i)
        if (flow->destination[i] != facts->destination[i]) return 0;
    flow->destination_port = big16(ports);
    flow->source_port = big16(ports + 2);
    flow->tcp_flags = NO_FLAGS;
    flow->icmp = NO_PORT;
    return 1;
}

INLINE __u16 folded(__u64 sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16) ~(sum + (sum >> 16));
}

/* The ICMP header, and its checksum with `sum` of a pseudo header. `quote` is a constant. */
INLINE int put_icmp(struct xdp_md* context, __u8* at, __u32 what, __u32 mtu, __u32 quote, __u64 sum)
{
    if ((void*)(at + ICMP_HEADER + quote) > end_of(context)) return 0;
    __u32* word = (__u32*)at;
    word[0] = __builtin_bswap32(what << 16);
    word[1] = __builtin_bswap32(mtu);
    sum += (__u32)bpf_csum_diff(0, 0, word, ICMP_HEADER + quote, 0);
    *(__u16*)(at + 2) = folded(sum);
    return 1;
}

INLINE int cut(struct xdp_md* context, const struct facts* facts, __u32 quote, __u32 outer, __u16 type)
{
    const __u32 frame = (__u32)((const __u8*)end_of(context) - (const __u8*)data_of(context));
    if (bpf_xdp_adjust_tail(context, (int)(facts->network + quote) - (int)frame)) return 0;
    if (bpf_xdp_adjust_head(context, -(int)outer)) return 0;
    return move_any_link_header(context, facts->network, outer, type);
}

INLINE int answer4(struct xdp_md* context, const struct facts* facts, __u32 what, __u32 mtu, __u32 quote)
{
    const __u32 outer = sizeof(struct iphdr) + ICMP_HEADER;
    if (!cut(context, facts, quote, outer, __builtin_bswap16(ETHERTYPE_IP))) return 0;
    struct iphdr header = {
        .version = 4,
        .ihl = 5,
        .tos = INTERNET_CONTROL,
        .tot_len = __builtin_bswap16((__u16)(outer + quote)),
        .frag_off = __builtin_bswap16(DONT_FRAGMENT),
        .ttl = HOP_LIMIT,
        .protocol = PROTOCOL_ICMP,
        .saddr = facts->destination[0],
        .daddr = facts->source[0],
    };
    header.check = checksum(&header);
    __u8* at = (__u8*)data_of(context) + (facts->network & 31);
    if ((void*)(at + sizeof(header)) > end_of(context)) return 0;
    __builtin_memcpy(at, &header, sizeof(header));
    return put_icmp(context, at + sizeof(header), what, mtu, quote, 0);
}

INLINE int answer6(struct xdp_md* context, const struct facts* facts, __u32 what, __u32 mtu, __u32 quote)
{
    const __u32 outer = sizeof(struct ipv6hdr) + ICMP_HEADER;
    if (!cut(context, facts, quote, outer, __builtin_bswap16(ETHERTYPE_IPV6))) return 0;
    __u32* word = (__u32*)((__u8*)data_of(context) + (facts->network & 31));
    if ((void*)(word + 10) > end_of(context)) return 0;
    const __u32 size = ICMP_HEADER + quote;
    __u64 sum = __builtin_bswap32(size) + (__u64)__builtin_bswap32(PROTOCOL_ICMPV6);
    word[0] = __builtin_bswap32(6u << 28 | (__u32)INTERNET_CONTROL << 20);
    word[1] = __builtin_bswap32(size << 16 | PROTOCOL_ICMPV6 << 8 | HOP_LIMIT);
    for (int i = 0; i < 4; ++i) {
        word[2 + i] = facts->destination[i];
        word[6 + i] = facts->source[i];
        sum += (__u64)facts->destination[i] + facts->source[i];
    }
    return put_icmp(context, (__u8*)(word + 10), what, mtu, quote, sum);
}

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct lb_answers);
} answers SEC(".maps");

INLINE int may_answer(__u32 side)
{
    const __u32 place = 0;
    const __u64 second = bpf_ktime_get_coarse_ns() >> 30;
    struct lb_answers* sent = bpf_map_lookup_elem(&answers, &place);
    if (!sent) return 0;
    if (sent->second != second) {
        sent->second = second;
        sent->count = 0;
    }
    if (sent->count >= globals.settings[side & 1].icmp_rate) return 0;
    ++sent->count;
    return 1;
}

/* In place of a packet that cannot be forwarded, an error about it to its sender, from the VIP: whole headers and as
 * much more as fits, or the least that is of use. Never about an error, nor about a later fragment (RFC 1122, section
 * 3.2.2). XDP_TX, or XDP_DROP: it is not answered. */
__noinline int answer(struct xdp_md* context, const struct facts* facts, __u32 what, __u32 mtu, __u32 side)
{
    enum { LEAST4 = sizeof(struct iphdr) + 8, LEAST6 = sizeof(struct ipv6hdr) + 8 };
    int done = 0;
    if (!facts || facts->icmp != NO_PORT || facts->fragment == LATER_FRAGMENT || !may_answer(side)) return XDP_DROP;
    if (facts->ipv6) {
        if (facts->length >= QUOTE)
            done = answer6(context, facts, what, mtu, QUOTE);
        else if (facts->length >= LEAST6)
            done = answer6(context, facts, what, mtu, LEAST6);
    } else {
        if (facts->length >= QUOTE)
            done = answer4(context, facts, what, mtu, QUOTE);
        else if (facts->length >= LEAST4 && !(facts->odd & BIT(ODD_IPV4_OPTIONS)))
            done = answer4(context, facts, what, mtu, LEAST4);
    }
    return done ? XDP_TX : XDP_DROP;
}

INLINE int too_big(struct xdp_md* context, const struct facts* facts, __u32 room, __u32 side, __u32 frame)
{
    const __u8* network = (const __u8*)data_of(context) + within(facts->network, 31);
    count(LB_DROP_TOO_BIG, frame);
    if (facts->ipv6) return answer(context, facts, ICMP6_TOO_BIG << 8, room < LEAST_MTU6 ? LEAST_MTU6 : room, side);
    if ((const void*)(network + 8) > end_of(context) || !(big16(network + 6) & DONT_FRAGMENT)) return XDP_DROP;
    return answer(context, facts, ICMP4_TOO_BIG, room, side);
}

INLINE int too_old(struct xdp_md* context, const struct facts* facts, __u32 side, __u32 frame)
{
    count(LB_DROP_TTL, frame);
    return answer(context, facts, (facts->ipv6 ? ICMP6_EXCEEDED : ICMP4_EXCEEDED) << 8, 0, side);
}

/* What cannot be forwarded with `outer` bytes more, and is answered where that is due: a verdict. 0: it can be. */
INLINE int stopped(struct xdp_md* context, const struct facts* facts, __u32 outer, __u32 side, __u32 frame)
{
    const __u32 mtu = globals.settings[side & 1].mtu;
    if (facts->length + outer > mtu) return too_big(context, facts, mtu - outer, side, frame);
    return facts->ttl <= 1 ? too_old(context, facts, side, frame) : 0;
}
