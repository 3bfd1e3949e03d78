// SPDX-License-Identifier: GPL-2.0-or-later
// One function a rival: NetworkManager, networkd, tuned, udev rules, ifupdown, cloud-init, docker.
#include "host/rivals.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace netwright::host {
namespace {

using kernel::Files;
using Line = std::optional<std::string>;

// "mtu" of link/eth0/mtu, "ring" of nic/eth0/ring/rx, "rps_cpus" of queue/eth0/rx-0/rps_cpus.
std::string word_of(const Tunable& tunable)
{
    const std::string text = to_text(tunable);
    const auto parts = split(text, '/');
    if (const auto* nic = std::get_if<NicSetting>(&tunable)) return nic->group;
    return std::string(parts.back());
}

bool is_mtu(const Tunable& tunable)
{
    const auto* link = std::get_if<LinkSetting>(&tunable);
    return link && link->what == LinkSetting::What::Mtu;
}

bool is_device(const Tunable& tunable) { return is_mtu(tunable) || std::holds_alternative<NicSetting>(tunable); }

std::string index_of(const Files& files, const Tunable& tunable)
{
    return files.read_line(fmt::format("sys/class/net/{}/ifindex", interface_of(tunable))).value_or("");
}

// The value of "KEY=" among the lines of a file.
std::string entry(std::string_view text, std::string_view key)
{
    for (std::string_view line; next_line(text, line);)
        if (line.starts_with(key) && line.substr(key.size()).starts_with('='))
            return std::string(line.substr(key.size() + 1));
    return {};
}

// A line that is no comment and holds this word.
bool says(std::string_view text, std::string_view word)
{
    for (std::string_view line; next_line(text, line);)
        if (!trim(line).starts_with('#') && line.find(word) != std::string_view::npos) return true;
    return false;
}

// "#   link/eth0/mtu": a setting that a file of ours names.
bool names(std::string_view text, const std::string& address)
{
    for (std::string_view line; next_line(text, line);)
        if (line.starts_with('#') && trim(line.substr(1)) == address) return true;
    return false;
}

Line network_manager(const Files& files, const Tunable& tunable)
{
    if (!is_device(tunable)) return std::nullopt;
    const auto device = files.read("run/NetworkManager/devices/" + index_of(files, tunable));
    if (!device || entry(*device, "managed") != "true") return std::nullopt;
    const auto script = files.read("etc/NetworkManager/dispatcher.d/50-netwright");
    const bool ours = script && names(*script, to_text(tunable));
    return fmt::format("NetworkManager manages {}: its connection may set the MTU, rings, coalescing and offloads each "
                       "time it comes up (nmcli -f 802-3-ethernet.mtu,ethtool connection show {}){}",
                       interface_of(tunable), entry(*device, "connection-uuid"),
                       ours ? "; our dispatcher script sets it again after that" : "");
}

Line networkd(const Files& files, const Tunable& tunable)
{
    if (!is_mtu(tunable)) return std::nullopt;
    const auto link = files.read("run/systemd/netif/links/" + index_of(files, tunable));
    const std::string network = link ? entry(*link, "NETWORK_FILE") : "";
    if (network.empty()) return std::nullopt;
    const std::string name(network.substr(network.rfind('/') + 1));
    if (files.exists(fmt::format("etc/systemd/network/{}.d/90-netwright.conf", name))) return std::nullopt; // ours
    const auto text = files.read(network.substr(1));
    if (!text || !says(*text, "MTUBytes=")) return std::nullopt;
    return fmt::format("systemd-networkd sets the MTU of {} ({})", interface_of(tunable), network);
}

// ── tuned ─────────────────────────────────────────────────────────────────────────────────────────────────────────

// What tuned's [net] plugin can set, by our groups.
bool in_net_plugin(std::string_view text, const Tunable& tunable)
{
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> words{{{"offload", "features"},
                                                                                  {"coalesce", "coalesce"},
                                                                                  {"ring", "ring"},
                                                                                  {"queues", "channels"},
                                                                                  {"pause", "pause"}}};
    const std::string group = word_of(tunable);
    const auto found =
        std::ranges::find(words, std::string_view(group), &std::pair<std::string_view, std::string_view>::first);
    return std::holds_alternative<NicSetting>(tunable) && found != words.end() && says(text, "[net]") &&
           says(text, found->second);
}

bool sets(std::string_view text, const Tunable& tunable)
{
    const auto* key = std::get_if<SysctlKey>(&tunable);
    if (!key) return in_net_plugin(text, tunable);
    for (std::string_view line; next_line(text, line);)
        if (trim(line.substr(0, line.find('='))) == key->name && line.find('=') != std::string_view::npos) return true;
    return false;
}

// A profile includes others by name; two that include each other end the walk.
Line in_profile(const Files& files, const std::string& profile, const Tunable& tunable, std::set<std::string>& seen)
{
    if (profile.empty() || profile.find('/') != std::string::npos || !seen.insert(profile).second) return std::nullopt;
    for (const std::string_view place :
         {"etc/tuned", "etc/tuned/profiles", "usr/lib/tuned", "usr/lib/tuned/profiles"}) {
        const std::string path = fmt::format("{}/{}/tuned.conf", place, profile);
        const auto text = files.read(path);
        if (!text) continue;
        if (sets(*text, tunable)) return fmt::format("tuned profile {} sets it (/{})", profile, path);
        return in_profile(files, entry(*text, "include"), tunable, seen);
    }
    return std::nullopt;
}

Line tuned(const Files& files, const Tunable& tunable)
{
    const auto active = files.read_line("etc/tuned/active_profile");
    if (!active) return std::nullopt;
    std::set<std::string> seen;
    for (const std::string_view profile : split_words(*active))
        if (Line line = in_profile(files, std::string(profile), tunable, seen)) return line;
    return std::nullopt;
}

// ── files that people write ───────────────────────────────────────────────────────────────────────────────────────

// The word by which a udev rule or a script would set it.
std::string script_word(const Tunable& tunable)
{
    if (std::holds_alternative<NicSetting>(tunable)) return "ethtool";
    if (const auto* key = std::get_if<SysctlKey>(&tunable)) return key->name;
    const std::string word = word_of(tunable);
    return word == "txqueuelen" ? "tx_queue_len" : word;
}

Line udev_rule(const Files& files, const Tunable& tunable)
{
    for (const std::string_view place : {"etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d"})
        for (const std::string& name : files.list(place).value_or(std::vector<std::string>{})) {
            const std::string path = fmt::format("{}/{}", place, name);
            if (!name.ends_with(".rules")) continue;
            if (const auto text = files.read(path); text && says(*text, script_word(tunable)))
                return fmt::format("the udev rules of /{} may set it ({})", path, script_word(tunable));
        }
    return std::nullopt;
}

Line ifupdown(const Files& files, const Tunable& tunable)
{
    if (interface_of(tunable).empty()) return std::nullopt;
    const auto text = files.read("etc/network/interfaces");
    if (!text || !says(*text, interface_of(tunable)) || !says(*text, script_word(tunable))) return std::nullopt;
    return fmt::format("ifup may set it for {} (/etc/network/interfaces: {})", interface_of(tunable),
                       script_word(tunable));
}

Line cloud_init(const Files& files, const Tunable& tunable)
{
    if (!is_mtu(tunable)) return std::nullopt;
    for (const std::string path : {"etc/netplan/50-cloud-init.yaml", "etc/network/interfaces.d/50-cloud-init"})
        if (const auto text = files.read(path); text && says(*text, "mtu"))
            return fmt::format("cloud-init writes the MTU anew at boot (/{})", path);
    return std::nullopt;
}

Line docker(const Files& files, const Tunable& tunable)
{
    const auto* key = std::get_if<SysctlKey>(&tunable);
    constexpr std::array<std::string_view, 4> its_own{"net.ipv4.ip_forward", "net.ipv4.conf.*.forwarding",
                                                      "net.ipv6.conf.*.forwarding", "net.bridge.bridge-nf-call-*"};
    const bool touches =
        key && std::ranges::any_of(its_own, [&](std::string_view glob) { return glob_match(glob, key->name); });
    if (!touches || !files.exists("run/docker.pid")) return std::nullopt;
    return "docker switches it on when it starts";
}

constexpr std::array rivals{network_manager, networkd, tuned, udev_rule, ifupdown, cloud_init, docker};

} // namespace

std::vector<std::string> rivals_for(const Files& files, const Tunable& tunable)
{
    std::vector<std::string> lines;
    for (const auto rival : rivals)
        if (Line line = rival(files, tunable)) lines.push_back(std::move(*line));
    return lines;
}

} // namespace netwright::host
