// SPDX-License-Identifier: GPL-2.0-or-later
// What a rule found: the evidence, why it matters, what it costs, what to do, and what that may break.
#pragma once

#include "model/change.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright {

enum class Severity { Info, Low, Medium, High, Critical };
// What stands behind a finding, weakest first. Conventions rank last whatever their severity.
enum class Confidence {
    Convention, // good practice; no counter, measurement or limit behind it on this host
    Derived,    // follows from a limit or a formula over this host's values and the intent
    SinceBoot,  // a counter shows it happened at some time since boot
    Measured    // a counter grew, or a state was seen, while we looked
};

std::string_view to_text(Severity severity); // "info", "low", "medium", "high", "critical"
Result<Severity> parse_severity(std::string_view text);
std::string_view to_text(Confidence confidence); // "convention", "derived", "since boot", "measured"
Result<Confidence> parse_confidence(std::string_view text);

struct Evidence {
    std::string
        source; // where a person can read it: "/proc/net/netstat TcpExt.ListenOverflows", "sysctl net.core.somaxconn"
    std::string value; // "27 in 10 s (41,203 since boot)"
    bool operator==(const Evidence&) const = default;
};

struct Finding {
    std::string rule;    // "listen-queue-overflow"
    std::string subject; // what it is about when there can be several: "eth0", "0.0.0.0:443"; else ""
    Severity severity = Severity::Info;
    Confidence confidence = Confidence::Convention;
    std::string title;                // one line: "The accept queue of :443 (nginx) overflows"
    std::vector<Evidence> evidence;   // at least one, with numbers
    std::string why;                  // what happens inside the kernel and why it hurts
    std::string cost;                 // what it costs to leave it, in the user's terms
    std::vector<Change> remedy;       // what netwright can do
    std::vector<std::string> advice;  // what people have to do themselves (application settings, commands)
    Risk risk = Risk::None;           // of the remedy or advice
    std::string side_effects;         // what the remedy costs or may break
    std::string security;             // security effect of the state or the remedy; "" = none
    std::vector<std::string> sources; // kernel files, documents
    bool operator==(const Finding&) const = default;
};

// A rule that could not judge, and what it lacked: "not judged: nic-ring-short (eth0): permission denied".
struct NotJudged {
    std::string rule, subject;
    Error why;
    bool operator==(const NotJudged&) const = default;
};

struct Judgement {
    std::vector<Finding> findings; // most important first
    std::vector<NotJudged> not_judged;
    std::size_t rules_run = 0; // rules that looked at this snapshot
    bool operator==(const Judgement&) const = default;
};

} // namespace netwright
