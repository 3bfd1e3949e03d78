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

#include "lb_hash.bpf.h"
#include "lb_icmp.bpf.h"
#include "lb_nat.bpf.h"
#include "lb_quic.bpf.h"
#include "lb_send.bpf.h"
#include "lb_tables.bpf.h"

/* A VIP as one word, as which it is also in its line; 0: none. A pointer into the line would have the verifier follow
 * all that comes after once for each place. */
INLINE __u64 vip4_of(const struct facts* facts, __u32 port, __u32 side)
{
    const struct lb_vip_key4 wanted = {facts->destination[0], (__u16)port, (__u8)facts->protocol, 0};
    __u64 key, found = 0;
    __builtin_memcpy(&key, &wanted, sizeof(key));
    const __u32 at = (__u32)lb_vip_line(&key, LB_KEY_WORDS4, &globals.settings[side].vips4);
    const struct lb_vip_line4* line = of_side(&vips4_of, side, &at);
    for (int i = 0; line && i < LB_PLACES4; ++i)
        found |= where_same(line->key[i] ^ key, *(const __u64*)&line->vip[i]);
    return found;
}

INLINE __u64 vip6_of(const struct facts* facts, __u32 port, __u32 side)
{
    struct lb_vip_key6 wanted = {.port = (__u16)port, .protocol = (__u8)facts->protocol};
    __u64 key[LB_KEY_WORDS6], found = 0;
    __builtin_memcpy(wanted.address, facts->destination, sizeof(wanted.address));
    __builtin_memcpy(key, &wanted, sizeof(key));
    const __u32 at = (__u32)lb_vip_line(key, LB_KEY_WORDS6, &globals.settings[side].vips6);
    const struct lb_vip_line6* line = of_side(&vips6_of, side, &at);
    for (int i = 0; line && i < LB_PLACES6; ++i)
        found |= where_same((line->key[i][0] ^ key[0]) | (line->key[i][1] ^ key[1]) | (line->key[i][2] ^ key[2]),
                            *(const __u64*)&line->vip[i]);
    return found;
}

INLINE __u64 vip_of(const struct facts* facts, __u32 side)
{
    const __u32 port = facts->fragment ? 0 : facts->destination_port;
    if (!facts->fragment && (port == 0 || port == NO_PORT)) return 0;
    return facts->ipv6 ? vip6_of(facts, port, side) : vip4_of(facts, port, side);
}

/* The way that is worth least: free, else the one used longest ago; one that only sent a SYN counts as older than all
 * others, so that a flood of them pushes out each other first. Where ways are worth the same, the tag chooses: two CPUs
 * at once then seldom choose alike. `seen`: what stood there. */
INLINE __u32 worth_least(const struct lb_set* set, __u32 tag, __u32 second, __u64* seen)
{
    __u32 least = 0, most_idle = 0;
    for (__u32 i = 0; i < LB_WAYS; ++i) {
        const __u32 way = (i + tag) & (LB_WAYS - 1);
        const __u64 entry = *(const volatile __u64*)&set->way[way];
        __u32 idle = (second - (__u32)(entry >> 48)) & 0x7fff;
        if (!(entry >> 63)) idle += 0x8000;
        if (!entry) idle = 0x10000;
        if (i && idle <= most_idle) continue;
        most_idle = idle;
        least = way;
        *seen = entry;
    }
    return least;
}

/* Connections whose handshake is under way repeat their SYN for about a minute (tcp_syn_retries). */
INLINE int repeats(__u64 entry, __u32 second)
{
    return !(entry >> 63) && ((second - (__u32)(entry >> 48)) & 0x7fff) <= 60;
}

enum { NOT_NOTED = BIT(31) };

/* The backend of a connection whose slot changed hands. What begins goes to the owner, and when it repeats its SYN to
 * where that went at first; what is not known began before the change. All CPUs share the sets, so that a connection is
 * known on whichever its packets come in: an entry is one word, and is exchanged as a whole, when the connection
 * begins, is answered, and once a second. NOT_NOTED beside the number: another CPU wrote that way of the set first. */
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
        const __u64 entry = *(const volatile __u64*)&set->way[i];
        if (!entry || (__u32)entry != tag) continue;
        way = i;
        found = entry;
    }
    if (found && (!begins || repeats(found, second))) {
        const __u32 known = (__u32)(found >> 32) & 0xffff;
        if (backend_of(side, known)) number = known;
    }
    if (way == LB_WAYS) way = worth_least(set, tag, second, &found);
    const __u64 entry = LB_ENTRY(tag, number, second, !begins);
    if (entry == found) return number;
    if (__sync_val_compare_and_swap(&set->way[way & (LB_WAYS - 1)], found, entry) == found) return number;
    return number | NOT_NOTED;
}

