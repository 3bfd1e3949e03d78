/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steering: gives each packet to a class, and does what the class says. One source for traffic control's two hooks, TCX
 * and clsact, on ingress and egress; one loaded program is one policy, and what the policy does not use is cut out by
 * constants that the verifier follows.
 *
 * Headers are read with bpf_skb_load_bytes: on these hooks a header may lie outside the linear part of the packet.
 */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
// clang-format on

#include "packet_facts.bpf.h"
#include "steer_layout.h"

enum {
    NEXT_PROGRAM = -1, /* TC_ACT_UNSPEC, TCX_NEXT */
    DROP = 2,          /* TC_ACT_SHOT, TCX_DROP */
    LINK = 14,         /* an Ethernet header */
    TAG = 4,
    HEADERS_MOST = 6, /* IPv6 extension headers that are followed */
};
#define HORIZON 2000000000ull /* nanoseconds: what would have to wait longer for its turn is dropped */

const volatile __u64 classes_of_ingress, classes_of_egress;
const volatile __u64 any_source, any_destination, any_cgroup; /* classes that do not ask for one */
const volatile __u32 uses_ports, uses_dscp, uses_sources, uses_destinations, uses_cgroups, uses_payload, uses_limits;

/* Filled before the program is attached, then never changed. */
__u64 by_protocol[STEER_PROTOCOLS];
__u64 by_dscp[STEER_DSCPS];
__u64 by_source_port[STEER_PORTS];
__u64 by_destination_port[STEER_PORTS];
struct steer_class classes[STEER_CLASSES];

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, STEER_PREFIXES);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct steer_prefix);
    __type(value, __u64);
} steer_sources SEC(".maps"), steer_targets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, STEER_CLASSES);
    __type(key, __u64);
    __type(value, __u64);
} steer_cgroups SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, STEER_COUNTERS);
    __type(key, __u32);
    __type(value, struct steer_count);
} steer_counts SEC(".maps");

/* The time up to which a class has used up its rate (GCRA, ITU-T I.371). */
struct steer_bucket {
    struct bpf_spin_lock lock;
    __u32 unused;
    __u64 used_until;
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, STEER_CLASSES);
    __type(key, __u32);
    __type(value, struct steer_bucket);
} steer_buckets SEC(".maps");

struct seen {
    __u32 source[4], destination[4]; /* network order; IPv4 in the first word */
    __u32 ipv6, protocol;            /* enum facts' form: + 256 for IPv6 */
    __u32 dscp, source_port, destination_port;
    __u32 network;   /* where the IP header begins */
    __u32 transport; /* what follows it and its extensions; 0: a later fragment, or not to be found */
    __u8 head[4];    /* the IP header's first bytes */
};

/* IPv6: one step along the chain of headers. 1: there may be another. A global function is checked by the verifier
 * once, apart from its caller. */
__noinline int next_header(struct __sk_buff* skb, struct seen* seen)
{
    __u8 head[4];
    if (!seen) return 0;
    const __u32 protocol = seen->protocol & 255;
    if (!seen->transport || !is_extension(protocol)) return 0;
    if (bpf_skb_load_bytes(skb, seen->transport, head, sizeof(head))) {
        seen->transport = 0;
        return 0;
    }
    __u32 size = (head[1] + 1u) * 8;
    if (protocol == PROTOCOL_FRAGMENT) size = 8;
    if (protocol == PROTOCOL_AH) size = (head[1] + 2u) * 4;
    seen->protocol = 256u + head[0];
    seen->transport += size;
    if (protocol == PROTOCOL_FRAGMENT && (big16(head + 2) & 0xfff8)) seen->transport = 0;
    return 1;
}

INLINE int see_ipv4(struct __sk_buff* skb, struct seen* seen)
{
    __u8 header[20];
    if (bpf_skb_load_bytes(skb, seen->network, header, sizeof(header))) return 0;
    const __u32 size = (header[0] & 15) * 4u;
    if (header[0] >> 4 != 4 || size < 20) return 0;
    __builtin_memcpy(seen->head, header, sizeof(seen->head));
    __builtin_memcpy(seen->source, header + 12, 4);
    __builtin_memcpy(seen->destination, header + 16, 4);
    seen->dscp = header[1] >> 2;
    seen->protocol = header[9];
    seen->transport = big16(header + 6) & 0x1fff ? 0 : seen->network + size;
    return 1;
}

