/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives another XDP program a packet of one of many flows. BPF_PROG_TEST_RUN leaves a frame as the program before made
 * it, so this one takes away what that put in front (or behind) and writes all of the frame again. */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
// clang-format on

#include "dataplane/packet_facts.bpf.h"

#include "feeder_layout.h"

const volatile __u32 frame_bytes; /* a multiple of 8 */
const volatile __u32 flows;       /* how many different ones */
const volatile __u32 vary;        /* enum feed_vary */
const volatile __u32 top;         /* of source addresses */
const volatile __u32 vip_mask;    /* how many destinations, by the address's last byte, a power of two, - 1 */
const volatile __u32 grows_behind;

__u8 frame[FEED_MOST];
__u64 turn;

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} fed SEC(".maps");

/* Any of them may come next (splitmix64). */
INLINE __u32 next_flow(void)
{
    __u64 value = turn += 0x9e3779b97f4a7c15ull;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
    value ^= value >> 27;
    return (__u32)((value >> 32) * flows >> 32);
}

/* The frame is written with a source of 0.0.0.0 and a header checksum for that. */
INLINE void put_source4(__u8* ip, __u32 address)
{
    const __u32 network = __builtin_bswap32(address);
    __u32 sum = (__u16) ~*(__u16*)(ip + 10) + (network & 0xffff) + (network >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    *(__u32*)(ip + 12) = network;
    *(__u16*)(ip + 10) = (__u16) ~(sum + (sum >> 16));
}

SEC("xdp")
int feed(struct xdp_md* context)
{
    const int grown = (int)((const __u8*)end_of(context) - (const __u8*)data_of(context)) - (int)frame_bytes;
    if (grown && (grows_behind ? bpf_xdp_adjust_tail(context, -grown) : bpf_xdp_adjust_head(context, grown)))
        return XDP_ABORTED;
    __u8* data = data_of(context);
    if ((void*)(data + frame_bytes) > end_of(context)) return XDP_ABORTED;
#pragma unroll
    for (__u32 i = 0; i < FEED_MOST / 8; ++i)
        if (i * 8 < frame_bytes) ((__u64*)data)[i] = ((const __u64*)frame)[i];
    const __u32 flow = flows > 1 ? next_flow() : 0;
    if (vary == FEED_SOURCES4) {
        put_source4(data + 14, feed_address(flow, top));
        if (vip_mask) data[33] = (__u8)(flow & vip_mask);
    }
    if (vary == FEED_SOURCES6) {
        *(__u32*)(data + 34) = feed_address(flow, top);
        if (vip_mask) data[53] = (__u8)(flow & vip_mask);
    }
    bpf_tail_call(context, &fed, 0);
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
