/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers a SYN in the listener's place, from the driver's receive path: no socket, no packet buffer, no memory.
 *
 * The kernel makes the cookie, with its own secret and only while it would send one itself: always where
 * net.ipv4.tcp_syncookies is 2, and where it is 1 while the listener's queue is full (tcp_get_syncookie_mss() in
 * net/ipv4/tcp_input.c). It takes the ACK that brings the cookie back as any other, so nothing has to be remembered
 * here. The answer carries no timestamps: the kernel would look for the client's options in them at an offset that it
 * keeps to itself. So these connections have neither window scaling nor SACK, as ever with cookies and no timestamps.
 */
#pragma once

#include "packet_facts.bpf.h"

const volatile __u32 own_mss4, own_mss6; /* what the answer says that this host can take */

enum {
    HEADER_WORDS = 15, /* a TCP header is 20 to 60 bytes; */
    HEADER_ROOM = 21,  /* 20 and 63 as far as the verifier can tell */
    ANSWER_TCP = 20,
    ANSWER_MSS = 4, /* the only option */
    ANSWER_TTL = 64,
};

/* Ports that cookies are for, a bit each. */
__u64 cookie_ports[65536 / 64];

INLINE int wants_cookie(const struct facts* facts)
{
    const __u32 port = facts->destination_port;
    if ((facts->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN || facts->fragment) return 0;
    return port < 65536 && (cookie_ports[(port >> 6) & 1023] >> (port & 63) & 1);
}

INLINE __u16 folded(__u64 sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

INLINE __u64 sum_of(const __u32* words, int count)
{
    __u64 sum = 0;
    for (int i = 0; i < count; ++i)
        sum += words[i];
    return sum;
}

/* The cookie in the low 32 bits; negative: the kernel is to answer itself. `syn`: the TCP header, copied, for the frame
 * may hold less than the verifier would have us read. `ipv6` is a constant to each caller. */
INLINE __s64 cookie_for(struct xdp_md* context, const struct facts* facts, const int ipv6, void* network,
                        struct tcphdr* syn, __u32 size)
{
    struct bpf_sock_tuple tuple = {};
    const __u16 from = __builtin_bswap16((__u16)facts->source_port);
    const __u16 to = __builtin_bswap16((__u16)facts->destination_port);
    if (ipv6) {
        __builtin_memcpy(tuple.ipv6.saddr, facts->source, 16);
        __builtin_memcpy(tuple.ipv6.daddr, facts->destination, 16);
        tuple.ipv6.sport = from;
        tuple.ipv6.dport = to;
    } else {
        tuple.ipv4.saddr = facts->source[0];
        tuple.ipv4.daddr = facts->destination[0];
        tuple.ipv4.sport = from;
        tuple.ipv4.dport = to;
    }
    __s64 cookie = -1;
    struct bpf_sock* listener =
        bpf_skc_lookup_tcp(context, &tuple, ipv6 ? sizeof(tuple.ipv6) : sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
    if (!listener) return -1;
    /* A sum with two bounds, for clang makes one comparison of two, which Linux 6.1 learns nothing from. */
    const __u64 options = within(size - ANSWER_TCP, 63);
    if (listener->state == BPF_TCP_LISTEN)
        cookie = bpf_tcp_gen_syncookie(listener, network, ipv6 ? 40 : 20, syn, ANSWER_TCP + options);
    bpf_sk_release(listener);
    return cookie;
}

/* SYN and its way are turned around where they lie; what is left of the SYN's options behind the answer is padding. */
INLINE void turn_around(__u8* frame, __u8* at, const struct facts* facts, const int ipv6, const struct tcphdr* syn,
                        __u32 cookie, __u32 option)
{
    __u32 answer[6] = {};
    __u8 mac[6];
    __builtin_memcpy(mac, frame, 6);
    __builtin_memcpy(frame, frame + 6, 6);
    __builtin_memcpy(frame + 6, mac, 6);

    const __u32 mss = ipv6 ? own_mss6 : own_mss4, size = ANSWER_TCP + option;
    const __u32 window = mss * 10 > 65535 ? 65535 : mss * 10; /* what a client sends at first */
    answer[0] = (__u32)syn->dest | (__u32)syn->source << 16;
    answer[1] = __builtin_bswap32(cookie);
    answer[2] = __builtin_bswap32(__builtin_bswap32(syn->seq) + 1);
    answer[3] = __builtin_bswap32((size / 4) << 28 | (TCP_SYN | TCP_ACK) << 16 | window);
    if (option) answer[5] = __builtin_bswap32(2u << 24 | 4u << 16 | mss);
    __u64 sum = sum_of(answer, 6) + __builtin_bswap32(size) + __builtin_bswap32(PROTOCOL_TCP);
    if (ipv6) {
        __u32 header[10] = {__builtin_bswap32(6u << 28),
                            __builtin_bswap32(size << 16 | PROTOCOL_TCP << 8 | ANSWER_TTL)};
        __builtin_memcpy(&header[2], facts->destination, 16);
        __builtin_memcpy(&header[6], facts->source, 16);
        sum += sum_of(&header[2], 8);
        __builtin_memcpy(at, header, 40);
    } else {
        __u32 header[5] = {__builtin_bswap32(0x45u << 24 | (20 + size)), __builtin_bswap32(0x4000),
                           __builtin_bswap32(ANSWER_TTL << 24 | PROTOCOL_TCP << 16), facts->destination[0],
                           facts->source[0]};
        sum += sum_of(&header[3], 2);
        header[2] |= (__u32)folded(sum_of(header, 5)) << 16;
        __builtin_memcpy(at, header, 20);
    }
    answer[4] = folded(sum);
    __u8* tcp = at + (ipv6 ? 40 : 20);
    __builtin_memcpy(tcp, answer, ANSWER_TCP);
    if (option) __builtin_memcpy(tcp + ANSWER_TCP, &answer[5], ANSWER_MSS);
}

/* Only plain headers: SYNs with IP options, extension headers or data go on to the kernel. */
INLINE int answer(struct xdp_md* context, const struct facts* facts, const int ipv6)
{
    const __u32 before = ipv6 ? 40 : 20; /* of the TCP header */
    __u32 words[HEADER_ROOM] = {};
    __u8* frame = data_of(context);
    const void* end = end_of(context);
    __u8* at = frame + within(facts->network, 63);
    __u8* tcp = at + before;
    if ((const void*)(frame + 14) > end || (const void*)(tcp + ANSWER_TCP) > end) return 0;
    if (ipv6 ? at[6] != PROTOCOL_TCP : at[0] != 0x45) return 0;
    const __u32 size = (tcp[12] >> 4) * 4u;
    if (facts->length != before + size) return 0;
    for (__u32 i = 0; i < HEADER_WORDS; ++i) {
        if (i * 4 >= size) break;
        if ((const void*)(tcp + i * 4 + 4) > end) return 0;
        words[i] = *(__u32*)(tcp + i * 4);
    }
    struct tcphdr* syn = (struct tcphdr*)words;
    const __s64 cookie = cookie_for(context, facts, ipv6, at, syn, size);
    if (cookie < 0) return 0;
    __u64 option = size > ANSWER_TCP ? ANSWER_MSS : 0; /* a SYN without options has no room for one */
    asm volatile(""
                 : "+r"(option)); /* clang would ask for the size again later, and Linux 6.1 think of another answer */
    if ((const void*)(tcp + ANSWER_TCP + option) > end) return 0;
    turn_around(frame, at, facts, ipv6, syn, (__u32)cookie, (__u32)option);
    return 1;
}

/* 1: the frame holds the answer now. Apart, so that the verifier sees sizes that do not depend on one another. */
__noinline int answer_syn4(struct xdp_md* context, const struct facts* facts)
{
    return facts ? answer(context, facts, 0) : 0;
}

__noinline int answer_syn6(struct xdp_md* context, const struct facts* facts)
{
    return facts ? answer(context, facts, 1) : 0;
}