INLINE int see_ipv6(struct __sk_buff* skb, struct seen* seen)
{
    __u8 header[40];
    if (bpf_skb_load_bytes(skb, seen->network, header, sizeof(header))) return 0;
    if (header[0] >> 4 != 6) return 0;
    __builtin_memcpy(seen->head, header, sizeof(seen->head));
    __builtin_memcpy(seen->source, header + 8, 16);
    __builtin_memcpy(seen->destination, header + 24, 16);
    seen->ipv6 = 1;
    seen->dscp = (header[0] & 15u) << 2 | header[1] >> 6;
    seen->protocol = 256u + header[6];
    seen->transport = seen->network + 40;
    for (int i = 0; i < HEADERS_MOST; ++i)
        if (!next_header(skb, seen)) return 1;
    if (is_extension(seen->protocol & 255)) seen->transport = 0;
    return 1;
}

__noinline int see_transport(struct __sk_buff* skb, struct seen* seen)
{
    __u8 ports[4];
    if (!seen) return 0;
    const __u32 protocol = seen->protocol & 255;
    seen->source_port = seen->destination_port = STEER_NO_PORT;
    if (!seen->transport || (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)) return 0;
    if (bpf_skb_load_bytes(skb, seen->transport, ports, sizeof(ports))) return 0;
    seen->source_port = big16(ports);
    seen->destination_port = big16(ports + 2);
    return 1;
}

/* 0: no IP, or its header ends too early. Tags that the NIC took off stand beside the packet, not in it. */
__noinline int see(struct __sk_buff* skb, struct seen* seen)
{
    __u8 type[2];
    __u32 at = LINK - 2, ethertype = 0;
    if (!seen) return 0;
    for (int i = 0; i < 3; ++i) {
        if (bpf_skb_load_bytes(skb, at, type, sizeof(type))) return 0;
        ethertype = big16(type);
        if (ethertype != ETHERTYPE_VLAN && ethertype != ETHERTYPE_QINQ) break;
        at += TAG;
    }
    seen->network = at + 2;
    if (ethertype == ETHERTYPE_IP) return see_ipv4(skb, seen);
    if (ethertype == ETHERTYPE_IPV6) return see_ipv6(skb, seen);
    return 0;
}

INLINE __u64 of_prefix(void* trie, const struct seen* seen, const __u32* address, __u64 otherwise)
{
    struct steer_prefix key;
    key.length = seen->ipv6 ? 32 + 128 : 32 + 32;
    key.family = seen->ipv6 ? 6 : 4;
    __builtin_memcpy(key.address, address, sizeof(key.address));
    const __u64* found = bpf_map_lookup_elem(trie, &key);
    return found ? *found : otherwise;
}

/* A packet from a socket belongs to the socket's cgroup and to all above it. */
INLINE __u64 of_cgroup(struct __sk_buff* skb)
{
    __u64 allowed = any_cgroup;
    for (int level = 0; level < STEER_CGROUP_DEPTH; ++level) {
        const __u64 id = bpf_skb_ancestor_cgroup_id(skb, level);
        if (!id) break;
        const __u64* found = bpf_map_lookup_elem(&steer_cgroups, &id);
        if (found) allowed |= *found;
    }
    return allowed;
}

INLINE __u64 allowed_classes(struct __sk_buff* skb, const struct seen* seen, int egress)
{
    __u64 left = egress ? classes_of_egress : classes_of_ingress;
    left &= by_protocol[within(seen->protocol, STEER_PROTOCOLS - 1)];
    if (uses_dscp) left &= by_dscp[within(seen->dscp, STEER_DSCPS - 1)];
    if (uses_ports) {
        __u64 source = seen->source_port, destination = seen->destination_port;
        asm volatile("" : "+r"(source), "+r"(destination)); /* clang would move the checks away from the use */
        if (source >= STEER_PORTS || destination >= STEER_PORTS) return 0;
        left &= by_source_port[source] & by_destination_port[destination];
    }
    if (uses_sources) left &= of_prefix(&steer_sources, seen, seen->source, any_source);
    if (uses_destinations) left &= of_prefix(&steer_targets, seen, seen->destination, any_destination);
    if (uses_cgroups && egress) left &= of_cgroup(skb);
    if (uses_cgroups && !egress) left &= any_cgroup;
    return left;
}

