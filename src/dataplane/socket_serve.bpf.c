/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lets one listening socket serve more than it is bound to: many ports, or a whole prefix. It is asked before the
 * kernel looks for a socket by address and port (Linux 5.9). */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "socket_match.bpf.h"

enum { FAMILY_IPV4 = 2, SOCKETS = 2 };

const volatile __u32 protocol;

struct {
    __uint(type, BPF_MAP_TYPE_SOCKMAP);
    __uint(max_entries, SOCKETS); /* one of each family */
    __type(key, __u32);
    __type(value, __u64);
} served_sockets SEC(".maps");

static __always_inline int destination_fits(struct bpf_sk_lookup* packet)
{
    const __u32 ipv4 = field(&packet->local_ip4), last = field(&packet->local_ip6[3]);
    __u32 destination[4] = {0, 0, bpf_htonl(0xffff), ipv4};
    if (packet->family != FAMILY_IPV4) {
        destination[0] = field(&packet->local_ip6[0]);
        destination[1] = field(&packet->local_ip6[1]);
        destination[2] = field(&packet->local_ip6[2]);
        destination[3] = last;
    }
    return address_fits(destination);
}

SEC("sk_lookup")
int nw_serve(struct bpf_sk_lookup* packet)
{
    if (packet->protocol != protocol || !port_fits(packet->local_port) || !destination_fits(packet)) return SK_PASS;
    for (__u32 i = 0; i < SOCKETS; ++i) {
        const __u32 key = i;
        struct bpf_sock* socket = bpf_map_lookup_elem(&served_sockets, &key);
        if (!socket) continue;
        const long code = bpf_sk_assign(packet, socket, 0);
        bpf_sk_release(socket);
        if (!code) break;
    }
    return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
