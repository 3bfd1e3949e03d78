// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about receive-side scaling: does the NIC's hash reach every queue, evenly, and does it see the ports?
#include "advise/nic_rules.h"
#include "advise/nic_words.h"
#include "model/rss_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

namespace netwright::advise {
namespace {

std::vector<Change> set_hashing(const Nic& nic, std::string_view name, Value from, Value to, std::string why)
{
    return set_device(NicSetting{nic.name, "rss", std::string(name)}, std::move(from), std::move(to), std::move(why));
}

// Entries of the table a queue; queues that no entry names have 0.
std::vector<std::size_t> shares(const Rss& rss, std::size_t queues)
{
    std::vector<std::size_t> entries(queues);
    for (const std::uint32_t queue : rss.indirection) {
        if (queue >= entries.size()) entries.resize(queue + 1UL);
        ++entries[queue];
    }
    return entries;
}

Opinion judge_table(const Nic& nic, const Case& about)
{
    const std::size_t queues = queues_of(nic, "rx").size();
    if (!working_hardware(nic) || queues < 2) return std::vector<Finding>{};
    if (!nic.rss) return without(nic.rss.error());
    if (nic.rss->indirection.size() < queues) return std::vector<Finding>{};
    const auto entries = shares(*nic.rss, queues);
    const auto unused = static_cast<std::size_t>(std::ranges::count(entries, 0U));
    if (unused == 0 || entries.size() != queues) return std::vector<Finding>{};

    const bool felt = is_busy(nic, about) && busiest(about) && busiest(about)->interrupts >= hot_share;
    Finding finding =
        finding_of(felt ? by_load(busiest(about)) : Severity::Low, Confidence::Derived,
                   fmt::format("{} of {} receive queues of {} get no flows from RSS", unused, queues, nic.name));
    finding.evidence = {
        {fmt::format("ethtool -x {}", nic.name),
         fmt::format("{} entries name {} of {} queues", nic.rss->indirection.size(), queues - unused, queues)}};
    if (const auto load = busiest(about)) finding.evidence.push_back(load_evidence(*load, about.host.interval));
    finding.why =
        "The hash of a flow picks an entry of the indirection table, the entry names the queue. A queue that no "
        "entry names sees only flows that a rule (ntuple, aRFS) sends there. A table that was set once is kept "
        "when queues are added.";
    finding.cost = "CPUs whose queues are empty stay idle while others take their share.";
    finding.remedy = set_hashing(nic, "indirection", indirection_value(nic.rss->indirection),
                                 fmt::format("equal {}", queues), "every receive queue in turn");
    finding.advice = {fmt::format("If these queues are kept free on purpose (AF_XDP, a flow rule), protect the table: "
                                  "--protect nic/{}/rss/*",
                                  nic.name)};
    finding.risk = Risk::Low;
    finding.side_effects = "running flows move to another queue once; packets may be reordered then";
    return std::vector{std::move(finding)};
}

Opinion judge_uneven_table(const Nic& nic, const Case&)
{
    const std::size_t queues = queues_of(nic, "rx").size();
    if (!working_hardware(nic) || queues < 2) return std::vector<Finding>{};
    if (!nic.rss) return without(nic.rss.error());
    const auto entries = shares(*nic.rss, queues);
    const auto [least, most] = std::ranges::minmax_element(entries);
    // Shares are rounded: 128 entries over 3 queues are 43, 43, 42. More than twice the entries are somebody's weights.
    if (*least == 0 || entries.size() != queues || *most <= 2 * (*least + 1)) return std::vector<Finding>{};

    Finding finding = finding_of(Severity::Info, Confidence::Derived,
                                 fmt::format("RSS of {} gives queue {} more than twice the flows of queue {}", nic.name,
                                             most - entries.begin(), least - entries.begin()));
    finding.evidence = {
        {fmt::format("ethtool -x {}", nic.name), fmt::format("{} entries for queue {}, {} for queue {}", *most,
                                                             most - entries.begin(), *least, least - entries.begin())}};
    finding.why = "The table's entries are shares: a queue with twice the entries takes twice the flows, and its CPU "
                  "twice the work.";
    finding.cost = "The CPU behind that queue is full first.";
    finding.remedy = set_hashing(nic, "indirection", indirection_value(nic.rss->indirection),
                                 fmt::format("equal {}", queues), "equal shares for every receive queue");
    finding.advice = {"Weights that somebody chose have a reason: find it before applying this."};
    finding.risk = Risk::Medium;
    finding.side_effects = "running flows move to another queue once; weights that were chosen are gone";
    return std::vector{std::move(finding)};
}

// ── hashed fields ─────────────────────────────────────────────────────────────────────────────────────────────────

constexpr std::string_view four_tuple = "sdfn";

bool without_ports(const HashFields& hash)
{
    return !hash.fields.empty() && (!hash.fields.contains('f') || !hash.fields.contains('n'));
}

// Evidence and a change for each flow of `protocol` that is hashed by addresses only.
void add_ports(Finding& finding, const Nic& nic, std::string_view protocol)
{
    for (const HashFields& hash : *nic.rss->fields) {
        if (!hash.flow.starts_with(protocol) || !without_ports(hash)) continue;
        finding.evidence.push_back({fmt::format("ethtool -n {} rx-flow-hash {}", nic.name, hash.flow),
                                    fmt::format("fields {}: addresses only", hash.fields)});
        std::ranges::move(set_hashing(nic, "fields-" + hash.flow, hash.fields, std::string(four_tuple),
                                      "addresses and ports tell flows apart"),
                          std::back_inserter(finding.remedy));
    }
}

Opinion hashing_without_ports(const Nic& nic, const Case& about, std::string_view protocol, Finding finding)
{
    if (!nic.rss) return without(nic.rss.error());
    if (!nic.rss->fields) return without(nic.rss->fields.error());
    add_ports(finding, nic, protocol);
    if (finding.evidence.empty()) return std::vector<Finding>{};
    const auto load = busiest(about);
    finding.severity = load && load->interrupts >= hot_share ? Severity::Medium : Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

bool much_udp(const Case& about)
{
    if (serves(about.intent, Workload::Game) || serves(about.intent, Workload::Voip)) return true;
    const auto datagrams = counter_of(about, "UdpInDatagrams");
    return datagrams && about.host.interval.count() != 0 &&
           static_cast<double>(datagrams->growth) * 1000 >=
               busy_rate * static_cast<double>(about.host.interval.count());
}

Opinion judge_udp_hash(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || queues_of(nic, "rx").size() < 2 || !much_udp(about)) return std::vector<Finding>{};
    Finding finding;
    finding.title = fmt::format("{} cannot tell the UDP flows between two hosts apart", nic.name);
    finding.why = "The hash that picks the receive queue uses addresses only: all datagrams between two hosts land in "
                  "one queue, on one CPU. Drivers start like this because fragments carry no ports.";
    finding.cost = "One hot queue behind a gateway, a tunnel or a load generator.";
    finding.side_effects = "fragments of a datagram may take another queue and arrive out of order";
    auto opinion = hashing_without_ports(nic, about, "udp", std::move(finding));
    if (opinion && !opinion->empty()) note(opinion->front(), counter_evidence(about, "UdpInDatagrams"));
    return opinion;
}

Opinion judge_tcp_hash(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || queues_of(nic, "rx").size() < 2) return std::vector<Finding>{};
    Finding finding;
    finding.title = fmt::format("{} cannot tell the TCP connections between two hosts apart", nic.name);
    finding.why = "The hash that picks the receive queue uses addresses only, so all connections from one proxy, load "
                  "balancer or NAT gateway share one queue and one CPU. Drivers hash TCP with ports from the start: "
                  "somebody changed it.";
    finding.cost = "One hot queue wherever few hosts hold many connections.";
    finding.side_effects = "running connections move to another queue once; packets may be reordered then";
    return hashing_without_ports(nic, about, "tcp", std::move(finding));
}

constexpr std::array rules{
    Rule{"rss-table-partial", "Are there receive queues that RSS never sends flows to?",
         "Hardware with several receive queues whose indirection table leaves some out. Low; Medium or High when it "
         "takes 10,000 packets/s and a CPU is hot. Tables shorter than the number of queues, and drivers that do not "
         "show theirs, are left alone.",
         "Documentation/networking/scaling.rst; net/ethtool/ioctl.c ethtool_set_rxfh", judge_table},
    Rule{"rss-table-uneven", "Does RSS give one queue more than twice the flows of another?",
         "Entries of the indirection table, counted a queue. Info: weights are usually chosen.",
         "Documentation/networking/scaling.rst; ethtool(8) -X weight", judge_uneven_table},
    Rule{"nic-udp-hash-without-ports", "Are UDP flows spread by addresses only?",
         "Hardware with several queues on a host that receives 10,000 datagrams/s or more, or is said to be for games "
         "or voice. Low; Medium when a CPU is hot.",
         "ethtool(8) -N rx-flow-hash; Documentation/networking/scaling.rst", judge_udp_hash},
    Rule{"nic-tcp-hash-without-ports", "Are TCP connections spread by addresses only?",
         "Hardware with several queues whose hash of TCP has addresses but not both ports. Low; Medium when a CPU is "
         "hot. A flow that is not hashed at all is left alone.",
         "ethtool(8) -N rx-flow-hash; Documentation/networking/scaling.rst", judge_tcp_hash},
};

} // namespace

std::span<const Rule> nic_hashing_rules() { return rules; }

} // namespace netwright::advise
