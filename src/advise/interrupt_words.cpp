// SPDX-License-Identifier: GPL-2.0-or-later
// Interrupts in the words of rules, and the placement as changes.
#include "advise/interrupt_words.h"

#include "advise/steering.h"
#include "base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace netwright::advise {
namespace {

constexpr std::string_view irqbalance_unit = "irqbalance.service";

const Service* irqbalance(const Case& about)
{
    if (!about.host.services) return nullptr;
    const auto found = std::ranges::find_if(
        *about.host.services, [](const Service& each) { return each.name == "irqbalance" && each.running; });
    return found == about.host.services->end() ? nullptr : &*found;
}

// The arguments of irqbalance(1) that keep it off interrupts: one by one, or by rules we cannot read.
bool bans_all(std::string_view arguments, const std::vector<PlacedVector>& vectors)
{
    if (arguments.find("--banmod") != std::string_view::npos ||
        arguments.find("--policyscript") != std::string_view::npos)
        return true;
    return std::ranges::all_of(vectors, [&](const PlacedVector& each) {
        const std::string number = std::to_string(each.interrupt->irq);
        const auto words = split_words(arguments);
        return std::ranges::find(words, "--banirq=" + number) != words.end() ||
               std::ranges::find(words, "-i" + number) != words.end();
    });
}

std::vector<std::int64_t> banned_by_drop_in(const Case& about)
{
    std::vector<std::int64_t> numbers;
    if (!about.host.drop_ins) return numbers;
    for (const DropInSetting& each : *about.host.drop_ins)
        if (each.unit == irqbalance_unit && each.name == to_text(ServiceSetting::What::BannedInterrupts))
            for (const std::string_view word : split_words(each.value))
                if (const auto number = parse_int(word)) numbers.push_back(*number);
    return numbers;
}

Value list_value(const std::set<std::int64_t>& numbers)
{
    if (numbers.size() == 1) return *numbers.begin();
    return std::vector<std::int64_t>(numbers.begin(), numbers.end());
}

// What is banned already stays banned.
std::vector<Change> ban(const Nic& nic, const Case& about, const std::vector<PlacedVector>& vectors)
{
    const auto before = banned_by_drop_in(about);
    std::set<std::int64_t> numbers(before.begin(), before.end());
    for (const PlacedVector& each : vectors)
        numbers.insert(each.interrupt->irq);
    if (numbers.size() == before.size()) return {};
    Change change;
    change.tunable = ServiceSetting{std::string(irqbalance_unit), ServiceSetting::What::BannedInterrupts};
    if (!before.empty()) change.from = list_value({before.begin(), before.end()});
    change.to = list_value(numbers);
    change.why = fmt::format("irqbalance keeps off the {} queue interrupts of {} from its next start on",
                             vectors.size(), nic.name);
    change.risk = Risk::Low;
    change.reach = Reach::Host;
    return {std::move(change)};
}

// Numbers of interrupts change from boot to boot, names stay; so names are used where they are unique.
Tunable address_of(const NicInterrupt& interrupt, const Case& about)
{
    std::size_t same_name = 0;
    for (const Nic& nic : *about.host.nics)
        for (const NicInterrupt& other : nic.interrupts ? *nic.interrupts : std::vector<NicInterrupt>{})
            same_name += other.action == interrupt.action ? 1U : 0U;
    const auto named = parse_tunable(fmt::format("irq/{}/affinity", interrupt.action));
    if (same_name == 1 && named) return *named;
    return InterruptAffinity{std::to_string(interrupt.irq)};
}

std::string place_words(const PlacementQuestion& question, unsigned cpu)
{
    const auto found = std::ranges::find(question.topology.cpus, cpu, &Cpu::number);
    if (question.topology.nodes.size() < 2 || found == question.topology.cpus.end()) return fmt::format("CPU {}", cpu);
    return fmt::format("CPU {} of node {}{}", cpu, found->node,
                       question.near.empty() || question.near.contains(cpu) ? "" : " (the NIC's own has no other)");
}

void move_interrupts(Finding& finding, const PlacementQuestion& question, const std::vector<PlacedVector>& vectors,
                     const std::vector<unsigned>& cpus, const Case& about)
{
    for (const PlacedVector& each : vectors) {
        CpuSet to;
        to.add(cpus[each.vector.queue]);
        if (!each.interrupt->affinity || *each.interrupt->affinity == to) continue;
        Change change;
        change.tunable = address_of(*each.interrupt, about);
        change.from = *each.interrupt->affinity;
        change.to = std::move(to);
        change.why = fmt::format("queue {} ({}), interrupt {}: {}", each.vector.queue, to_text(each.vector.traffic),
                                 each.interrupt->irq, place_words(question, cpus[each.vector.queue]));
        change.risk = Risk::Low;
        change.reach = Reach::Host;
        finding.remedy.push_back(std::move(change));
    }
}

// A CPU sends through the queue whose interrupt it, or a CPU close to it, takes.
void move_transmit_queues(Finding& finding, const Nic& nic, const Topology& topology, const std::vector<unsigned>& cpus)
{
    const auto queues = queues_of(nic, "tx");
    const bool readable = std::ranges::all_of(queues, [](const Queue* each) { return each->cpus.has_value(); });
    if (queues.size() < 2 || queues.size() != cpus.size() || !readable) return;
    const auto sets = transmit_sets(topology, cpus);
    for (std::size_t i = 0; i < queues.size(); ++i)
        std::ranges::move(set_queue(nic, *queues[i], QueueSetting::What::XpsCpus, *queues[i]->cpus, sets[i],
                                    fmt::format("its interrupt goes to CPU {}", cpus[i])),
                          std::back_inserter(finding.remedy));
}

} // namespace

