/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts freed packets where the kernel frees them: tracepoint skb:kfree_skb.
 *
 * One per-CPU hash, no event leaves the kernel: a drop costs some 60 ns, and a flood of drops loses nothing but
 * distinctions. When the table is full, a drop is counted once more without port and interface; when even that finds
 * no place it is counted as lost.
 *
 * The structs name only the fields read; CO-RE finds their places in the running kernel's BTF.
 */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "drop_record.h"

#define CORE __attribute__((preserve_access_index))

enum { ether_ipv4 = 0x0800, ether_ipv6 = 0x86dd, protocol_tcp = 6, protocol_udp = 17, not_set = 0xffff };
#define first_namespace 0xf0000000U

struct ns_common {
    unsigned int inum;
} CORE;
struct net {
    struct ns_common ns;
} CORE;
typedef struct {
    struct net* net;
} CORE possible_net_t;
struct net_device {
    int ifindex;
    possible_net_t nd_net;
} CORE;
struct sock_common {
    possible_net_t skc_net;
} CORE;
struct sock {
    struct sock_common __sk_common;
} CORE;
struct sk_buff {
    struct net_device* dev;
    struct sock* sk;
    __be16 protocol;
    __u16 transport_header;
    __u16 network_header;
    unsigned char* head;
} CORE;

const volatile __u32 wanted_namespace;
const volatile _Bool has_reason; /* since 5.17 */
const volatile _Bool has_socket; /* the receiving socket, since 6.11 */

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 8192);
    __type(key, struct drop_key);
    __type(value, __u64);
} drop_counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, drop_sums);
    __type(key, __u32);
    __type(value, __u64);
} sums SEC(".maps");

static __always_inline void add_to_sum(__u32 place)
{
    __u64* sum = bpf_map_lookup_elem(&sums, &place);

    if (sum) ++*sum;
}

static __always_inline _Bool counted(const struct drop_key* key)
{
    const __u64 one = 1;
    __u64* count = bpf_map_lookup_elem(&drop_counts, key);

    if (!count) {
        if (bpf_map_update_elem(&drop_counts, key, &one, BPF_NOEXIST) == 0) return 1;
        count = bpf_map_lookup_elem(&drop_counts, key); /* this CPU's, made by another meanwhile */
    }
    if (!count) return 0;
    ++*count;
    return 1;
}

/* In a receive queue the place of dev holds other things (include/linux/skbuff.h): what such a pointer leads to is no
 * namespace, whose numbers begin at PROC_DYNAMIC_FIRST (fs/proc/generic.c).
 */
static __always_inline __u32 namespace_of_device(const struct sk_buff* skb)
{
    const struct net_device* device = BPF_CORE_READ(skb, dev);
    const __u32 found = device ? BPF_CORE_READ(device, nd_net.net, ns.inum) : 0;

    return found >= first_namespace ? found : 0;
}

/* 0: cannot be told. The device before the sending socket: across a veth a packet still carries its sender's socket. */
static __always_inline __u32 namespace_of(const struct sk_buff* skb, const struct sock* receiver)
{
    const struct sock* owner = BPF_CORE_READ(skb, sk);
    const __u32 of_device = namespace_of_device(skb);

    if (receiver) return BPF_CORE_READ(receiver, __sk_common.skc_net.net, ns.inum);
    if (of_device) return of_device;
    return owner ? BPF_CORE_READ(owner, __sk_common.skc_net.net, ns.inum) : 0;
}

static __always_inline __u32 interface_of(const struct sk_buff* skb)
{
    return namespace_of_device(skb) == wanted_namespace ? (__u32)BPF_CORE_READ(skb, dev, ifindex) : 0;
}

/* The headers may be gone or not there yet: what cannot be read stays 0. */
static __always_inline void read_headers(const struct sk_buff* skb, struct drop_key* key)
{
    const unsigned char* head = BPF_CORE_READ(skb, head);
    const __u16 network = BPF_CORE_READ(skb, network_header);
    __u8 first[8] = {}; /* of the IPv6 header; protocol of IPv4 lies behind */
    __u16 transport = BPF_CORE_READ(skb, transport_header);
    __be16 port = 0;

    key->ether_type = bpf_ntohs(BPF_CORE_READ(skb, protocol));
    if (network == not_set || (key->ether_type != ether_ipv4 && key->ether_type != ether_ipv6)) return;
    if (bpf_probe_read_kernel(first, sizeof(first), head + network)) return;
    if (key->ether_type == ether_ipv4) {
        if ((first[0] >> 4) != 4) return;
        if (bpf_probe_read_kernel(&key->protocol, 1, head + network + 9)) return;
        if (((first[6] & 0x1f) | first[7]) != 0) return; /* a later fragment has no ports */
        transport = network + (first[0] & 0xf) * 4;
    } else {
        if ((first[0] >> 4) != 6) return;
        key->protocol = first[6];
        transport = network + 40;
    }
    if (key->protocol != protocol_tcp && key->protocol != protocol_udp) return;
    if (bpf_probe_read_kernel(&port, sizeof(port), head + transport + 2)) return;
    key->port = bpf_ntohs(port);
}

/* BPF_PROG() would read arguments that older kernels do not have. */
SEC("tp_btf/kfree_skb")
int count_drop(__u64* arguments)
{
    const struct sk_buff* skb = (const struct sk_buff*)arguments[0];
    const struct sock* receiver = has_socket ? (const struct sock*)arguments[3] : 0;
    struct drop_key key = {};
    const __u32 found = namespace_of(skb, receiver);

    if (found != wanted_namespace) {
        add_to_sum(found ? drops_elsewhere : drops_unplaced);
        return 0;
    }
    key.location = arguments[1];
    key.reason = has_reason ? (__u32)arguments[2] : drop_reason_unknown;
    key.interface = interface_of(skb);
    read_headers(skb, &key);
    if (counted(&key)) return 0;
    key.port = 0;
    key.interface = 0;
    if (!counted(&key)) add_to_sum(drops_lost);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
