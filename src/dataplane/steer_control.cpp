// SPDX-License-Identifier: GPL-2.0-or-later
// Installing, replacing and removing steering.
#include "dataplane/steer_control.h"

#include "dataplane/cgroups.h"
#include "dataplane/loaded.h"
#include "dataplane/pacing.h"
#include "dataplane/pins.h"
#include "dataplane/tc_hook.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

bool contains(const std::vector<std::string>& names, const std::string& name)
{
    return std::ranges::find(names, name) != names.end();
}

Result<void> use_hook(const SteerPolicy& policy, const InstalledSteer* before, InstalledSteer& now)
{
    const bool tcx = TRY(has_tcx());
    if (policy.hook == SteerPolicy::Hook::Tcx && !tcx)
        return fail(Error::Kind::Unsupported, "TCX needs Linux 6.6 or later: hook: clsact works here");
    now.clsact = !tcx || policy.hook == SteerPolicy::Hook::Clsact;
    if (!before || before->clsact == now.clsact) return {};
    return fail(Error::Kind::Rejected, "the running steering has another hook (tcx or clsact), and changing it leaves "
                                       "packets without their class for a moment: netwright steer off, then apply "
                                       "again");
}

Result<SteerPlaces> find_places(const SteerPolicy& policy)
{
    SteerPlaces places;
    for (const SteerClass& one : policy.classes) {
        if (one.redirect.way != STEER_STAY)
            places.interfaces.emplace(one.redirect.interface, TRY(ethernet_index(one.redirect.interface)));
        if (!one.cgroup.empty()) places.cgroups.emplace(one.cgroup, TRY(cgroup_id(one.cgroup)));
    }
    return places;
}

Result<std::vector<std::string>> paced_ones(const std::vector<std::string>& interfaces)
{
    std::vector<std::string> found;
    const auto netlink = kernel::live_netlink();
    for (const std::string& interface : interfaces) {
        const unsigned index = TRY(ethernet_index(interface));
        if (TRY(paces(*netlink, index))) found.push_back(interface);
    }
    return found;
}

std::vector<TcPlace> places_of(const InstalledSteer& installed)
{
    std::vector<TcPlace> places;
    for (const std::string& interface : installed.interfaces) {
        if (installed.ingress) places.push_back({interface, TcSide::Ingress});
        if (installed.egress) places.push_back({interface, TcSide::Egress});
    }
    return places;
}

// A number that another class had before begins at zero.
Result<void> clear_new_counters(int map, const SteerCounters& before, const SteerCounters& now)
{
    for (const auto& [name, counter] : now)
        if (!before.contains(name)) TRY_VOID(clear_count<steer_count>(map, counter));
    return {};
}

// What the policy becomes on this host, before anything is attached.
Result<InstalledSteer> plan(const SteerPolicy& policy, const std::string& name, const InstalledSteer* before)
{
    InstalledSteer now;
    now.policy = name;
    TRY_VOID(use_hook(policy, before, now));
    now.interfaces = policy.interfaces;
    now.ingress = policy.uses(TcSide::Ingress);
    now.egress = policy.uses(TcSide::Egress);
    now.limits = std::ranges::any_of(policy.classes, [](const SteerClass& one) { return one.limit.has_value(); });
    now.paced = TRY(paced_ones(policy.interfaces));
    now.counters = TRY(steer_counters(policy, before ? before->counters : SteerCounters{}));
    if (before) now.qdiscs = before->qdiscs;
    return now;
}

// Everywhere that only the policy before had a program.
Result<void> leave_places(const fs::path& directory, const InstalledSteer& before, const InstalledSteer& now)
{
    const auto still = places_of(now);
    for (const TcPlace& place : places_of(before))
        if (std::ranges::find(still, place) == still.end()) TRY_VOID(remove_tc(directory, before.clsact, place));
    for (const std::string& interface : before.qdiscs)
        if (!contains(now.interfaces, interface)) TRY_VOID(remove_clsact(interface));
    return {};
}

