/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives each new TCP connection of a cgroup the congestion control that is chosen for its service port or, failing
 * that, for the address of its peer. An outgoing connection gets it before its SYN, an accepted one with the ACK that
 * completes it. Connections nobody has chosen for are not touched.
 */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "congestion_choice_record.h"

enum { family_ipv4 = 2, tcp_level = 6, tcp_congestion = 13 };

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 1024);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct congestion_prefix);
    __type(value, struct congestion_algorithm);
} nw_prefixes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, struct congestion_algorithm);
} nw_ports SEC(".maps");

/* The verifier takes a field of the context only at a constant offset: volatile keeps the compiler from choosing the
 * offset first and loading once.
 */
static __u32 field(const volatile __u32* place) { return *place; }

static void peer_of(struct bpf_sock_ops* connection, struct congestion_prefix* peer)
{
    const __u32 ipv4 = field(&connection->remote_ip4), last = field(&connection->remote_ip6[3]);
    __u32 words[4] = {0, 0, bpf_htonl(0xffff), ipv4};

    if (connection->family != family_ipv4) {
        words[0] = field(&connection->remote_ip6[0]);
        words[1] = field(&connection->remote_ip6[1]);
        words[2] = field(&connection->remote_ip6[2]);
        words[3] = last;
    }
    peer->length = 128;
    __builtin_memcpy(peer->address, words, sizeof(words));
}

SEC("sockops")
int nw_congestion(struct bpf_sock_ops* connection)
{
    struct congestion_algorithm* choice;
    struct congestion_prefix peer;
    __u32 port;

    if (connection->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
        port = bpf_ntohl(connection->remote_port);
    else if (connection->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
        port = connection->local_port;
    else
        return 1;
    choice = bpf_map_lookup_elem(&nw_ports, &port);
    if (!choice) {
        peer_of(connection, &peer);
        choice = bpf_map_lookup_elem(&nw_prefixes, &peer);
    }
    if (choice) bpf_setsockopt(connection, tcp_level, tcp_congestion, choice->name, sizeof(choice->name));
    return 1;
}

char LICENSE[] SEC("license") = "GPL";
