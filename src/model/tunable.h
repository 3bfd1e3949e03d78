// SPDX-License-Identifier: GPL-2.0-or-later
// One place in the kernel that can be set, its text form that people type, and the values such places take.
#pragma once

#include "base/cpu_set.h"
#include "base/error.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace netwright {

// "sysctl/net.ipv4.tcp_rmem". Dots separate; a dot inside an interface name is written as a slash:
// net.ipv4.conf.eth0/100.rp_filter
struct SysctlKey {
    std::string name;
    auto operator<=>(const SysctlKey&) const = default;
};

// "link/eth0/mtu" (bytes), "link/eth0/txqueuelen" (packets), "link/eth0/gso_max_size" …: what every interface has
struct LinkSetting {
    enum class What {
        Mtu,
        TxQueueLength,
        GsoMaxSize,
        GsoMaxSegments,
        GroMaxSize,
        GsoIpv4MaxSize,
        GroIpv4MaxSize,
        GroFlushTimeout,
        NapiDeferHardIrqs,
        Threaded
    };
    std::string nic;
    What what = What::Mtu;
    auto operator<=>(const LinkSetting&) const = default;
};

// "queue/eth0/rx-0/rps_cpus", "queue/eth0/rx-0/rps_flow_cnt", "queue/eth0/tx-0/xps_cpus", "queue/eth0/tx-0/xps_rxqs"
struct QueueSetting {
    enum class What { RpsCpus, RpsFlowCount, XpsCpus, XpsRxQueues };
    std::string nic;
    std::string queue; // "rx-0", "tx-1"
    What what = What::RpsCpus;
    auto operator<=>(const QueueSetting&) const = default;
};

// What a driver lets be set: "nic/eth0/ring/rx", "nic/eth0/offload/tx-tcp-segmentation", "nic/eth0/speed" (no name).
// The groups, each a kind of its own, are rows of tunable_nic.cpp.
struct NicSetting {
    std::string nic;
    std::string group; // "ring", "offload", "vf-0"
    std::string name;  // "rx"; "" where the group is one setting
    auto operator<=>(const NicSetting&) const = default;
};

// "qdisc/eth0/root", "qdisc/eth0/tx-0"
struct QdiscPlace {
    std::string nic;
    std::string place; // "root", "tx-0"
    auto operator<=>(const QdiscPlace&) const = default;
};

// "route/default/initcwnd", "route/10.0.0.0/8@eth1/mtu", "route/::/0@table:100@metric:50/congctl"
struct RouteSetting {
    static constexpr std::uint32_t main_table = 254;
    std::string destination; // a prefix as base/ip_prefix.h writes it
    std::string nic;         // "": whichever
    std::uint32_t table = main_table;
    std::optional<std::uint32_t> priority; // where several routes have the prefix
    std::string metric;                    // "initcwnd"
    auto operator<=>(const RouteSetting&) const = default;
};

// "rule/ipv4/10010": a policy routing rule, by its priority
struct RuleSlot {
    bool is_ipv6 = false;
    std::uint32_t priority = 0;
    auto operator<=>(const RuleSlot&) const = default;
};

// "table/210/default": a route in a table of our own
struct TableRoute {
    std::uint32_t table = 0;
    std::string destination;
    auto operator<=>(const TableRoute&) const = default;
};

// "notrack/tcp/80"
struct NotrackPort {
    std::string protocol; // "tcp", "udp"
    std::uint16_t port = 0;
    auto operator<=>(const NotrackPort&) const = default;
};

// "mptcp/endpoint/192.0.2.10", "mptcp/limit/subflows"
struct MptcpSetting {
    std::string group; // "endpoint", "limit"
    std::string name;
    auto operator<=>(const MptcpSetting&) const = default;
};

// "congestion/443", "congestion/10.0.0.0/8@system.slice/nginx.service"
struct CongestionAddress {
    std::string target; // a prefix, or a port
    std::string cgroup; // below the unified hierarchy; "": all of it
    auto operator<=>(const CongestionAddress&) const = default;
};

// "irq/38/affinity", or "irq/eth0-TxRx-3/affinity": the CPUs that may take an interrupt
struct InterruptAffinity {
    std::string line; // its number, or its name as in /proc/interrupts: numbers may be others after the next boot
    auto operator<=>(const InterruptAffinity&) const = default;
};

// "cpu/0/governor", "cpu/0/idle-state-2"
struct CpuSetting {
    enum class What { Governor, IdleState };
    unsigned cpu = 0;
    What what = What::Governor;
    unsigned state = 0; // of IdleState
    auto operator<=>(const CpuSetting&) const = default;
};

// "service/nginx.service/LimitNOFILE": what our own drop-in tells systemd about a service
struct ServiceSetting {
    enum class What { LimitNofile, CpuAffinity, NumaPolicy, NumaMask, BannedInterrupts };
    std::string unit;
    What what = What::LimitNofile;
    auto operator<=>(const ServiceSetting&) const = default;
};

// "xdp/filter", "xdp/lb", "tc/steer": our own program on the packet path
struct PacketPath {
    enum class What { Filter, Balancer, Steering };
    What what = What::Filter;
    auto operator<=>(const PacketPath&) const = default;
};

// A closed set. A new kind is a struct here, its text form in src/model/tunable_<kind>.cpp, a file in src/tunable/, and
// a line in the list of each room (tunable_kinds.h, tunable_kind.cpp).
using Tunable = std::variant<SysctlKey, LinkSetting, QueueSetting, NicSetting, QdiscPlace, RouteSetting, RuleSlot,
                             TableRoute, NotrackPort, MptcpSetting, CongestionAddress, InterruptAffinity, CpuSetting,
                             ServiceSetting, PacketPath>;

std::string to_text(const Tunable& tunable);
// Rejected, naming what is wrong and the nearest form that would be right. Refuses empty parts, "..", slashes and
// control characters in names: an address can never name a file outside its kind.
Result<Tunable> parse_tunable(std::string_view text);

// Numbers are numbers, lists of numbers are lists; everything else is text with single blanks between words.
using Value = std::variant<std::int64_t, std::vector<std::int64_t>, CpuSet, std::string>;

std::string to_text(const Value& value);
// The value that `text` means for this tunable: "4096\t131072" and "4096 131072" are equal; CPU sets may be masks or
// lists
// ("mask:3" or "0-1"); RPS and XPS values read from the kernel are masks. Malformed when it cannot be one.
Result<Value> parse_value(const Tunable& tunable, std::string_view text);

// The word people type for it: "mtu", "gso_max_size".
std::string_view to_text(LinkSetting::What what);
std::string_view to_text(ServiceSetting::What what); // "LimitNOFILE"

// The interface it belongs to; "" for what belongs to none.
std::string_view interface_of(const Tunable& tunable);

// How a value is made to last on confirm; None: it is not, and the plan says so.
enum class Persistence {
    SysctlFile, // sysctl.d
    LinkFile,   // systemd.link(5), read when the interface appears
    BootUnit,   // netwright-restore.service writes it at boot
    DropIn,     // a drop-in of the service's own unit
    None
};
Persistence natural_persistence(const Tunable& tunable);

// "sysctl/net.ipv4.*", "link/eth0/mtu": does the text form of `tunable` match the glob?
bool matches(const Tunable& tunable, std::string_view glob);

} // namespace netwright
