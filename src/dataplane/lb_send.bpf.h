/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet's way to its backend: in an outer header (IPIP, GUE), or with another link header (layer 2). */
#pragma once

#include <linux/udp.h>

#include "lb_tables.bpf.h"

enum {
    ETHERNET = 14,
    TAG = 4,
    HOP_LIMIT = 64,
    PROTOCOL_IPIP = 4,
    PROTOCOL_IPV6 = 41,
    ADDRESS_IPV4 = 2, /* AF_INET, AF_INET6 */
    ADDRESS_IPV6 = 10,
};

/* Ethernet header and tags move in front of the new header, back to the sender. `size` is a constant. */
INLINE int move_link_header(struct xdp_md* context, __u32 size, __u32 outer, __u16 type)
{
    __u8 header[ETHERNET + 2 * TAG];
    __u8* data = data_of(context);
    if ((void*)(data + outer + size) > end_of(context)) return 0;
    __builtin_memcpy(header, data + outer + 6, 6);
    __builtin_memcpy(header + 6, data + outer, 6);
    __builtin_memcpy(header + 12, data + outer + 12, size - 12);
    __builtin_memcpy(header + size - 2, &type, 2);
    __builtin_memcpy(data, header, size);
    return 1;
}

INLINE int move_any_link_header(struct xdp_md* context, __u32 network, __u32 outer, __u16 type)
{
    if (network == ETHERNET) return move_link_header(context, ETHERNET, outer, type);
    if (network == ETHERNET + TAG) return move_link_header(context, ETHERNET + TAG, outer, type);
    return move_link_header(context, ETHERNET + 2 * TAG, outer, type);
}

INLINE __u16 checksum(const struct iphdr* header)
{
    const __u16* half = (const __u16*)header;
    __u32 sum = 0;
    for (int i = 0; i < 10; ++i)
        sum += half[i];
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16) ~(sum + (sum >> 16));
}

/* What every way needs to know. `gue` is a constant wherever it is used. */
struct parcel {
    const struct lb_backend* backend;
    const struct lb_settings* settings;
    __u32 entropy;
    __u8 class, inner; /* traffic class and protocol number of the packet inside */
};

/* GUE's variant 1 (draft-ietf-intarea-gue): the packet stands right behind the UDP header. The source port tells
 * routers and receive queues connections apart; without a checksum, as RFC 6935 allows to tunnels: what is inside has
 * its own. */
INLINE int put_udp(struct xdp_md* context, __u8* at, const struct parcel* parcel, __u32 length)
{
    struct udphdr* header = (struct udphdr*)at;
    if ((void*)(header + 1) > end_of(context)) return 0;
    header->source = (__be16)(parcel->entropy | __builtin_bswap16(0xc000));
    header->dest = (__be16)parcel->settings->gue_port;
    header->len = __builtin_bswap16((__u16)(length + sizeof(*header)));
    header->check = 0;
    return 1;
}

INLINE int wrap4(struct xdp_md* context, const struct facts* facts, const struct parcel* parcel, int gue)
{
    const __u32 outer = sizeof(struct iphdr) + (gue ? sizeof(struct udphdr) : 0);
    if (bpf_xdp_adjust_head(context, -(int)outer)) return 0;
    if (!move_any_link_header(context, facts->network, outer, __builtin_bswap16(ETHERTYPE_IP))) return 0;
    struct iphdr header = {
        .version = 4,
        .ihl = 5,
        .tos = parcel->class,
        .tot_len = __builtin_bswap16((__u16)(facts->length + outer)),
        .frag_off = __builtin_bswap16(0x4000), /* whole datagrams need no identification (RFC 6864) */
        .ttl = HOP_LIMIT,
        .protocol = gue ? PROTOCOL_UDP : parcel->inner,
        .saddr = parcel->settings->source4 | (parcel->entropy & parcel->settings->host_bits4),
        .daddr = parcel->backend->address[0],
    };
    header.check = checksum(&header);
    __u8* at = (__u8*)data_of(context) + (facts->network & 31);
    if ((void*)(at + sizeof(header)) > end_of(context)) return 0;
    __builtin_memcpy(at, &header, sizeof(header));
    return !gue || put_udp(context, at + sizeof(header), parcel, facts->length);
}

INLINE int wrap6(struct xdp_md* context, const struct facts* facts, const struct parcel* parcel, int gue)
{
    const __u32 outer = sizeof(struct ipv6hdr) + (gue ? sizeof(struct udphdr) : 0);
    if (bpf_xdp_adjust_head(context, -(int)outer)) return 0;
    if (!move_any_link_header(context, facts->network, outer, __builtin_bswap16(ETHERTYPE_IPV6))) return 0;
    __u32* word = (__u32*)((__u8*)data_of(context) + (facts->network & 31));
    if ((void*)(word + 10) > end_of(context)) return 0;
    const __u32 next = gue ? PROTOCOL_UDP : parcel->inner;
    /* The flow label tells routers' hashes connections apart (RFC 6438). */
    word[0] = __builtin_bswap32(6u << 28 | (__u32)parcel->class << 20 | (parcel->entropy & 0xfffff));
    word[1] = __builtin_bswap32((facts->length + outer - (__u32)sizeof(struct ipv6hdr)) << 16 | next << 8 | HOP_LIMIT);
    for (int i = 0; i < 4; ++i) {
        word[2 + i] = parcel->settings->source6[i];
        word[6 + i] = parcel->backend->address[i];
    }
    word[5] |= parcel->entropy & parcel->settings->host_bits6;
    return !gue || put_udp(context, (__u8*)(word + 10), parcel, facts->length);
}

