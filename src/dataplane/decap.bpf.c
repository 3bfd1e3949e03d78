/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On a backend: takes the outer header off what a balancer sent, so that the stack sees the packet as the client sent
 * it. Everything else passes untouched. */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>
#include <linux/udp.h>

#include <bpf/bpf_helpers.h>
// clang-format on

#include "decap_layout.h"
#include "packet_facts.bpf.h"

enum {
    LINK = 14,
    TAG = 4,
    LONGEST_LINK = LINK + 2 * TAG,
    IPIP = 4,
    IPV6_IN_IP = 41,
    FRAGMENTED = 0x3fff, /* more fragments, or an offset */
    ECN = 3,
    CONGESTION_EXPERIENCED = 3,
};

const volatile struct decap_source sources[DECAP_SOURCES];
const volatile __u32 source_count;
const volatile __u16 gue_port; /* network order */

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, DECAP_COUNT_MOST);
    __type(key, __u32);
    __type(value, struct decap_count);
} decap_counts SEC(".maps");

struct outer {
    __u32 source[4];
    __u32 ipv6, size, inner, class; /* inner: the protocol number; PROTOCOL_UDP stands for GUE */
};

INLINE int counted(__u32 counter, __u32 bytes, int verdict)
{
    struct decap_count* sum = bpf_map_lookup_elem(&decap_counts, &counter);
    if (sum) {
        ++sum->packets;
        sum->bytes += bytes;
    }
    return verdict;
}

INLINE int from_balancer(const struct outer* outer)
{
    for (__u32 i = 0; i < DECAP_SOURCES; ++i) {
        if (i >= source_count) return 0;
        const volatile struct decap_source* known = &sources[i];
        __u32 differs = known->ipv6 ^ outer->ipv6;
        for (int word = 0; word < 4; ++word)
            differs |= (outer->source[word] & known->mask[word]) ^ known->address[word];
        if (!differs) return 1;
    }
    return 0;
}

/* The balancer writes no options and no extension headers, and whole datagrams. */
INLINE int read_outer4(const struct iphdr* header, const void* end, struct outer* outer)
{
    if ((const void*)(header + 1) > end || header->version != 4 || header->ihl != 5) return 0;
    if (header->frag_off & __builtin_bswap16(FRAGMENTED)) return 0;
    outer->source[0] = header->saddr;
    outer->size = sizeof(*header);
    outer->inner = header->protocol;
    outer->class = header->tos;
    return 1;
}

INLINE int read_outer6(const struct ipv6hdr* header, const void* end, struct outer* outer)
{
    if ((const void*)(header + 1) > end || header->version != 6) return 0;
    __builtin_memcpy(outer->source, &header->saddr, sizeof(outer->source));
    outer->ipv6 = 1;
    outer->size = sizeof(*header);
    outer->inner = header->nexthdr;
    outer->class = (__u32)(header->priority << 4 | header->flow_lbl[0] >> 4);
    return 1;
}

/* Carries a router's mark from the outer header to the inner one (RFC 6040, section 4.2). 0: it cannot be carried. */
INLINE int carry_mark4(struct iphdr* inner)
{
    const __u32 before = inner->tos & ECN;
    if (before == 0) return 0;
    if (before == CONGESTION_EXPERIENCED) return 1;
    const __u16 old = *(__u16*)inner;
    inner->tos |= CONGESTION_EXPERIENCED;
    const __u16 changed = *(__u16*)inner;
    __u32 sum = (__u16)~inner->check + (__u16)~old + changed; /* RFC 1624 */
    sum = (sum & 0xffff) + (sum >> 16);
    inner->check = (__u16) ~(sum + (sum >> 16));
    return 1;
}

INLINE int carry_mark6(struct ipv6hdr* inner)
{
    const __u32 before = inner->flow_lbl[0] >> 4 & ECN;
    if (before == 0) return 0;
    inner->flow_lbl[0] |= CONGESTION_EXPERIENCED << 4;
    return 1;
}

