/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT: a packet to a VIP goes on from an address and port of the balancer's own, to the backend's; what the backend
 * answers there goes back to the client from the VIP.
 *
 * Each own address has a table with an entry for every port, so that an answer finds its connection by its destination
 * port alone; a hash table finds it by the client's side. A new connection looks at some ports and takes one that is
 * free or was idle for too long; if there is none, one whose connection is not open. Entries are taken by exchanging
 * one word, so no two connections have the same.
 */
#pragma once

#include "lb_icmp.bpf.h"

struct nat_table {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, LB_NAT_ENTRIES);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct lb_nat_entry));
};
struct nat_flows {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(struct lb_nat_key));
    __uint(value_size, sizeof(__u32));
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2 * LB_NAT_PLACES);
    __type(key, __u32);
    __array(values, struct nat_table);
} nat_tables SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct nat_flows);
} nat_flows_of SEC(".maps");

#define NAT_NOWHERE 0xffffffffu
enum {
    /* What balance() says of a packet, beside the side. */
    NAT_BACK = 16,
    NAT_FORTH = 32,

    NAT_LOOKS = 16,
    NAT_HANDSHAKE = 240, /* in 2^30 nanoseconds, about four minutes (RFC 5382, section 5) */
    NAT_LINGER = 60,     /* after both FINs or an RST; TIME_WAIT is as long */
    NAT_FILLING = 2,
    /* What came of looking at a port; above NAT_PUSHABLE: for how long its connection has been idle. */
    NAT_BUSY = 0,
    NAT_GOT = 1,
    NAT_PUSHABLE = 2,
};

/* An entry is named by its place (16 of them), whether it is of UDP, and its port. */
INLINE struct lb_nat_entry* nat_entry(__u32 named)
{
    const __u32 place = named >> 17 & (2 * LB_NAT_PLACES - 1), at = named & (LB_NAT_ENTRIES - 1);
    void* table = bpf_map_lookup_elem(&nat_tables, &place);
    return table ? bpf_map_lookup_elem(table, &at) : 0;
}

INLINE void* nat_flows_table(void)
{
    const __u32 first = 0;
    return bpf_map_lookup_elem(&nat_flows_of, &first);
}

INLINE __u32 nat_second(void) { return (__u32)(bpf_ktime_get_coarse_ns() >> 30); }

INLINE void nat_key_of(const struct facts* flow, struct lb_nat_key* key)
{
    __builtin_memcpy(key->client, flow->source, sizeof(key->client));
    __builtin_memcpy(key->vip, flow->destination, sizeof(key->vip));
    key->client_port = (__u16)flow->source_port;
    key->vip_port = (__u16)flow->destination_port;
    key->protocol = (flow->protocol & 255) | (flow->ipv6 ? 256 : 0);
}

INLINE int same_words(const void* one, const void* other, __u32 words)
{
    __u32 differ = 0;
    for (__u32 i = 0; i < words; ++i)
        differ |= ((const __u32*)one)[i] ^ ((const __u32*)other)[i];
    return !differ;
}

INLINE int nat_closing(__u64 word)
{
    const __u32 both = LB_NAT_CLIENT_DONE | LB_NAT_BACKEND_DONE;
    return (word & LB_NAT_RESET) || (word & both) == both;
}

INLINE __u32 nat_patience(const struct lb_nat_settings* settings, __u64 word, __u32 udp)
{
    if (!(word & LB_NAT_FILLED)) return NAT_FILLING;
    if (nat_closing(word)) return NAT_LINGER;
    if (udp) return settings->idle_udp;
    return word & LB_NAT_OPEN ? settings->idle_tcp : NAT_HANDSHAKE;
}

/* CPUs may read the clock at the end of a tick in another order than they get here. */
INLINE __u32 nat_idle(__u64 word, __u32 second)
{
    const __u32 idle = second - (__u32)(word >> 32);
    return idle >> 31 ? 0 : idle;
}

/* The balancer's address that belongs to an entry; 0: it has none there any more. */
INLINE int nat_own_address(__u32* address, __u32 named, __u32 side)
{
    const struct lb_nat_settings* settings = &globals.settings[side & 1].nat;
    const __u32 place = named >> 17 & (LB_NAT_PLACES - 1);
    if (named >> 17 & LB_NAT_PLACES) {
        __builtin_memcpy(address, settings->address6[place], 16);
    } else {
        address[0] = settings->address4[place];
        address[1] = address[2] = address[3] = 0;
    }
    return (address[0] | address[1] | address[2] | address[3]) != 0;
}

