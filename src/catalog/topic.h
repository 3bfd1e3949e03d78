// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of counters and drop reasons: what moves them, what to look at next, what they count besides. Compiled
// in from catalog/topics/*.yaml.
#pragma once

#include "catalog/catalog.h"

#include <span>
#include <string_view>
#include <vector>

namespace netwright::catalog {

enum class TopicKind { Counter, Gauge, DropReason };
// What growth means for the host: nothing, somebody's rule, harm, or it depends on what else grows.
enum class Harm { Harmless, Policy, Depends, Harmful };

struct Topic {
    std::string_view name; // "TcpExtListenOverflows", "softnet.dropped", "NO_SOCKET"
    std::string_view group;
    TopicKind kind;
    Scope scope; // who shares the counter: the host, a namespace, a device
    Harm harm;
    std::string_view
        layer; // where on the packet's way: "wire", "nic", "softnet", "qdisc", "netfilter", "ip", "socket" …
    std::string_view where; // how to read it: "/proc/net/netstat, line TcpExt"
    std::string_view means, look, beware;
    std::string_view unit;                     // "" = events
    std::string_view introduced;               // upstream version, "" = long there or not known
    std::string_view source;                   // kernel files
    std::span<const std::string_view> also;    // other names; with * or ? a pattern over a driver's own words
    std::span<const std::string_view> related; // keys of parameters and names of topics
};

std::span<const Topic> topics(); // sorted by name
// The topic of exactly that name (drop reasons also with SKB_DROP_REASON_ before it). Null: none.
const Topic* find_topic(std::string_view name);
// Whatever `name` may mean: exactly that name, else other names of topics, else driver words by pattern (the first
// that fits). Without regard to case; several where short names are shared: "InErrors" is Tcp's, Udp's ….
std::vector<const Topic*> topics_named(std::string_view name);

std::string_view to_text(Harm harm);      // "harmless", "policy", "depends", "harmful"
std::string_view to_text(TopicKind kind); // "counter", "gauge", "drop reason"

} // namespace netwright::catalog
