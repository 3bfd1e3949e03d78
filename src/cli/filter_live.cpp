// SPDX-License-Identifier: GPL-2.0-or-later
// Blocking and allowing sources while the filter runs.
#include "cli/filter_live.h"

#include "base/text.h"
#include "base/units.h"
#include "cli/pins.h"
#include "cli/session.h"
#include "dataplane/filter_live_control.h"
#include "dataplane/filter_policy.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace netwright::cli {
namespace {

namespace dp = dataplane;

struct LiveFlags {
    std::vector<std::string> prefixes;
    std::string from, lasts, feed;
    bool force = false, json = false;
};

constexpr std::size_t feed_limit = 256U << 20; // ten million prefixes

Result<std::vector<dp::Prefix>> prefixes_of(const LiveFlags& flags)
{
    std::vector<dp::Prefix> found;
    for (const std::string& word : flags.prefixes)
        found.push_back(TRY(typed("prefix", dp::parse_prefix(word))));
    if (!flags.from.empty()) {
        const std::string text = TRY(read_file(flags.from, feed_limit));
        const auto more = TRY(dp::parse_prefix_lines(text, flags.from == "-" ? "stdin" : flags.from));
        found.insert(found.end(), more.begin(), more.end());
    } else if (found.empty()) {
        return fail(Error::Kind::Rejected, "name prefixes, or a file of them with --from");
    }
    return found;
}

Result<dp::LiveTime> end_of(const LiveFlags& flags)
{
    if (flags.lasts.empty()) return LIVE_FOREVER;
    const Nanoseconds lasts = TRY(typed("--for", parse_duration(flags.lasts)));
    if (lasts < std::chrono::seconds(1) || lasts > std::chrono::hours(24 * 3660))
        return fail(Error::Kind::Rejected, fmt::format("--for {}: between a second and ten years", flags.lasts));
    return dp::live_now() + static_cast<dp::LiveTime>(lasts.count());
}

// The lock-out guard, as for policies.
Result<void> refuse_lock_out(const std::vector<dp::Prefix>& prefixes)
{
    const auto you = administrator();
    for (const dp::Prefix& prefix : prefixes) {
        if (prefix.length == 0)
            return fail(Error::Kind::Rejected,
                        fmt::format("{} blocks everything: give --force if that is meant", to_text(prefix)));
        if (you && prefix.holds(you->ipv6, you->address))
            return fail(Error::Kind::Rejected, fmt::format("{} would block you: you are logged in from {} (--force "
                                                           "blocks it all the same)",
                                                           to_text(prefix), to_text(*you)));
    }
    return {};
}

Result<void> say(const LiveFlags& flags, const Globals& globals, bool allowed)
{
    const auto prefixes = TRY(prefixes_of(flags));
    if (!allowed && !flags.force) TRY_VOID(refuse_lock_out(prefixes));
    if (flags.feed.size() > dp::live_feed_length)
        return fail(Error::Kind::Rejected,
                    fmt::format("--feed: a name has at most {} characters", dp::live_feed_length));
    dp::LiveChange change;
    const dp::LiveTime end = TRY(end_of(flags));
    for (const dp::Prefix& prefix : prefixes)
        change.given.push_back({prefix, allowed, end, flags.feed});
    if (!flags.feed.empty()) change.feed = flags.feed;
    const auto directory = TRY(enter_pins(globals, "filter"));
    const auto outcome = TRY(dp::change_live(directory, std::move(change)));
    return print(fmt::format("{} {}{}; {} blocked or allowed in all\n", allowed ? "allowed" : "blocked",
                             report::counted(prefixes.size(), "prefix"),
                             flags.lasts.empty() ? "" : " for " + flags.lasts,
                             report::counted(outcome.entries, "entry")));
}

Result<void> block(const LiveFlags& flags, const Globals& globals) { return say(flags, globals, false); }
Result<void> allow(const LiveFlags& flags, const Globals& globals) { return say(flags, globals, true); }

Result<void> unblock(const LiveFlags& flags, const Globals& globals)
{
    dp::LiveChange change;
    if (!flags.feed.empty()) change.feed = flags.feed;
    if (flags.feed.empty() || !flags.prefixes.empty() || !flags.from.empty()) change.taken = TRY(prefixes_of(flags));
    const std::size_t asked = change.taken.size();
    const auto directory = TRY(enter_pins(globals, "filter"));
    const auto outcome = TRY(dp::change_live(directory, std::move(change)));
    for (const dp::Prefix& prefix : outcome.missing)
        fmt::print(stderr, "netwright: {} was neither blocked nor allowed by itself (see: netwright filter blocks)\n",
                   to_text(prefix));
    TRY_VOID(
        print(fmt::format("forgotten; {} blocked or allowed in all\n", report::counted(outcome.entries, "entry"))));
    if (asked > 0 && outcome.missing.size() == asked) return fail(Error::Kind::Absent, "nothing was changed");
    return {};
}

std::string rest_of(const dp::LiveEntry& entry, dp::LiveTime now)
{
    if (entry.until == LIVE_FOREVER) return "until it is forgotten";
    return "for " + duration_text(std::chrono::ceil<std::chrono::seconds>(Nanoseconds(entry.until - now))) + " more";
}

std::string entries_json(const std::vector<dp::LiveEntry>& entries, dp::LiveTime now)
{
    nlohmann::json json = nlohmann::json::array();
    for (const dp::LiveEntry& entry : entries) {
        nlohmann::json one{{"prefix", to_text(entry.prefix)}, {"verdict", entry.allowed ? "pass" : "drop"}};
        if (!entry.feed.empty()) one["feed"] = entry.feed;
        if (entry.until != LIVE_FOREVER) one["seconds"] = static_cast<double>(entry.until - now) / 1e9;
        json.push_back(std::move(one));
    }
    return json.dump(2) + "\n";
}

Result<void> blocks(const LiveFlags& flags, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "filter"));
    const auto entries = TRY(dp::live_entries(directory));
    const dp::LiveTime now = dp::live_now();
    if (flags.json) return print(entries_json(entries, now));
    if (entries.empty()) return print("nothing is blocked or allowed beside the policy\n");
    std::vector<std::vector<std::string>> rows{{"source", "is", "how long", "feed"}};
    for (const dp::LiveEntry& entry : entries)
        rows.push_back({to_text(entry.prefix), entry.allowed ? "allowed" : "blocked", rest_of(entry, now),
                        report::printable(entry.feed)});
    return print(report::table(rows, style_of(STDOUT_FILENO, globals)));
}