/* Where a TCP or UDP packet's own data begins; 0: nowhere. */
INLINE __u32 payload_of(struct __sk_buff* skb, const struct seen* seen)
{
    __u8 offset;
    if (seen->source_port == STEER_NO_PORT) return 0;
    if ((seen->protocol & 255) == PROTOCOL_UDP) return seen->transport + 8;
    if (bpf_skb_load_bytes(skb, seen->transport + 12, &offset, 1)) return 0;
    return seen->transport + (offset >> 4) * 4u;
}

__noinline int payload_fits(struct __sk_buff* skb, __u32 payload, __u32 number)
{
    __u8 bytes[STEER_PAYLOAD] = {};
    const struct steer_class* class = &classes[number & (STEER_CLASSES - 1)];
    if (class->payload_length == 0) return 1;
    if (!payload) return 0;
    /* Up to Linux 6.7 the verifier does not learn from "is not 0" that a size is at least 1. */
    const __u64 beyond_first = within(class->payload_length - 1, STEER_PAYLOAD - 1);
    if (bpf_skb_load_bytes(skb, payload + class->payload_at, bytes, beyond_first + 1)) return 0;
    for (int i = 0; i < STEER_PAYLOAD; ++i)
        if (bytes[i] != class->payload[i]) return 0;
    return 1;
}

INLINE __u32 lowest(__u64 bits) { return (__u32)__builtin_ctzll(bits) & (STEER_CLASSES - 1); }

/* The first class of `left` whose payload fits too, or STEER_CLASSES. */
INLINE __u32 first_class(struct __sk_buff* skb, const struct seen* seen, __u64 left)
{
    if (!left) return STEER_CLASSES;
    if (!uses_payload) return lowest(left);
    const __u32 payload = payload_of(skb, seen);
    for (int i = 0; i < STEER_CLASSES && left; ++i) {
        const __u32 number = lowest(left);
        if (payload_fits(skb, payload, number)) return number;
        left &= left - 1;
    }
    return STEER_CLASSES;
}

INLINE struct steer_count* counted(struct __sk_buff* skb, __u32 counter)
{
    struct steer_count* sum = bpf_map_lookup_elem(&steer_counts, &counter);
    if (!sum) return 0;
    sum->packets += skb->gso_segs ? skb->gso_segs : 1;
    sum->bytes += skb->wire_len;
    return sum;
}

/* Takes the packet's bytes from the class's rate, and gives the nanoseconds that the packet comes too early. One that
 * comes too early is not taken into account when `lend` is 0, for it will be dropped. A large packet may overdraw: one
 * of 64 KiB must not wait forever for a burst of 20. */
INLINE __u64 too_early(__u32 number, const struct steer_class* class, __u64 now, __u32 bytes, int lend)
{
    const __u64 cost = bytes * class->cost >> 16, burst = class->burst;
    struct steer_bucket* bucket = bpf_map_lookup_elem(&steer_buckets, &number);
    __u64 early = 0;
    if (!bucket) return 0;
    bpf_spin_lock(&bucket->lock);
    __u64 used = bucket->used_until;
    if (used < now) used = now;
    if (used > now + burst) early = used - burst - now;
    if (early < HORIZON && (lend || !early)) bucket->used_until = used + cost;
    bpf_spin_unlock(&bucket->lock);
    return early;
}

