// SPDX-License-Identifier: GPL-2.0-or-later
// Services that tune, steer or depend on the network stack: what they own must not be changed behind their backs.
#include "base/text.h"
#include "host/collect.h"
#include "host/processes.h"
#include "model/drop_in.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::host {
namespace {

using Detail = std::optional<std::string> (*)(const kernel::Files&, std::optional<std::uint64_t> pid);

// /etc/tuned/active_profile survives tuned's end: it says what was applied last.
std::optional<std::string> tuned_profile(const kernel::Files& files, std::optional<std::uint64_t>)
{
    auto profile = files.read_line("etc/tuned/active_profile");
    if (!profile || trim(*profile).empty()) return std::nullopt;
    return std::string(trim(*profile));
}

// What it was started with, without its own name.
std::optional<std::string> arguments(const kernel::Files& files, std::optional<std::uint64_t> pid)
{
    if (!pid) return std::nullopt;
    auto line = files.read(fmt::format("proc/{}/cmdline", *pid));
    if (!line) return std::nullopt;
    std::ranges::replace(*line, '\0', ' ');
    std::string_view rest = *line, own_name;
    next_word(rest, own_name);
    rest = trim(rest).substr(0, 1024);
    return rest.empty() ? std::nullopt : std::optional<std::string>(rest);
}

struct Known {
    std::string_view command; // as /proc/PID/comm cuts it, at 15 bytes
    std::string_view name;
    Detail detail;
};

constexpr std::array<Known, 22> known_services{{
    {"irqbalance", "irqbalance", arguments},
    {"tuned", "tuned", tuned_profile},
    {"NetworkManager", "NetworkManager", nullptr},
    {"systemd-network", "systemd-networkd", nullptr},
    {"dockerd", "docker", nullptr},
    {"containerd", "containerd", nullptr},
    {"kubelet", "kubelet", nullptr},
    {"k3s-server", "k3s", nullptr},
    {"k3s-agent", "k3s", nullptr},
    {"kube-proxy", "kube-proxy", arguments},
    {"cilium-agent", "cilium", nullptr},
    {"calico-node", "calico", nullptr},
    {"flanneld", "flannel", nullptr},
    {"antrea-agent", "antrea", nullptr},
    {"firewalld", "firewalld", nullptr},
    {"ovs-vswitchd", "openvswitch", nullptr},
    {"keepalived", "keepalived", nullptr},
    {"wickedd", "wicked", nullptr},
    {"dhcpcd", "dhcpcd", nullptr},
    {"libvirtd", "libvirt", nullptr},
    {"numad", "numad", nullptr},
    {"bpftune", "bpftune", nullptr},
}};

} // namespace

Result<std::vector<Service>> collect_services(const kernel::Kernel& kernel)
{
    const auto processes = TRY(list_processes(kernel.files));
    std::vector<Service> services;
    for (const Known& known : known_services) {
        const auto process = std::ranges::find(processes, known.command, &Process::command);
        Service service{std::string(known.name), process != processes.end(), std::nullopt, std::nullopt};
        if (service.running) service.pid = process->pid;
        if (known.detail) service.detail = known.detail(kernel.files, service.pid);
        const bool twice = !services.empty() && services.back().name == service.name;
        if ((service.running || service.detail) && !twice) services.push_back(std::move(service));
    }
    return services;
}

Result<std::vector<DropInSetting>> collect_drop_ins(const kernel::Kernel& kernel)
{
    std::vector<DropInSetting> settings;
    const auto names = kernel.files.list("etc/systemd/system");
    if (!names && names.error().kind == Error::Kind::Absent) return settings;
    for (const std::string& name : TRY(names)) {
        if (!name.ends_with(".service.d")) continue;
        const std::string unit = name.substr(0, name.size() - 2);
        const auto text = kernel.files.read(drop_in_path(unit)); // most drop-ins are not ours
        for (const auto& [key, value] : parse_drop_in(text ? std::string_view(*text) : std::string_view()))
            settings.push_back({unit, key, value});
    }
    return settings;
}

} // namespace netwright::host
