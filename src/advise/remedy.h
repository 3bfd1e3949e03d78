// SPDX-License-Identifier: GPL-2.0-or-later
// The words rules share: proposing a change, and evidence with numbers.
#pragma once

#include "advise/rule.h"
#include "model/counter_words.h"

#include <chrono>
#include <initializer_list>
#include <string>

namespace netwright::advise {

// A finding of that weight; the caller adds the evidence and the words.
Finding finding_of(Severity severity, Confidence confidence, std::string title);
// Adds evidence that is good to have: what could not be read is left out.
void note(Finding& finding, Result<Evidence> evidence);
// Did a person say the host is one of these? An inferred workload does not count.
bool said(const Case& about, std::initializer_list<Workload> workloads);

// A change of a sysctl from what the snapshot shows to `to`, with risk and reach from the catalogue. Absent: this
// kernel or namespace does not show the key, so it must not be proposed. Empty optional inside: the host already has
// that value.
Result<std::vector<Change>> set_sysctl(const Case& about, std::string_view rule, std::string_view key, Value to,
                                       std::string why);
// The same, but never lowers: elements of `least` are raised to what the host has. Nothing to do if all are reached.
Result<std::vector<Change>> raise_sysctl(const Case& about, std::string_view rule, std::string_view key, Value least,
                                         std::string why);
// Puts proposed changes into a finding. An error becomes advice instead ("cannot be changed from here: …"): the finding
// stands, only netwright has no hand on the remedy. The finding's risk is raised to that of the changes.
void propose(Finding& finding, Result<std::vector<Change>> changes);

// A protocol counter by the snapshot's name ("TcpExtListenOverflows"), without a copy of the table.
Result<Counter> counter_of(const Case& about, std::string_view name);
// Evidence from a protocol counter: source "/proc/net/netstat TcpExt.ListenOverflows".
Result<Evidence> counter_evidence(const Case& about, std::string_view name);
// Evidence from a sysctl: source "sysctl net.core.somaxconn", value as the kernel prints it.
Result<Evidence> sysctl_evidence(const Case& about, std::string_view key);

// How sure a counter makes us: Measured if it grew while we looked, SinceBoot if it is not 0. Call it only when one
// holds.
Confidence confidence_of(const Counter& counter);
// Growth when two samples were taken, else the total: what a rule compares with 0.
std::uint64_t seen(const Counter& counter, std::chrono::milliseconds interval);

// Is the service seen running? Services that could not be looked at count as not running.
bool runs(const Case& about, std::string_view service);
// Does somebody else route, filter or address on this host: container runtimes, Kubernetes, CNI and VPN interfaces,
// several default routes or policy routing? Then forwarding and rp_filter are not ours to judge. The text names what
// was seen; "" if nothing.
std::string routing_owner(const Case& about);

} // namespace netwright::advise
