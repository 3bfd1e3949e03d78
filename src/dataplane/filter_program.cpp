// SPDX-License-Identifier: GPL-2.0-or-later
// Loading the filter: constants first, then the verifier, then the tables.
#include "dataplane/filter_program.h"

#include "dataplane/loaded.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "filter.skel.h"

namespace netwright::dataplane {
namespace {

bool any(const std::vector<ListedPrefix>& prefixes, bool ipv6)
{
    return std::ranges::any_of(prefixes, [&](const ListedPrefix& listed) { return listed.prefix.ipv6 == ipv6; });
}

std::uint64_t random_seed()
{
    std::uint64_t seed = 0x9e3779b97f4a7c15; // the limiter's places need not be secret where getrandom is forbidden
    (void)::getrandom(&seed, sizeof seed, GRND_NONBLOCK);
    return seed;
}

void set_constants(filter_bpf& skeleton, const FilterPolicy& policy, const FilterImage& image)
{
    auto& constants = *skeleton.rodata;
    constants.uses_lists4 = any(image.prefixes, false);
    constants.uses_lists6 = any(image.prefixes, true);
    constants.uses_destination_lists = image.uses_field.at(FIELD_DESTINATION_LIST);
    constants.uses_limits = std::ranges::any_of(image.acting.word, [](std::uint64_t word) { return word != 0; });
    constants.uses_live = policy.live;
    constants.uses_cookies = !policy.cookie_ports.empty() && !policy.dry_run;
    constants.dry_run = policy.dry_run;
    constants.default_drop = policy.default_drop;
    constants.wanted_odd = policy.odd;
    constants.rule_words = image.rule_words;
    for (std::size_t i = 0; i < image.uses_field.size(); ++i)
        constants.uses_field[i] = image.uses_field.at(i);
    constants.lengths6_count = static_cast<std::uint32_t>(image.lengths6.size());
    constants.hash_seed = random_seed();
    constants.sample_every = policy.sample_every;
    constants.sample_most = policy.sample_most;
}

// Sets of the limiter's table, a power of two.
std::uint32_t bucket_sets(const FilterPolicy& policy, const FilterImage& image)
{
    const bool limits = std::ranges::any_of(image.rules, [](const filter_rule& r) { return r.action == ACTION_LIMIT; });
    return limits ? std::bit_ceil(std::max(policy.limit_entries, 64U) / BUCKET_WAYS) : 1;
}

std::uint32_t at_least_one(std::size_t entries)
{
    return static_cast<std::uint32_t>(std::max<std::size_t>(entries, 1));
}

// Values of an array map that is mapped, from its first on.
template <class Entry>
Result<void> fill_array(const bpf_map* map, const std::vector<Entry>& entries)
{
    if (entries.empty()) return {};
    const auto mapped = TRY(MappedArray::map(bpf_map__fd(map), entries.size() * sizeof(Entry)));
    std::memcpy(mapped.data(), entries.data(), entries.size() * sizeof(Entry));
    return {};
}

Result<void> fill_prefixes6(const bpf_map* map, const std::vector<ListedPrefix>& prefixes)
{
    std::vector<prefix6> keys;
    std::vector<std::uint32_t> lists;
    for (const ListedPrefix& listed : prefixes) {
        if (!listed.prefix.ipv6) continue;
        prefix6& key = keys.emplace_back();
        std::memcpy(key.word, listed.prefix.address.data(), sizeof key.word);
        key.length = listed.prefix.length;
        lists.push_back(listed.list);
    }
    auto count = static_cast<__u32>(keys.size());
    if (count == 0) return {};
    if (bpf_map_update_batch(bpf_map__fd(map), keys.data(), lists.data(), &count, nullptr) < 0)
        return std::unexpected(errno_error("fill the filter's IPv6 prefixes", errno));
    return {};
}

void fill_globals(filter_bpf& skeleton, const FilterPolicy& policy, const FilterImage& image, const PrefixTrie& trie)
{
    auto& globals = *skeleton.bss;
    for (const Range& ports : policy.cookie_ports)
        for (std::uint32_t port = ports.first; port <= ports.last; ++port)
            globals.cookie_ports[port / 64] |= std::uint64_t{1} << (port % 64);
    std::ranges::copy(image.class_of, globals.class_of);
    std::ranges::copy(image.vectors, globals.vectors);
    std::ranges::copy(image.rules, globals.rules);
    std::ranges::copy(image.lists, globals.lists);
    std::ranges::copy(image.lengths6, globals.lengths6);
    std::ranges::copy(trie.root, globals.trie_root);
    globals.terminal = image.terminal;
    globals.acting = image.acting;
}

} // namespace

void FilterProgram::Destroy::operator()(filter_bpf* skeleton) const { filter_bpf__destroy(skeleton); }
FilterProgram::FilterProgram(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}
FilterProgram::FilterProgram(FilterProgram&&) noexcept = default;
FilterProgram& FilterProgram::operator=(FilterProgram&&) noexcept = default;
FilterProgram::~FilterProgram() = default;

int FilterProgram::program() const { return bpf_program__fd(skeleton_->progs.filter); }
int FilterProgram::map(const char* name) const { return bpf_object__find_map_fd_by_name(skeleton_->obj, name); }

Result<FilterProgram> FilterProgram::load(const FilterPolicy& policy, const FilterImage& image,
                                          const FilterOptions& options)
{
    const LoadLog log;
    const PrefixTrie trie = make_trie(image.prefixes);
    Skeleton skeleton(filter_bpf__open());
    if (!skeleton) return not_loaded("filter", errno);
    set_constants(*skeleton, policy, image);
    const std::uint32_t sets = bucket_sets(policy, image);
    skeleton->rodata->bucket_mask = sets - 1;
    const auto prefixes6 = std::ranges::count_if(image.prefixes, [](const ListedPrefix& l) { return l.prefix.ipv6; });
    bpf_map__set_max_entries(skeleton->maps.trie_nodes, at_least_one(trie.nodes.size()));
    bpf_map__set_max_entries(skeleton->maps.trie_words, at_least_one(trie.words.size()));
    bpf_map__set_max_entries(skeleton->maps.trie_leaves, at_least_one(trie.leaves.size()));
    bpf_map__set_max_entries(skeleton->maps.prefixes6, at_least_one(static_cast<std::size_t>(prefixes6)));
    bpf_map__set_max_entries(skeleton->maps.buckets, sets);
    skeleton->rodata->own_mss4 = std::max(options.mtu, 576U) - 40;
    skeleton->rodata->own_mss6 = std::max(options.mtu, 1280U) - 60;
    skeleton->rodata->whole_frames = options.jumbo;
    skeleton->rodata->uses_next = options.next_size > 0;
    if (options.next_size > 0) bpf_map__set_max_entries(skeleton->maps.next_programs, options.next_size);
    if (!options.typed) bpf_program__set_expected_attach_type(skeleton->progs.filter, bpf_attach_type{});
    if (options.jumbo) bpf_program__set_flags(skeleton->progs.filter, BPF_F_XDP_HAS_FRAGS);
    for (std::size_t i = 0; i < lasting_maps.size(); ++i)
        if (options.lasting.at(i) >= 0)
            bpf_map__reuse_fd(bpf_object__find_map_by_name(skeleton->obj, lasting_maps.at(i)), options.lasting.at(i));
    if (const int code = filter_bpf__load(skeleton.get()); code < 0) {
        auto refused = not_loaded("filter", -code, log.reason());
        const std::string jumbo = options.jumbo ? too_old({5, 18}) : "";
        if (!jumbo.empty()) refused.error().what += "; an MTU beyond a page: lower it" + jumbo;
        return refused;
    }
    fill_globals(*skeleton, policy, image, trie);
    TRY_VOID(fill_array(skeleton->maps.trie_nodes, trie.nodes));
    TRY_VOID(fill_array(skeleton->maps.trie_words, trie.words));
    TRY_VOID(fill_array(skeleton->maps.trie_leaves, trie.leaves));
    TRY_VOID(fill_prefixes6(skeleton->maps.prefixes6, image.prefixes));
    return FilterProgram(std::move(skeleton));
}

Result<std::vector<filter_count>> read_filter_counts(int map) { return sum_counts<filter_count>(map, COUNT_MOST); }

Result<std::vector<filter_count>> FilterProgram::read_counts() const { return read_filter_counts(counts()); }

Result<Verdicted> FilterProgram::run(std::span<const std::uint8_t> frame, std::uint32_t repeat) const
{
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = static_cast<int>(repeat);
    if (bpf_prog_test_run_opts(program(), &options) < 0)
        return std::unexpected(errno_error("run a frame through the filter", errno));
    return Verdicted{options.retval, options.duration};
}

} // namespace netwright::dataplane