INLINE __u32 owner_of(const struct facts* facts, __u64 hash, __u32 slot, __u32 side)
{
    const __u64 now = bpf_ktime_get_coarse_ns();
    if (now >= globals.settings[side].drain_until) return LB_OWNER(slot);
    const __u32 begins = facts->tcp_flags != NO_FLAGS && (facts->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    __u32 number = LB_NOBODY;
    for (int i = 0; i < LB_WAYS; ++i) { /* as many CPUs may be in the way of each other, and one of them writes */
        number = pinned(hash, slot, begins, side, (__u32)(now >> 30));
        if (!(number & NOT_NOTED)) break;
        number &= ~NOT_NOTED;
        slot = LB_SLOT(number, number, 1u); /* what was read of it just now may have been pushed out */
    }
    return number;
}

/* The backend of a flow's slot. */
INLINE __u32 chosen(const struct facts* flow, const struct lb_vip* vip, __u64 hash, __u32 side)
{
    const __u32 place = (__u32)((hash >> 32) * LB_SLOTS >> 32);
    const __u32 at = vip->row + place / LB_ROW_SLOTS;
    const struct lb_half_row* row = of_side(&rows_of, side, &at);
    if (!row) return LB_NOBODY;
    const __u32 owner = row->slot[place % LB_ROW_SLOTS];
    if (!LB_HALF_CONSULT(owner)) return owner;
    row = of_side(&befores_of, side, &at);
    const __u32 before = row ? row->slot[place % LB_ROW_SLOTS] : owner;
    return owner_of(flow, hash, LB_SLOT(LB_HALF_NUMBER(owner), LB_HALF_NUMBER(before), 1u), side);
}

/* `flow`: the packet, or of an ICMP error the connection that it is about. */
__noinline int balance(struct xdp_md* context, const struct facts* facts, const struct facts* flow, __u32 frame)
{
    if (!facts || !flow) return XDP_PASS;
    const __u32 side = *(volatile __u64*)&globals.generation & 1; /* read once: a packet sees one configuration */
    const __u64 found = vip_of(flow, side);
    if (!found) return uses(LB_NAT) ? NAT_BACK | (int)side : +XDP_PASS;
    const struct lb_vip* vip = (const struct lb_vip*)&found;
    count(vip->counter, frame);
    if (facts->odd & MALFORMED) return dropped(LB_DROP_MALFORMED, frame);
    if (flow->fragment && vip->traits & LB_DROP_FRAGMENTS) return dropped(LB_DROP_FRAGMENT, frame);
    if (uses(LB_NAT) && vip->traits & LB_TRANSLATED) return NAT_FORTH | (int)side;
    const __u64 hash = hash_of(flow, globals.settings[side].hash, vip->affinity == LB_BY_SOURCE || flow->fragment);
    const struct lb_backend* backend = 0;
    __u32 number = NO_SERVER;
    if (uses(LB_QUIC) && vip->affinity == LB_BY_QUIC && facts == flow) {
        number = quic_server(context, facts, vip->row, side);
        backend = backend_of(side, number);
    }
    if (!backend) {
        number = chosen(flow, vip, hash, side);
        backend = backend_of(side, number);
    }
    if (!backend) return dropped(LB_DROP_NO_BACKEND, frame);
    const int stop = stopped(context, facts, outer_size(backend), side, frame);
    if (stop) return stop;
    const int verdict = send(context, facts, backend, side, (__u32)hash, frame);
    if (verdict != XDP_DROP) count(LB_COUNT_BACKENDS + number, frame);
    return verdict;
}

/* The backend of a translated connection that begins. */
__noinline __u32 nat_choice(struct xdp_md* context, const struct facts* facts, __u32 side)
{
    side = (__u32)within(side, 1);
    const __u64 found = facts ? vip_of(facts, side) : 0;
    const struct lb_vip* vip = (const struct lb_vip*)&found;
    if (!found) return NO_SERVER;
    if (uses(LB_QUIC) && vip->affinity == LB_BY_QUIC) {
        const __u32 number = quic_server(context, facts, vip->row, side);
        if (backend_of(side, number)) return number;
    }
    return chosen(facts, vip, hash_of(facts, globals.settings[side].hash, vip->affinity == LB_BY_SOURCE), side);
}

/* What balance() found to be translated. Not within that: all frames of a call have 512 bytes together. */
__noinline int nat(struct xdp_md* context, const struct facts* facts, const struct facts* flow, __u32 way)
{
    const __u32 side = way & 1;
    if (!facts || !flow) return XDP_DROP;
    if (way & NAT_BACK) return facts->odd & MALFORMED ? XDP_PASS : nat_back(context, facts, flow, side);
    __u32 named = nat_known(flow, side);
    if (named == NAT_NOWHERE) {
        if (facts != flow) return XDP_PASS; /* about a connection that there is none of */
        const __u32 number = nat_choice(context, facts, side), frame = facts->length + facts->network;
        if (!backend_of(side, number)) return dropped(LB_DROP_NO_BACKEND, frame);
        named = nat_begin(facts, number, side);
        if (named == NAT_NOWHERE) return dropped(LB_DROP_NAT_FULL, frame);
    }
    return nat_forth(context, facts, named, side, facts != flow);
}

INLINE int done(struct xdp_md* context, const struct facts* facts, const struct facts* flow, int verdict)
{
    return uses(LB_NAT) && verdict >= NAT_BACK ? nat(context, facts, flow, (__u32)verdict) : verdict;
}

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct facts);
} quoted_flow SEC(".maps");

__noinline int balance_error(struct xdp_md* context, const struct facts* facts, __u32 frame)
{
    const __u32 place = 0;
    struct facts* flow = bpf_map_lookup_elem(&quoted_flow, &place);
    if (!flow || !facts) return XDP_PASS;
    __builtin_memset(flow, 0, sizeof(*flow));
    if (!note_quoted(context, facts, flow)) return XDP_PASS;
    return done(context, facts, flow, balance(context, facts, flow, frame));
}

SEC("xdp")
int lb(struct xdp_md* context)
{
    struct facts facts = {};
    const __u32 frame = (__u32)((const __u8*)end_of(context) - (const __u8*)data_of(context));
    if (!note_packet(context, &facts, frame)) return XDP_PASS;
    if (is_icmp_error(&facts)) return balance_error(context, &facts, frame);
    return done(context, &facts, &facts, balance(context, &facts, &facts, frame));
}

char LICENSE[] SEC("license") = "GPL";
