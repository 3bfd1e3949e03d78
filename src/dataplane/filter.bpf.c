/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The XDP filter. One program is one policy: what the policy does not use is switched off by constants that the
 * verifier follows, so it costs nothing, and a new policy is a new program that takes the link over in one step.
 *
 * A packet's way: its headers; what was allowed while the filter ran; lists (pass or drop at once); what was blocked
 * while it ran; odd packets; rules; the default.
 * Tables are written by filter_program.cpp; filter_layout.h says how they look.
 */
/* bpf_helpers.h needs the kernel's types before it. */
// clang-format off
#include <linux/bpf.h>
#include <linux/tcp.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
// clang-format on

#include "filter_limit.bpf.h"
#include "next_program.bpf.h"
#include "packet_facts.bpf.h"
#include "prefix_trie.bpf.h"
#include "syn_cookie.bpf.h"

const volatile __u32 uses_lists4, uses_lists6, uses_destination_lists, uses_limits, uses_live, uses_cookies, dry_run,
    default_drop, whole_frames;
const volatile __u32 wanted_odd;
const volatile __u32 rule_words; /* 0: no rules */
const volatile __u32 uses_field[FIELD_KINDS];
const volatile __u32 lengths6_count;
const volatile __u32 sample_every; /* 0: no samples */
const volatile __u32 sample_most;  /* a second; 0: no limit */

/* Filled before the program is attached, then only ever changed word by word. */
__u16 class_of[CLASS_SPACE];
struct filter_vector vectors[VECTORS_MOST];
struct filter_vector terminal; /* rules that end the search */
struct filter_vector acting;   /* limits and counting rules, which act on the way */
struct filter_list lists[LISTS_MOST];
__u32 lengths6[LENGTHS6_MOST];
__u32 trie_root[TRIE_ROOT];
__u64 sample_window; /* when the second began in which `samples_taken` were taken */
__u32 samples_taken;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct trie_node);
} trie_nodes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} trie_words SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct trie_leaf);
} trie_leaves SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, struct prefix6);
    __type(value, __u32);
} prefixes6 SEC(".maps");

/* Both outlive the policy. (Types of an inner map's values do not reach BTF whole.) Array maps of different sizes can
 * take each other's place with BPF_F_INNER_MAP only. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(
        values, struct {
            __uint(type, BPF_MAP_TYPE_ARRAY);
            __uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
            __uint(max_entries, 1);
            __uint(key_size, sizeof(__u32));
            __uint(value_size, sizeof(struct live_line));
        });
} live4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(
        values, struct {
            __uint(type, BPF_MAP_TYPE_HASH);
            __uint(max_entries, 1);
            __uint(key_size, sizeof(struct prefix6));
            __uint(value_size, sizeof(struct live_value));
        });
} live6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, COUNT_MOST);
    __type(key, __u32);
    __type(value, struct filter_count);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 18);
} samples SEC(".maps");

INLINE void count(__u32 counter, __u32 bytes)
{
    struct filter_count* sum = bpf_map_lookup_elem(&counts, &counter);
    if (!sum) return;
    ++sum->packets;
    sum->bytes += bytes;
}

/* Two CPUs may both begin a second: the error is a sample more. */
INLINE int beyond_rate(__u64 now)
{
    if (!sample_most) return 0;
    if (now - sample_window >= 1000000000) {
        sample_window = now;
        samples_taken = 0;
    }
    return samples_taken++ >= sample_most;
}

__noinline int sample(struct xdp_md* context, __u32 counter, __u32 frame)
{
    if (bpf_get_prandom_u32() % (sample_every | !sample_every)) return 0;
    const __u64 now = bpf_ktime_get_ns();
    if (beyond_rate(now)) return 0;
    struct filter_sample* note = bpf_ringbuf_reserve(&samples, sizeof(*note), 0);
    if (!note) return 0;
    note->time = now;
    note->interface = context->ingress_ifindex;
    note->counter = (__u16)counter;
    note->length = (__u16)(frame > 65535 ? 65535 : frame);
    const __u8* head = data_of(context);
    const void* end = end_of(context);
    for (int i = 0; i < SAMPLE_BYTES; ++i) /* an Ethernet frame has 60 bytes at least, one of a veth even fewer */
        note->head[i] = (const void*)(head + i + 1) > end ? 0 : head[i];
    bpf_ringbuf_submit(note, 0);
    return 1;
}

INLINE int passed(__u32 counter, __u32 frame)
{
    count(counter, frame);
    return XDP_PASS;
}

