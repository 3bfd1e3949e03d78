/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one writes first: a block list in an LPM trie, and a token bucket for each source in an LRU hash. Only IPv4
 * without tags and options; nothing is counted. */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
// clang-format on

#include "dataplane/packet_facts.bpf.h"

struct trie_key {
    __u32 length, address;
};
struct bucket {
    __u64 time, tokens;
};

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1 << 20);
    __type(key, struct trie_key);
    __type(value, __u32);
} prefixes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1 << 18);
    __type(key, __u32);
    __type(value, struct bucket);
} sources SEC(".maps");

INLINE __u32 source_of(struct xdp_md* context)
{
    const __u8* data = data_of(context);
    if ((const void*)(data + 34) > end_of(context) || big16(data + 12) != ETHERTYPE_IP) return 0;
    return *(const __u32*)(data + 26);
}

SEC("xdp")
int trie(struct xdp_md* context)
{
    const struct trie_key key = {.length = 32, .address = source_of(context)};
    return bpf_map_lookup_elem(&prefixes, &key) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int token_bucket(struct xdp_md* context)
{
    const __u64 now = bpf_ktime_get_ns(), most = 1000000000;
    const __u32 source = source_of(context);
    struct bucket* bucket = bpf_map_lookup_elem(&sources, &source);
    if (!bucket) {
        const struct bucket full = {now, most};
        bpf_map_update_elem(&sources, &source, &full, BPF_ANY);
        return XDP_PASS;
    }
    const __u64 gained = bucket->tokens + (now - bucket->time);
    bucket->time = now;
    bucket->tokens = gained > most ? most : gained;
    if (!bucket->tokens) return XDP_DROP;
    --bucket->tokens;
    return XDP_PASS;
}

SEC("xdp")
int drop_all(struct xdp_md* context)
{
    (void)context;
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
