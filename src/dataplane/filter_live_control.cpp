// SPDX-License-Identifier: GPL-2.0-or-later
// Changing what is blocked: new tables are filled where no packet sees them, and take the place of the old ones.
#include "dataplane/filter_live_control.h"

#include "dataplane/filter_control.h"
#include "dataplane/loaded.h"
#include "dataplane/pins.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr auto patience = std::chrono::seconds(10); // whoever blocks one address waits for whoever blocks a million

// An array map of so many values, which `write` writes where the map has them.
template <class Value, class Write>
Result<Fd> make_array(const char* name, std::size_t count, std::uint32_t flags, Write write)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | flags);
    Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(std::uint32_t), sizeof(Value),
                          static_cast<std::uint32_t>(count), &options));
    if (!map) return std::unexpected(errno_error("make a BPF map", errno));
    const auto mapped = TRY(MappedArray::map(map.get(), count * sizeof(Value)));
    write(std::span(static_cast<Value*>(mapped.data()), count));
    return map;
}

Result<Fd> make_hash6(const LiveTables& tables)
{
    std::vector<prefix6> keys{{{}, LIVE_LENGTHS}};
    live_value lengths{};
    std::ranges::fill(lengths.lengths, static_cast<__u8>(LIVE_LENGTHS));
    std::ranges::copy(tables.lengths6, lengths.lengths);
    std::vector<live_value> values{lengths};
    for (const auto& [prefix, end] : tables.prefixes6) {
        keys.push_back(prefix);
        values.push_back({.end = end});
    }
    auto count = static_cast<std::uint32_t>(keys.size());
    Fd map(bpf_map_create(BPF_MAP_TYPE_HASH, "live6", sizeof(prefix6), sizeof(live_value), count, nullptr));
    if (!map) return std::unexpected(errno_error("make a BPF map", errno));
    if (bpf_map_update_batch(map.get(), keys.data(), values.data(), &count, nullptr) < 0)
        return std::unexpected(errno_error("fill a BPF map", errno));
    return map;
}

// The kernel returns from this when no packet can see the map that was there any more.
Result<void> put_in_place(int outer, const Fd& inner)
{
    const std::uint32_t only = 0;
    const int descriptor = inner.get();
    const int code =
        inner ? bpf_map_update_elem(outer, &only, &descriptor, BPF_ANY) : bpf_map_delete_elem(outer, &only);
    if (code < 0 && errno != ENOENT) return std::unexpected(errno_error("replace what the filter blocks", errno));
    return {};
}

Result<std::vector<LiveEntry>> read_entries(const fs::path& directory)
{
    const Fd map(bpf_obj_get((directory / "live").c_str()));
    if (!map && errno == ENOENT) return std::vector<LiveEntry>{};
    if (!map) return std::unexpected(errno_error("read what the filter blocks", errno));
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(map.get(), &info, &size) < 0)
        return std::unexpected(errno_error("read what the filter blocks", errno));
    const auto mapped = TRY(MappedArray::map(map.get(), std::size_t{info.max_entries} * sizeof(live_row)));
    return from_rows({static_cast<const live_row*>(mapped.data()), info.max_entries});
}

// Entries are remembered before packets see them: whoever is killed in between finds them at the next change.
Result<void> put_entries(const fs::path& directory, std::span<const LiveEntry> entries, LiveTime now)
{
    const auto tables = TRY(make_live_tables(entries, now));
    const auto rows = TRY(to_rows(entries));
    const Fd live4 = TRY(pinned(directory / "live4")), live6 = TRY(pinned(directory / "live6"));
    const auto copy = [&](std::span<live_row> to) { std::ranges::copy(rows, to.begin()); };
    const Fd kept = TRY(make_array<live_row>("live", rows.size(), 0, copy));
    const fs::path fresh = directory / "live-new";
    ::unlink(fresh.c_str());
    TRY_VOID(pin(kept.get(), fresh));
    if (::rename(fresh.c_str(), (directory / "live").c_str()) < 0)
        return std::unexpected(errno_error("replace " + (directory / "live").string(), errno));
    return put_live_tables(live4.get(), live6.get(), tables);
}

// 0: nobody knows, or the clock was set back.
Nanoseconds seconds_since(std::int64_t applied)
{
    const std::int64_t now = std::time(nullptr);
    return std::chrono::seconds(applied > 0 && applied < now ? now - applied : 0);
}

Result<void> takes_live(const fs::path& directory)
{
    const auto installed = TRY(installed_filter(directory));
    if (!installed) return fail(Error::Kind::Absent, "no filter runs here (see: netwright filter apply)");
    if (installed->live) return {};
    return fail(Error::Kind::Rejected, "the policy that runs says 'live: false', so nothing can be blocked or allowed "
                                       "beside it: apply it without that line");
}

} // namespace

LiveTime live_now()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<LiveTime>(now.tv_sec) * 1'000'000'000 + static_cast<LiveTime>(now.tv_nsec);
}

Result<void> put_live_tables(int live4, int live6, const LiveTables& tables)
{
    Fd lines, hash;
    const auto write = [&](std::span<live_line> to) { tables.write_lines(to); };
    if (tables.lines() > 0) lines = TRY(make_array<live_line>("live4", tables.lines(), BPF_F_INNER_MAP, write));
    if (!tables.prefixes6.empty()) hash = TRY(make_hash6(tables));
    TRY_VOID(put_in_place(live4, lines));
    return put_in_place(live6, hash);
}

Result<LiveOutcome> change_live(const fs::path& directory, LiveChange change)
{
    TRY_VOID(takes_live(directory));
    const Fd claim = TRY(claim_pins(directory, patience));
    TRY_VOID(takes_live(directory)); // it may have gone while we waited
    LiveOutcome outcome;
    const LiveTime now = live_now();
    auto entries = TRY(read_entries(directory));
    if (change.feed) entries = without_feed(std::move(entries), *change.feed);
    entries = without_prefixes(std::move(entries), change.taken, outcome.missing);
    entries = with_entries(std::move(entries), std::move(change.given), now);
    TRY_VOID(put_entries(directory, entries, now));
    outcome.entries = entries.size();
    return outcome;
}

std::vector<std::string> feeds_of(const FilterPolicy& policy)
{
    std::vector<std::string> feeds;
    for (const PrefixList& list : policy.lists)
        if (!list.feed.empty()) feeds.push_back(list.feed);
    return feeds;
}

Result<void> put_listed(const fs::path& directory, const FilterPolicy& policy, const std::vector<std::string>& before)
{
    const std::vector<std::string> feeds = feeds_of(policy);
    if (feeds.empty() && before.empty()) return {};
    const LiveTime now = live_now();
    auto entries = TRY(read_entries(directory));
    for (const auto& those : {before, feeds})
        for (const std::string& feed : those)
            entries = without_feed(std::move(entries), feed);
    entries = with_entries(std::move(entries), listed_entries(policy, now, seconds_since(policy.applied)), now);
    return put_entries(directory, entries, now);
}

Result<std::vector<LiveEntry>> live_entries(const fs::path& directory)
{
    TRY_VOID(takes_live(directory));
    return with_entries(TRY(read_entries(directory)), {}, live_now());
}

} // namespace netwright::dataplane
