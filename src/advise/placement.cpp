// SPDX-License-Identifier: GPL-2.0-or-later
// The choice, one queue after the other: the best CPU by a key whose members are the wishes in their order.
#include "advise/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace netwright::advise {
namespace {

struct Candidate {
    unsigned cpu = 0;
    std::size_t core = 0; // place in the table of cores
    bool far = false;
    std::size_t own = 0, others = 0; // queues on this CPU: of this NIC, of other NICs
};

struct Core {
    std::size_t own = 0, others = 0;
};

const Cpu* find_cpu(const Topology& topology, unsigned number)
{
    const auto found = std::ranges::find(topology.cpus, number, &Cpu::number);
    return found == topology.cpus.end() ? nullptr : &*found;
}

// The lowest hyper-thread stands for the core.
unsigned core_of(const Topology& topology, unsigned number)
{
    const Cpu* cpu = find_cpu(topology, number);
    return cpu && !cpu->siblings.empty() ? cpu->siblings.members().front() : number;
}

class Chart {
public:
    explicit Chart(const PlacementQuestion& question)
    {
        std::vector<unsigned> cores;
        for (const unsigned cpu : question.usable.members()) {
            const unsigned core = core_of(question.topology, cpu);
            const auto known = std::ranges::find(cores, core);
            const auto place = static_cast<std::size_t>(known - cores.begin());
            if (known == cores.end()) cores.push_back(core);
            candidates_.push_back({cpu, place, !question.near.empty() && !question.near.contains(cpu)});
        }
        cores_.resize(cores.size());
        for (const unsigned cpu : question.elsewhere)
            occupy(cpu);
    }

    unsigned take_best()
    {
        const auto best = std::ranges::min_element(candidates_, {}, [&](const Candidate& each) {
            const Core& core = cores_[each.core];
            return std::tuple(each.own, each.far, core.own, each.others, core.others, each.cpu);
        });
        ++best->own;
        ++cores_[best->core].own;
        return best->cpu;
    }

private:
    void occupy(unsigned cpu)
    {
        const auto found = std::ranges::find(candidates_, cpu, &Candidate::cpu);
        if (found == candidates_.end()) return;
        ++found->others;
        ++cores_[found->core].others;
    }

    std::vector<Candidate> candidates_;
    std::vector<Core> cores_;
};

// Where an interrupt goes if it goes to one CPU only.
std::optional<unsigned> only_target(const NicInterrupt& interrupt)
{
    const auto& set = interrupt.effective && !interrupt.effective->empty() ? interrupt.effective : interrupt.affinity;
    if (!set || set->count() != 1) return std::nullopt;
    return set->members().front();
}

std::vector<unsigned> occupied_by(const Nic& nic)
{
    std::vector<unsigned> cpus;
    for (const QueueVector& vector : vectors_of(nic).queues) {
        const auto interrupt = std::ranges::find(*nic.interrupts, vector.irq, &NicInterrupt::irq);
        if (const auto cpu = only_target(*interrupt)) cpus.push_back(*cpu);
    }
    return cpus;
}

PlacementQuestion question_beside(const Nic& nic, const std::vector<Nic>& all, const Topology& topology,
                                  const std::vector<unsigned>& planned)
{
    PlacementQuestion question{topology, {}, usable_cpus(topology), planned};
    const bool node_known = topology.nodes.size() > 1 && nic.node && *nic.node >= 0 && nic.local_cpus;
    if (node_known) question.near = *nic.local_cpus;
    for (const Nic& other : all)
        if (other.name != nic.name && other.up)
            std::ranges::copy(occupied_by(other), std::back_inserter(question.elsewhere));
    return question;
}

} // namespace

std::size_t queue_count(const std::vector<QueueVector>& vectors)
{
    std::size_t queues = 0;
    for (const QueueVector& vector : vectors)
        queues = std::max<std::size_t>(queues, vector.queue + 1UL);
    return queues;
}

CpuSet usable_cpus(const Topology& topology)
{
    return (topology.online & topology.allowed) - topology.isolated - topology.nohz_full;
}

PlacementQuestion question_for(const Nic& nic, const std::vector<Nic>& all, const Topology& topology)
{
    // Those before this one are placed first, as rules and plans go through them; all occupy what they occupy now.
    std::vector<unsigned> planned;
    for (const Nic& other : all) {
        if (other.name == nic.name) break;
        const std::size_t queues = queue_count(vectors_of(other).queues);
        if (!other.up || queues == 0) continue;
        if (const auto cpus = place(question_beside(other, all, topology, planned), queues))
            std::ranges::copy(*cpus, std::back_inserter(planned));
    }
    return question_beside(nic, all, topology, planned);
}

Result<std::vector<unsigned>> place(const PlacementQuestion& question, std::size_t queues)
{
    if (question.usable.empty())
        return fail(Error::Kind::Rejected,
                    fmt::format("no CPU is left for interrupts: online {}, isolated {}, nohz_full {}, our cpuset {}",
                                question.topology.online.list(), question.topology.isolated.list(),
                                question.topology.nohz_full.list(), question.topology.allowed.list()));
    Chart chart(question);
    std::vector<unsigned> cpus(queues);
    std::ranges::generate(cpus, [&] { return chart.take_best(); });
    return cpus;
}

Result<std::vector<Seat>> place(const PlacementQuestion& question, const std::vector<QueueVector>& vectors)
{
    const auto cpus = TRY(place(question, queue_count(vectors)));
    std::vector<Seat> seats;
    for (const QueueVector& vector : vectors)
        seats.push_back({vector.irq, cpus[vector.queue]});
    return seats;
}

} // namespace netwright::advise