Result<InstalledSteer> replace(const fs::path& directory, const SteerPolicy& policy, const std::string& name,
                               const InstalledSteer* before)
{
    InstalledSteer now = TRY(plan(policy, name, before));
    const auto places = TRY(find_places(policy));
    now.cgroups = places.cgroups;
    const auto image = TRY(make_steer_image(policy, now.counters, places));
    const Fd counts(bpf_obj_get((directory / "counts").c_str()));
    const auto program = TRY(SteerProgram::load(image, counts.get()));
    TRY_VOID(clear_new_counters(program.counts(), before ? before->counters : SteerCounters{}, now.counters));

    TRY_VOID(prepare_state(directory, to_text(now))); // for 'off', should we be killed from here on
    TcHooks hooks(directory, now.clsact);
    for (const TcPlace& place : places_of(now))
        TRY_VOID(hooks.add(place, program.program(place.side, contains(now.paced, place.interface))));
    for (const std::string& interface : hooks.fresh_qdiscs())
        if (!contains(now.qdiscs, interface)) now.qdiscs.push_back(interface);
    if (before) std::erase_if(now.qdiscs, [&](const std::string& one) { return !contains(now.interfaces, one); });
    if (!counts) TRY_VOID(pin(program.counts(), directory / "counts"));
    TRY_VOID(prepare_state(directory, to_text(now)));
    TRY_VOID(hooks.pin_new());
    TRY_VOID(commit_state(directory));
    hooks.keep();
    if (before) TRY_VOID(leave_places(directory, *before, now));
    return now;
}

} // namespace

Result<std::optional<InstalledSteer>> installed_steer(const fs::path& directory)
{
    const auto text = TRY(pinned_state(directory));
    if (!text) return std::nullopt;
    return TRY(parse_installed_steer(*text));
}

Result<InstalledSteer> install_steer(const fs::path& directory, const SteerPolicy& policy, const std::string& name)
{
    const Fd claim = TRY(claim_pins(directory));
    const auto before = TRY(installed_steer(directory));
    auto replaced = replace(directory, policy, name, before ? &*before : nullptr);
    if (!replaced && !before) (void)remove_pins(directory);
    return replaced;
}

Result<void> remove_steer(const fs::path& directory)
{
    const Fd claim = TRY(claim_pins(directory));
    for (const std::string_view name : {std::string_view("state"), prepared_state})
        if (const auto text = TRY(pinned_state(directory, name))) {
            const InstalledSteer before = TRY(parse_installed_steer(*text));
            TRY_VOID(leave_places(directory, before, {}));
        }
    return remove_pins(directory);
}

std::vector<std::string> steer_troubles(const fs::path& directory, const InstalledSteer& installed)
{
    std::vector<std::string> troubles;
    for (const TcPlace& place : places_of(installed))
        if (!holds_tc(directory, installed.clsact, place))
            troubles.push_back(fmt::format("{} ({}) does not have the program any more: apply the policy again",
                                           place.interface, to_text(place.side)));
    const auto paced = installed.limits ? paced_ones(installed.interfaces) : Result<std::vector<std::string>>();
    for (const std::string& interface : installed.interfaces) {
        if (!installed.limits || !paced || contains(*paced, interface) == contains(installed.paced, interface))
            continue;
        troubles.push_back(contains(installed.paced, interface)
                               ? fmt::format("{} has no fq qdisc any more, so its limits limit nothing: apply the "
                                             "policy again",
                                             interface)
                               : fmt::format("{} has an fq qdisc now: apply the policy again, and limits delay instead "
                                             "of dropping",
                                             interface));
    }
    for (const auto& [path, id] : installed.cgroups)
        if (const auto now = cgroup_id(path); !now || *now != id)
            troubles.push_back(fmt::format("cgroup {} {}: apply the policy again", path,
                                           now ? "was made anew, and its packets are not seen" : "is gone"));
    return troubles;
}

Result<std::vector<NamedSteerCount>> steer_stats(const fs::path& directory)
{
    const auto installed = TRY(installed_steer(directory));
    if (!installed) return fail(Error::Kind::Absent, "nothing is steered here (see: netwright steer apply)");
    const Fd map = TRY(pinned(directory / "counts"));
    std::vector<NamedSteerCount> named;
    for (const auto& [name, counter] : installed->counters) {
        const auto sum = TRY(read_steer_count(map.get(), counter));
        named.push_back({name, sum});
    }
    const auto unclassified = TRY(read_steer_count(map.get(), STEER_UNCLASSIFIED));
    const auto not_ip = TRY(read_steer_count(map.get(), STEER_NOT_IP));
    named.push_back({"(no class)", unclassified});
    named.push_back({"(not IP)", not_ip});
    return named;
}

} // namespace netwright::dataplane