INLINE int dropped(struct xdp_md* context, __u32 counter, __u32 frame)
{
    count(counter, frame);
    if (sample_every) sample(context, counter, frame);
    return dry_run ? XDP_PASS : XDP_DROP;
}

INLINE __u32 list_of4(__u32 network)
{
    const __u32 address = __builtin_bswap32(network);
    const __u32 root = trie_root[address >> 16];
    if (TRIE_KIND(root) == TRIE_LIST) return root & 255;
    __u32 index = TRIE_INDEX(root);
    const struct trie_node* node = bpf_map_lookup_elem(&trie_nodes, &index);
    if (!node) return 0;
    index = trie_place(node, address);
    if (index == NO_PLACE) return node->otherwise & 255;
    const __u64* word = bpf_map_lookup_elem(&trie_words, &index);
    if (!word) return 0;
    if (TRIE_WIDE_KIND(*word) == TRIE_LIST) return *word & 255;
    if (TRIE_WIDE_KIND(*word) == TRIE_FEW) return list_of_few(*word, address);
    index = leaf_place(*word, address);
    const struct trie_leaf* leaf = bpf_map_lookup_elem(&trie_leaves, &index);
    return leaf ? list_of_leaf(leaf, *word, address) : 0;
}

INLINE void cut_to(struct prefix6* key, const __u32* address, __u32 length)
{
    for (__u32 word = 0; word < 4; ++word) {
        const __u32 kept = length <= word * 32 ? 0 : length - word * 32;
        const __u32 mask = kept >= 32 ? 0xffffffffu : ~(0xffffffffu >> (kept & 31));
        key->word[word] = address[word] & __builtin_bswap32(mask);
    }
    key->length = length;
}

INLINE __u32 list_of6(const __u32* address)
{
    struct prefix6 key;
    for (__u32 i = 0; i < LENGTHS6_MOST; ++i) {
        if (i >= lengths6_count) break;
        cut_to(&key, address, lengths6[i]);
        const __u32* list = bpf_map_lookup_elem(&prefixes6, &key);
        if (list) return *list & 255;
    }
    return 0;
}

/* Global functions are checked by the verifier once, apart from their callers: without them each way through the
 * headers would be followed through all that comes after. */
__noinline __u32 list_of(const struct facts* facts, int of_destination)
{
    if (!facts) return 0;
    const __u32* address = of_destination ? facts->destination : facts->source;
    if (facts->ipv6) return uses_lists6 ? list_of6(address) : 0;
    return uses_lists4 ? list_of4(address[0]) : 0;
}

/* The number of what was said of an IPv4 address; 0: nothing was. */
INLINE __u32 live_number4(void* lines, __u32 address)
{
    __u32 index = address >> 20;
    const struct live_line* line = bpf_map_lookup_elem(lines, &index);
    if (!line) return 0;
    const __u32 root = line->word[(address >> 16) & 15];
    if (TRIE_KIND(root) == TRIE_LIST) return root & 255;
    index = TRIE_INDEX(root);
    line = bpf_map_lookup_elem(lines, &index);
    if (!line) return 0;
    const __u32 place = trie_place(&line->node, address);
    if (place == NO_PLACE) return line->node.otherwise & 255;
    index = place >> 3;
    line = bpf_map_lookup_elem(lines, &index);
    if (!line) return 0;
    const __u64 word = line->wide[place & 7];
    if (TRIE_WIDE_KIND(word) == TRIE_LIST) return word & 255;
    if (TRIE_WIDE_KIND(word) == TRIE_FEW) return list_of_few(word, address);
    index = leaf_place(word, address);
    line = bpf_map_lookup_elem(lines, &index);
    return line ? list_of_leaf(&line->leaf, word, address) : 0;
}

/* What ends when, of an IPv4 address; nothing: nothing was said of it. */
INLINE const struct live_end* live_end4(__u32 network)
{
    const __u32 only = 0;
    void* lines = bpf_map_lookup_elem(&live4, &only);
    if (!lines) return 0;
    const __u32 number = live_number4(lines, __builtin_bswap32(network));
    if (!number) return 0;
    const __u32 index = LIVE_ENDS + (number >> 2);
    const struct live_line* line = bpf_map_lookup_elem(lines, &index);
    return line ? &line->end[number & 3] : 0;
}