/* 1: the packet is beyond its class's rate, and is dropped. With `paced` the fq qdisc holds it back until its time. */
INLINE int limited(struct __sk_buff* skb, __u32 number, const struct steer_class* class, struct steer_count* sum,
                   int paced)
{
    const __u64 now = bpf_ktime_get_ns();
    const __u64 early = too_early(number, class, now, skb->wire_len, paced);
    if (!early) return 0;
    if (!paced || early >= HORIZON) {
        if (sum) sum->dropped += skb->gso_segs ? skb->gso_segs : 1;
        return 1;
    }
    if (sum) sum->delayed += skb->gso_segs ? skb->gso_segs : 1;
    const __u64 asked = skb->tstamp; /* TCP's own pacing may want it later still */
    const __u64 turn = now + early;
    if (asked < turn || asked - now >= HORIZON) skb->tstamp = turn;
    return 0;
}

INLINE void write_dscp(struct __sk_buff* skb, const struct seen* seen, __u32 dscp)
{
    __u8 old[2] = {seen->head[0], seen->head[1]}, new[2] = {seen->head[0], seen->head[1]};
    __u16 before, after;
    if (seen->dscp == dscp) return;
    if (seen->ipv6) {
        new[0] = (__u8)((old[0] & 0xf0) | dscp >> 2);
        new[1] = (__u8)((old[1] & 0x3f) | (dscp & 3) << 6);
        bpf_skb_store_bytes(skb, seen->network, new, sizeof(new), BPF_F_RECOMPUTE_CSUM);
        return;
    }
    new[1] = (__u8)(dscp << 2 | (old[1] & 3));
    __builtin_memcpy(&before, old, sizeof(before));
    __builtin_memcpy(&after, new, sizeof(after));
    /* What the header gains its checksum loses: a sum over the whole packet stays as it is. */
    bpf_l3_csum_replace(skb, seen->network + 10, before, after, sizeof(after));
    bpf_skb_store_bytes(skb, seen->network, new, sizeof(new), 0);
}

INLINE int sent_on(const struct steer_class* class)
{
    if (class->way == STEER_FRAME) return (int)bpf_redirect(class->interface, 0);
    if (class->way == STEER_INGRESS) return (int)bpf_redirect(class->interface, BPF_F_INGRESS);
    if (class->way == STEER_NEIGHBOUR) return (int)bpf_redirect_neigh(class->interface, 0, 0, 0);
    return NEXT_PROGRAM;
}

INLINE int act(struct __sk_buff* skb, const struct seen* seen, __u32 number, int egress, int paced)
{
    const struct steer_class* class = &classes[within(number, STEER_CLASSES - 1)];
    struct steer_count* sum = counted(skb, class->counter);
    if (uses_limits && class->cost && limited(skb, number, class, sum, paced)) return DROP;
    if (class->sets & SET_PRIORITY) skb->priority = class->priority;
    if (class->sets & SET_MARK) skb->mark = (skb->mark & ~class->mark_mask) | class->mark;
    if (class->sets & SET_QUEUE) skb->queue_mapping = (__u16)(class->queue + 1); /* 0 is "not recorded" */
    if (class->sets & SET_DSCP) write_dscp(skb, seen, class->dscp);
    if (!egress && class->way == STEER_PEER) return (int)bpf_redirect_peer(class->interface, 0);
    return sent_on(class);
}

INLINE int steer(struct __sk_buff* skb, int egress, int paced)
{
    struct seen seen = {};
    if (!see(skb, &seen)) {
        counted(skb, STEER_NOT_IP);
        return NEXT_PROGRAM;
    }
    see_transport(skb, &seen);
    const __u32 number = first_class(skb, &seen, allowed_classes(skb, &seen, egress));
    if (number < STEER_CLASSES) return act(skb, &seen, number, egress, paced);
    counted(skb, STEER_UNCLASSIFIED);
    return NEXT_PROGRAM;
}

SEC("tc")
int steer_ingress(struct __sk_buff* skb) { return steer(skb, 0, 0); }

SEC("tc")
int steer_egress(struct __sk_buff* skb) { return steer(skb, 1, 0); }

/* Where fq sends packets at the time that stands in them. */
SEC("tc")
int steer_egress_fq(struct __sk_buff* skb) { return steer(skb, 1, 1); }

char LICENSE[] SEC("license") = "GPL";
