/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps down the IPv4 trie of filter_layout.h. */
#pragma once

#include "packet_facts.bpf.h"

enum { NO_PLACE = 0xffffffff };

/* Clang makes a dozen instructions of it; BPF has none for it. */
INLINE __u32 bits_in(__u64 word) { return (__u32)__builtin_popcountll(word); }

/* Which of all words is about this address; NO_PLACE: the node itself says what. */
INLINE __u32 trie_place(const struct trie_node* node, __u32 address)
{
    const __u32 part = (address >> 14) & 3;
    const __u64 said = node->bits[part], bit = 1ull << ((address >> 8) & 63);
    if (!(said & bit)) return NO_PLACE;
    return node->first + node->before[part] + bits_in(said & (bit - 1));
}

/* Whether the address is one of the few that the word names: a byte of the difference is 0 (Mycroft's test). */
INLINE int is_one_of_few(__u64 word, __u32 address)
{
    const __u32 differences = (__u32)word ^ (address & 255) * 0x01010101u;
    return ((differences - 0x01010101u) & ~differences & 0x80808080u) != 0;
}

INLINE __u32 list_of_few(__u64 word, __u32 address)
{
    return (__u32)(is_one_of_few(word, address) ? word >> TRIE_INSIDE : word >> TRIE_OUTSIDE) & 255;
}

/* Of the leaf that the word says, or with TRIE_BYTES of the one in which the address's list stands. */
INLINE __u32 list_of_leaf(const struct trie_leaf* leaf, __u64 word, __u32 address)
{
    if (TRIE_WIDE_KIND(word) == TRIE_BYTES) return leaf->list[address & 63];
    return (leaf->bits[(address & 255) >> 6] >> (address & 63) & 1 ? leaf->inside : leaf->outside) & 255;
}

INLINE __u32 leaf_place(__u64 word, __u32 address)
{
    return TRIE_INDEX(word) + (TRIE_WIDE_KIND(word) == TRIE_BYTES ? (address & 255) >> 6 : 0);
}
