// SPDX-License-Identifier: GPL-2.0-or-later
// The flows of a test: how many sockets there are, how each is introduced, and which threads take them.
#pragma once

#include "measure/worker.h"

#include <list>

namespace netwright::measure {

// TCP connections of a test that stay open: bulk, requests, and both for mixed.
std::uint32_t connections_of(const Traffic& traffic);
FlowRole role_of(const Traffic& traffic, std::uint32_t number);

// A connection's first eight bytes: which test, which flow.
struct Greeting {
    std::uint32_t cookie = 0, number = 0; // as the sender's memory holds them: they only come back to where they went
};
// The cookie of datagrams that only tell the server where a flow comes from.
constexpr std::uint32_t introduction(std::uint32_t cookie) { return ~cookie; }

enum class Side { Client, Server };
// Starts a crew for each role among `flows`. `peers`: where connection workloads connect to.
void start_flows(std::list<Crew>& crews, std::vector<Flow> flows, const Traffic& traffic, std::uint32_t cookie,
                 const std::vector<Address>& peers, Side side);

// Receives give up after 100 ms, so that threads see the test end; offload as the traffic asks.
Result<void> prepare_datagrams(const Fd& socket, int family, const Traffic& traffic, Side side);

void raise_descriptor_limit(); // to what the process may open

} // namespace netwright::measure
