// SPDX-License-Identifier: GPL-2.0-or-later
// Live entries as rows: the first says how many there are of the others, then the feeds' names, then the entries.
#include "dataplane/filter_live_control.h"
#include "dataplane/large.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace netwright::dataplane {
namespace {

struct Head {
    std::uint64_t version, feeds, entries, unused;
};
struct Entry {
    std::array<std::uint8_t, 16> address;
    std::uint64_t until;
    std::uint8_t length, ipv6, allowed, feed;
    std::uint32_t unused;
};
static_assert(sizeof(Head) == sizeof(live_row) && sizeof(Entry) == sizeof(live_row));
constexpr std::uint64_t version = 1;

template <class Form>
live_row row_of(const Form& form)
{
    live_row row;
    std::memcpy(&row, &form, sizeof row);
    return row;
}

template <class Form>
Form form_of(const live_row& row)
{
    Form form;
    std::memcpy(&form, &row, sizeof form);
    return form;
}

std::unexpected<Error> unreadable()
{
    return fail(Error::Kind::Malformed,
                "what this filter blocks was written by another version of netwright: netwright "
                "filter off, then apply again");
}

} // namespace

Result<std::vector<live_row>> to_rows(std::span<const LiveEntry> entries)
{
    std::map<std::string, std::uint8_t> feeds;
    for (const LiveEntry& entry : entries)
        if (feeds.empty() || entry.feed != feeds.rbegin()->first) feeds.try_emplace(entry.feed, 0);
    if (feeds.size() > live_feeds_most)
        return fail(Error::Kind::Rejected, fmt::format("more than {} feeds", live_feeds_most));
    std::vector<live_row> rows;
    reserve_large(rows, 1 + feeds.size() + entries.size());
    rows.push_back(row_of(Head{version, feeds.size(), entries.size(), 0}));
    std::uint8_t number = 0;
    for (auto& [feed, known_by] : feeds) {
        known_by = number++;
        live_row row{};
        std::memcpy(row.bytes.data(), feed.data(), std::min(feed.size(), live_feed_length));
        rows.push_back(row);
    }
    for (const LiveEntry& entry : entries)
        rows.push_back(row_of(Entry{entry.prefix.address, entry.until, static_cast<std::uint8_t>(entry.prefix.length),
                                    entry.prefix.ipv6, entry.allowed, feeds.at(entry.feed), 0}));
    return rows;
}

Result<std::vector<LiveEntry>> from_rows(std::span<const live_row> rows)
{
    if (rows.empty()) return std::vector<LiveEntry>{};
    const auto head = form_of<Head>(rows[0]);
    const std::uint64_t room = rows.size() - 1;
    if (head.version != version || head.feeds > live_feeds_most || head.feeds > room ||
        head.entries > room - head.feeds)
        return unreadable();
    std::vector<std::string> feeds;
    for (const live_row& row : rows.subspan(1, head.feeds))
        feeds.emplace_back(row.bytes.begin(), std::ranges::find(row.bytes, 0));
    std::vector<LiveEntry> entries;
    reserve_large(entries, head.entries);
    for (const live_row& row : rows.subspan(1 + head.feeds, head.entries)) {
        const auto entry = form_of<Entry>(row);
        if (entry.feed >= feeds.size() || entry.length > (entry.ipv6 ? 128 : 32)) return unreadable();
        entries.push_back(
            {{entry.ipv6 != 0, entry.length, entry.address}, entry.allowed != 0, entry.until, feeds[entry.feed]});
    }
    return entries;
}

} // namespace netwright::dataplane
