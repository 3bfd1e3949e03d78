/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The XDP load balancer. A packet's way: its headers; the VIP; the slot of its hash; for slots that changed hands the
 * connection table; an outer header; back out through the interface it came in by.
 *
 * A configuration is a generation: its tables are filled on the side that nobody reads, then one word makes it the one
 * that is read. lb_program.cpp writes them; lb_layout.h says how they look.
 */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
// clang-format on

#include "lb_layout.h"
#include "packet_facts.bpf.h"

enum {
    ETHERNET = 14,
    TAG = 4,
    HOP_LIMIT = 64,
    PROTOCOL_IPIP = 4,
    PROTOCOL_IPV6 = 41,
    MALFORMED = BIT(ODD_TINY_FRAGMENT + 1) - 1, /* what cannot be read as what it claims to be */
};

const volatile __u32 set_mask; /* connection sets - 1 */

struct lb_globals globals;

/* By size: of types that only stand in inner maps clang leaves a forward declaration. */
struct vips4 {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(struct lb_vip_key4));
    __uint(value_size, sizeof(struct lb_vip));
};
struct vips6 {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(struct lb_vip_key6));
    __uint(value_size, sizeof(struct lb_vip));
};
struct rows {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_INNER_MAP); /* each generation has its own size */
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct lb_row));
};
struct backends {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_INNER_MAP);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct lb_backend));
};
#define SIDES(name)                                                                                                    \
    struct {                                                                                                           \
        __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                                                      \
        __uint(max_entries, 2);                                                                                        \
        __type(key, __u32);                                                                                            \
        __array(values, struct name);                                                                                  \
    } name##_of SEC(".maps")
SIDES(vips4);
SIDES(vips6);
SIDES(rows);
SIDES(backends);

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE); /* on whole pages, so that a set is one cache line */
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct lb_set);
} connections SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, LB_COUNT_MOST);
    __type(key, __u32);
    __type(value, struct lb_count);
} lb_counts SEC(".maps");

INLINE void count(__u32 counter, __u32 bytes)
{
    struct lb_count* sum = bpf_map_lookup_elem(&lb_counts, &counter);
    if (!sum) return;
    ++sum->packets;
    sum->bytes += bytes;
}

INLINE int dropped(__u32 counter, __u32 bytes)
{
    count(counter, bytes);
    return XDP_DROP;
}

/* Looks `key` up in the table of this side. */
INLINE void* of_side(void* sides, __u32 side, const void* key)
{
    void* table = bpf_map_lookup_elem(sides, &side);
    return table ? bpf_map_lookup_elem(table, key) : 0;
}

INLINE const struct lb_vip* vip_of(const struct facts* facts, __u32 side)
{
    const __u32 port = facts->fragment ? 0 : facts->destination_port;
    if (!facts->fragment && (port == 0 || port == NO_PORT)) return 0;
    if (facts->ipv6) {
        struct lb_vip_key6 key = {.port = (__u16)port, .protocol = (__u8)facts->protocol};
        __builtin_memcpy(key.address, facts->destination, sizeof(key.address));
        return of_side(&vips6_of, side, &key);
    }
    struct lb_vip_key4 key = {.address = facts->destination[0], .port = (__u16)port, .protocol = (__u8)facts->protocol};
    return of_side(&vips4_of, side, &key);
}

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

INLINE const struct lb_backend* backend_of(__u32 side, __u32 number)
{
    const struct lb_backend* backend = of_side(&backends_of, side, &number);
    return backend && backend->present ? backend : 0;
}

/* The way that is worth least: free, else the one used longest ago; one that only sent a SYN counts as older than all
 * others, so that a flood of them pushes out each other first. Where ways are worth the same, the tag chooses: two CPUs
 * at once then seldom choose alike. */
INLINE __u32 worth_least(const struct lb_set* set, __u32 tag, __u32 second)
{
    __u32 least = 0, most_idle = 0;
    for (__u32 i = 0; i < LB_WAYS; ++i) {
        const __u32 way = (i + tag) & (LB_WAYS - 1);
        const __u64 entry = set->way[way];
        __u32 idle = (second - (__u32)(entry >> 48)) & 0x7fff;
        if (!(entry >> 63)) idle += 0x8000;
        if (!entry) idle = 0x10000;
        if (idle <= most_idle) continue;
        most_idle = idle;
        least = way;
    }
    return least;
}