/* The link header moves over the outer header; `link` and `size` are constants. */
INLINE int strip(struct xdp_md* context, __u32 link, __u32 size, const struct outer* outer, __u32 frame)
{
    __u8 header[LONGEST_LINK];
    __u8* data = data_of(context);
    const void* end = end_of(context);
    __u8* inner = data + link + size;
    if ((const void*)(inner + sizeof(struct iphdr)) > end) return XDP_PASS;
    const int inner6 = outer->inner == IPV6_IN_IP || (outer->inner == PROTOCOL_UDP && inner[0] >> 4 == 6);
    const __u16 type = __builtin_bswap16(inner6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
    if (inner6 && (const void*)(inner + sizeof(struct ipv6hdr)) > end) return XDP_PASS;
    if (inner[0] >> 4 != (inner6 ? 6 : 4)) return XDP_PASS;
    if ((outer->class & ECN) == CONGESTION_EXPERIENCED &&
        !(inner6 ? carry_mark6((struct ipv6hdr*)inner) : carry_mark4((struct iphdr*)inner)))
        return counted(DECAP_CONGESTED, frame, XDP_DROP);
    __builtin_memcpy(header, data, link);
    __builtin_memcpy(header + link - 2, &type, sizeof(type));
    __builtin_memcpy(data + size, header, link);
    if (bpf_xdp_adjust_head(context, (int)size)) return XDP_DROP; /* half a frame is nobody's */
    return counted(DECAP_DONE, frame, XDP_PASS);
}

INLINE int strip_any(struct xdp_md* context, __u32 link, const struct outer* outer, __u32 frame)
{
    enum { UDP = sizeof(struct udphdr), IP4 = sizeof(struct iphdr), IP6 = sizeof(struct ipv6hdr) };
    if (outer->inner == PROTOCOL_UDP)
        return outer->ipv6 ? strip(context, link, IP6 + UDP, outer, frame)
                           : strip(context, link, IP4 + UDP, outer, frame);
    return outer->ipv6 ? strip(context, link, IP6, outer, frame) : strip(context, link, IP4, outer, frame);
}

/* GUE's variant 1, which has no header of its own: the packet's version stands where GUE's would, and says so. */
INLINE int is_gue(const struct outer* outer, const __u8* network, const void* end)
{
    const struct udphdr* header =
        (const struct udphdr*)(network + (outer->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)));
    return outer->inner == PROTOCOL_UDP && (const void*)(header + 1) <= end && header->dest == gue_port;
}

INLINE int read_outer(const __u8* network, const void* end, __u16 type, struct outer* outer)
{
    if (type == __builtin_bswap16(ETHERTYPE_IP)) return read_outer4((const struct iphdr*)network, end, outer);
    if (type == __builtin_bswap16(ETHERTYPE_IPV6)) return read_outer6((const struct ipv6hdr*)network, end, outer);
    return 0;
}

INLINE int is_tag(__u16 type)
{
    return type == __builtin_bswap16(ETHERTYPE_VLAN) || type == __builtin_bswap16(ETHERTYPE_QINQ);
}

SEC("xdp")
int decap(struct xdp_md* context)
{
    const __u8* data = data_of(context);
    const void* end = end_of(context);
    const __u32 frame = (__u32)((const __u8*)end - data);
    struct outer outer = {};
    if ((const void*)(data + LONGEST_LINK) > end) return XDP_PASS;
    __u16 type = *(const __u16*)(data + LINK - 2);
    __u32 tags = 0;
    if (is_tag(type)) {
        type = *(const __u16*)(data + LINK + TAG - 2);
        tags = 1;
    }
    if (tags && is_tag(type)) {
        type = *(const __u16*)(data + LINK + 2 * TAG - 2);
        tags = 2;
    }
    if (!read_outer(data + LINK + tags * TAG, end, type, &outer)) return XDP_PASS;
    if (outer.inner != IPIP && outer.inner != IPV6_IN_IP && !is_gue(&outer, data + LINK + tags * TAG, end))
        return XDP_PASS;
    if (!from_balancer(&outer)) return counted(DECAP_FOREIGN, frame, XDP_PASS);
    if (tags == 0) return strip_any(context, LINK, &outer, frame);
    if (tags == 1) return strip_any(context, LINK + TAG, &outer, frame);
    return strip_any(context, LINK + 2 * TAG, &outer, frame);
}

char LICENSE[] SEC("license") = "GPL";