INLINE const struct live_end* live_end6(const __u32* address)
{
    const __u32 only = 0;
    void* prefixes = bpf_map_lookup_elem(&live6, &only);
    if (!prefixes) return 0;
    struct prefix6 key = {.length = LIVE_LENGTHS};
    const struct live_value* lengths = bpf_map_lookup_elem(prefixes, &key);
    if (!lengths) return 0;
    for (__u32 i = 0; i < LENGTHS6_MOST; ++i) {
        const __u32 length = lengths->lengths[i];
        if (length == LIVE_LENGTHS) break;
        cut_to(&key, address, length);
        const struct live_value* found = bpf_map_lookup_elem(prefixes, &key);
        if (found) return &found->end;
    }
    return 0;
}

/* ACTION_PASS, ACTION_DROP, or ACTION_COUNT where nothing is said, or not any more. */
INLINE int live_action(const struct live_end* end)
{
    if (!end) return ACTION_COUNT;
    if (end->allowed == LIVE_FOREVER) return ACTION_PASS;
    if (!end->allowed && end->blocked == LIVE_FOREVER) return ACTION_DROP; /* the clock costs as much as all of this */
    const __u64 now = bpf_ktime_get_coarse_ns();
    if (end->allowed > now) return ACTION_PASS;
    return end->blocked > now ? ACTION_DROP : ACTION_COUNT;
}

/* Apart, for clang would make one lookup of the two, and the verifier takes a pointer to be into one map only. */
__noinline int live_action4(const struct facts* facts)
{
    return facts ? live_action(live_end4(facts->source[0])) : ACTION_COUNT;
}

__noinline int live_action6(const struct facts* facts)
{
    return facts ? live_action(live_end6(facts->source)) : ACTION_COUNT;
}

INLINE __u32 lowest_bit(__u64 bits)
{
    static const __u8 places[64] = {0,  1,  48, 2,  57, 49, 28, 3,  61, 58, 50, 42, 38, 29, 17, 4,  62,
                                    55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12, 5,  63, 47,
                                    56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11, 46, 26, 40,
                                    15, 34, 20, 31, 10, 25, 14, 19, 9,  13, 8,  7,  6}; /* of the de Bruijn sequence
                                                                                           below */
    return places[((bits & -bits) * 0x03f79d71b4cb0a89ull) >> 58];
}

/* Keeps of `left` the rules that the field's value allows. */
INLINE void narrow(struct filter_vector* left, __u32 begin, __u32 value)
{
    __u32 at = begin + value;
    asm volatile("" : "+r"(at)); /* clang would move the check away from the use */
    if (at >= CLASS_SPACE) return;
    __u32 class = class_of[at];
    asm volatile("" : "+r"(class));
    if (class >= VECTORS_MOST) return;
    left->word[0] &= vectors[class].word[0];
    if (rule_words > 1) left->word[1] &= vectors[class].word[1];
    if (rule_words > 2) {
        left->word[2] &= vectors[class].word[2];
        left->word[3] &= vectors[class].word[3];
    }
}

INLINE void match(struct filter_vector* left, const struct facts* facts, __u32 source_list, __u32 destination_list)
{
    enum { NARROW = 4 * FIELD_WIDE };
    for (int i = 0; i < RULE_WORDS; ++i)
        left->word[i] = ~0ull;
    if (uses_field[FIELD_PROTOCOL]) narrow(left, NARROW, facts->protocol);
    if (uses_field[FIELD_DESTINATION_PORT]) narrow(left, 0, facts->destination_port);
    if (uses_field[FIELD_SOURCE_PORT]) narrow(left, FIELD_WIDE, facts->source_port);
    if (uses_field[FIELD_LENGTH]) narrow(left, 2 * FIELD_WIDE, facts->length);
    if (uses_field[FIELD_ICMP]) narrow(left, 3 * FIELD_WIDE, facts->icmp);
    if (uses_field[FIELD_TTL]) narrow(left, NARROW + FIELD_NARROW, facts->ttl);
    if (uses_field[FIELD_TCP_FLAGS]) narrow(left, NARROW + 2 * FIELD_NARROW, facts->tcp_flags);
    if (uses_field[FIELD_SOURCE_LIST]) narrow(left, NARROW + 3 * FIELD_NARROW, source_list);
    if (uses_field[FIELD_DESTINATION_LIST]) narrow(left, NARROW + 4 * FIELD_NARROW, destination_list);
    if (uses_field[FIELD_FRAGMENT]) narrow(left, NARROW + 5 * FIELD_NARROW, facts->fragment);
}

/* The limits and counting rules that come before the rule that decides. Gives 0, or the counter of the limit that the
 * packet is beyond. */
