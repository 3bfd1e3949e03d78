// SPDX-License-Identifier: GPL-2.0-or-later
// One cause of trouble: where it lies, what shows it, and what to say about it. A newcomer adds a row to its layer's
// list.
#pragma once

#include <span>

#include "diagnose/scene.h"

namespace netwright::diagnose {

enum SymptomBits : unsigned {
    drops = 1U << static_cast<unsigned>(Symptom::Drops),
    latency = 1U << static_cast<unsigned>(Symptom::Latency),
    throughput = 1U << static_cast<unsigned>(Symptom::Throughput),
    refused = 1U << static_cast<unsigned>(Symptom::Refused),
    cpu = 1U << static_cast<unsigned>(Symptom::Cpu),
    numa = 1U << static_cast<unsigned>(Symptom::Numa),
    resets = 1U << static_cast<unsigned>(Symptom::Resets)
};

// One place where a cause was seen.
struct Sighting {
    std::uint64_t events = 0;
    std::string victim;
    std::uint64_t pid = 0; // of the victim; 0: not known. A consequence names the same process, if both name one
    std::vector<Evidence> evidence;
    std::vector<Change> remedy;
    std::vector<std::string> advice;    // instead of the cause's own, where more is known
    Severity severity = Severity::Info; // raises the cause's own
};
// Empty: looked at, and not the cause. An error: it could not be looked at.
using Sightings = Result<std::vector<Sighting>>;

struct Cause {
    std::string_view id = "";
    Layer layer;
    Nature nature = Nature::Harmful;
    Severity severity = Severity::Medium;
    unsigned symptoms;          // SymptomBits
    std::string_view what = ""; // "a full accept queue", for the list of what was checked
    std::string_view unit = ""; // "connections refused"
    // What counts it: sums of counters separated by blanks, of which the largest counts (one event may raise several of
    // them), and drop reasons. See scene.h.
    std::string_view counters = "", reasons = "";
    std::uint64_t least = 1; // fewer events while we look are noise
    // How it is found where counting is not enough; null: by counters and reasons alone.
    Sightings (*look)(const Scene& scene, const Cause& cause) = nullptr;
    std::string_view because_of = ""; // ids of causes that this one follows from when they are there
    std::string_view title = "";
    std::string_view why = "";
    std::string_view confirm = ""; // one a line
    std::string_view advice = "";  // one a line
    std::string_view cost = "";
    std::string_view no_use = "";
};

// The largest of its counters, or its drop reasons; 0 sightings below `least`.
Sightings count_events(const Scene& scene, const Cause& cause);
// The same, port by port: a scan meets many ports once, a service that is missed is asked for again and again. Where
// drops cannot be seen, as count_events() does.
Sightings count_by_port(const Scene& scene, const Cause& cause);
// The same as count_events(), unless it is a small part of the connections that were opened meanwhile.
Sightings count_against_opens(const Scene& scene, const Cause& cause);
// The sighting that the cause's counters and reasons make, whatever their number: evidence for a look of its own.
Sighting counted(const Scene& scene, const Cause& cause);

// A sysctl to be set to `to` as a remedy; nothing where this kernel or namespace does not show the key, where it has
// that value, or where the whole host's value is seen from another namespace.
std::vector<Change> set_sysctl(const Scene& scene, const Cause& cause, std::string_view key, std::int64_t to,
                               std::string why);
std::vector<Change> raise_sysctl(const Scene& scene, const Cause& cause, std::string_view key, std::int64_t least,
                                 std::string why);

std::span<const Cause> nic_causes();         // nic.cpp
std::span<const Cause> program_causes();     // programs.cpp: XDP and tc
std::span<const Cause> softirq_causes();     // softirq.cpp
std::span<const Cause> qdisc_causes();       // qdisc.cpp
std::span<const Cause> netfilter_causes();   // netfilter.cpp
std::span<const Cause> ip_causes();          // ip.cpp
std::span<const Cause> neighbour_causes();   // neighbour.cpp
std::span<const Cause> tcp_causes();         // tcp.cpp
std::span<const Cause> flow_causes();        // flow.cpp: what limits or breaks connections
std::span<const Cause> listen_causes();      // listen.cpp
std::span<const Cause> udp_causes();         // udp.cpp
std::span<const Cause> application_causes(); // application.cpp

} // namespace netwright::diagnose
