/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The balancer's tables, and how they are read and counted in. */
#pragma once

#include "lb_layout.h"
#include "packet_facts.bpf.h"

const volatile __u32 set_mask; /* connection sets - 1 */
/* Bits of enum lb_mode: the verifier leaves out what this program's configurations do not use. */
const volatile __u32 modes;

struct lb_globals globals;

/* By size: of types that only stand in inner maps clang leaves a forward declaration. */
struct vips4 {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_INNER_MAP); /* each generation has its own size */
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct lb_vip_line4));
};
struct vips6 {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_INNER_MAP);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct lb_vip_line6));
};
struct rows {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_INNER_MAP);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct lb_half_row));
};
struct befores { /* rows once more */
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_INNER_MAP);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct lb_half_row));
};
struct backends {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_INNER_MAP);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct lb_backend));
};
struct quic {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(struct lb_quic_key));
    __uint(value_size, sizeof(__u32));
};
#define SIDES(name)                                                                                                    \
    struct {                                                                                                           \
        __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                                                      \
        __uint(max_entries, 2);                                                                                        \
        __type(key, __u32);                                                                                            \
        __array(values, struct name);                                                                                  \
    } name##_of SEC(".maps")
SIDES(vips4);
SIDES(vips6);
SIDES(rows);
SIDES(befores);
SIDES(backends);
SIDES(quic);

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE); /* on whole pages, so that a set is one cache line */
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct lb_set);
} connections SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, LB_COUNT_MOST);
    __type(key, __u32);
    __type(value, struct lb_count);
} lb_counts SEC(".maps");

enum { MALFORMED = BIT(ODD_TINY_FRAGMENT + 1) - 1 }; /* what cannot be read as what it claims to be */

INLINE int uses(__u32 mode) { return (modes & BIT(mode)) != 0; }

INLINE void count(__u32 counter, __u32 bytes)
{
    struct lb_count* sum = bpf_map_lookup_elem(&lb_counts, &counter);
    if (!sum) return;
    ++sum->packets;
    sum->bytes += bytes;
}

INLINE int dropped(__u32 counter, __u32 bytes)
{
    count(counter, bytes);
    return XDP_DROP;
}

/* Looks `key` up in the table of this side. */
INLINE void* of_side(void* sides, __u32 side, const void* key)
{
    void* table = bpf_map_lookup_elem(sides, &side);
    return table ? bpf_map_lookup_elem(table, key) : 0;
}

INLINE const struct lb_backend* backend_of(__u32 side, __u32 number)
{
    const struct lb_backend* backend = of_side(&backends_of, side, &number);
    return backend && backend->present ? backend : 0;
}