INLINE void nat_forget(struct lb_nat_entry* entry, __u32 named)
{
    void* flows = nat_flows_table();
    const __u32* known = flows ? bpf_map_lookup_elem(flows, &entry->key) : 0;
    if (known && *known == named) bpf_map_delete_elem(flows, &entry->key);
}

/* Ends what stands there, as far as it is still what `word` says. */
INLINE void nat_release(struct lb_nat_entry* entry, __u64 word, __u32 named)
{
    nat_forget(entry, named);
    __sync_val_compare_and_swap(&entry->word, word, word & 0xffffff00);
}

/* Takes that entry if nobody needs it any more; with `push` also from a connection that is not open. */
__noinline __u32 nat_take(__u32 named, __u32 side, __u32 second, __u32 push)
{
    struct lb_nat_entry* entry = nat_entry(named);
    if (!entry) return NAT_BUSY;
    const __u64 word = *(volatile __u64*)&entry->word;
    const __u32 idle = nat_idle(word, second);
    const __u32 pushable = (word & LB_NAT_FILLED) && (nat_closing(word) || !(word & LB_NAT_OPEN));
    if ((word & LB_NAT_TAKEN) && idle <= nat_patience(&globals.settings[side & 1].nat, word, named >> 16 & 1)) {
        if (!pushable) return NAT_BUSY;
        if (!push) return NAT_PUSHABLE + (idle < 0xffff ? idle : 0xffff);
    }
    const __u64 fresh = (__u64)second << 32 | ((word + 256) & 0xffffff00) | LB_NAT_TAKEN;
    if (__sync_val_compare_and_swap(&entry->word, word, fresh) != word) return NAT_BUSY;
    if (word & LB_NAT_FILLED) nat_forget(entry, named);
    return NAT_GOT;
}

INLINE int nat_has_address(const struct lb_nat_settings* settings, __u32 place)
{
    const __u32 at = place & (LB_NAT_PLACES - 1);
    if (!(place & LB_NAT_PLACES)) return settings->address4[at] != 0;
    const __u32* address = settings->address6[at];
    return (address[0] | address[1] | address[2] | address[3]) != 0;
}

/* An entry for a new connection, or nowhere. Ports are chosen by chance, so that nobody can tell the next (RFC 6056).
 */
INLINE __u32 nat_find(const struct facts* flow, __u32 side, __u32 second)
{
    const struct lb_nat_settings* settings = &globals.settings[side & 1].nat;
    const __u32 places = flow->ipv6 ? settings->places6 : settings->places4;
    const __u32 udp = (flow->protocol & 255) == PROTOCOL_UDP ? 1 << 16 : 0;
    __u32 longest = NAT_BUSY, pushable = NAT_NOWHERE;
    for (int i = 0; i < NAT_LOOKS; ++i) {
        const __u32 chance = bpf_get_prandom_u32();
        const __u32 place = (__u32)(((__u64)(chance & 0xffff) * places) >> 16) + (flow->ipv6 ? LB_NAT_PLACES : 0);
        const __u32 port = settings->first + (__u32)(((__u64)(chance >> 16) * settings->ports) >> 16);
        const __u32 named = place << 17 | udp | (port & 0xffff);
        if (!nat_has_address(settings, place)) continue; /* the configuration before had one there */
        const __u32 got = nat_take(named, side, second, 0);
        if (got == NAT_GOT) return named;
        if (got <= longest) continue;
        longest = got;
        pushable = named;
    }
    if (pushable == NAT_NOWHERE || nat_take(pushable, side, second, 1) != NAT_GOT) return NAT_NOWHERE;
    count(LB_COUNT_NAT_PUSHED, 0);
    return pushable;
}

/* Where this connection's entry is, made for it and this backend. */
__noinline __u32 nat_begin(const struct facts* flow, __u32 number, __u32 side)
{
    const __u32 second = nat_second();
    if (!flow) return NAT_NOWHERE;
    const struct lb_backend* backend = backend_of(side, number);
    void* flows = nat_flows_table();
    if (!backend || !flows || backend->ipv6 != (flow->ipv6 != 0)) return NAT_NOWHERE;
    const __u32 named = nat_find(flow, side, second);
    struct lb_nat_entry* entry = named == NAT_NOWHERE ? 0 : nat_entry(named);
    if (!entry) return NAT_NOWHERE;
    const __u64 word = *(volatile __u64*)&entry->word;
    nat_key_of(flow, &entry->key);
    __builtin_memcpy(entry->backend, backend->address, sizeof(entry->backend));
    entry->backend_port = backend->port ? backend->port : (__u16)flow->destination_port;
    entry->number = (__u16)number;
    if (__sync_val_compare_and_swap(&entry->word, word, word | LB_NAT_FILLED) != word) return NAT_NOWHERE;
    if (bpf_map_update_elem(flows, &entry->key, &named, BPF_NOEXIST) == 0) {
        count(LB_COUNT_NAT_BEGUN, 0);
        return named;
    }
    const __u32* other = bpf_map_lookup_elem(flows, &entry->key); /* another CPU was first */
    const __u32 there = other ? *other : NAT_NOWHERE;
    __sync_val_compare_and_swap(&entry->word, word | LB_NAT_FILLED, word & 0xffffff00);
    return there;
}

