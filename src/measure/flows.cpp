// SPDX-License-Identifier: GPL-2.0-or-later
// Which thread does what with which flow.
#include "measure/flows.h"

#include "measure/jobs.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>

namespace netwright::measure {
namespace {

constexpr std::uint32_t most_connecting_threads = 256;

struct RoleJobs {
    FlowRole role;
    Job client, server;
};
constexpr std::array role_jobs{
    RoleJobs{FlowRole::Bulk, send_bulk, receive_bulk},
    RoleJobs{FlowRole::Request, make_requests, answer_requests},
    RoleJobs{FlowRole::Datagrams, send_datagrams, receive_datagrams},
    RoleJobs{FlowRole::DatagramRequest, make_datagram_requests, answer_datagrams},
    RoleJobs{FlowRole::Connections, make_connections, answer_connections},
};

// Requests beside bulk data are small and as fast as they go; the rate is the bulk data's.
Traffic part_of(const Traffic& traffic, FlowRole role)
{
    Traffic part = traffic;
    if (traffic.kind != TrafficKind::Mixed || role != FlowRole::Request) return part;
    part.message = traffic.response;
    part.rate = 0;
    return part;
}

} // namespace

std::uint32_t connections_of(const Traffic& traffic)
{
    return traffic.flows + (traffic.kind == TrafficKind::Mixed ? 1 : 0);
}

FlowRole role_of(const Traffic& traffic, std::uint32_t number)
{
    return number < traffic.flows ? row_of(traffic.kind).role : FlowRole::Request;
}

void start_flows(std::list<Crew>& crews, std::vector<Flow> flows, const Traffic& traffic, std::uint32_t cookie,
                 const std::vector<Address>& peers, Side side)
{
    for (const RoleJobs& row : role_jobs) {
        std::vector<Flow> own;
        for (Flow& flow : flows)
            if (flow.role == row.role) own.push_back(std::move(flow));
        std::erase_if(flows, [&](const Flow& flow) { return flow.role == row.role; });
        if (own.empty()) continue;
        Work work;
        work.traffic = part_of(traffic, row.role);
        work.cookie = cookie;
        work.peers = peers;
        work.rate = static_cast<double>(work.traffic.rate);
        const bool client = side == Side::Client;
        // A thread makes one connection at a time: as many threads as there are to be at the same time.
        if (client && row.role == FlowRole::Connections && traffic.threads == 0)
            work.traffic.threads = std::min(traffic.flows, most_connecting_threads);
        crews.emplace_back().start(client ? row.client : row.server, std::move(own), work,
                                   client ? traffic.client_cpus : traffic.server_cpus);
    }
}

Result<void> prepare_datagrams(const Fd& socket, int family, const Traffic& traffic, Side side)
{
    const timeval patience{0, 100'000};
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        return std::unexpected(errno_error("set SO_RCVTIMEO", errno));
    TRY_VOID(set_tos(socket, family, traffic.tos));
    if (!traffic.offload) return {};
    if (side == Side::Server) return set_option(socket, SOL_UDP, UDP_GRO, 1, "UDP_GRO");
    return set_option(socket, SOL_UDP, UDP_SEGMENT, static_cast<int>(traffic.message), "UDP_SEGMENT");
}

void raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit); // where it fails the open itself will tell
}

} // namespace netwright::measure
