/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pass over all open files of all processes (iter/task_file): who holds which internet socket of one namespace.
 *
 * The structs name only the fields read; CO-RE finds their places in the running kernel's BTF, so the object is the
 * same for every kernel and no vmlinux.h of the building machine gets in.
 */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
// clang-format on

#include "socket_owner_record.h"

#define CORE __attribute__((preserve_access_index))

enum { family_ipv4 = 2, family_ipv6 = 10 };

struct ns_common {
    unsigned int inum;
} CORE;
struct net {
    struct ns_common ns;
} CORE;
typedef struct {
    struct net* net;
} CORE possible_net_t;
struct sock_common {
    unsigned short skc_family;
    volatile unsigned char skc_state;
    possible_net_t skc_net;
} CORE;
struct sock {
    struct sock_common __sk_common;
    __u16 sk_protocol;
} CORE;
struct socket {
    struct sock* sk;
} CORE;
struct inode {
    unsigned long i_ino;
} CORE;
struct file {
    struct inode* f_inode;
} CORE;
struct task_struct {
    int tgid;
} CORE;
struct seq_file;
struct bpf_iter_meta {
    struct seq_file* seq;
} CORE;
struct bpf_iter__task_file {
    union {
        struct bpf_iter_meta* meta;
        __u64 : 64;
    } __attribute__((aligned(8)));
    union {
        struct task_struct* task;
        __u64 : 64;
    } __attribute__((aligned(8)));
    __u32 fd;
    union {
        struct file* file;
        __u64 : 64;
    } __attribute__((aligned(8)));
} CORE;

const volatile __u32 wanted_namespace;

SEC("iter/task_file")
int socket_owners(struct bpf_iter__task_file* context)
{
    struct task_struct* task = context->task;
    struct file* file = context->file;
    struct socket_owner_record record = {};
    struct socket* socket;
    struct sock* sock;

    if (!task || !file) return 0; /* the end */
    socket = bpf_sock_from_file(file);
    if (!socket) return 0;
    sock = socket->sk;
    if (!sock) return 0;
    record.family = (__u8)sock->__sk_common.skc_family;
    if (record.family != family_ipv4 && record.family != family_ipv6) return 0;
    if (sock->__sk_common.skc_net.net->ns.inum != wanted_namespace) return 0;
    record.inode = file->f_inode->i_ino;
    record.pid = (__u32)task->tgid;
    record.protocol = sock->sk_protocol;
    record.state = sock->__sk_common.skc_state;
    bpf_seq_write(context->meta->seq, &record, sizeof(record));
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
