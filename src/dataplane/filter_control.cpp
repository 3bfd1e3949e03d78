// SPDX-License-Identifier: GPL-2.0-or-later
// Installing, replacing and removing the filter.
#include "dataplane/filter_control.h"

#include "dataplane/filter_live_control.h"
#include "dataplane/loaded.h"
#include "dataplane/other_xdp.h"
#include "dataplane/pins.h"
#include "dataplane/syn_cookies.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr const char* next_map = "next_programs";

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

// With the interfaces and feeds of a command that was killed before its policy was all in place.
Result<InstalledFilter> with_killed(const fs::path& directory, InstalledFilter before)
{
    const auto left = TRY(pinned_state(directory, prepared_state));
    if (!left) return before;
    const auto killed = TRY(parse_installed(*left));
    before.interfaces.insert(before.interfaces.end(), killed.interfaces.begin(), killed.interfaces.end());
    before.feeds.insert(before.feeds.end(), killed.feeds.begin(), killed.feeds.end());
    return before;
}

bool has_link(const fs::path& directory, const std::string& interface)
{
    const Fd link(bpf_obj_get(link_path(directory, interface).c_str()));
    const auto facts = link ? facts_of(link.get()) : Result<LinkFacts>();
    return facts && facts->there;
}

std::unexpected<Error> offer(const OtherXdp& other, bool displaced)
{
    return fail(Error::Kind::Busy,
                fmt::format("{}: {} {}; with 'keep_others: true' in the policy it runs behind the "
                            "filter, on what that passes; or {}",
                            other.interface, to_text(other), displaced ? "runs behind the filter" : "is attached",
                            displaced ? "give it its place back (netwright filter off)"
                                      : "detach it first (ip link set dev " + other.interface +
                                            " xdp off, or whoever owns it)"));
}

// Programs of others on the policy's interfaces: those that have given their place already, and those that are to.
struct Others {
    std::vector<OtherXdp> displaced, attached;
};

// An interface may have gone and come back under its name, and its owner have put a program there again: what stood
// behind the filter before is nobody's then.
Result<bool> is_made_anew(const fs::path& directory, const OtherXdp& displaced)
{
    if (has_link(directory, displaced.interface) || !TRY(other_xdp(displaced.interface))) return false;
    TRY_VOID(put_back(directory, displaced)); // which finds the place taken, and forgets it
    return true;
}

Result<Others> others_of(const fs::path& directory, const FilterPolicy& policy)
{
    Others others;
    for (OtherXdp& one : TRY(displaced_xdp(directory))) {
        if (TRY(is_made_anew(directory, one))) continue;
        if (std::ranges::find(policy.interfaces, one.interface) == policy.interfaces.end()) continue;
        if (!policy.keep_others) return offer(one, true);
        others.displaced.push_back(std::move(one));
    }
    for (const std::string& interface : policy.interfaces) {
        if (has_link(directory, interface)) continue;
        auto found = TRY(other_xdp(interface));
        if (!found) continue;
        if (!policy.keep_others) return offer(*found, false);
        others.attached.push_back(*std::move(found));
    }
    return others;
}

// The maps that outlive policies, where they are pinned already.
class LastingMaps {
public:
    LastingMaps(const fs::path& directory, FilterOptions& options)
    {
        for (std::size_t i = 0; i < maps_.size(); ++i) {
            maps_.at(i).reset(bpf_obj_get((directory / lasting_maps.at(i)).c_str()));
            options.lasting.at(i) = maps_.at(i).get();
        }
    }
    Result<void> pin_new(const fs::path& directory, const FilterProgram& program) const
    {
        for (std::size_t i = 0; i < maps_.size(); ++i)
            if (!maps_.at(i)) TRY_VOID(pin(program.map(lasting_maps.at(i)), directory / lasting_maps.at(i)));
        return {};
    }

private:
    std::array<Fd, lasting_maps.size()> maps_;
};

// The kernel lets programs call each other only if they were loaded in the same way, and does not tell how others
// were.
Result<FilterProgram> load_before(const Others& others, const FilterPolicy& policy, const FilterImage& image,
                                  FilterOptions options)
{
    if (others.displaced.empty() && others.attached.empty()) return FilterProgram::load(policy, image, options);
    options.next_size = std::max(chain_size(others.displaced), chain_size(others.attached));
    Result<void> refused;
    for (const bool jumbo : {options.jumbo, true})
        for (const bool typed : {true, false}) {
            options.jumbo = jumbo;
            options.typed = typed;
            auto program = TRY(FilterProgram::load(policy, image, options));
            refused = chain(program.map(next_map), others.displaced);
            if (refused) refused = chain(program.map(next_map), others.attached);
            if (refused) return program;
        }
    return std::unexpected(refused.error());
}

