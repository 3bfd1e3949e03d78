// SPDX-License-Identifier: GPL-2.0-or-later
// Each travelling struct described once, member by member: its JSON form, its reader and its list of gaps all follow
// these rows.
#pragma once

#include "model/snapshot.h"

#include <string_view>
#include <tuple>

namespace netwright::describe {

template <class Struct, class Member>
struct Field {
    std::string_view name;
    Member Struct::* member;
};
template <class Struct, class Member>
Field(std::string_view, Member Struct::*) -> Field<Struct, Member>;

template <class Struct>
struct Rows; // Rows<Nic>::fields is a tuple of Field

template <class Struct>
concept Described = requires { Rows<Struct>::fields; };

#define NETWRIGHT_ROWS(Struct, ...)                                                                                    \
    template <>                                                                                                        \
    struct Rows<Struct> {                                                                                              \
        using S = Struct;                                                                                              \
        static constexpr std::tuple fields{__VA_ARGS__};                                                               \
    };
#define ROW(member)                                                                                                    \
    Field { #member, &S::member }

// clang-format off
NETWRIGHT_ROWS(ConfigOption, ROW(name), ROW(value))
NETWRIGHT_ROWS(KernelFacts, ROW(release), ROW(version), ROW(architecture), ROW(command_line), ROW(boot_id), ROW(uptime), ROW(config),
               ROW(modules), ROW(btf))
NETWRIGHT_ROWS(Surroundings, ROW(hostname), ROW(machine_id), ROW(virtualisation), ROW(container), ROW(cloud),
               ROW(network_namespace), ROW(effective_user))
NETWRIGHT_ROWS(Cpu, ROW(number), ROW(node), ROW(package), ROW(core), ROW(siblings))
NETWRIGHT_ROWS(IdleState, ROW(name), ROW(latency_us), ROW(enabled))
NETWRIGHT_ROWS(CpuPower, ROW(cpus), ROW(driver), ROW(governor), ROW(idle_states))
NETWRIGHT_ROWS(Topology, ROW(online), ROW(possible), ROW(isolated), ROW(nohz_full), ROW(allowed), ROW(cpus), ROW(nodes), ROW(governor), ROW(power))
NETWRIGHT_ROWS(Memory, ROW(total), ROW(available), ROW(page_size), ROW(huge_page_size), ROW(huge_pages))
NETWRIGHT_ROWS(CpuTimes, ROW(cpu), ROW(user), ROW(nice), ROW(system), ROW(idle), ROW(iowait), ROW(irq), ROW(softirq), ROW(steal))
NETWRIGHT_ROWS(Pressure, ROW(some_avg10), ROW(full_avg10), ROW(some_total_us), ROW(full_total_us))
NETWRIGHT_ROWS(PressureSet, ROW(cpu), ROW(memory), ROW(io))
NETWRIGHT_ROWS(InterruptLine, ROW(id), ROW(description), ROW(per_cpu))
NETWRIGHT_ROWS(InterruptTable, ROW(cpus), ROW(lines))
NETWRIGHT_ROWS(Service, ROW(name), ROW(running), ROW(pid), ROW(detail))
NETWRIGHT_ROWS(DropInSetting, ROW(unit), ROW(name), ROW(value))
NETWRIGHT_ROWS(ProcessLimits, ROW(pid), ROW(command), ROW(open_files), ROW(nofile_soft), ROW(nofile_hard), ROW(cpus_allowed), ROW(cgroup))
NETWRIGHT_ROWS(FileTable, ROW(allocated), ROW(limit))

NETWRIGHT_ROWS(Ring, ROW(length), ROW(longest))
NETWRIGHT_ROWS(Channels, ROW(rx), ROW(tx), ROW(other), ROW(combined), ROW(rx_max), ROW(tx_max), ROW(other_max), ROW(combined_max))
NETWRIGHT_ROWS(Coalescing, ROW(adaptive_rx), ROW(adaptive_tx), ROW(rx_usecs), ROW(rx_frames), ROW(tx_usecs), ROW(tx_frames),
               ROW(rx_usecs_irq), ROW(rx_frames_irq), ROW(tx_usecs_irq), ROW(tx_frames_irq))
NETWRIGHT_ROWS(Feature, ROW(name), ROW(active), ROW(wanted), ROW(fixed))
NETWRIGHT_ROWS(HashFields, ROW(flow), ROW(fields))
NETWRIGHT_ROWS(Rss, ROW(indirection), ROW(key), ROW(function), ROW(fields))
NETWRIGHT_ROWS(NicInterrupt, ROW(irq), ROW(action), ROW(affinity), ROW(effective), ROW(node))
NETWRIGHT_ROWS(Queue, ROW(name), ROW(cpus), ROW(flow_count), ROW(xps_rxqs))
NETWRIGHT_ROWS(Napi, ROW(id), ROW(irq), ROW(pid), ROW(defer_hard_irqs), ROW(gro_flush_timeout_ns), ROW(irq_suspend_timeout_ns), ROW(threaded))
NETWRIGHT_ROWS(XdpProgram, ROW(mode), ROW(id))
NETWRIGHT_ROWS(VirtualFunctions, ROW(configured), ROW(possible))
NETWRIGHT_ROWS(SegmentLimits, ROW(gso_max_size), ROW(gso_max_segs), ROW(gro_max_size), ROW(tso_max_size), ROW(tso_max_segs),
               ROW(gso_ipv4_max_size), ROW(gro_ipv4_max_size))
NETWRIGHT_ROWS(Nic, ROW(name), ROW(index), ROW(kind), ROW(loopback), ROW(physical), ROW(up), ROW(carrier), ROW(address), ROW(master),
               ROW(mtu), ROW(min_mtu), ROW(max_mtu), ROW(txqueuelen), ROW(rx_queues), ROW(tx_queues), ROW(driver), ROW(driver_version),
               ROW(firmware_version), ROW(bus), ROW(node), ROW(local_cpus), ROW(speed_mbit), ROW(duplex), ROW(channels), ROW(rx_ring),
               ROW(tx_ring), ROW(coalescing), ROW(features), ROW(rss), ROW(interrupts), ROW(queues), ROW(limits), ROW(gro_flush_timeout_ns),
               ROW(napi_defer_hard_irqs), ROW(threaded), ROW(napis), ROW(xdp), ROW(virtual_functions), ROW(carrier_changes),
               ROW(statistics), ROW(driver_statistics))

NETWRIGHT_ROWS(Qdisc, ROW(nic), ROW(kind), ROW(handle), ROW(parent), ROW(bytes), ROW(packets), ROW(drops), ROW(overlimits), ROW(requeues),
               ROW(queued_packets), ROW(backlog_bytes), ROW(details))
NETWRIGHT_ROWS(InterfaceAddress, ROW(nic), ROW(family), ROW(address), ROW(length), ROW(scope), ROW(temporary), ROW(deprecated))
NETWRIGHT_ROWS(RouteMetrics, ROW(mtu), ROW(advmss), ROW(initcwnd), ROW(initrwnd), ROW(rto_min_ms), ROW(quickack), ROW(window), ROW(hoplimit),
               ROW(congestion_control))
NETWRIGHT_ROWS(Route, ROW(family), ROW(destination), ROW(gateway), ROW(nic), ROW(source), ROW(type), ROW(protocol), ROW(table),
               ROW(priority), ROW(next_hops), ROW(metrics))
NETWRIGHT_ROWS(RoutingRule, ROW(family), ROW(source), ROW(destination), ROW(interface), ROW(action), ROW(priority), ROW(table), ROW(mark))
NETWRIGHT_ROWS(SoftnetCpu, ROW(cpu), ROW(processed), ROW(dropped), ROW(time_squeeze), ROW(received_rps), ROW(flow_limit), ROW(backlog))
NETWRIGHT_ROWS(SockStat, ROW(tcp_inuse), ROW(tcp_time_wait), ROW(tcp_orphans), ROW(tcp_allocated), ROW(tcp_memory_pages), ROW(udp_inuse),
               ROW(udp_memory_pages), ROW(fragments_inuse), ROW(fragments_memory), ROW(tcp6_inuse), ROW(udp6_inuse))
NETWRIGHT_ROWS(ConntrackCpu, ROW(cpu), ROW(invalid), ROW(insert), ROW(insert_failed), ROW(drop), ROW(early_drop), ROW(error),
               ROW(search_restart), ROW(clash_resolve), ROW(chain_too_long))
NETWRIGHT_ROWS(Conntrack, ROW(count), ROW(limit), ROW(buckets), ROW(cpus))
NETWRIGHT_ROWS(NeighbourTable, ROW(family), ROW(entries), ROW(gc_thresh1), ROW(gc_thresh2), ROW(gc_thresh3), ROW(table_fulls),
               ROW(unresolved_discards), ROW(resolve_failed), ROW(forced_gc_runs))

NETWRIGHT_ROWS(SocketOwner, ROW(pid), ROW(command))
NETWRIGHT_ROWS(Listener, ROW(address), ROW(port), ROW(queued), ROW(limit), ROW(drops), ROW(uid), ROW(inode), ROW(congestion_control), ROW(owner))
NETWRIGHT_ROWS(UdpSocket, ROW(address), ROW(port), ROW(receive_queue), ROW(receive_buffer), ROW(drops), ROW(inode), ROW(owner))
NETWRIGHT_ROWS(Connection, ROW(state), ROW(local_address), ROW(remote_address), ROW(local_port), ROW(remote_port), ROW(receive_queue),
               ROW(send_queue), ROW(receive_memory), ROW(receive_buffer), ROW(send_memory), ROW(send_buffer), ROW(drops), ROW(busy_us),
               ROW(rwnd_limited_us), ROW(sndbuf_limited_us), ROW(bytes_sent), ROW(bytes_acked), ROW(bytes_retransmitted),
               ROW(bytes_received), ROW(segments_sent), ROW(retransmits), ROW(rtt_us), ROW(min_rtt_us), ROW(mss), ROW(path_mtu),
               ROW(in_flight), ROW(not_sent), ROW(peer_window), ROW(timeouts_running), ROW(probes), ROW(last_ack_ms), ROW(inode),
               ROW(owner))
NETWRIGHT_ROWS(Distribution::Parts, ROW(smallest), ROW(largest), ROW(sum), ROW(buckets))
NETWRIGHT_ROWS(ConnectionGroup, ROW(congestion_control), ROW(connections), ROW(rtt_us), ROW(min_rtt_us), ROW(cwnd), ROW(delivery_rate_bps),
               ROW(bytes_sent), ROW(bytes_retransmitted), ROW(bytes_received), ROW(retransmits), ROW(busy_us), ROW(rwnd_limited_us),
               ROW(sndbuf_limited_us), ROW(rwnd_limited_percent), ROW(sndbuf_limited_percent), ROW(app_limited), ROW(receive_memory),
               ROW(send_memory), ROW(receive_buffer_full))
NETWRIGHT_ROWS(StateCount, ROW(state), ROW(count))
NETWRIGHT_ROWS(BusiestDestination, ROW(address), ROW(port), ROW(connections))
NETWRIGHT_ROWS(OwnerCount, ROW(pid), ROW(command), ROW(connections))
NETWRIGHT_ROWS(SocketSummary, ROW(tcp_states), ROW(listeners), ROW(established), ROW(busiest), ROW(udp_sockets), ROW(udp), ROW(waiting),
               ROW(owners), ROW(owners_through))

NETWRIGHT_ROWS(SysctlValue, ROW(key), ROW(value))
NETWRIGHT_ROWS(SysctlSetting, ROW(key), ROW(value), ROW(line), ROW(ignore_failure))
NETWRIGHT_ROWS(SysctlProblem, ROW(line), ROW(why))
NETWRIGHT_ROWS(SysctlFile, ROW(path), ROW(read_by), ROW(settings), ROW(problems))

NETWRIGHT_ROWS(Snapshot, ROW(schema), ROW(tool), ROW(origin), ROW(taken), ROW(interval), ROW(kernel), ROW(surroundings), ROW(topology),
               ROW(memory), ROW(cpu_times), ROW(pressure), ROW(interrupts), ROW(softirqs), ROW(nics), ROW(qdiscs), ROW(addresses), ROW(routes), ROW(rules),
               ROW(neighbours), ROW(conntrack), ROW(protocols), ROW(softnet), ROW(sockstat), ROW(sockets), ROW(sysctls), ROW(sysctl_files),
               ROW(files), ROW(listening_processes), ROW(services), ROW(drop_ins))
// clang-format on

} // namespace netwright::describe
