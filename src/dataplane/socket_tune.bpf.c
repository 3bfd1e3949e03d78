/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives each new TCP connection of a cgroup its options by destination: before its SYN where it connects, with the ACK
 * that completes it where it is accepted. */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "socket_match.bpf.h"

enum { FAMILY_IPV4 = 2 };

const volatile struct socket_option options[SOCKET_OPTIONS];
const volatile __u32 option_count;

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct socket_tally);
} socket_tallies SEC(".maps");

static __always_inline int peer_fits(struct bpf_sock_ops* connection)
{
    const __u32 ipv4 = field(&connection->remote_ip4), last = field(&connection->remote_ip6[3]);
    __u32 peer[4] = {0, 0, bpf_htonl(0xffff), ipv4};
    if (connection->family != FAMILY_IPV4) {
        peer[0] = field(&connection->remote_ip6[0]);
        peer[1] = field(&connection->remote_ip6[1]);
        peer[2] = field(&connection->remote_ip6[2]);
        peer[3] = last;
    }
    return address_fits(peer);
}

static __always_inline void set_options(struct bpf_sock_ops* connection, int early, int late)
{
    const __u32 key = 0;
    struct socket_tally* tally = bpf_map_lookup_elem(&socket_tallies, &key);
    for (__u32 i = 0; i < SOCKET_OPTIONS; ++i) {
        if (i >= option_count) break;
        if (options[i].late ? !late : !early) continue;
        int value = options[i].value;
        if (bpf_setsockopt(connection, (int)options[i].level, (int)options[i].name, &value, sizeof(value)) && tally)
            ++tally->refused;
    }
    if (late && tally) ++tally->tuned;
}

SEC("sockops")
int nw_tune(struct bpf_sock_ops* connection)
{
    const __u32 op = connection->op;
    const __u32 accepted = op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB;
    const __u32 connecting = op == BPF_SOCK_OPS_TCP_CONNECT_CB;
    if (!accepted && !connecting && op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) return 1;
    const __u32 local = connection->local_port, remote = bpf_ntohl(connection->remote_port);
    if (!port_fits(accepted ? local : remote) || !peer_fits(connection)) return 1;
    set_options(connection, accepted || connecting, !connecting);
    return 1;
}

char LICENSE[] SEC("license") = "GPL";