// The kernel empties a map of programs that nobody holds: it is pinned while the program runs that uses it.
Result<void> pin_chain(const fs::path& directory, const FilterProgram& program)
{
    const fs::path fresh = directory / (std::string(next_map) + "-new");
    ::unlink(fresh.c_str());
    return pin(program.map(next_map), fresh);
}

Result<void> commit_chain(const fs::path& directory)
{
    if (::rename((directory / (std::string(next_map) + "-new")).c_str(), (directory / next_map).c_str()) < 0)
        return std::unexpected(errno_error("replace " + (directory / next_map).string(), errno));
    return {};
}

FilterOptions options_of(const FilterPolicy& policy)
{
    FilterOptions options;
    options.jumbo = std::ranges::any_of(policy.interfaces, needs_jumbo);
    for (const std::string& interface : policy.interfaces)
        options.mtu = std::min(options.mtu, mtu_of(interface).value_or(options.mtu));
    return options;
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
    FilterOptions options = options_of(policy);
    const LastingMaps lasting(directory, options);
    auto others = TRY(others_of(directory, policy));
    const auto program = TRY(load_before(others, policy, image, options));
    TRY_VOID(clear_new_counters(program.counts(), before.counters, now.counters));
    TRY_VOID(pin_chain(directory, program));
    TRY_VOID(prepare_state(directory, to_text(now))); // from here on a kill is seen
    Displacement displacement(directory);             // behind the links, whose places they are
    PinnedLinks links(directory);
    for (OtherXdp& other : others.attached)
        TRY_VOID(displacement.add(std::move(other)));
    for (const std::string& interface : policy.interfaces)
        TRY_VOID(links.add(interface, program.program(), policy.mode == FilterPolicy::Mode::Generic));
    TRY_VOID(lasting.pin_new(directory, program));
    TRY_VOID(links.pin_new());
    TRY_VOID(put_listed(directory, policy, before.feeds));
    TRY_VOID(commit_state(directory));
    links.keep();
    displacement.keep();
    TRY_VOID(commit_chain(directory));
    TRY_VOID(unpin_others(directory, before.interfaces, now.interfaces));
    return put_back_others(directory, now.interfaces);
}

} // namespace

Result<std::optional<InstalledFilter>> installed_filter(const fs::path& directory)
{
    const auto text = TRY(pinned_state(directory));
    if (!text) return std::nullopt;
    return TRY(parse_installed(*text));
}

Result<std::optional<std::string>> running_policy(const fs::path& directory)
{
    const auto found = TRY(installed_filter(directory));
    const auto left = TRY(pinned_state(directory, prepared_state));
    if (left) return TRY(parse_installed(*left)).policy;
    return found ? std::optional(found->policy) : std::nullopt;
}

namespace {

// Other programs have their places again, and nothing is left. Where that fails the pins that hold them stay.
Result<void> take_off(const fs::path& directory)
{
    for (const OtherXdp& other : TRY(displaced_xdp(directory))) {
        TRY_VOID(unpin_link(directory, other.interface));
        TRY_VOID(put_back(directory, other));
    }
    return remove_pins(directory);
}

} // namespace

Result<void> install_filter(const fs::path& directory, const FilterPolicy& policy, const std::string& name)
{
    const Fd claim = TRY(claim_pins(directory));
    const auto found = TRY(installed_filter(directory));
    if (found) TRY_VOID(same_mode(*found, policy));
    if (!policy.cookie_ports.empty()) TRY_VOID(takes_cookies(cookie_settings(kernel::Files::live())));
    const auto before = TRY(with_killed(directory, found.value_or(InstalledFilter{})));
    auto replaced = replace(directory, policy, name, before);
    if (!replaced) (void)discard_state(directory);
    if (!replaced && !found) (void)take_off(directory);
    return replaced;
}

Result<void> remove_filter(const fs::path& directory)
{
    const Fd claim = TRY(claim_pins(directory));
    return take_off(directory);
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
