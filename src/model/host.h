// SPDX-License-Identifier: GPL-2.0-or-later
// The machine under the network: kernel, CPUs, memory, surroundings, services, limits.
#pragma once

#include "base/cpu_set.h"
#include "base/kernel_version.h"
#include "base/units.h"
#include "model/counter.h"
#include "model/reading.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netwright {

struct ConfigOption {
    std::string name, value; // "CONFIG_HZ" = "250"; "y", "m" or a literal
    bool operator==(const ConfigOption&) const = default;
};

struct KernelFacts {
    std::string release;                            // uname -r
    Result<KernelVersion> version = unseen();       // parsed from release
    std::string architecture;                       // uname -m
    Result<std::string> command_line = unseen();    // /proc/cmdline
    Result<std::string> boot_id = unseen();         // /proc/sys/kernel/random/boot_id
    Result<std::chrono::seconds> uptime = unseen(); // /proc/uptime
    Result<std::vector<ConfigOption>> config =
        unseen(); // /proc/config.gz or /boot/config-<release>; networking options and HZ
    Result<std::vector<std::string>> modules = unseen(); // names in /proc/modules
    Result<bool> btf = unseen();                         // /sys/kernel/btf/vmlinux is there
    bool operator==(const KernelFacts&) const = default;
};

struct Surroundings {
    std::string hostname;
    Result<std::string> machine_id = unseen();     // /etc/machine-id
    Result<std::string> virtualisation = unseen(); // "none", "kvm", "vmware", "hyperv", "xen", "firecracker", "virtual"
    Result<std::string> container =
        unseen(); // "none", "docker", "podman", "lxc", "systemd-nspawn", "kubernetes", "container"
    Result<std::string> cloud = unseen(); // "none", "aws", "gcp", "azure", "digitalocean", …, from DMI
    // "init", or "net:[4026532201]" for any other namespace.
    Result<std::string> network_namespace = unseen();
    std::uint64_t effective_user = 0;
    bool operator==(const Surroundings&) const = default;
};

struct Cpu {
    unsigned number = 0;
    unsigned node = 0;    // NUMA node
    unsigned package = 0; // socket
    unsigned core = 0;    // core id within the package
    CpuSet siblings;      // hyper-threads of the same core, itself included
    bool operator==(const Cpu&) const = default;
};

struct IdleState {                // cpuidle: the deeper, the more power is saved and the longer waking up takes
    std::string name;             // "POLL", "C1E", "C6"
    std::uint64_t latency_us = 0; // to wake up from it, as the driver tells
    bool enabled = true;
    bool operator==(const IdleState&) const = default;
};

struct CpuPower { // of CPUs that are set alike
    CpuSet cpus;
    Result<std::string> driver = unseen();   // cpufreq: "intel_pstate", "acpi-cpufreq"; Absent in most guests
    Result<std::string> governor = unseen(); // "powersave", "performance"
    std::vector<IdleState> idle_states;      // by number; empty: the kernel does not manage them (most guests)
    bool operator==(const CpuPower&) const = default;
};

struct Topology {
    CpuSet online, possible;
    CpuSet isolated;                         // isolcpus= (/sys/devices/system/cpu/isolated)
    CpuSet nohz_full;                        // /sys/devices/system/cpu/nohz_full
    CpuSet allowed;                          // Cpus_allowed_list of this process: its cpuset
    std::vector<Cpu> cpus;                   // online ones, by number
    std::vector<unsigned> nodes;             // NUMA nodes that are online
    Result<std::string> governor = unseen(); // cpufreq governor of CPU 0; Absent in most guests
    Result<std::vector<CpuPower>> power = unseen();
    bool operator==(const Topology&) const = default;
};

struct Memory {
    Bytes total, available;
    Bytes page_size;
    Bytes huge_page_size;
    std::uint64_t huge_pages = 0;
    bool operator==(const Memory&) const = default;
};

// One CPU's time, in USER_HZ ticks (1/100 s), from /proc/stat.
struct CpuTimes {
    unsigned cpu = 0;
    Counter user, nice, system, idle, iowait, irq, softirq, steal;
    bool operator==(const CpuTimes&) const = default;
};

// One resource of /proc/pressure: share of time some or all tasks waited, in percent over the last 10 s.
struct Pressure {
    double some_avg10 = 0, full_avg10 = 0;
    Counter some_total_us, full_total_us;
    bool operator==(const Pressure&) const = default;
};

struct PressureSet {
    Result<Pressure> cpu = unseen(), memory = unseen(), io = unseen();
    bool operator==(const PressureSet&) const = default;
};

struct InterruptLine {
    std::string id; // "24", "NMI"
    std::string
        description; // chip, hwirq and action as the kernel prints them: "PCI-MSIX-0000:00:03.0 1-edge virtio0-input.0"
    std::vector<Counter> per_cpu; // in the order of InterruptTable::cpus
    bool operator==(const InterruptLine&) const = default;
};

struct InterruptTable {         // /proc/interrupts and /proc/softirqs
    std::vector<unsigned> cpus; // the columns: online CPUs
    std::vector<InterruptLine> lines;
    bool operator==(const InterruptTable&) const = default;
};

// A service that tunes, steers or depends on the network stack.
struct Service {
    std::string name; // "irqbalance", "tuned", "NetworkManager", "systemd-networkd", "docker", "kubelet", …
    bool running = false;
    std::optional<std::uint64_t> pid;
    std::optional<std::string> detail; // tuned: the active profile; irqbalance: its arguments
    bool operator==(const Service&) const = default;
};

// A line of one of our own drop-ins below /etc/systemd/system.
struct DropInSetting {
    std::string unit;        // "nginx.service"
    std::string name, value; // "LimitNOFILE", "65536"
    bool operator==(const DropInSetting&) const = default;
};

// Limits of a process that holds listening sockets.
struct ProcessLimits {
    std::uint64_t pid = 0;
    std::string command;
    Result<std::uint64_t> open_files = unseen();  // entries in /proc/PID/fd
    Result<std::uint64_t> nofile_soft = unseen(); // RLIMIT_NOFILE; unlimited is 2^64-1
    Result<std::uint64_t> nofile_hard = unseen();
    Result<CpuSet> cpus_allowed = unseen();
    Result<std::string> cgroup = unseen(); // its path in the unified hierarchy, "/" if only v1
    bool operator==(const ProcessLimits&) const = default;
};

struct FileTable { // /proc/sys/fs/file-nr
    std::uint64_t allocated = 0, limit = 0;
    bool operator==(const FileTable&) const = default;
};

} // namespace netwright
