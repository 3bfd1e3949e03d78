// SPDX-License-Identifier: GPL-2.0-or-later
// Laws of placement over many machines, and a few whose answer anybody can see.
#include "advise/placement.h"
#include "advise/steering.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "support/machine.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

CpuSet cpus(std::string_view list) { return CpuSet::parse_list(list).value(); }

struct Trial {
    Topology topology;
    CpuSet near;
    std::vector<unsigned> elsewhere;
    std::size_t queues = 0;
    PlacementQuestion question() const { return {topology, near, usable_cpus(topology), elsewhere}; }
};

class Chance {
public:
    explicit Chance(unsigned seed) : engine_(seed) {}
    unsigned below(unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(engine_); }
    CpuSet some_of(const CpuSet& all, unsigned one_in)
    {
        CpuSet some;
        for (const unsigned cpu : all.members())
            if (below(one_in) == 0) some.add(cpu);
        return some;
    }

private:
    std::mt19937 engine_;
};

Trial draw(Chance& chance)
{
    Trial trial;
    trial.topology = topology_of({1 + chance.below(4), 1 + chance.below(8), 1 + chance.below(2)});
    if (chance.below(2) == 0) trial.topology.isolated = chance.some_of(trial.topology.online, 4);
    if (chance.below(3) == 0) trial.topology.nohz_full = chance.some_of(trial.topology.online, 5);
    if (chance.below(3) == 0) trial.topology.allowed = trial.topology.online - chance.some_of(trial.topology.online, 3);
    if (chance.below(4) != 0)
        trial.near = cpus_of_node(trial.topology, chance.below(static_cast<unsigned>(trial.topology.nodes.size())));
    for (unsigned i = chance.below(6); i-- > 0;)
        trial.elsewhere.push_back(chance.below(trial.topology.online.count()));
    trial.queues = 1 + chance.below(70);
    return trial;
}

std::map<unsigned, std::size_t> load_of(const std::vector<unsigned>& placed, const CpuSet& over)
{
    std::map<unsigned, std::size_t> load;
    for (const unsigned cpu : over.members())
        load[cpu] = 0;
    for (const unsigned cpu : placed)
        ++load[cpu];
    return load;
}

std::size_t core_load(const Topology& topology, const std::map<unsigned, std::size_t>& load, unsigned cpu)
{
    std::size_t sum = 0;
    for (const unsigned sibling : topology.cpus[cpu].siblings.members())
        if (const auto found = load.find(sibling); found != load.end()) sum += found->second;
    return sum;
}

} // namespace

TEST_CASE("the laws of placement hold on any machine")
{
    Chance chance(20261121);
    for (int round = 0; round < 3000; ++round) {
        const Trial trial = draw(chance);
        CAPTURE(round);
        const PlacementQuestion question = trial.question();
        const auto placed = place(question, trial.queues);
        if (question.usable.empty()) {
            CHECK(placed.error().kind == Error::Kind::Rejected);
            continue;
        }
        REQUIRE(placed);
        REQUIRE(placed->size() == trial.queues);
        const auto load = load_of(*placed, question.usable);

        // Every queue has a CPU that may be used.
        CHECK(load.size() == question.usable.count());
        CHECK(((usable_cpus(trial.topology) & trial.topology.isolated) | (question.usable & trial.topology.nohz_full))
                  .empty());

        // The load of two CPUs differs by at most one.
        const auto [least, most] =
            std::ranges::minmax_element(load, {}, [](const auto& entry) { return entry.second; });
        CHECK(most->second - least->second <= 1);

        for (const auto& [cpu, queues] : load) {
            const bool near = trial.near.empty() || trial.near.contains(cpu);
            for (const auto& [other, fewer] : load) {
                const bool other_near = trial.near.empty() || trial.near.contains(other);
                // No far CPU serves a queue while a near one serves fewer.
                if (!near && other_near && queues > 0) CHECK(fewer >= queues);
                // No core serves two queues while a core that is as near, with as many usable threads, serves none.
                if (near == other_near && core_load(trial.topology, load, cpu) >= 2 && queues <= 1)
                    CHECK(core_load(trial.topology, load, other) + fewer > 0);
            }
        }
    }
}

TEST_CASE("the same question always has the same answer")
{
    Chance chance(7);
    for (int round = 0; round < 200; ++round) {
        const Trial trial = draw(chance);
        CHECK((place(trial.question(), trial.queues) == place(trial.question(), trial.queues)));
    }
}

TEST_CASE("four queues on a node of four cores with hyper-threads take four cores")
{
    const Topology topology = topology_of({2, 4, 2});
    const PlacementQuestion question{topology, cpus_of_node(topology, 1), usable_cpus(topology), {}};
    CHECK(*place(question, 4) == std::vector<unsigned>{4, 5, 6, 7});
    CHECK(*place(question, 8) == std::vector<unsigned>{4, 5, 6, 7, 12, 13, 14, 15});
    // Only then does the other node help.
    CHECK(*place(question, 10) == std::vector<unsigned>{4, 5, 6, 7, 12, 13, 14, 15, 0, 1});
}

TEST_CASE("queues keep away from CPUs that other NICs use, while others are free")
{
    const Topology topology = topology_of({1, 4, 1});
    const PlacementQuestion question{topology, {}, usable_cpus(topology), {0, 1}};
    CHECK(*place(question, 2) == std::vector<unsigned>{2, 3});
    CHECK(*place(question, 4) == std::vector<unsigned>{2, 3, 0, 1});
}

