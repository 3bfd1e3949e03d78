// SPDX-License-Identifier: GPL-2.0-or-later
// What is around the kernel: a hypervisor, a container, a cloud, another network namespace. Each sets limits that no
// sysctl can lift, so findings must know of them.
#include "base/text.h"
#include "host/collect.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace netwright::host {
namespace {

constexpr std::string_view dmi_directory = "sys/class/dmi/id";

// The strings the firmware gives about itself, those that anybody may read.
struct Firmware {
    std::string vendor, product, board_vendor, bios_vendor, chassis_tag, tree_model;
    bool seen = false;  // there was a DMI table or a device tree
    bool asked = false; // sysfs is mounted, so their absence means something
};

std::string read_word(const kernel::Files& files, const std::string& path, bool& seen)
{
    const auto line = files.read_line(path);
    seen = seen || line.has_value();
    return line ? std::string(trim(std::string_view(*line).substr(0, line->find('\0')))) : "";
}

Firmware read_firmware(const kernel::Files& files)
{
    Firmware firmware;
    firmware.asked = files.exists("sys/devices") || files.exists("sys/class");
    const auto dmi = [&](std::string_view name) {
        return read_word(files, fmt::format("{}/{}", dmi_directory, name), firmware.seen);
    };
    firmware.vendor = dmi("sys_vendor");
    firmware.product = dmi("product_name");
    firmware.board_vendor = dmi("board_vendor");
    firmware.bios_vendor = dmi("bios_vendor");
    firmware.chassis_tag = dmi("chassis_asset_tag");
    firmware.tree_model = read_word(files, "proc/device-tree/hypervisor/compatible", firmware.seen);
    return firmware;
}

// A row of knowledge: this text in this field means that word.
struct Sign {
    std::string Firmware::* field;
    std::string_view text;
    std::string_view meaning;
};

constexpr std::array<Sign, 17> hypervisor_signs{{
    {&Firmware::product, "KVM", "kvm"},
    {&Firmware::vendor, "QEMU", "kvm"},
    {&Firmware::vendor, "Amazon EC2", "kvm"}, // Nitro; its Xen generation says "Xen" in the BIOS vendor, judged first
    {&Firmware::vendor, "Google", "kvm"},
    {&Firmware::vendor, "VMware", "vmware"},
    {&Firmware::board_vendor, "VMware", "vmware"},
    {&Firmware::product, "VirtualBox", "virtualbox"},
    {&Firmware::vendor, "innotek GmbH", "virtualbox"},
    {&Firmware::vendor, "Xen", "xen"},
    {&Firmware::vendor, "Parallels", "parallels"},
    {&Firmware::product, "BHYVE", "bhyve"},
    {&Firmware::vendor, "DigitalOcean", "kvm"},
    {&Firmware::vendor, "Hetzner", "kvm"},
    {&Firmware::vendor, "OpenStack", "kvm"},
    {&Firmware::product, "OpenStack", "kvm"},
    {&Firmware::vendor, "Alibaba Cloud", "kvm"},
    {&Firmware::tree_model, "kvm", "kvm"},
}};

// Azure's chassis tag tells it from Hyper-V elsewhere (as cloud-init's DataSourceAzure does).
constexpr std::string_view azure_tag = "7783-7084-3265-9085-8269-3286-77";

constexpr std::array<Sign, 20> cloud_signs{{
    {&Firmware::vendor, "Amazon EC2", "aws"},
    {&Firmware::bios_vendor, "Amazon EC2", "aws"},
    {&Firmware::bios_vendor, "amazon", "aws"},
    {&Firmware::vendor, "Google", "gcp"},
    {&Firmware::chassis_tag, azure_tag, "azure"},
    {&Firmware::vendor, "DigitalOcean", "digitalocean"},
    {&Firmware::vendor, "Hetzner", "hetzner"},
    {&Firmware::vendor, "Alibaba Cloud", "alibaba"},
    {&Firmware::chassis_tag, "OracleCloud.com", "oracle"},
    {&Firmware::vendor, "Scaleway", "scaleway"},
    {&Firmware::vendor, "Vultr", "vultr"},
    {&Firmware::vendor, "Linode", "linode"},
    {&Firmware::vendor, "Akamai", "linode"},
    {&Firmware::vendor, "Exoscale", "exoscale"},
    {&Firmware::vendor, "UpCloud", "upcloud"},
    {&Firmware::vendor, "Tencent Cloud", "tencent"},
    {&Firmware::vendor, "HUAWEICLOUD", "huawei"},
    {&Firmware::chassis_tag, "HUAWEICLOUD", "huawei"},
    {&Firmware::vendor, "OpenStack", "openstack"},
    {&Firmware::product, "OpenStack", "openstack"},
}};

template <class Signs>
std::optional<std::string> meaning(const Firmware& firmware, const Signs& signs)
{
    for (const Sign& sign : signs)
        if ((firmware.*sign.field).starts_with(sign.text)) return std::string(sign.meaning);
    return std::nullopt;
}

// The CPU says so itself: bit 31 of CPUID leaf 1, shown as a flag (arch/x86/include/asm/cpufeatures.h).
bool has_hypervisor_flag(std::string_view cpuinfo)
{
    for (std::string_view line, word; next_line(cpuinfo, line);) {
        if (!line.starts_with("flags")) continue;
        while (next_word(line, word))
            if (word == "hypervisor") return true;
        return false;
    }
    return false;
}

Result<std::string> virtualisation(const kernel::Files& files, const Firmware& firmware)
{
    const auto xen = files.read_line("sys/hypervisor/type");
    if (xen) return *xen;
    // Hyper-V's guests and its hosts carry the same vendor: only the model says "Virtual Machine".
    if (firmware.vendor == "Microsoft Corporation" && firmware.product == "Virtual Machine") return "hyperv";
    if (auto known = meaning(firmware, hypervisor_signs); known && !firmware.product.ends_with(".metal")) return *known;
    const auto command_line = files.read_line("proc/cmdline");
    if (command_line && command_line->find("firecracker") != std::string::npos) return "firecracker";
    const std::string cpuinfo = TRY(files.read("proc/cpuinfo"));
    if (has_hypervisor_flag(cpuinfo)) return "virtual";
    // Without that flag's row (arm64) and without firmware strings nothing was learnt.
    if (cpuinfo.find("\nflags") == std::string::npos && !firmware.seen)
        return fail(Error::Kind::Absent, "neither the CPU nor the firmware says whether this is a virtual machine");
    return "none";
}

Result<std::string> cloud(const Firmware& firmware)
{
    if (auto known = meaning(firmware, cloud_signs)) return *known;
    if (!firmware.asked) return fail(Error::Kind::Absent, "no /sys: the firmware's name cannot be read");
    return "none";
}

struct Mark {
    std::string_view path, meaning;
};

constexpr std::array<Mark, 2> container_files{{{"run/.containerenv", "podman"}, {".dockerenv", "docker"}}};

struct Hint {
    std::string_view text, meaning;
};

// Parts of a cgroup path that runtimes choose.
constexpr std::array<Hint, 6> cgroup_hints{{
    {"kubepods", "kubernetes"},
    {"/docker", "docker"},
    {"libpod", "podman"},
    {"/lxc", "lxc"},
    {"machine.slice/systemd-nspawn", "systemd-nspawn"},
    {"/containerd", "container"},
}};

std::optional<std::string> environment_value(std::string_view environment, std::string_view name)
{
    for (const std::string_view entry : split(environment, '\0'))
        if (entry.starts_with(name) && entry.substr(name.size()).starts_with('='))
            return std::string(entry.substr(name.size() + 1));
    return std::nullopt;
}

// Kernel threads are only seen from the first PID namespace. A container may share it (--pid=host), but then its root
// is an overlay; a virtual machine whose image was built by docker has neither, only docker's leftover files.
bool looks_contained(const kernel::Files& files)
{
    if (files.read_line("proc/2/comm") != Result<std::string>("kthreadd")) return true;
    const auto mounts = files.read("proc/self/mountinfo");
    std::string_view rest = mounts ? std::string_view(*mounts) : "", line;
    while (next_line(rest, line))
        if (line.find(" / / ") != std::string_view::npos && line.find(" - overlay ") != std::string_view::npos)
            return true;
    return false;
}

// What a runtime wrote down for us, most telling first.
std::optional<std::string> declared_container(const kernel::Files& files, std::string_view environment)
{
    if (files.exists("var/run/secrets/kubernetes.io") || environment_value(environment, "KUBERNETES_SERVICE_HOST"))
        return "kubernetes";
    if (files.is_live() && ::getenv("KUBERNETES_SERVICE_HOST") != nullptr) return "kubernetes"; // our own, in a pod
    if (auto word = environment_value(environment, "container"); word && !word->empty()) return *word;
    if (!looks_contained(files)) return std::nullopt;
    for (const Mark& mark : container_files)
        if (files.exists(mark.path)) return std::string(mark.meaning);
    if (auto word = files.read_line("run/systemd/container"); word && !word->empty()) return *word;
    return std::nullopt;
}

Result<std::string> container(const kernel::Files& files)
{
    const auto environment = files.read("proc/1/environ"); // needs root: the other signs may do
    if (auto word = declared_container(files, environment.value_or(""))) return *word;
    const auto cgroup = files.read("proc/1/cgroup");
    for (const Hint& hint : cgroup_hints)
        if (cgroup && cgroup->find(hint.text) != std::string::npos) return std::string(hint.meaning);
    if (!environment && !cgroup) return std::unexpected(environment.error());
    return "none";
}

// Only the first network namespace has the host-wide keys of net.core (net/core/sysctl_net_core.c). PID 1 proves
// nothing: in a container it is in the container's namespace.
Result<std::string> network_namespace(const kernel::Files& files)
{
    if (files.exists("proc/sys/net/core/netdev_max_backlog")) return "init";
    if (!files.exists("proc/sys/net/core"))
        return fail(Error::Kind::Absent, files.display("proc/sys/net/core") + " is not there");
    return files.link(files.is_live() ? "proc/thread-self/ns/net" : "proc/self/ns/net");
}

std::string hostname(const kernel::Files& files)
{
    return files.read_line("proc/sys/kernel/hostname").value_or(files.read_line("etc/hostname").value_or(""));
}

} // namespace

Surroundings collect_surroundings(const kernel::Kernel& kernel)
{
    const kernel::Files& files = kernel.files;
    const Firmware firmware = read_firmware(files);
    Surroundings around;
    around.hostname = hostname(files);
    around.machine_id = files.read_line("etc/machine-id");
    around.virtualisation = virtualisation(files, firmware);
    around.container = container(files);
    around.cloud = cloud(firmware);
    around.network_namespace = network_namespace(files);
    around.effective_user = files.is_live() ? ::geteuid() : 0;
    return around;
}

} // namespace netwright::host