/* Where this connection's entry is. Nowhere: it begins, or its backend is gone. */
__noinline __u32 nat_known(const struct facts* flow, __u32 side)
{
    struct lb_nat_key key = {};
    __u32 own[4];
    void* flows = nat_flows_table();
    if (!flow || !flows) return NAT_NOWHERE;
    nat_key_of(flow, &key);
    const __u32* known = bpf_map_lookup_elem(flows, &key);
    if (!known) return NAT_NOWHERE;
    const __u32 named = *known;
    struct lb_nat_entry* entry = nat_entry(named);
    const __u64 word = entry ? *(volatile __u64*)&entry->word : 0;
    if (!entry || !(word & LB_NAT_FILLED) || !same_words(&entry->key, &key, sizeof(key) / 4)) {
        bpf_map_delete_elem(flows, &key);
        return NAT_NOWHERE;
    }
    const struct lb_backend* backend = backend_of(side, entry->number);
    const __u32 again = flow->tcp_flags != NO_FLAGS && (flow->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    const int stays = nat_own_address(own, named, side) && !(again && nat_closing(word));
    if (stays && backend && same_words(backend->address, entry->backend, 4)) return named;
    nat_release(entry, word, named);
    return NAT_NOWHERE;
}

/* What was read of it meanwhile may be of two connections. */
INLINE int nat_taken_since(const struct lb_nat_entry* entry, __u64 word)
{
    return ((*(const volatile __u64*)&entry->word ^ word) & 0xffffff00) != 0;
}

/* Whether the entry is still this client's: another CPU may have taken it since it was found. */
INLINE int nat_of_client(const struct lb_nat_entry* entry, __u64 word, const struct facts* facts)
{
    return (word & LB_NAT_FILLED) && entry->key.client_port == (__u16)facts->source_port &&
           entry->key.vip_port == (__u16)facts->destination_port && same_words(entry->key.client, facts->source, 4) &&
           same_words(entry->key.vip, facts->destination, 4);
}

/* Notes what this packet makes of its connection; of two CPUs that do so at once one may fail. */
INLINE void nat_note(struct lb_nat_entry* entry, __u64 word, const struct facts* facts, __u32 from_backend)
{
    const __u32 flags = facts->tcp_flags == NO_FLAGS ? 0 : facts->tcp_flags;
    __u64 now = (__u64)nat_second() << 32 | (word & 0xffffffff);
    if (from_backend) now |= LB_NAT_ANSWERED;
    if (!from_backend && (word & LB_NAT_ANSWERED) && !(flags & TCP_SYN)) now |= LB_NAT_OPEN;
    if (flags & TCP_FIN) now |= from_backend ? LB_NAT_BACKEND_DONE : LB_NAT_CLIENT_DONE;
    if (flags & TCP_RST)
        now |= LB_NAT_RESET;
    else if (!from_backend && !(flags & TCP_SYN))
        now &= ~(__u64)LB_NAT_RESET; /* whose reset nobody believed goes on */
    if (now != word) __sync_val_compare_and_swap(&entry->word, word, now);
}

/* Both ends of a packet, as they are to be. Ports in network order, the source's first. */
struct nat_ends {
    __u32 source[4], destination[4];
    __u32 ports;
};
INLINE __u32 nat_ports(__u32 source, __u32 destination)
{
    return __builtin_bswap16((__u16)source) | (__u32)__builtin_bswap16((__u16)destination) << 16;
}

/* What a checksum grows by when one word becomes another, in one's complement arithmetic (RFC 1624). */
INLINE __u64 growth(__u32 from, __u32 to) { return (__u64)(__u32)~from + to; }
INLINE __u64 growth16(__u16 from, __u16 to) { return (__u64)(__u16)~from + to; }
INLINE __u16 mended(__u16 check, __u64 sum) { return folded((__u64)(__u16)~check + sum); }

INLINE __u64 exchange(__u8* at, __u32 to)
{
    const __u64 sum = growth(*(__u32*)at, to);
    *(__u32*)at = to;
    return sum;
}

INLINE __u64 exchange_check(__u8* at, __u64 sum, int none_is_zero)
{
    const __u16 before = *(__u16*)at;
    __u16 after = mended(before, sum);
    if (none_is_zero) after = before == 0 ? 0 : after == 0 ? 0xffff : after;
    *(__u16*)at = after;
    return growth16(before, after);
}

/* Ports, and the checksum of TCP or UDP if it is there: an ICMP error may quote less. `sum`: of the addresses. */
INLINE __u64 exchange_ports(__u8* at, const void* end, __u32 udp, __u32 ports, __u64 sum, __u32 left)
{
    __u64 all = exchange(at, ports);
    sum += all;
    if (udp) return all + exchange_check(at + 6, sum, 1);
    if (left >= 18 && (const void*)(at + 18) <= end) all += exchange_check(at + 16, sum, 0);
    return all;
}

INLINE __u64 exchange_ends4(__u8* header, const __u32* source, const __u32* destination)
{
    __u64 sum = exchange(header + 12, *source);
    sum += exchange(header + 16, *destination);
    return sum;
}

INLINE __u64 exchange_ends6(__u8* header, const __u32* source, const __u32* destination)
{
    __u64 sum = 0;
    for (int i = 0; i < 4; ++i) {
        sum += exchange(header + 8 + 4 * i, source[i]);
        sum += exchange(header + 24 + 4 * i, destination[i]);
    }
    return sum;
}

/* The packet that an error quotes went the other way: its ends are exchanged with each other. */
INLINE __u32 other_way(__u32 ports) { return ports >> 16 | ports << 16; }

__noinline int nat_write4(struct xdp_md* context, const struct facts* facts, const struct nat_ends* ends, __u32 quoted)
{
    if (!facts || !ends) return 0;
    __u8* header = (__u8*)data_of(context) + within(facts->network, 31);
    const void* end = end_of(context);
    if ((void*)(header + 20) > end) return 0;
    const __u32 size = (__u32)within((header[0] & 15) * 4u, 63);
    __u8* at = header + size;
    if ((void*)(at + 8) > end) return 0;
    const __u64 sum = exchange_ends4(header, ends->source, ends->destination);
    exchange_check(header + 10, sum, 0);
    if (!quoted) {
        exchange_ports(at, end, (facts->protocol & 255) == PROTOCOL_UDP, ends->ports, sum, facts->length - size);
        return 1;
    }
    __u8* quote = at + ICMP_HEADER;
    if ((void*)(quote + 20) > end) return 0;
    const __u32 inner = (__u32)within((quote[0] & 15) * 4u, 63);
    __u8* ports = quote + inner;
    if ((void*)(ports + 8) > end) return 0;
    const __u64 addresses = exchange_ends4(quote, ends->destination, ends->source);
    __u64 all = addresses + exchange_check(quote + 10, addresses, 0);
    all += exchange_ports(ports, end, quote[9] == PROTOCOL_UDP, other_way(ends->ports), addresses,
                          facts->length - size - ICMP_HEADER - inner);
    exchange_check(at + 2, all, 0);
    return 1;
}

__noinline int nat_write6(struct xdp_md* context, const struct facts* facts, const struct nat_ends* ends, __u32 quoted)
{
    if (!facts || !ends) return 0;
    __u8* header = (__u8*)data_of(context) + within(facts->network, 31);
    const void* end = end_of(context);
    __u8* at = header + 40;
    if ((void*)(at + 8) > end) return 0;
    const __u64 sum = exchange_ends6(header, ends->source, ends->destination);
    if (!quoted) {
        exchange_ports(at, end, (facts->protocol & 255) == PROTOCOL_UDP, ends->ports, sum, facts->length - 40);
        return 1;
    }
    __u8* quote = at + ICMP_HEADER;
    if ((void*)(quote + 48) > end) return 0;
    const __u64 addresses = exchange_ends6(quote, ends->destination, ends->source);
    const __u64 all = addresses + exchange_ports(quote + 40, end, quote[6] == PROTOCOL_UDP, other_way(ends->ports),
                                                 addresses, facts->length - 88);
    exchange_check(at + 2, sum + all, 0);
    return 1;
}

/* Ports right behind an IPv6 header; behind others an IPv4 packet's are found. */
INLINE int nat_plain(struct xdp_md* context, const struct facts* facts)
{
    const __u8* header = (const __u8*)data_of(context) + within(facts->network, 31);
    if (!facts->ipv6) return 1;
    return (const void*)(header + 40) <= end_of(context) && header[6] == (facts->protocol & 255);
}

INLINE int nat_send(struct xdp_md* context, const struct facts* facts, const struct nat_ends* ends, __u32 quoted,
                    __u32 frame)
{
    const int written =
        facts->ipv6 ? nat_write6(context, facts, ends, quoted) : nat_write4(context, facts, ends, quoted);
    __u8* header = (__u8*)data_of(context) + within(facts->network, 31);
    if (!written || (void*)(header + 12) > end_of(context)) return dropped(LB_DROP_MALFORMED, frame);
    age(header, facts->ipv6);
    return routed(context, facts, ends->destination, facts->ipv6, frame);
}

/* From the client to the backend; `named`: the connection's entry. */
__noinline int nat_forth(struct xdp_md* context, const struct facts* facts, __u32 named, __u32 side, __u32 quoted)
{
    struct nat_ends ends = {};
    struct lb_nat_entry* entry = nat_entry(named);
    if (!facts || !entry) return XDP_DROP;
    const __u32 frame = (__u32)((const __u8*)end_of(context) - (const __u8*)data_of(context));
    const __u64 word = *(volatile __u64*)&entry->word;
    const __u32 number = entry->number;
    if (!nat_own_address(ends.source, named, side)) return dropped(LB_DROP_NAT_FULL, frame);
    __builtin_memcpy(ends.destination, entry->backend, sizeof(ends.destination));
    ends.ports = nat_ports(named & 0xffff, *(volatile __u16*)&entry->backend_port);
    if (!quoted && !nat_of_client(entry, word, facts)) return dropped(LB_DROP_NAT_FULL, frame);
    if (nat_taken_since(entry, word)) return dropped(LB_DROP_NAT_FULL, frame);
    if (!nat_plain(context, facts)) return dropped(LB_DROP_NAT_HEADERS, frame);
    const int stop = stopped(context, facts, 0, side, frame);
    if (stop) return stop;
    if (!quoted) nat_note(entry, word, facts, 0);
    const int verdict = nat_send(context, facts, &ends, quoted, frame);
    if (verdict != XDP_DROP) count(LB_COUNT_BACKENDS + number, frame);
    return verdict;
}

/* Which of the balancer's own addresses this is. */
INLINE __u32 nat_place(const struct facts* flow, __u32 side)
{
    const struct lb_nat_settings* settings = &globals.settings[side & 1].nat;
    __u32 place = NAT_NOWHERE;
    for (__u32 i = 0; i < LB_NAT_PLACES; ++i) {
        if (!flow->ipv6 && flow->destination[0] == settings->address4[i]) place = i;
        if (flow->ipv6 && same_words(flow->destination, settings->address6[i], 4)) place = LB_NAT_PLACES + i;
    }
    return place;
}

/* From a backend to the client. What is of no connection is the stack's. */
__noinline int nat_back(struct xdp_md* context, const struct facts* facts, const struct facts* flow, __u32 side)
{
    struct nat_ends ends = {};
    if (!facts || !flow || flow->destination_port == NO_PORT) return XDP_PASS;
    const __u32 place = nat_place(flow, side), protocol = flow->protocol & 255;
    const __u32 udp = protocol == PROTOCOL_UDP ? 1 << 16 : 0;
    if (protocol != PROTOCOL_UDP && protocol != PROTOCOL_TCP) return XDP_PASS;
    const __u32 named = place << 17 | udp | (flow->destination_port & 0xffff);
    struct lb_nat_entry* entry = place == NAT_NOWHERE ? 0 : nat_entry(named);
    if (!entry) return XDP_PASS;
    const __u64 word = *(volatile __u64*)&entry->word;
    if (!(word & LB_NAT_FILLED) || entry->backend_port != flow->source_port) return XDP_PASS;
    if (!same_words(entry->backend, flow->source, 4)) return XDP_PASS;
    const __u32 frame = (__u32)((const __u8*)end_of(context) - (const __u8*)data_of(context));
    __builtin_memcpy(ends.source, entry->key.vip, sizeof(ends.source));
    __builtin_memcpy(ends.destination, entry->key.client, sizeof(ends.destination));
    ends.ports = nat_ports(entry->key.vip_port, entry->key.client_port);
    if (nat_taken_since(entry, word)) return XDP_PASS;
    if (facts->fragment) return dropped(LB_DROP_FRAGMENT, frame);
    if (!nat_plain(context, facts)) return dropped(LB_DROP_NAT_HEADERS, frame);
    const int stop = stopped(context, facts, 0, side, frame);
    if (stop) return stop;
    if (facts == flow) nat_note(entry, word, facts, 1);
    const int verdict = nat_send(context, facts, &ends, facts != flow, frame);
    if (verdict != XDP_DROP) count(LB_COUNT_NAT_BACK, frame);
    return verdict;
}
