// SPDX-License-Identifier: GPL-2.0-or-later
// Machines for tests of placement: nodes of cores of hyper-threads, numbered as Linux numbers them on x86.
#pragma once

#include "model/host.h"
#include "model/nic.h"

#include <fmt/format.h>

namespace netwright::test {

struct Machine {
    unsigned nodes = 1, cores = 4, threads = 1; // cores a node, threads a core
};

// All first threads node by node, then all second threads: CPU 0 and CPU nodes × cores are siblings.
inline Topology topology_of(const Machine& machine)
{
    Topology topology;
    const unsigned all_cores = machine.nodes * machine.cores;
    for (unsigned thread = 0; thread < machine.threads; ++thread)
        for (unsigned core = 0; core < all_cores; ++core) {
            Cpu cpu;
            cpu.number = thread * all_cores + core;
            cpu.node = cpu.package = core / machine.cores;
            cpu.core = core % machine.cores;
            for (unsigned other = 0; other < machine.threads; ++other)
                cpu.siblings.add(other * all_cores + core);
            topology.online.add(cpu.number);
            topology.cpus.push_back(cpu);
        }
    topology.possible = topology.allowed = topology.online;
    for (unsigned node = 0; node < machine.nodes; ++node)
        topology.nodes.push_back(node);
    return topology;
}

inline CpuSet cpus_of_node(const Topology& topology, unsigned node)
{
    CpuSet set;
    for (const Cpu& cpu : topology.cpus)
        if (cpu.node == node) set.add(cpu.number);
    return set;
}

} // namespace netwright::test
