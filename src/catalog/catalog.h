// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of every parameter, compiled in from catalog/*.yaml at build time.
#pragma once

#include "base/error.h"
#include "base/kernel_version.h"
#include "base/units.h"
#include "model/change.h"
#include "model/tunable.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::catalog {

enum class Plane {
    Sysctl,
    Ethtool,
    Link,
    Sysfs,
    Interrupt,
    Qdisc,
    Route,
    Netfilter,
    Socket,
    Limit,
    Boot,
    Module,
    Service,
    Cgroup,
    Cpu
};
enum class Scope { Host, Namespace, Interface, Device, Queue, Socket, Process };
enum class Type { Boolean, Integer, IntegerList, Text, CpuMask, PortRanges };
// Whether netwright may propose a change: with evidence; only a report of a deviation; explain only; never (dead or
// harmful); it cannot be set.
enum class Policy { Conditional, Audit, Expert, Never, ReadOnly };

struct Bound { // inclusive; absent = unbounded on that side
    std::optional<std::int64_t> least, most;
};

// The kernel's own default from some version on. Upstream versions: distributions backport, so it explains, never
// decides.
struct DefaultSince {
    KernelVersion since;
    std::string_view value;    // literal as the kernel prints it; "" when it is computed from the machine
    std::string_view computed; // how, when value is ""
};

// One parameter. `key` is the sysctl name with IFACE for an interface ("net.ipv4.conf.IFACE.rp_filter"), or a name such
// as "nic.ring.rx".
struct Parameter {
    std::string_view key, group;
    Plane plane;
    Scope scope;
    Type type;
    Policy policy;
    std::string_view unit;         // "bytes", "packets", "pages", "ms", "" …
    std::span<const Bound> bounds; // one an element of a list; a single one covers all elements
    std::span<const DefaultSince> defaults;
    std::string_view introduced, removed; // upstream versions, "" = before 5.4 / still there
    // Upstream version since which every network namespace has its own; before, the host had one. 0.0: always had.
    KernelVersion namespace_since;
    std::string_view does, tune, formula, interactions, evidence, takes_effect, myth, security, source;
    Risk risk;
    bool only_new; // reaches only sockets, listeners, devices or namespaces made afterwards
    Bound search;  // where a search may try values, of a list's last element; without both ends it may not
};

std::span<const Parameter> all(); // sorted by key
// The entry for a concrete key: "net.ipv4.conf.eth0/1.rp_filter" finds net.ipv4.conf.IFACE.rp_filter. Null: not known.
const Parameter* find(std::string_view key);
// The entry for anything that can be set: sysctls by their key, links and queues by "link.mtu", "queue.rps_cpus" ….
const Parameter* find(const Tunable& tunable);
// The known keys nearest to a misspelt one, best first, at most `most`.
std::vector<std::string_view> nearest(std::string_view key, std::size_t most = 3);
// The default this kernel should have, as the kernel prints it; nothing when it is computed from the machine or
// unknown.
std::optional<std::string_view> default_for(const Parameter& parameter, KernelVersion kernel);
// Who shares it on this kernel: what a namespace has to itself today was the whole host's once.
Scope scope_for(const Parameter& parameter, KernelVersion kernel);

// Would this value make sense? Rejected with the limit and the reason: out of range, wrong number of elements,
// tcp_rmem's maximum below its default (the kernel accepts that), tcp_mem in bytes instead of pages … Unknown sysctls
// pass: the kernel decides. `current` is what the host has now, for checks that compare (never lower silently is NOT
// checked here: that is the plan's duty).
Result<void> check(const Tunable& tunable, const Value& value);

// The same where the amount of memory is known: tcp_mem and udp_mem count pages, and a value given in bytes shows by
// asking for more memory than there is.
Result<void> check(const Tunable& tunable, const Value& value, Bytes memory, Bytes page);
// What a person should know about a value that is accepted: rounded to a power of two, IPv6 off below 1280 bytes ….
std::vector<std::string> remarks(const Tunable& tunable, const Value& value);

Reach reach_of(const Tunable& tunable);
Risk risk_of(const Tunable& tunable);

} // namespace netwright::catalog
