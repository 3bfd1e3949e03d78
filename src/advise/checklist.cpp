// SPDX-License-Identifier: GPL-2.0-or-later
// One function a step; the list of steps stands at the end.
#include "advise/checklist.h"

#include "advise/remedy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace netwright::advise {
namespace {

std::size_t confirmed(const Campaign& campaign)
{
    return static_cast<std::size_t>(std::ranges::count_if(campaign.transactions, &Done::confirmed));
}

const Done* first_confirmed(const Campaign& campaign)
{
    const auto first = std::ranges::find_if(campaign.transactions, &Done::confirmed);
    return first == campaign.transactions.end() ? nullptr : &*first;
}

std::string plural(std::size_t number, std::string_view noun)
{
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

// --- steps that follow from the journal and what was kept beside it ---

ChecklistStep goal(const Campaign& campaign)
{
    const Intent& intent = campaign.about.intent;
    ChecklistStep step{"goal", "Is it said what this host is for, and how fast it has to be?", Mark::Open, {}, {}};
    if (!intent.workload.given) {
        step.seen.emplace_back("nobody has named a workload");
        step.next = "write /etc/netwright/netwright.yaml: workload, bandwidth, rtt (netwright plan --workload help)";
        return step;
    }
    step.seen.push_back(fmt::format("workload {} ({})", workloads_text(intent), intent.workload.reason));
    const bool numbers = (intent.bandwidth && intent.bandwidth->given) || (intent.rtt && intent.rtt->given) ||
                         (intent.connections && intent.connections->given) ||
                         (intent.connection_rate && intent.connection_rate->given) ||
                         (intent.datagram_rate && intent.datagram_rate->given);
    step.mark = numbers ? Mark::Done : Mark::Partly;
    if (!numbers) step.next = "add the numbers it has to reach: bandwidth, rtt, connections or rates";
    return step;
}

ChecklistStep baseline(const Campaign& campaign)
{
    ChecklistStep step{"baseline", "Was the host measured before anything was changed?", Mark::Open, {}, {}};
    if (campaign.baselines.empty()) {
        step.seen.emplace_back("no baseline is kept");
        step.next =
            "measure under real load and keep it: netwright baseline save NAME, or capture into baselines/ of the "
            "state directory";
        return step;
    }
    const Dated& oldest = *std::ranges::min_element(campaign.baselines, {}, &Dated::when);
    const Done* const change = first_confirmed(campaign);
    step.seen.push_back(fmt::format("{} of {}", oldest.name, oldest.when));
    step.mark = change == nullptr || oldest.when <= change->started ? Mark::Done : Mark::Partly;
    if (step.mark == Mark::Partly) {
        step.seen.push_back(fmt::format("but transaction {} was applied before, on {}", change->id, change->started));
        step.next = "roll back, measure, apply again: a baseline of a host already tuned shows no gain";
    }
    return step;
}

// A change counts as measured if something was measured after it and before the next one.
std::size_t measured(const Campaign& campaign)
{
    std::vector<Dated> all = campaign.baselines;
    all.insert(all.end(), campaign.experiments.begin(), campaign.experiments.end());
    std::size_t count = 0;
    const auto& done = campaign.transactions;
    for (std::size_t i = 0; i < done.size(); ++i) {
        if (!done[i].confirmed) continue;
        const std::string until = i + 1 < done.size() ? done[i + 1].started : "~";
        count +=
            std::ranges::any_of(all, [&](const Dated& one) { return one.when > done[i].started && one.when <= until; });
    }
    return count;
}

ChecklistStep each_step(const Campaign& campaign)
{
    ChecklistStep step{"test each step", "Was each change measured for itself?", Mark::Open, {}, {}};
    const std::size_t all = confirmed(campaign), seen = measured(campaign);
    if (all == 0) {
        step.mark = Mark::NotNeeded;
        step.seen.emplace_back("nothing was changed and kept so far");
        return step;
    }
    step.seen.push_back(fmt::format("{} of {} measured before the next came", seen, plural(all, "kept transaction")));
    step.mark = seen == all ? Mark::Done : (seen > 0 ? Mark::Partly : Mark::Open);
    if (seen < all) step.next = "measure after each change and keep the result; undo what earns nothing";
    return step;
}

ChecklistStep documentation(const Campaign& campaign)
{
    ChecklistStep step{"documentation", "Does every kept change say why, in a file others find?", Mark::Open, {}, {}};
    if (confirmed(campaign) == 0) {
        step.mark = Mark::NotNeeded;
        step.seen.emplace_back("nothing to document: no transaction is in force");
        return step;
    }
    std::size_t unexplained = 0, fleeting = 0;
    for (const Done& one : campaign.transactions) {
        if (!one.confirmed) continue;
        unexplained += one.unexplained;
        fleeting += one.lasts ? 0 : 1;
    }
    step.seen.push_back(unexplained == 0 ? std::string("every change in the journal carries its reason")
                                         : fmt::format("{} without a reason", plural(unexplained, "change")));
    if (fleeting > 0)
        step.seen.push_back(fmt::format("{} made to last in no file of its own", plural(fleeting, "transaction")));
    step.mark = unexplained == 0 && fleeting == 0 ? Mark::Done : Mark::Partly;
    if (step.mark == Mark::Partly)
        step.next = "netwright history tells which; plan and confirm them again with reasons";
    return step;
}

ChecklistStep way_back(const Campaign& campaign)
{
    ChecklistStep step{"way back", "Can everything be undone, also after a crash?", Mark::Open, {}, {}};
    std::size_t lost = 0, failed = 0;
    for (const Done& one : campaign.transactions) {
        lost += one.confirmed ? one.without_way_back : 0;
        failed += one.given_up ? 1 : 0;
    }
    if (confirmed(campaign) == 0 && failed == 0) step.seen.emplace_back("nothing of netwright's is in force");
    if (confirmed(campaign) > 0 && lost == 0) step.seen.emplace_back("the journal holds every old value");
    if (lost > 0) step.seen.push_back(fmt::format("{} whose old value is not known", plural(lost, "change")));
    if (failed > 0) step.seen.push_back(fmt::format("{} could not be put back", plural(failed, "transaction")));
    for (const std::string& drifted : campaign.drifted)
        step.seen.push_back(drifted);
    step.seen.emplace_back(campaign.recovers_at_boot ? "netwright-recover.service runs at boot"
                                                     : "no unit undoes a half-made change at boot");
    const bool sound = lost == 0 && failed == 0 && campaign.drifted.empty();
    step.mark = sound && campaign.recovers_at_boot ? Mark::Done : (sound ? Mark::Partly : Mark::Open);
    if (!campaign.recovers_at_boot) step.next = "netwright recover --install-boot-unit";
    if (!campaign.drifted.empty())
        step.next = "netwright drift: somebody else changes these values; settle who owns them";
    return step;
}

// --- steps that follow from what the rules see now ---

std::set<std::string_view> ids_of(std::initializer_list<std::span<const Rule>> lists)
{
    std::set<std::string_view> ids;
    for (const auto& list : lists)
        for (const Rule& rule : list)
            ids.insert(rule.id);
    return ids;
}

ChecklistStep by_rules(const Campaign& campaign, std::string name, std::string question,
                       const std::set<std::string_view>& ids)
{
    ChecklistStep step{std::move(name), std::move(question), Mark::Done, {}, {}};
    std::size_t serious = 0, blind = 0;
    for (const Finding& finding : campaign.judgement.findings) {
        if (!ids.contains(finding.rule) || finding.confidence == Confidence::Convention) continue;
        if (finding.severity < Severity::Low) continue;
        serious += finding.severity >= Severity::Medium ? 1 : 0;
        step.seen.push_back(fmt::format("{} [{}]", finding.title, finding.rule));
    }
    for (const NotJudged& one : campaign.judgement.not_judged)
        blind += ids.contains(one.rule) ? 1 : 0;
    if (!step.seen.empty()) step.mark = serious > 0 ? Mark::Open : Mark::Partly;
    if (step.seen.empty()) step.seen.push_back(fmt::format("{} find nothing", plural(ids.size(), "rule")));
    if (blind > 0) step.seen.push_back(fmt::format("{} could not judge", plural(blind, "rule")));
    if (step.mark == Mark::Done && blind * 2 > ids.size()) step.mark = Mark::Unknown;
    if (step.mark != Mark::Done) step.next = "netwright audit tells the evidence and the remedy";
    return step;
}

bool starts(std::string_view text, std::initializer_list<std::string_view> beginnings)
{
    return std::ranges::any_of(beginnings, [&](std::string_view one) { return text.starts_with(one); });
}

bool places_interrupts(std::string_view id)
{
    return starts(id, {"softirq-", "rps-", "rfs-", "xps-", "irqbalance-", "nic-interrupts-", "nic-queues-"});
}

bool concerns_bpf(std::string_view id)
{
    return id.find("xdp") != std::string_view::npos || id.find("bpf") != std::string_view::npos;
}

std::set<std::string_view> only(std::set<std::string_view> ids, bool (*keep)(std::string_view), bool wanted)
{
    std::erase_if(ids, [&](std::string_view id) { return keep(id) != wanted; });
    return ids;
}

ChecklistStep cards(const Campaign& campaign)
{
    return by_rules(campaign, "network cards", "Are links, rings, offloads and queues of the cards sound?",
                    only(only(ids_of({nic_rules()}), places_interrupts, false), concerns_bpf, false));
}

ChecklistStep parameters(const Campaign& campaign)
{
    return by_rules(
        campaign, "kernel parameters", "Do the kernel's parameters fit the load?",
        ids_of({listen_rules(), buffer_rules(), memory_rules(), congestion_rules(), path_rules(), port_rules(),
                connection_rules(), conntrack_rules(), hygiene_rules(), sysctl_file_rules()}));
}

ChecklistStep interrupts(const Campaign& campaign)
{
    return by_rules(campaign, "interrupts", "Is packet work spread over the right CPUs?",
                    only(ids_of({nic_rules(), softirq_rules()}), places_interrupts, true));
}

ChecklistStep bpf(const Campaign& campaign)
{
    ChecklistStep step =
        by_rules(campaign, "eBPF", "Do attached programs run where they are cheap, and are they meant?",
                 only(ids_of({nic_rules(), security_rules()}), concerns_bpf, true));
    std::vector<std::string> attached;
    if (campaign.about.host.nics)
        for (const Nic& nic : *campaign.about.host.nics)
            if (!nic.xdp.empty()) attached.push_back(nic.name);
    if (attached.empty() && step.mark == Mark::Done) {
        step.mark = Mark::NotNeeded;
        step.seen = {"no XDP program is attached"};
    }
    for (const std::string& name : attached)
        step.seen.push_back(fmt::format("an XDP program is attached to {}", name));
    return step;
}

ChecklistStep security(const Campaign& campaign)
{
    return by_rules(campaign, "security", "Was no guard given away for speed?",
                    only(ids_of({security_rules()}), concerns_bpf, false));
}

constexpr std::array steps{goal, baseline,  cards,    parameters,    interrupts,
                           bpf,  each_step, security, documentation, way_back};

} // namespace

std::vector<ChecklistStep> checklist(const Campaign& campaign)
{
    std::vector<ChecklistStep> all;
    for (const auto step : steps)
        all.push_back(step(campaign));
    return all;
}

} // namespace netwright::advise
