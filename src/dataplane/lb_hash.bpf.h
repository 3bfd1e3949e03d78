/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which slot a connection falls into. */
#pragma once

#include "packet_facts.bpf.h"

/* SipHash-1-3 (Aumasson and Bernstein, 2012): who does not know the key cannot choose connections of one slot. */
struct sip {
    __u64 v0, v1, v2, v3;
};
#define ROTATE(word, by) ((word) << (by) | (word) >> (64 - (by)))

INLINE void sip_round(struct sip* s)
{
    s->v0 += s->v1, s->v2 += s->v3;
    s->v1 = ROTATE(s->v1, 13) ^ s->v0, s->v3 = ROTATE(s->v3, 16) ^ s->v2;
    s->v0 = ROTATE(s->v0, 32);
    s->v2 += s->v1, s->v0 += s->v3;
    s->v1 = ROTATE(s->v1, 17) ^ s->v2, s->v3 = ROTATE(s->v3, 21) ^ s->v0;
    s->v2 = ROTATE(s->v2, 32);
}

INLINE void sip_word(struct sip* s, __u64 word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* Of source, destination, ports and protocol, 13 bytes or 37. */
INLINE __u64 hash_of(const struct facts* facts, const __u64* key, int addresses_alone)
{
    struct sip s = {key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull, key[0] ^ 0x6c7967656e657261ull,
                    key[1] ^ 0x7465646279746573ull};
    const __u32* from = facts->source;
    const __u32* to = facts->destination;
    __u64 last = (facts->ipv6 ? 37ull : 13ull) << 56;
    if (!addresses_alone)
        last |= (__u64)(facts->protocol & 255) << 32 | (__u64)(facts->destination_port & 0xffff) << 16 |
                (facts->source_port & 0xffff);
    if (facts->ipv6) {
        sip_word(&s, from[0] | (__u64)from[1] << 32);
        sip_word(&s, from[2] | (__u64)from[3] << 32);
        sip_word(&s, to[0] | (__u64)to[1] << 32);
        sip_word(&s, to[2] | (__u64)to[3] << 32);
    } else {
        sip_word(&s, from[0] | (__u64)to[0] << 32);
    }
    sip_word(&s, last);
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
