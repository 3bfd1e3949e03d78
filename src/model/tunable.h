// SPDX-License-Identifier: GPL-2.0-or-later
// One place in the kernel that can be set, its text form that people type, and the values such places take.
#pragma once

#include "base/cpu_set.h"
#include "base/error.h"

#include <compare>
#include <cstdint>
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

// "link/eth0/mtu" (bytes), "link/eth0/txqueuelen" (packets)
struct LinkSetting {
    enum class What { Mtu, TxQueueLength };
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

// A closed set: a new kind is a struct here, a file in src/tunable/ and a line in its list.
using Tunable = std::variant<SysctlKey, LinkSetting, QueueSetting>;

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

// "sysctl/net.ipv4.*", "link/eth0/mtu": does the text form of `tunable` match the glob?
bool matches(const Tunable& tunable, std::string_view glob);

} // namespace netwright