const CpuSet* target(const NicInterrupt& interrupt)
{
    if (interrupt.effective && !interrupt.effective->empty()) return &*interrupt.effective;
    return interrupt.affinity ? &*interrupt.affinity : nullptr;
}

std::vector<PlacedVector> placed_vectors(const Nic& nic)
{
    std::vector<PlacedVector> placed;
    for (const QueueVector& vector : vectors_of(nic).queues) {
        const auto interrupt = std::ranges::find(*nic.interrupts, vector.irq, &NicInterrupt::irq);
        if (target(*interrupt) != nullptr) placed.push_back({&*interrupt, vector});
    }
    return placed;
}

std::string list_of(const std::vector<PlacedVector>& vectors)
{
    constexpr std::size_t shown = 6;
    std::string text;
    for (std::size_t i = 0; i < std::min(shown, vectors.size()); ++i)
        text += fmt::format("{}{} → {}", i == 0 ? "" : ", ", vectors[i].interrupt->irq, vectors[i].cpus().list());
    return vectors.size() > shown ? fmt::format("{} and {} more", text, vectors.size() - shown) : text;
}

std::vector<unsigned> queue_cpus(const std::vector<PlacedVector>& vectors)
{
    std::set<std::pair<std::uint32_t, unsigned>> pairs;
    for (const PlacedVector& each : vectors)
        if (each.cpus().count() == 1) pairs.emplace(each.vector.queue, each.cpus().members().front());
    std::vector<unsigned> cpus;
    for (const auto& [queue, cpu] : pairs)
        cpus.push_back(cpu);
    return cpus;
}

InterruptPolicy policy_for(const Nic& nic, const Case& about)
{
    const Service* balance = irqbalance(about);
    if (balance == nullptr) return {InterruptPolicy::Hand::Ours, {}, "irqbalance does not run: the plan places them"};
    const auto vectors = placed_vectors(nic);
    if (bans_all(balance->detail.value_or(""), vectors))
        return {InterruptPolicy::Hand::Ours, {}, "irqbalance is told to keep off them: the plan places them"};
    if (said(about, {Workload::LowLatency, Workload::Game, Workload::Voip}))
        return {InterruptPolicy::Hand::Banned, ban(nic, about, vectors),
                fmt::format("irqbalance runs; for a host that is for {} the plan bans them from it. Restart it "
                            "(systemctl daemon-reload && systemctl restart irqbalance), or it moves them again",
                            to_text(about.intent.workload.value))};
    std::vector<unsigned> numbers;
    for (const PlacedVector& each : vectors)
        numbers.push_back(each.interrupt->irq);
    return {InterruptPolicy::Hand::Left,
            {},
            fmt::format("irqbalance runs, so the plan leaves the interrupts of {} to it. To place them yourself, ban "
                        "them from it: netwright set service/irqbalance.service/BannedInterrupts '{}', restart "
                        "irqbalance, and plan again",
                        nic.name, fmt::join(numbers, " "))};
}

void propose_placement(Finding& finding, const Nic& nic, const Case& about)
{
    const InterruptPolicy policy = policy_for(nic, about);
    if (!about.host.topology || policy.hand == InterruptPolicy::Hand::Left) {
        finding.advice.push_back(policy.words);
        return;
    }
    const PlacementQuestion question = question_for(nic, *about.host.nics, *about.host.topology);
    const auto vectors = placed_vectors(nic);
    const auto cpus = place(question, queue_count(vectors_of(nic).queues));
    if (!cpus) {
        finding.advice.push_back(cpus.error().what);
        return;
    }
    std::ranges::copy(policy.ban, std::back_inserter(finding.remedy));
    move_interrupts(finding, question, vectors, *cpus, about);
    move_transmit_queues(finding, nic, *about.host.topology, *cpus);
    if (policy.hand == InterruptPolicy::Hand::Banned) finding.advice.push_back(policy.words);
}

} // namespace netwright::advise
