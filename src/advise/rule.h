// SPDX-License-Identifier: GPL-2.0-or-later
// What a rule is: one pure function that looks at a snapshot and says what holds the host back.
#pragma once

#include "model/finding.h"
#include "model/intent.h"
#include "model/snapshot.h"

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace netwright::advise {

// What every rule may look at.
struct Case {
    const Snapshot& host;
    const Intent& intent;
};

// Nothing (checked, not the cause), findings, or the gap that kept the rule from judging. A rule reads through TRY: a
// Result in the snapshot that holds an error leaves the rule, and the report says "not judged".
using Opinion = Result<std::vector<Finding>>;

using JudgeHost = Opinion (*)(const Case&);
using JudgeNic = Opinion (*)(const Nic&, const Case&);           // called once for each interface
using JudgeListener = Opinion (*)(const Listener&, const Case&); // called once for each listening TCP socket

// The engine fills what every finding of a rule shares: `rule`, a NIC's or listener's `subject` if the rule left it
// empty, `because` of each change, and `sources` (Rule::source) if the rule named none. A finding without evidence is a
// broken promise and stops the program.
struct Rule {
    std::string_view id;          // stable, kebab-case, says what is wrong: "listen-queue-overflow"
    std::string_view question;    // one line: "Did a listener refuse connections because its accept queue was full?"
    std::string_view explanation; // for `netwright rules ID`: mechanism, threshold and where it comes from, what the
                                  // rule leaves alone
    std::string_view source;      // kernel files and documents
    std::variant<JudgeHost, JudgeNic, JudgeListener> judge;
};

// Every rule, subject by subject, in the order in which they run.
const std::vector<Rule>& rulebook();
const Rule* find_rule(std::string_view id);

// Runs the rulebook. Findings come most important first: conventions last, then by severity, then by confidence, then
// by rule and subject. The same snapshot and intent always give the same judgement.
Judgement judge(const Snapshot& host, const Intent& intent);
Judgement judge(std::span<const Rule> rules, const Snapshot& host, const Intent& intent);

std::string subject_of(const Listener& listener); // "0.0.0.0:443", "[::]:443"

// One list a subject file; rulebook.cpp joins them.
std::span<const Rule> listen_rules();     // listen.cpp: accept queues, SYN backlog, syncookies
std::span<const Rule> buffer_rules();     // buffers.cpp: TCP buffers, window evidence
std::span<const Rule> memory_rules();     // memory.cpp: tcp_mem, udp_mem, pruning, UDP receive buffers
std::span<const Rule> congestion_rules(); // congestion.cpp: algorithm and qdisc, losses and their recovery
std::span<const Rule> path_rules();       // path.cpp: slow start after idle, MTU probing, TFO, MPTCP
std::span<const Rule> port_rules();       // ports.cpp: TIME_WAIT and ephemeral ports
std::span<const Rule> connection_rules(); // connections.cpp: keepalive, orphans, retries, descriptors
std::span<const Rule> softirq_rules();    // softirq.cpp: budget, backlog, squeeze, skew, RPS/RFS/XPS
std::span<const Rule> nic_rules(); // nic.cpp: rings, offloads, queues, interrupts, NUMA, MTU, link, driver counters
std::span<const Rule> conntrack_rules();         // conntrack.cpp: table, buckets, timeouts; neighbours
std::span<const Rule> hygiene_rules();           // hygiene.cpp: cargo-cult values, values below the kernel's default
std::span<const Rule> sysctl_file_rules();       // sysctl_files.cpp: dead keys, overridden files, drift
std::span<const Rule> security_rules();          // security.cpp: settings that weaken the host
std::span<const Rule> cpu_power_rules();         // cpu_power.cpp: governors and idle states where latency counts
std::span<const Rule> service_placement_rules(); // service_placement.cpp: servers against the NIC's node and interrupts

} // namespace netwright::advise
