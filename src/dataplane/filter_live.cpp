// SPDX-License-Identifier: GPL-2.0-or-later
// From entries to tables.
//
// The packet path asks for the longest prefix that holds a source, once. So each prefix is given what all shorter ones
// around it say as well: its own end or theirs, whichever is later. Then nobody has to look twice when a long prefix's
// time is over and a shorter one's is not.
#include "dataplane/filter_live.h"

#include "dataplane/large.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <map>
#include <utility>

namespace netwright::dataplane {
namespace {

struct Flat {
    Prefix prefix;
    live_end end;
};

bool encloses(const Prefix& wide, const Prefix& narrow)
{
    return wide.length <= narrow.length && wide.holds(narrow.ipv6, narrow.address);
}

void widen(live_end& end, const live_end& other)
{
    end.allowed = std::max(end.allowed, other.allowed);
    end.blocked = std::max(end.blocked, other.blocked);
}

// One a prefix, each with what those around it say. Sorted entries have enclosing prefixes first.
std::vector<Flat> flatten(std::span<const LiveEntry> entries)
{
    std::vector<Flat> flat;
    reserve_large(flat, entries.size());
    std::vector<std::size_t> around; // places of the prefixes that hold the one at hand
    for (const LiveEntry& entry : entries) {
        while (!around.empty() && !encloses(flat[around.back()].prefix, entry.prefix))
            around.pop_back();
        if (around.empty() || flat[around.back()].prefix != entry.prefix) {
            flat.push_back({entry.prefix, around.empty() ? live_end{} : flat[around.back()].end});
            around.push_back(flat.size() - 1);
        }
        widen(flat[around.back()].end, entry.allowed ? live_end{entry.until, 0} : live_end{0, entry.until});
    }
    return flat;
}

// Put off to a multiple of a part of the time that is left: 2^-precision of it at most.
LiveTime put_off(LiveTime end, LiveTime now, unsigned precision)
{
    if (end == LIVE_FOREVER || end <= now) return end;
    const auto magnitude = static_cast<unsigned>(std::bit_width(end - now)) - 1;
    const LiveTime step = LiveTime{1} << (magnitude > precision ? magnitude - precision : 0);
    return end > LIVE_FOREVER - step ? LIVE_FOREVER : (end + step - 1) / step * step;
}

constexpr std::size_t ends_most = 255;                // 0: nothing is said
constexpr std::array precisions{63U, 3U, 2U, 1U, 0U}; // 63: as it is

// The different ends, and the number by which the tables know them. Neighbours mostly have the same.
class EndNumbers {
public:
    EndNumbers(LiveTime now, unsigned precision) : now_(now), precision_(precision) {}
    bool add(const live_end& end) // false: there are more than the tables can know
    {
        if (number_ && end.allowed == last_.allowed && end.blocked == last_.blocked) return true;
        const std::pair rounded{put_off(end.allowed, now_, precision_), put_off(end.blocked, now_, precision_)};
        const auto [at, added] = numbers_.try_emplace(rounded, static_cast<std::uint8_t>(ends_.size()));
        if (added && ends_.size() > ends_most) return false;
        if (added) ends_.push_back({rounded.first, rounded.second});
        last_ = end;
        number_ = at->second;
        return true;
    }
    std::uint8_t number() const { return number_; } // of what was added last
    std::vector<live_end> ends() && { return ends_.size() == 1 ? std::vector<live_end>{} : std::move(ends_); }

private:
    LiveTime now_;
    unsigned precision_;
    std::map<std::pair<LiveTime, LiveTime>, std::uint8_t> numbers_;
    std::vector<live_end> ends_{{0, 0}};
    live_end last_{};
    std::uint8_t number_ = 0;
};

// False: more ends than the tables know at this precision.
bool number_ends(LiveTables& tables, std::vector<ListedPrefix>& listed, std::span<const Flat> flat, EndNumbers numbers)
{
    listed.clear();
    for (const Flat& one : flat) {
        if (!one.prefix.ipv6 && !numbers.add(one.end)) return false;
        listed.push_back({one.prefix, one.prefix.ipv6 ? std::uint8_t{0} : numbers.number()});
    }
    tables.ends = std::move(numbers).ends();
    return true;
}

void add_prefixes6(LiveTables& tables, std::span<const Flat> flat)
{
    for (const Flat& one : flat) {
        if (!one.prefix.ipv6) continue;
        prefix6 key{{}, one.prefix.length};
        std::memcpy(key.word, one.prefix.address.data(), sizeof key.word);
        tables.prefixes6.emplace_back(key, one.end);
    }
}

bool in_order(const LiveEntry& a, const LiveEntry& b)
{
    if (a.prefix != b.prefix) return order_of(a.prefix) < order_of(b.prefix);
    return a.feed < b.feed;
}

// Sorts places, which are smaller than entries; of equal prefixes the first stays first.
std::vector<LiveEntry> sorted(std::vector<LiveEntry> entries)
{
    std::vector<std::pair<PrefixOrder, std::size_t>> places;
    reserve_large(places, entries.size());
    for (const LiveEntry& entry : entries)
        places.emplace_back(order_of(entry.prefix), places.size());
    std::ranges::sort(places);
    std::vector<LiveEntry> found;
    reserve_large(found, entries.size());
    for (const auto& [order, place] : places)
        found.push_back(std::move(entries[place]));
    if (!std::ranges::is_sorted(found, in_order)) std::ranges::stable_sort(found, in_order); // several feeds
    return found;
}

} // namespace

std::vector<LiveEntry> with_entries(std::vector<LiveEntry> entries, std::vector<LiveEntry> given, LiveTime now)
{
    std::erase_if(entries, [&](const LiveEntry& entry) { return entry.until <= now; });
    given = sorted(std::move(given));
    std::vector<LiveEntry> found;
    reserve_large(found, entries.size() + given.size());
    std::ranges::merge(std::move_iterator(entries.begin()), std::move_sentinel(entries.end()),
                       std::move_iterator(given.begin()), std::move_sentinel(given.end()), std::back_inserter(found),
                       in_order);
    const auto same = [](const LiveEntry& a, const LiveEntry& b) { return a.prefix == b.prefix && a.feed == b.feed; };
    // From behind, for the last of equal ones is kept.
    found.erase(found.begin(), std::unique(found.rbegin(), found.rend(), same).base());
    return found;
}

std::vector<LiveEntry> without_feed(std::vector<LiveEntry> entries, const std::string& feed)
{
    std::erase_if(entries, [&](const LiveEntry& entry) { return entry.feed == feed; });
    return entries;
}

std::vector<LiveEntry> without_prefixes(std::vector<LiveEntry> entries, std::span<const Prefix> prefixes,
                                        std::vector<Prefix>& missing)
{
    std::vector<Prefix> wanted(prefixes.begin(), prefixes.end());
    std::ranges::sort(wanted, {}, order_of);
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    std::vector<bool> found(wanted.size());
    std::size_t at = 0;
    std::erase_if(entries, [&](const LiveEntry& entry) {
        while (at < wanted.size() && order_of(wanted[at]) < order_of(entry.prefix))
            ++at;
        const bool taken = at < wanted.size() && wanted[at] == entry.prefix;
        if (taken) found[at] = true;
        return taken;
    });
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (!found[i]) missing.push_back(wanted[i]);
    return entries;
}

std::vector<LiveEntry> listed_entries(const FilterPolicy& policy, LiveTime now, Nanoseconds ago)
{
    std::vector<LiveEntry> entries;
    for (const PrefixList& list : policy.lists)
        for (const TimedPrefix& one : list.timed) {
            if (one.lasts.count() > 0 && one.lasts <= ago) continue;
            const LiveTime left = static_cast<LiveTime>((one.lasts - ago).count());
            const LiveTime until = one.lasts.count() > 0 ? now + left : LIVE_FOREVER;
            entries.push_back({one.prefix, list.verdict == Verdict::Pass, until, list.feed});
        }
    return entries;
}

Result<LiveTables> make_live_tables(std::span<const LiveEntry> entries, LiveTime now)
{
    const std::vector<Flat> flat = flatten(entries);
    LiveTables tables;
    std::vector<ListedPrefix> listed;
    reserve_large(listed, flat.size());
    const auto fits = [&](unsigned precision) { return number_ends(tables, listed, flat, {now, precision}); };
    if (std::ranges::none_of(precisions, fits))
        return fail(Error::Kind::Rejected, "more than 255 different ends even when rounded: give whole feeds one time");
    tables.lengths6 = TRY(lengths6(listed));
    add_prefixes6(tables, flat);
    if (!tables.ends.empty()) tables.trie = make_trie(listed);
    return tables;
}

namespace {

constexpr std::size_t words_a_line = sizeof(live_line) / sizeof(std::uint64_t);

// Where the trie's parts lie among the lines.
struct Places {
    std::size_t words, leaves, end;
    explicit Places(const PrefixTrie& trie)
        : words(LIVE_NODES + trie.nodes.size()), leaves(words + (trie.words.size() + words_a_line - 1) / words_a_line),
          end(leaves + trie.leaves.size())
    {
    }
};

std::uint32_t moved_root(std::uint32_t word)
{
    return TRIE_KIND(word) == TRIE_LIST ? word : word + static_cast<std::uint32_t>(LIVE_NODES);
}

std::uint64_t moved_word(std::uint64_t word, const Places& places)
{
    const auto kind = TRIE_WIDE_KIND(word);
    return kind == TRIE_BITS || kind == TRIE_BYTES ? word + places.leaves : word;
}

} // namespace

std::size_t LiveTables::lines() const { return ends.empty() ? 0 : Places(trie).end; }

// The trie's nodes, words and leaves one after the other, and its indexes made line numbers.
void LiveTables::write_lines(std::span<live_line> lines) const
{
    const Places places(trie);
    for (std::size_t i = 0; i < trie.root.size(); ++i)
        lines[i / 16].word[i % 16] = moved_root(trie.root[i]);
    for (std::size_t i = 0; i < trie.nodes.size(); ++i) {
        trie_node& node = lines[LIVE_NODES + i].node = trie.nodes[i];
        node.first += static_cast<std::uint32_t>(places.words * words_a_line);
    }
    for (std::size_t i = 0; i < trie.words.size(); ++i)
        lines[places.words + i / words_a_line].wide[i % words_a_line] = moved_word(trie.words[i], places);
    for (std::size_t i = 0; i < trie.leaves.size(); ++i)
        lines[places.leaves + i].leaf = trie.leaves[i];
    for (std::size_t i = 0; i < ends.size(); ++i)
        lines[LIVE_ENDS + i / 4].end[i % 4] = ends[i];
}

live_end live_end_of(std::span<const live_line> lines, std::uint32_t address)
{
    if (lines.empty()) return {};
    const auto end = [&](std::uint32_t number) { return lines[LIVE_ENDS + number / 4].end[number % 4]; };
    const std::uint32_t root = lines[address >> 20].word[address >> 16 & 15];
    if (TRIE_KIND(root) == TRIE_LIST) return end(root);
    const trie_node& node = lines[TRIE_INDEX(root)].node;
    const auto place = word_place(node, address);
    if (!place) return end(node.otherwise);
    const std::uint64_t word = lines[*place / words_a_line].wide[*place % words_a_line];
    static_assert(sizeof(trie_leaf) <= sizeof(live_line));
    if (TRIE_WIDE_KIND(word) == TRIE_LIST || TRIE_WIDE_KIND(word) == TRIE_FEW)
        return end(list_of_word(word, address, {}));
    std::array<trie_leaf, 4> leaves{}; // as many as there may be in a row
    for (std::size_t i = 0; i < leaves.size() && TRIE_INDEX(word) + i < lines.size(); ++i)
        leaves.at(i) = lines[TRIE_INDEX(word) + i].leaf;
    return end(list_of_word(TRIE_WIDE_KIND(word) << 62, address, leaves));
}

} // namespace netwright::dataplane