/* The backend of a connection whose slot changed hands. What begins goes to the owner; what is not known began before
 * the change. All CPUs share the sets, so that a connection is known on whichever its packets come in: an entry is one
 * word and is written as a whole, when the connection begins, is answered, and once a second. Two CPUs that write the
 * same way at once leave one of the two: a connection whose entry is lost counts as begun before the change. */
__noinline __u32 pinned(__u64 hash, __u32 slot, __u32 begins, __u32 side, __u32 second)
{
    const __u32 tag = (__u32)hash;
    __u32 place = (__u32)(hash >> 32) & set_mask;
    struct lb_set* set = bpf_map_lookup_elem(&connections, &place);
    __u32 number = begins ? LB_OWNER(slot) : LB_BEFORE(slot);
    __u32 way = LB_WAYS;
    __u64 found = 0;
    if (!set) return number;
    for (__u32 i = 0; i < LB_WAYS; ++i) {
        const __u64 entry = set->way[i];
        if (!entry || (__u32)entry != tag) continue;
        way = i;
        found = entry;
    }
    if (found && !begins) {
        const __u32 known = (__u32)(found >> 32) & 0xffff;
        if (backend_of(side, known)) number = known;
    }
    if (way == LB_WAYS) way = worth_least(set, tag, second);
    const __u64 entry = LB_ENTRY(tag, number, second, !begins);
    if (entry != found) *(volatile __u64*)&set->way[way & (LB_WAYS - 1)] = entry;
    return number;
}

INLINE __u32 owner_of(const struct facts* facts, __u64 hash, __u32 slot, __u32 side)
{
    if (!LB_CONSULT(slot)) return LB_OWNER(slot);
    const __u64 now = bpf_ktime_get_coarse_ns();
    if (now >= globals.settings[side].drain_until) return LB_OWNER(slot);
    const __u32 begins = facts->tcp_flags != NO_FLAGS && (facts->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    return pinned(hash, slot, begins, side, (__u32)(now >> 30));
}

/* Ethernet header and tags move in front of the new header, back to the sender. `size` is a constant. */
INLINE int move_link_header(struct xdp_md* context, __u32 size, __u32 outer, __u16 type)
{
    __u8 header[ETHERNET + 2 * TAG];
    __u8* data = data_of(context);
    if ((void*)(data + outer + size) > end_of(context)) return 0;
    __builtin_memcpy(header, data + outer + 6, 6);
    __builtin_memcpy(header + 6, data + outer, 6);
    __builtin_memcpy(header + 12, data + outer + 12, size - 12);
    __builtin_memcpy(header + size - 2, &type, 2);
    __builtin_memcpy(data, header, size);
    return 1;
}

INLINE int move_any_link_header(struct xdp_md* context, __u32 network, __u32 outer, __u16 type)
{
    if (network == ETHERNET) return move_link_header(context, ETHERNET, outer, type);
    if (network == ETHERNET + TAG) return move_link_header(context, ETHERNET + TAG, outer, type);
    return move_link_header(context, ETHERNET + 2 * TAG, outer, type);
}

INLINE __u16 checksum(const struct iphdr* header)
{
    const __u16* half = (const __u16*)header;
    __u32 sum = 0;
    for (int i = 0; i < 10; ++i)
        sum += half[i];
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16) ~(sum + (sum >> 16));
}

INLINE int wrap4(struct xdp_md* context, const struct facts* facts, const struct lb_backend* backend, __u32 side,
                 __u32 entropy, __u8 class)
{
    if (bpf_xdp_adjust_head(context, -(int)sizeof(struct iphdr))) return 0;
    if (!move_any_link_header(context, facts->network, sizeof(struct iphdr), __builtin_bswap16(ETHERTYPE_IP))) return 0;
    struct iphdr header = {
        .version = 4,
        .ihl = 5,
        .tos = class,
        .tot_len = __builtin_bswap16((__u16)(facts->length + sizeof(header))),
        .frag_off = __builtin_bswap16(0x4000), /* whole datagrams need no identification (RFC 6864) */
        .ttl = HOP_LIMIT,
        .protocol = facts->ipv6 ? PROTOCOL_IPV6 : PROTOCOL_IPIP,
        .saddr = globals.settings[side].source4 | (entropy & globals.settings[side].host_bits4),
        .daddr = backend->address[0],
    };
    header.check = checksum(&header);
    __u8* at = (__u8*)data_of(context) + (facts->network & 31);
    if ((void*)(at + sizeof(header)) > end_of(context)) return 0;
    __builtin_memcpy(at, &header, sizeof(header));
    return 1;
}

