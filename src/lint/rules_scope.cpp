// SPDX-License-Identifier: GPL-2.0-or-later
// conf.all, conf.default and the interface: which of them reaches what.
//
// IPv4 combines `all` with the interface's own value, differently for each key (include/linux/inetdevice.h): OR, so a 0
// on `all` switches nothing off; AND, so a 1 on `all` switches nothing on; or the greater of both, so that `all` can
// only raise. IPv6 ignores most keys of `all` altogether (net/ipv6/addrconf.c). `default` is copied into interfaces
// that are made afterwards.
#include "lint/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::lint {
namespace {

// OR keys that an interface has on by itself: 0 on `all` leaves them on.
constexpr std::array<std::string_view, 4> or_keys_on{"accept_redirects", "secure_redirects", "send_redirects",
                                                     "shared_media"};
// AND keys that an interface has off by itself: 1 on `all` leaves them off.
constexpr std::array<std::string_view, 2> and_keys_off{"bc_forwarding", "bootp_relay"};
// The greater of both.
constexpr std::array<std::string_view, 4> max_keys{"arp_accept", "arp_announce", "arp_ignore", "rp_filter"};
// Of IPv6, where only the interface's own value is read.
constexpr std::array<std::string_view, 20> ignored_on_all{
    "accept_ra",
    "accept_ra_defrtr",
    "accept_ra_from_local",
    "accept_ra_min_hop_limit",
    "accept_ra_mtu",
    "accept_ra_pinfo",
    "accept_ra_rt_info_max_plen",
    "accept_ra_rtr_pref",
    "accept_redirects",
    "autoconf",
    "dad_transmits",
    "hop_limit",
    "max_addresses",
    "mtu",
    "router_solicitation_delay",
    "router_solicitation_interval",
    "router_solicitations",
    "temp_prefered_lft",
    "temp_valid_lft",
    "use_tempaddr",
};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name)
{
    return std::ranges::find(names, name) != names.end();
}

struct ConfKey {
    std::string_view directory, leaf; // "net.ipv4.conf.", "rp_filter"
    std::string of(std::string_view interface) const { return fmt::format("{}{}.{}", directory, interface, leaf); }
};

std::optional<ConfKey> conf_key(const Setting& setting)
{
    constexpr std::array<std::string_view, 2> directories{"net.ipv4.conf.", "net.ipv6.conf."};
    if (setting.interface.empty() || setting.exclusion) return std::nullopt;
    const std::string_view key = setting.key;
    for (const std::string_view directory : directories)
        if (key.starts_with(directory)) return ConfKey{directory, key.substr(key.rfind('.') + 1)};
    return std::nullopt;
}

bool is_four(const ConfKey& key) { return key.directory == "net.ipv4.conf."; }

// Do the files also say it for interfaces: by default, by a glob, or one by one?
bool said_for_interfaces(const ConfKey& key, const Scene& scene)
{
    if (scene.has(key.of("default")) || scene.has(key.of("*"))) return true;
    return std::ranges::any_of(scene.settings(), [&](const Setting& other) {
        return other.interface != "all" && !other.interface.empty() && other.key.starts_with(key.directory) &&
               other.key.substr(other.key.rfind('.') + 1) == key.leaf;
    });
}

// A router takes redirects only where `all` and the interface both say so: then a 0 on `all` is enough.
bool router_needs_both(const ConfKey& key, const Scene& scene)
{
    const bool router = scene.number("net.ipv4.ip_forward") == std::optional<std::int64_t>(1) ||
                        scene.number("net.ipv4.conf.all.forwarding") == std::optional<std::int64_t>(1);
    return router && key.leaf == "accept_redirects";
}

Remark all_remark(const Setting& setting, const ConfKey& key, std::string why)
{
    return {setting.key_at,
            fmt::format("{} = {} does not reach the interfaces", setting.key, setting.value),
            std::move(why),
            add_line(setting, fmt::format("{} = {}", key.of("default"), setting.value)),
            {}};
}

} // namespace

Verdict judge_all_scope(const Setting& setting, const Scene& scene)
{
    const auto key = conf_key(setting);
    if (!key || setting.interface != "all" || setting.numbers.size() != 1) return std::nullopt;
    const bool on = setting.numbers[0] != 0;
    const bool or_trap = is_four(*key) && !on && contains(or_keys_on, key->leaf) && !router_needs_both(*key, scene);
    const bool and_trap = is_four(*key) && on && contains(and_keys_off, key->leaf);
    const bool six_trap = !is_four(*key) && contains(ignored_on_all, key->leaf);
    const bool max_trap = is_four(*key) && !on && key->leaf == "rp_filter";
    if ((!or_trap && !and_trap && !six_trap && !max_trap) || said_for_interfaces(*key, scene)) return std::nullopt;
    if (or_trap)
        return all_remark(setting, *key,
                          "It is on where `all` or the interface says 1, and interfaces say 1 by themselves. Set "
                          "`default` as well, and the interfaces that are there already.");
    if (and_trap)
        return all_remark(
            setting, *key,
            "It is on only where `all` and the interface both say 1, and interfaces say 0 by themselves.");
    if (six_trap)
        return all_remark(setting, *key,
                          "For this key IPv6 reads the interface's own value alone; `all` changes nothing. Set "
                          "`default` for interfaces to come and the others by name or with `*`.");
    Remark remark = all_remark(setting, *key,
                               "The greater of `all` and the interface's value counts, and systemd gives interfaces 2: "
                               "a 0 here switches nothing off.");
    remark.level = Level::Note;
    return remark;
}

Verdict judge_default_scope(const Setting& setting, const Scene& scene)
{
    const auto key = conf_key(setting);
    if (!key || setting.interface != "default" || setting.numbers.size() != 1 || setting.numbers[0] == 0)
        return std::nullopt;
    if (!is_four(*key) || !contains(max_keys, key->leaf)) return std::nullopt;
    if (scene.has(key->of("all")) || scene.has(key->of("*"))) return std::nullopt;
    return Remark{setting.key_at,
                  fmt::format("{} reaches only interfaces that appear later", setting.key),
                  "Those that are there when sysctls are applied keep what they have.",
                  add_line(setting, fmt::format("{} = {}", key->of("all"), setting.value)),
                  {}};
}

Verdict judge_exempt_interface(const Setting& setting, const Scene& scene)
{
    const auto key = conf_key(setting);
    if (!key || !is_four(*key) || setting.interface == "all" || setting.numbers.size() != 1) return std::nullopt;
    const auto all = scene.number(key->of("all"));
    if (!all) return std::nullopt;
    const bool lower_than_all = contains(max_keys, key->leaf) && setting.numbers[0] < *all;
    const bool off_under_or =
        contains(or_keys_on, key->leaf) && setting.equals(0) && *all != 0 && !router_needs_both(*key, scene);
    const bool loosened = key->leaf == "rp_filter" && *all == 1 && setting.equals(2);
    if (!lower_than_all && !off_under_or && !loosened) return std::nullopt;
    const Setting& other = *scene.last(key->of("all"));
    return Remark{
        setting.key_at,
        fmt::format("{} = {} and {} = {} ({}): {} counts", setting.key, setting.value, other.key, *all,
                    scene.where(other, setting),
                    off_under_or ? "the 1" : fmt::format("the greater, {}", std::max(*all, setting.numbers[0]))),
        loosened ? "2 is the loose check although it is the greater number: strict filtering is lost."
                 : "An interface cannot be exempted below what `all` says: lower `all` and set the others.",
        no_fix("set `all` to the smaller value and each interface to its own"),
        {}};
}

} // namespace netwright::lint
