// SPDX-License-Identifier: GPL-2.0-or-later
// Comparing what was kept with what is.
#include "plan/diff.h"

#include "base/text.h"
#include "plan/compare.h"
#include "plan/present.h"

#include <algorithm>
#include <array>

namespace netwright::plan {
namespace {

constexpr std::array<std::string_view, 4> state_names{"holds", "drifted", "gone", "unseen"};

bool is_glob(std::string_view key) { return key.find_first_of("*?") != std::string_view::npos; }

bool agrees(const Change& change, const std::string& text)
{
    const auto value = parse_value(change.tunable, text);
    return value && same(change.tunable, *value, change.to);
}

// "-net.ipv4.conf.eth0.*" alone takes keys out of every glob (sysctl.d(5)).
bool is_exclusion(const SysctlSetting& setting) { return setting.ignore_failure && setting.value.empty(); }

// What every file says about `key`, exclusions included, in order of precedence.
std::vector<std::pair<const SysctlFile*, const SysctlSetting*>> mentions(const std::string& key,
                                                                         const std::vector<SysctlFile>& files)
{
    std::vector<std::pair<const SysctlFile*, const SysctlSetting*>> found;
    for (const SysctlFile& file : files)
        for (std::size_t i = 0; file.settings && i < file.settings->size(); ++i)
            if (glob_match((*file.settings)[i].key, key)) found.emplace_back(&file, &(*file.settings)[i]);
    return found;
}

std::vector<BootSetting> boot_settings(const Change& change, const std::vector<SysctlFile>& files)
{
    const auto* key = std::get_if<SysctlKey>(&change.tunable);
    if (key == nullptr) return {};
    const auto said = mentions(key->name, files);
    const bool excluded = std::ranges::any_of(said, [](const auto& one) { return is_exclusion(*one.second); });
    std::vector<BootSetting> found;
    std::size_t winner = 0;
    bool winner_is_exact = false;
    for (const auto& [file, setting] : said) {
        const bool exact = !is_glob(setting->key);
        if (is_exclusion(*setting) || (excluded && !exact)) continue;
        found.push_back({file->path, setting->line, setting->value, false, agrees(change, setting->value)});
        if (winner_is_exact && !exact) continue;
        winner = found.size() - 1;
        winner_is_exact = exact;
    }
    if (!found.empty()) found[winner].wins = true;
    return found;
}

Standing standing_of(const Change& change, const ReadNow& read)
{
    Standing standing{change, Standing::State::Holds, std::nullopt, "", {}};
    auto now = read(change.tunable);
    if (!now) {
        standing.state = now.error().kind == Error::Kind::Absent ? Standing::State::Gone : Standing::State::Unseen;
        standing.why = now.error().what;
        return standing;
    }
    standing.now = *std::move(now);
    if (!same(change.tunable, standing.now, change.to)) standing.state = Standing::State::Drifted;
    return standing;
}

} // namespace

ReadNow reads_from(const Snapshot& host)
{
    return [&host](const Tunable& tunable) { return present(host, tunable); };
}

bool Standing::overridden_at_boot() const
{
    return std::ranges::any_of(at_boot, [](const BootSetting& setting) { return setting.wins && !setting.agrees; });
}

std::string_view to_text(Standing::State state) { return state_names.at(static_cast<std::size_t>(state)); }

std::vector<Standing> drift(const std::vector<Change>& changes, const ReadNow& now,
                            const std::vector<SysctlFile>& files)
{
    std::vector<Standing> all;
    for (const Change& change : changes) {
        all.push_back(standing_of(change, now));
        all.back().at_boot = boot_settings(change, files);
    }
    return all;
}

} // namespace netwright::plan
