/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that compare the ways a packet can take: what makes the packets, what drops them or sends them on in the
 * driver, what hands them to an AF_XDP socket, and what counts them at the far end. */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
// clang-format on

#include "packet_facts.bpf.h"
#include "ways_layout.h"

enum {
    MACS = 12, /* bytes from the frame's begin: */
    DESTINATION = 30,
    SOURCE_PORT = 35, /* its lower byte */
    CLOCK_EACH = 64,  /* frames: reading it costs as much as one frame does */
};

const volatile __u64 head[WAYS_HEAD / 8]; /* of each frame */
const volatile __u64 gap;                 /* nanoseconds between two frames; 0: as fast as possible */
const volatile __u32 destination;         /* of these frames, as it stands in them */
const volatile __u32 source_index, out_index;
const volatile __u16 onward[MACS / 2]; /* MAC addresses of what is sent on */

__u64 next_at;           /* only one CPU generates */
__u64 first_at, last_at; /* when this call began to generate, and when it last did */
__u32 flow;

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WAYS_COUNT_MOST);
    __type(key, __u32);
    __type(value, struct ways_count);
} ways_counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u32);
} ways_sockets SEC(".maps");

INLINE void count(__u32 counter, struct xdp_md* context)
{
    struct ways_count* sum = bpf_map_lookup_elem(&ways_counts, &counter);
    if (!sum) return;
    ++sum->packets;
    sum->bytes += end_of(context) - data_of(context);
}

/* Whatever else is on the wire is not counted. */
INLINE int is_ours(struct xdp_md* context)
{
    const __u8* data = data_of(context);
    if (data + WAYS_HEAD > (const __u8*)end_of(context)) return 0;
    return *(const __u32*)(data + DESTINATION) == destination;
}

/* Run as "live frames": the pages come back as receivers left them, so the head is written each time. */
SEC("xdp") int ways_generate(struct xdp_md* context)
{
    __u64* words = data_of(context);
    if ((__u8*)words + WAYS_HEAD > (__u8*)end_of(context)) return XDP_ABORTED;
    if (gap || flow % CLOCK_EACH == 0) {
        last_at = bpf_ktime_get_ns();
        if (!first_at) first_at = last_at;
    }
    if (gap) {
        if (last_at < next_at) return XDP_DROP;
        next_at = last_at - next_at < 16 * gap ? next_at + gap : last_at + gap; /* no bursts */
    }
#pragma unroll
    for (int i = 0; i < WAYS_HEAD / 8; ++i)
        words[i] = head[i];
    ((__u8*)words)[SOURCE_PORT] = flow++ % WAYS_FLOWS;
    count(WAYS_SENT, context);
    return bpf_redirect(source_index, 0);
}

SEC("xdp") int ways_drop(struct xdp_md* context)
{
    if (!is_ours(context)) return XDP_PASS;
    count(WAYS_HANDLED, context);
    return XDP_DROP;
}

SEC("xdp") int ways_forward(struct xdp_md* context)
{
    __u16* words = data_of(context);
    if (!is_ours(context) || (__u8*)words + MACS > (__u8*)end_of(context)) return XDP_PASS;
#pragma unroll
    for (int i = 0; i < MACS / 2; ++i)
        words[i] = onward[i];
    count(WAYS_HANDLED, context);
    return bpf_redirect(out_index, 0);
}

SEC("xdp") int ways_to_socket(struct xdp_md* context)
{
    return bpf_redirect_map(&ways_sockets, context->rx_queue_index, XDP_PASS);
}

SEC("xdp") int ways_sink(struct xdp_md* context)
{
    if (is_ours(context)) count(WAYS_ARRIVED, context);
    return XDP_DROP;
}
