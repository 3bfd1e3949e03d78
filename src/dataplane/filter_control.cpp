// SPDX-License-Identifier: GPL-2.0-or-later
// Installing, replacing and removing the filter.
#include "dataplane/filter_control.h"

#include "dataplane/filter_live_control.h"
#include "dataplane/loaded.h"
#include "dataplane/pins.h"
#include "dataplane/syn_cookies.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

// A number that another list or rule had before begins at zero.
Result<void> clear_new_counters(int map, const CounterNames& before, const CounterNames& now)
{
    for (const auto& [name, counter] : now)
        if (!before.contains(name)) TRY_VOID(clear_count<filter_count>(map, counter));
    return {};
}

// A mode is chosen when a link is made: another one needs a moment without any filter, which is for the owner to
// choose.
Result<void> same_mode(const InstalledFilter& before, const FilterPolicy& policy)
{
    if (before.mode == policy.mode) return {};
    return fail(Error::Kind::Rejected,
                "the running filter has another mode (native or generic), and changing it leaves "
                "the interfaces open for a moment: netwright filter off, then apply again");
}

// That lists have filled, also those of a command that was killed before its policy was all in place.
Result<std::vector<std::string>> feeds_before(const fs::path& directory, const InstalledFilter& before)
{
    std::vector<std::string> feeds = before.feeds;
    const auto left = TRY(pinned_state(directory, prepared_state));
    if (!left) return feeds;
    const auto killed = TRY(parse_installed(*left));
    feeds.insert(feeds.end(), killed.feeds.begin(), killed.feeds.end());
    return feeds;
}

// What takes the place of `before`; nothing is pinned yet where that is empty.
Result<void> replace(const fs::path& directory, const FilterPolicy& policy, const std::string& name,
                     const InstalledFilter& before)
{
    const CounterNames counters = TRY(name_counters(policy, before.counters));
    const InstalledFilter now{
        name,     policy.mode,     policy.dry_run, policy.live, policy.sample_every != 0, policy.interfaces,
        counters, feeds_of(policy)};
    const auto image = TRY(make_image(policy, now.counters));

    FilterOptions options;
    options.jumbo = std::ranges::any_of(policy.interfaces, needs_jumbo);
    for (const std::string& interface : policy.interfaces)
        options.mtu = std::min(options.mtu, mtu_of(interface).value_or(options.mtu));
    std::array<Fd, lasting_maps.size()> lasting;
    for (std::size_t i = 0; i < lasting.size(); ++i) {
        lasting.at(i).reset(bpf_obj_get((directory / lasting_maps.at(i)).c_str()));
        options.lasting.at(i) = lasting.at(i).get();
    }
    const auto program = TRY(FilterProgram::load(policy, image, options));
    TRY_VOID(clear_new_counters(program.counts(), before.counters, now.counters));
    PinnedLinks links(directory);
    for (const std::string& interface : policy.interfaces)
        TRY_VOID(links.add(interface, program.program(), policy.mode == FilterPolicy::Mode::Generic));
    for (std::size_t i = 0; i < lasting.size(); ++i)
        if (!lasting.at(i)) TRY_VOID(pin(program.map(lasting_maps.at(i)), directory / lasting_maps.at(i)));
    const auto feeds = TRY(feeds_before(directory, before));
    TRY_VOID(prepare_state(directory, to_text(now)));
    TRY_VOID(links.pin_new());
    TRY_VOID(put_listed(directory, policy, feeds));
    TRY_VOID(commit_state(directory));
    links.keep();
    return unpin_others(directory, before.interfaces, now.interfaces);
}

} // namespace

Result<std::optional<InstalledFilter>> installed_filter(const fs::path& directory)
{
    const auto text = TRY(pinned_state(directory));
    if (!text) return std::nullopt;
    return TRY(parse_installed(*text));
}

Result<void> install_filter(const fs::path& directory, const FilterPolicy& policy, const std::string& name)
{
    const Fd claim = TRY(claim_pins(directory));
    const auto found = TRY(installed_filter(directory));
    if (found) TRY_VOID(same_mode(*found, policy));
    if (!policy.cookie_ports.empty()) TRY_VOID(takes_cookies(cookie_settings(kernel::Files::live())));
    auto replaced = replace(directory, policy, name, found.value_or(InstalledFilter{}));
    if (!replaced && !found) (void)remove_pins(directory);
    return replaced;
}

Result<void> remove_filter(const fs::path& directory)
{
    const Fd claim = TRY(claim_pins(directory));
    return remove_pins(directory);
}

Result<std::vector<NamedCount>> filter_stats(const fs::path& directory)
{
    const auto installed = TRY(installed_filter(directory));
    if (!installed) return fail(Error::Kind::Absent, "no filter runs here (see: netwright filter apply)");
    const Fd map(bpf_obj_get((directory / "counts").c_str()));
    if (!map) return std::unexpected(errno_error("read " + (directory / "counts").string(), errno));
    const auto sums = TRY(read_filter_counts(map.get()));
    std::vector<NamedCount> named;
    for (unsigned counter = 0; counter < COUNT_MOST; ++counter) {
        const std::string name = counter_name(counter, installed->counters);
        if (sums[counter].packets || installed->counters.contains(name)) named.push_back({name, sums[counter]});
    }
    return named;
}

} // namespace netwright::dataplane