INLINE __u32 pass_limits(struct filter_vector* left, const struct facts* facts, __u32 frame)
{
    for (int i = 0; i < LIMITS_DEEP; ++i) {
        __u32 number;
        __u64 here;
        if (left->word[0])
            number = lowest_bit(here = left->word[0]), left->word[0] &= here - 1;
        else if (rule_words > 1 && left->word[1])
            number = 64 + lowest_bit(here = left->word[1]), left->word[1] &= here - 1;
        else if (rule_words > 2 && left->word[2])
            number = 128 + lowest_bit(here = left->word[2]), left->word[2] &= here - 1;
        else if (rule_words > 2 && left->word[3])
            number = 192 + lowest_bit(here = left->word[3]), left->word[3] &= here - 1;
        else
            return 0;
        const struct filter_rule* rule = &rules[number & (RULES_MOST - 1)];
        if (rule->action == ACTION_COUNT)
            count(rule->counter, frame);
        else if (over_limit(facts, number, frame))
            return rule->counter;
    }
    return 0;
}

/* The rule that decides, or RULES_MOST; of `left`, what comes before it is kept in `before`. */
INLINE __u32 deciding(const struct filter_vector* left, struct filter_vector* before)
{
    __u32 found = RULES_MOST;
    for (__u32 i = 0; i < RULE_WORDS; ++i) {
        __u64 ends;
        before->word[i] = 0;
        if (i >= (rule_words > 2 ? 4 : rule_words) || found != RULES_MOST) continue;
        ends = left->word[i] & terminal.word[i];
        before->word[i] = left->word[i] & acting.word[i];
        if (!ends) continue;
        found = i * 64 + lowest_bit(ends);
        before->word[i] &= (ends & -ends) - 1;
    }
    return found;
}

INLINE int judge_by_rules(struct xdp_md* context, const struct facts* facts, __u32 source_list, __u32 frame)
{
    struct filter_vector left, before;
    const __u32 destination_list = uses_destination_lists ? list_of(facts, 1) : 0;
    match(&left, facts, source_list, destination_list);
    const __u32 number = deciding(&left, &before);
    if (uses_limits) {
        const __u32 counter = pass_limits(&before, facts, frame);
        if (counter) return dropped(context, counter, frame);
    }
    if (number < RULES_MOST) {
        const struct filter_rule* rule = &rules[number];
        return rule->action == ACTION_DROP ? dropped(context, rule->counter, frame) : passed(rule->counter, frame);
    }
    return default_drop ? dropped(context, COUNT_DEFAULT_DROP, frame) : passed(COUNT_PASSED, frame);
}

__noinline int judge(struct xdp_md* context, const struct facts* facts, __u32 frame)
{
    __u32 source_list = 0;
    if (!facts) return XDP_PASS;
    const int live = !uses_live ? ACTION_COUNT : facts->ipv6 ? live_action6(facts) : live_action4(facts);
    if (uses_live && live == ACTION_PASS) return passed(COUNT_ALLOWED, frame);
    if (uses_lists4 || uses_lists6) {
        source_list = list_of(facts, 0);
        const struct filter_list* list = &lists[source_list & (LISTS_MOST - 1)];
        if (source_list && list->action == ACTION_PASS) return passed(list->counter, frame);
        if (source_list && list->action == ACTION_DROP) return dropped(context, list->counter, frame);
    }
    if (uses_live && live == ACTION_DROP) return dropped(context, COUNT_BLOCKED, frame);
    const __u32 odd = facts->odd & wanted_odd;
    if (odd) return dropped(context, COUNT_ODD + lowest_bit(odd), frame);
    if (rule_words) return judge_by_rules(context, facts, source_list, frame);
    return default_drop ? dropped(context, COUNT_DEFAULT_DROP, frame) : passed(COUNT_PASSED, frame);
}

SEC("xdp")
int filter(struct xdp_md* context)
{
    struct facts facts = {};
    const __u32 frame = whole_frames ? (__u32)bpf_xdp_get_buff_len(context)
                                     : (__u32)((const __u8*)end_of(context) - (const __u8*)data_of(context));

    if (!note_packet(context, &facts, frame)) {
        count(COUNT_NOT_IP, frame);
        return let_on(context);
    }
    const int verdict = judge(context, &facts, frame);
    if (verdict != XDP_PASS) return verdict;
    if (!uses_cookies || !wants_cookie(&facts)) return let_on(context);
    if (!(facts.ipv6 ? answer_syn6(context, &facts) : answer_syn4(context, &facts))) return let_on(context);
    count(COUNT_COOKIES, frame);
    return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
