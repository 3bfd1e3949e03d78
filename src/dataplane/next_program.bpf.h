/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gave us his place on an interface runs behind us, on what we pass: a tail call, which takes a nanosecond. */
#pragma once

const volatile __u32 uses_next;

/* By the interface's number. */
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} next_programs SEC(".maps");

/* Comes back where nobody is behind us. */
static __always_inline int let_on(struct xdp_md* context)
{
    if (uses_next) bpf_tail_call(context, &next_programs, context->ingress_ifindex);
    return XDP_PASS;
}