INLINE int wrap(struct xdp_md* context, const struct facts* facts, const struct parcel* parcel)
{
    const int gue = uses(LB_GUE) && (!uses(LB_IPIP) || parcel->backend->mode == LB_GUE);
    if (parcel->backend->ipv6) return gue ? wrap6(context, facts, parcel, 1) : wrap6(context, facts, parcel, 0);
    return gue ? wrap4(context, facts, parcel, 1) : wrap4(context, facts, parcel, 0);
}

INLINE int set_link_addresses(struct xdp_md* context, const __u8* to, const __u8* from)
{
    __u8* data = data_of(context);
    if ((void*)(data + ETHERNET) > end_of(context)) return 0;
    __builtin_memcpy(data, to, 6);
    __builtin_memcpy(data + 6, from, 6);
    return 1;
}

/* To the link address that the kernel's routes and neighbours say. */
INLINE int routed(struct xdp_md* context, const struct facts* facts, const __u32* to, __u32 ipv6, __u32 frame)
{
    struct bpf_fib_lookup way = {.family = ipv6 ? ADDRESS_IPV6 : ADDRESS_IPV4};
    way.ifindex = context->ingress_ifindex;
    way.tot_len = (__u16)facts->length;
    way.ipv6_dst[0] = to[0];
    way.ipv6_dst[1] = to[1];
    way.ipv6_dst[2] = to[2];
    way.ipv6_dst[3] = to[3];
    if (!ipv6) way.ipv4_dst = to[0];
    const long found = bpf_fib_lookup(context, &way, sizeof(way), 0);
    if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED) return dropped(LB_DROP_TOO_BIG, frame);
    if (found != BPF_FIB_LKUP_RET_SUCCESS) return dropped(LB_DROP_NO_WAY, frame);
    if (!set_link_addresses(context, way.dmac, way.smac)) return dropped(LB_DROP_MALFORMED, frame);
    return way.ifindex == context->ingress_ifindex ? XDP_TX : (int)bpf_redirect(way.ifindex, 0);
}

/* To the backend's own link address: the one that is configured, by the interface where the packet came in; else as the
 * kernel knows it. */
INLINE int hand_over(struct xdp_md* context, const struct facts* facts, const struct lb_backend* backend, __u32 frame)
{
    __u8 own[6];
    const __u8* data = data_of(context);
    if (!backend->link_known) return routed(context, facts, backend->address, backend->ipv6, frame);
    if ((const void*)(data + ETHERNET) > end_of(context)) return dropped(LB_DROP_MALFORMED, frame);
    __builtin_memcpy(own, data, sizeof(own));
    return set_link_addresses(context, backend->link, own) ? XDP_TX : dropped(LB_DROP_MALFORMED, frame);
}

/* What is forwarded lives a hop less, or a packet could go round forever between routers that disagree (RFC 2003,
 * section 3.1). `inner` is the IP header, 12 bytes of it. */
INLINE void age(__u8* inner, __u32 ipv6)
{
    __u8* left = inner + (ipv6 ? 7 : 8);
    --*left;
    if (ipv6) return;
    __u16* check = (__u16*)(inner + 10);
    const __u32 sum = *check + 1u; /* 0x0100 in network order (RFC 1141) */
    *check = (__u16)(sum + (sum >= 0xffff));
}

INLINE __u32 outer_size(const struct lb_backend* backend)
{
    if (uses(LB_LAYER2) && backend->mode == LB_LAYER2) return 0;
    return (backend->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
           (uses(LB_GUE) && backend->mode == LB_GUE ? sizeof(struct udphdr) : 0);
}

/* XDP_TX, XDP_REDIRECT, or XDP_DROP, which is counted. */
INLINE int send(struct xdp_md* context, const struct facts* facts, const struct lb_backend* backend, __u32 side,
                __u32 entropy, __u32 frame)
{
    __u8* inner = (__u8*)data_of(context) + (facts->network & 31);
    if ((void*)(inner + 12) > end_of(context)) return dropped(LB_DROP_MALFORMED, frame);
    const struct parcel parcel = {
        .backend = backend,
        .settings = &globals.settings[side & 1],
        .entropy = entropy,
        .class = facts->ipv6 ? (__u8)(inner[0] << 4 | inner[1] >> 4) : inner[1],
        .inner = facts->ipv6 ? PROTOCOL_IPV6 : PROTOCOL_IPIP,
    };
    age(inner, facts->ipv6);
    if (uses(LB_LAYER2) && backend->mode == LB_LAYER2) return hand_over(context, facts, backend, frame);
    if (!uses(LB_IPIP) && !uses(LB_GUE)) return dropped(LB_DROP_NO_WAY, frame);
    return wrap(context, facts, &parcel) ? XDP_TX : dropped(LB_DROP_NO_ROOM, frame);
}
