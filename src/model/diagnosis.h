// SPDX-License-Identifier: GPL-2.0-or-later
// What is wrong with the traffic now: causes with their layer and proof, what was checked and is not the cause, and
// what could not be seen.
#pragma once

#include "model/finding.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

// The packet's way in, and then what lies beyond this host.
enum class Layer { Nic, Driver, Xdp, Softirq, Qdisc, Netfilter, Ip, Neighbour, Transport, Socket, Application, Path };
inline constexpr std::size_t layer_count = 12;
std::string_view to_text(Layer layer); // "NIC ring", "driver", "XDP and tc", …

enum class Symptom { Drops, Latency, Throughput, Refused, Cpu, Numa, Resets };
inline constexpr std::size_t symptom_count = 7;
std::string_view to_text(Symptom symptom); // "drops", "latency", …
Result<Symptom> parse_symptom(std::string_view text);

// A loss that hurts, one that somebody asked for, one that hurts nobody.
enum class Nature { Harmful, Policy, Harmless };
std::string_view to_text(Nature nature); // "harmful", "policy", "harmless"

struct FoundCause {
    std::string cause; // "accept-queue-full"
    Layer layer = Layer::Nic;
    Nature nature = Nature::Harmful;
    Severity severity = Severity::Medium;
    std::uint64_t events = 0; // while we looked; 0: a state, not a count
    double per_second = 0;
    std::string unit;                 // "connections refused"
    std::string title;                // one line
    std::string victim;               // "0.0.0.0:443 (nginx, pid 812)"; "" = not one in particular
    std::string why;                  // what happens inside the kernel
    std::vector<Evidence> evidence;   // with numbers
    std::vector<std::string> confirm; // commands, and what they show if this is right
    std::vector<Change> remedy;       // what netwright can do
    std::vector<std::string> advice;  // what people have to do
    std::string cost;                 // of the remedy
    std::string no_use;               // the well-known setting that does not help here; "" = none
    std::string because_of;           // the cause in this list that this one follows from; "" = it stands for itself
    bool operator==(const FoundCause&) const = default;
};

struct Cleared { // looked at, and not the cause
    std::string cause;
    Layer layer = Layer::Nic;
    std::string what; // "a full accept queue"
    bool operator==(const Cleared&) const = default;
};

struct NotSeen { // a cause that could not be judged, or a source that was not there
    std::string what;
    Error why;
    bool operator==(const NotSeen&) const = default;
};

struct QuietDrop { // a drop that hurts nobody, or that no cause claims
    std::string reason;
    std::string location;
    std::uint64_t packets = 0;
    std::string meaning; // "frames for another host"; "" = not classified
    bool operator==(const QuietDrop&) const = default;
};

struct Diagnosis {
    std::string host;    // "web1 · Linux 6.12.9-amd64"
    std::string network; // its network namespace
    std::chrono::milliseconds interval{0};
    std::vector<Symptom> symptoms;  // asked for; empty: all
    std::vector<FoundCause> causes; // most important first; what follows from another stands behind it
    std::vector<Cleared> cleared;
    std::vector<NotSeen> not_seen;
    std::vector<QuietDrop> quiet;
    std::uint64_t events_lost = 0;     // drops that were seen but not told apart
    std::uint64_t drops_elsewhere = 0; // in other network namespaces
    std::uint64_t drops_unplaced = 0;
    bool operator==(const Diagnosis&) const = default;
};

} // namespace netwright