INLINE int wrap6(struct xdp_md* context, const struct facts* facts, const struct lb_backend* backend, __u32 side,
                 __u32 entropy, __u8 class)
{
    if (bpf_xdp_adjust_head(context, -(int)sizeof(struct ipv6hdr))) return 0;
    if (!move_any_link_header(context, facts->network, sizeof(struct ipv6hdr), __builtin_bswap16(ETHERTYPE_IPV6)))
        return 0;
    __u32* word = (__u32*)((__u8*)data_of(context) + (facts->network & 31));
    if ((void*)(word + 10) > end_of(context)) return 0;
    const __u32 next = facts->ipv6 ? PROTOCOL_IPV6 : PROTOCOL_IPIP;
    /* The flow label tells routers' hashes connections apart (RFC 6438). */
    word[0] = __builtin_bswap32(6u << 28 | (__u32) class << 20 | (entropy & 0xfffff));
    word[1] = __builtin_bswap32(facts->length << 16 | next << 8 | HOP_LIMIT);
    for (int i = 0; i < 4; ++i) {
        word[2 + i] = globals.settings[side].source6[i];
        word[6 + i] = backend->address[i];
    }
    word[5] |= entropy & globals.settings[side].host_bits6;
    return 1;
}

INLINE int send(struct xdp_md* context, const struct facts* facts, const struct lb_backend* backend, __u32 side,
                __u32 entropy, __u32 frame)
{
    const __u32 outer = backend->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
    const __u8* inner = (const __u8*)data_of(context) + (facts->network & 31);
    if (facts->length + outer > globals.settings[side].mtu) return dropped(LB_DROP_TOO_BIG, frame);
    if ((const void*)(inner + 2) > end_of(context)) return dropped(LB_DROP_MALFORMED, frame);
    const __u8 class = facts->ipv6 ? (__u8)(inner[0] << 4 | inner[1] >> 4) : inner[1];
    const int wrapped = backend->ipv6 ? wrap6(context, facts, backend, side, entropy, class)
                                      : wrap4(context, facts, backend, side, entropy, class);
    return wrapped ? XDP_TX : dropped(LB_DROP_NO_ROOM, frame);
}

__noinline int balance(struct xdp_md* context, const struct facts* facts, __u32 frame)
{
    if (!facts) return XDP_PASS;
    const __u32 side = *(volatile __u64*)&globals.generation & 1; /* read once: a packet sees one configuration */
    const struct lb_vip* vip = vip_of(facts, side);
    if (!vip) return XDP_PASS;
    count(vip->counter, frame);
    if (facts->odd & MALFORMED) return dropped(LB_DROP_MALFORMED, frame);
    if (facts->fragment && vip->drop_fragments) return dropped(LB_DROP_FRAGMENT, frame);
    const __u64 hash = hash_of(facts, globals.settings[side].key, vip->by_source || facts->fragment);
    const __u32 place = (__u32)((hash >> 32) * LB_SLOTS >> 32);
    const __u32 at = vip->row + place / LB_ROW_SLOTS;
    const struct lb_row* row = of_side(&rows_of, side, &at);
    if (!row) return dropped(LB_DROP_NO_BACKEND, frame);
    const __u32 number = owner_of(facts, hash, row->slot[place % LB_ROW_SLOTS], side);
    const struct lb_backend* backend = backend_of(side, number);
    if (!backend) return dropped(LB_DROP_NO_BACKEND, frame);
    const int verdict = send(context, facts, backend, side, (__u32)hash, frame);
    if (verdict == XDP_TX) count(LB_COUNT_BACKENDS + number, frame);
    return verdict;
}

SEC("xdp")
int lb(struct xdp_md* context)
{
    struct facts facts = {};
    const __u32 frame = (__u32)((const __u8*)end_of(context) - (const __u8*)data_of(context));
    return note_packet(context, &facts, frame) ? balance(context, &facts, frame) : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