using LiveStep = Result<void> (*)(const LiveFlags&, const Globals&);

void add_prefixes(CLI::App& sub, LiveFlags& flags)
{
    sub.add_option("prefix", flags.prefixes, "addresses or prefixes");
    sub.add_option("--from", flags.from, "a file of them, one a line, # and ; begin comments; - for stdin")
        ->type_name("FILE");
}

void add_entry_flags(CLI::App& sub, LiveFlags& flags)
{
    add_prefixes(sub, flags);
    sub.add_option("--for", flags.lasts, "how long, such as 90s, 10m, 12h, 7d; without: until it is forgotten")
        ->type_name("TIME");
    sub.add_option("--feed", flags.feed, "these are all that the feed of this name says; what it said before goes")
        ->type_name("NAME");
}

} // namespace

std::optional<dp::Prefix> administrator()
{
    const auto session = ssh_session(kernel::Files::live());
    const auto peer = session ? dp::parse_prefix(session->peer) : fail(Error::Kind::Absent, "no session");
    return peer ? std::optional(*peer) : std::nullopt;
}

void declare_filter_live(CLI::App& filter, const Globals& globals,
                         const std::shared_ptr<std::function<Result<void>()>>& chosen)
{
    const auto flags = std::make_shared<LiveFlags>();
    const auto add = [&](const char* name, const char* what, LiveStep run) -> CLI::App& {
        CLI::App* const sub = filter.add_subcommand(name, what);
        sub->callback([=, &globals] { *chosen = [=, &globals] { return run(*flags, globals); }; });
        return *sub;
    };
    CLI::App& blocking = add("block", "drop what comes from these sources, from now on, in one step", block);
    add_entry_flags(blocking, *flags);
    blocking.add_flag("--force", flags->force, "block everything, or you");
    add_entry_flags(add("allow", "pass what comes from these sources, whatever the policy says", allow), *flags);
    CLI::App& taking = add("unblock", "forget what was said of these sources with block or allow", unblock);
    add_prefixes(taking, *flags);
    taking.add_option("--feed", flags->feed, "forget all that the feed of this name said")->type_name("NAME");
    add("blocks", "who is blocked or allowed beside the policy, and how long", blocks)
        .add_flag("--json", flags->json, "as JSON");
}

} // namespace netwright::cli