TEST_CASE("receive and transmit of a queue sit together")
{
    const Topology topology = topology_of({1, 2, 1});
    const std::vector<QueueVector> vectors{
        {40, 0, Traffic::Receive}, {41, 0, Traffic::Transmit}, {42, 1, Traffic::Receive}, {43, 1, Traffic::Transmit}};
    CHECK(*place({topology, {}, usable_cpus(topology), {}}, vectors) ==
          std::vector<Seat>{{40, 0}, {41, 0}, {42, 1}, {43, 1}});
}

TEST_CASE("without a usable CPU the refusal names all that is in the way")
{
    Topology topology = topology_of({1, 2, 1});
    topology.isolated = cpus("0-1");
    const auto placed = place({topology, {}, usable_cpus(topology), {}}, 1);
    REQUIRE_FALSE(placed);
    CHECK(placed.error().what.find("isolated 0-1") != std::string::npos);
}

TEST_CASE("a question gathers the node, the usable CPUs and what other NICs occupy")
{
    Topology topology = topology_of({2, 2, 1});
    topology.isolated = cpus("3");
    Nic here, there;
    here.name = "eth0";
    here.node = 1;
    here.local_cpus = cpus("2-3");
    there.name = "eth1";
    there.up = true;
    there.driver = "ixgbe";
    there.interrupts = std::vector<NicInterrupt>{{50, "eth1-TxRx-0", cpus("0-3"), cpus("0"), 0},
                                                 {51, "eth1-TxRx-1", cpus("1"), CpuSet{}, 0},
                                                 {52, "eth1-TxRx-2", cpus("0-1"), cpus("0-1"), 0},
                                                 {53, "eth1", cpus("0"), cpus("0"), 0}};
    const PlacementQuestion question = question_for(here, {here, there}, topology);
    CHECK(question.near == cpus("2-3"));
    CHECK(question.usable == cpus("0-2"));
    CHECK(question.elsewhere == std::vector<unsigned>{0, 1});

    topology.nodes = {0}; // then no CPU is nearer than another
    CHECK(question_for(here, {here, there}, topology).near.empty());
    // The other way round: what comes first is where it will be placed, and where it is.
    here.up = true;
    here.driver = "ixgbe";
    here.interrupts = std::vector<NicInterrupt>{{60, "eth0-TxRx-0", cpus("0"), cpus("0"), 0}};
    topology.nodes = {0, 1};
    CHECK(question_for(there, {here, there}, topology).elsewhere == std::vector<unsigned>{2, 0});
    topology.nodes = {0};
    there.up = false; // its interrupts are silent
    CHECK(question_for(here, {here, there}, topology).elsewhere.empty());
}

TEST_CASE("every CPU sends through exactly one queue, the nearest")
{
    Chance chance(3);
    for (int round = 0; round < 500; ++round) {
        const Topology topology = topology_of({1 + chance.below(3), 1 + chance.below(6), 1 + chance.below(2)});
        std::vector<unsigned> queue_cpus;
        for (unsigned i = 1 + chance.below(12); i-- > 0;)
            queue_cpus.push_back(chance.below(topology.online.count()));
        const auto sets = transmit_sets(topology, queue_cpus);
        REQUIRE(sets.size() == queue_cpus.size());
        CpuSet all;
        unsigned members = 0;
        for (const CpuSet& set : sets) {
            all = all | set;
            members += set.count();
        }
        CHECK(all == topology.online);
        CHECK(members == topology.online.count());
        for (const unsigned cpu : queue_cpus) { // the CPU that takes a queue's interrupt sends through such a queue
            bool own = false;
            for (std::size_t queue = 0; queue < sets.size(); ++queue)
                own = own || (queue_cpus[queue] == cpu && sets[queue].contains(cpu));
            CHECK(own);
        }
    }
    CHECK(transmit_sets(topology_of({}), {}).empty());
}

TEST_CASE("hyper-threads send through the queue of their core")
{
    const Topology topology = topology_of({1, 2, 2}); // 0 and 2 are one core, 1 and 3 the other
    CHECK(transmit_sets(topology, {0, 1}) == std::vector<CpuSet>{cpus("0,2"), cpus("1,3")});
}

TEST_CASE("RPS helps only where hardware queues do not reach every near CPU")
{
    const Topology topology = topology_of({2, 4, 1});
    const PlacementQuestion question{topology, cpus_of_node(topology, 1), usable_cpus(topology), {}};
    CHECK(receive_helpers(question, 1) == cpus("4-7"));
    CHECK(receive_helpers(question, 3) == cpus("4-7"));
    CHECK(receive_helpers(question, 4).empty());
    const Topology alone = topology_of({1, 1, 1});
    CHECK(receive_helpers({alone, {}, usable_cpus(alone), {}}, 1).empty());
}

TEST_CASE("flow tables are powers of two that hold every flow, shared by the queues")
{
    CHECK(flow_table_sizes(100, 1) == FlowTableSizes{32768, 32768});
    CHECK(flow_table_sizes(100'000, 8) == FlowTableSizes{131072, 16384});
    CHECK(flow_table_sizes(100'000, 3) == FlowTableSizes{131072, 32768});
    CHECK(flow_table_sizes(UINT64_MAX, 1).host == 1 << 24);
    CHECK(flow_table_sizes(0, 0) == FlowTableSizes{32768, 32768});
}
