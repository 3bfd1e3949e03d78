/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Budgets of sources, prefixes, ports and rules (GCRA, ITU-T I.371). */
#pragma once

#include "packet_facts.bpf.h"

const volatile __u32 bucket_mask; /* sets - 1 */
const volatile __u64 hash_seed;

struct filter_rule rules[RULES_MOST];

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct filter_bucket_set);
} buckets SEC(".maps");

INLINE __u64 mixed(__u64 value) /* MurmurHash3's finalizer: every bit of the input moves every bit of the output */
{
    value = (value ^ value >> 33) * 0xff51afd7ed558ccdull;
    value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53ull;
    return value ^ value >> 33;
}

/* The part of an address that counts, as one word; different ones give different words, or nearly always for IPv6. */
INLINE __u64 masked_address(const struct facts* facts, const __u32* address, const struct filter_rule* rule)
{
    __u64 high = 0, low = 0;
    if (!facts->ipv6) {
        const __u32 bits = rule->prefix4 & 63;
        const __u32 mask = bits >= 32 ? 0xffffffffu : ~(0xffffffffu >> (bits & 31));
        return address[0] & __builtin_bswap32(mask);
    }
    const __u32 bits = rule->prefix6 & 255;
    high = (__u64)__builtin_bswap32(address[0]) << 32 | __builtin_bswap32(address[1]);
    low = (__u64)__builtin_bswap32(address[2]) << 32 | __builtin_bswap32(address[3]);
    high &= bits >= 64 ? ~0ull : ~(~0ull >> (bits & 63));
    low &= bits >= 128 ? ~0ull : bits > 64 ? ~(~0ull >> (bits & 63)) : 0;
    return mixed(mixed(hash_seed + 1 + high) + low);
}

INLINE __u64 bucket_tag(const struct facts* facts, const struct filter_rule* rule, __u32 number)
{
    __u64 key = 0;
    const __u32 per = rule->limit_per & 15;
    if (per == PER_SOURCE) key = masked_address(facts, facts->source, rule);
    if (per == PER_DESTINATION) key = masked_address(facts, facts->destination, rule);
    if (per == PER_PORT) key = facts->destination_port;
    /* Beyond 32 bits a rule's number and the family tell keys apart. */
    key += (__u64)(2 * number + (facts->ipv6 & 1) + 1) << 40;
    return mixed(hash_seed ^ key) | 1; /* 0 is an empty place */
}

/* The way in which the tag stands, or the one that carries the least. */
INLINE __u32 bucket_way(const struct filter_bucket_set* set, __u64 tag)
{
    __u64 found = 0;
    for (__u32 i = 0; i < BUCKET_WAYS; ++i)
        found |= where_same(set->way[i].tag ^ tag, i + 1);
    if (found) return (__u32)found - 1;
    __u32 least = 0;
    __u64 until = set->way[0].used_until;
    for (__u32 i = 1; i < BUCKET_WAYS; ++i) {
        if (set->way[i].used_until >= until) continue;
        until = set->way[i].used_until;
        least = i;
    }
    return least;
}

/* 1: the packet is beyond its budget. Two CPUs may both take the same token: the error is one packet, and a lock would
 * cost every packet more than that. */
__noinline int over_limit(const struct facts* facts, __u32 number, __u32 frame)
{
    if (!facts) return 0;
    const struct filter_rule* rule = &rules[number & (RULES_MOST - 1)];
    const __u64 tag = bucket_tag(facts, rule, number);
    const __u64 now = bpf_ktime_get_coarse_ns();
    const __u64 cost = rule->limit_per & PER_BYTES ? frame * rule->cost >> 16 : rule->cost;
    const __u32 place = (tag >> 32) & bucket_mask;
    struct filter_bucket_set* set = bpf_map_lookup_elem(&buckets, &place);
    if (!set) return 0;
    struct filter_bucket* bucket = &set->way[within(bucket_way(set, tag), BUCKET_WAYS - 1)];
    __u64 used = bucket->tag == tag ? bucket->used_until : 0;
    if (used < now) used = now;
    if (used + cost > now + rule->burst) return 1;
    bucket->tag = tag;
    bucket->used_until = used + cost;
    return 0;
}
