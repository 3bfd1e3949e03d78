// SPDX-License-Identifier: GPL-2.0-or-later
// What programs do to themselves: descriptors, connections never closed or never read, ports used up.
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

constexpr std::uint64_t close_wait_many = 10;   // fewer are the ordinary moment between FIN and close()
constexpr std::uint32_t unread_bytes = 16384;   // less is the ordinary moment between arrival and read()
constexpr std::uint64_t ports_nearly_used = 95; // percent

// Does somebody wait at one of its listeners?
bool clients_wait(const Scene& scene, const ProcessLimits& process)
{
    if (!scene.now.sockets) return false;
    return std::ranges::any_of(scene.now.sockets->listeners, [&](const Listener& listener) {
        return listener.owner && listener.owner->pid == process.pid && listener.queued > 0;
    });
}

Sightings look_descriptors(const Scene& scene, const Cause&)
{
    const auto& processes = scene.now.listening_processes;
    if (!processes) return std::unexpected(processes.error());
    std::vector<Sighting> seen;
    for (const ProcessLimits& process : *processes) {
        if (!process.open_files || !process.nofile_soft) continue;
        if (*process.open_files < *process.nofile_soft || !clients_wait(scene, process)) continue;
        Sighting sighting;
        sighting.victim = fmt::format("{}, pid {}", process.command, process.pid);
        sighting.pid = process.pid;
        sighting.evidence = {
            {fmt::format("/proc/{}/fd", process.pid), fmt::format("{} open", *process.open_files)},
            {fmt::format("/proc/{}/limits, Max open files", process.pid), fmt::format("{}", *process.nofile_soft)}};
        seen.push_back(std::move(sighting));
    }
    return seen;
}

std::uint64_t count_in(const Snapshot& host, std::string_view state)
{
    if (!host.sockets) return 0;
    for (const StateCount& one : host.sockets->tcp_states)
        if (one.state == state) return one.count;
    return 0;
}

const Connection* first_waiting(const Snapshot& host, std::string_view state)
{
    if (!host.sockets || !host.sockets->waiting) return nullptr;
    const auto found = std::ranges::find(*host.sockets->waiting, state, &Connection::state);
    return found == host.sockets->waiting->end() ? nullptr : &*found;
}

Sightings look_close_wait(const Scene& scene, const Cause&)
{
    if (!scene.now.sockets) return std::unexpected(scene.now.sockets.error());
    const std::uint64_t now = count_in(scene.now, "close-wait"), before = count_in(scene.before, "close-wait");
    if (now < close_wait_many || before < close_wait_many / 2) return std::vector<Sighting>{};
    Sighting sighting;
    sighting.events = growth_u64(before, now);
    if (const Connection* const one = first_waiting(scene.now, "close-wait")) {
        sighting.victim = owner_words(one->owner);
        sighting.pid = one->owner ? one->owner->pid : 0;
        sighting.evidence.push_back({"one of them", connection_words(*one)});
    }
    sighting.evidence.insert(sighting.evidence.begin(),
                             {"connections in close-wait (sock_diag)", fmt::format("{} before, {} now", before, now)});
    return std::vector{std::move(sighting)};
}

// The same bytes unread at both moments, and the buffer so full that the window is closed or nearly so.
bool unread(const Connection& connection, const Connection& before)
{
    const bool full = std::uint64_t{connection.receive_memory} * 2 >= connection.receive_buffer;
    return connection.receive_queue >= unread_bytes && before.receive_queue >= unread_bytes && full;
}

Sightings look_slow_reader(const Scene& scene, const Cause& cause)
{
    if (!scene.now.sockets || !scene.now.sockets->waiting)
        return std::unexpected(scene.now.sockets ? scene.now.sockets->waiting.error() : scene.now.sockets.error());
    std::vector<Sighting> seen;
    for (const Connection& connection : *scene.now.sockets->waiting) {
        const Connection* const before = connection_before(scene, connection);
        if (!before || !unread(connection, *before)) continue;
        Sighting sighting;
        sighting.victim = connection_words(connection);
        sighting.pid = connection.owner ? connection.owner->pid : 0;
        sighting.evidence = {{"bytes not read (sock_diag)",
                              fmt::format("{} before, {} now", before->receive_queue, connection.receive_queue)},
                             {"receive buffer", fmt::format("{} of {} bytes in use", connection.receive_memory,
                                                            connection.receive_buffer)}};
        std::ranges::move(counter_evidence(scene, cause.counters), std::back_inserter(sighting.evidence));
        seen.push_back(std::move(sighting));
        if (seen.size() == 3) break;
    }
    return seen;
}

std::uint64_t usable_ports(const Scene& scene)
{
    const auto range = scene.now.sysctls.numbers("net.ipv4.ip_local_port_range");
    if (!range || range->size() != 2 || (*range)[1] < (*range)[0]) return 0;
    return static_cast<std::uint64_t>((*range)[1] - (*range)[0] + 1);
}

// No counter and no drop event tells: connect() fails with EADDRNOTAVAIL. So ports in use are counted.
Sightings look_ports(const Scene& scene, const Cause&)
{
    if (!scene.now.sockets) return std::unexpected(scene.now.sockets.error());
    const auto& busiest = scene.now.sockets->busiest;
    const std::uint64_t ports = usable_ports(scene);
    if (!busiest && busiest.error().kind != Error::Kind::Absent) return std::unexpected(busiest.error());
    if (ports == 0) return fail(Error::Kind::Absent, "net.ipv4.ip_local_port_range is not visible here");
    if (!busiest || busiest->connections * 100 < ports * ports_nearly_used) return std::vector<Sighting>{};
    Sighting sighting;
    sighting.victim = "connections to " + socket_words(busiest->address, busiest->port);
    sighting.evidence = {{fmt::format("connections to {}, time-wait included (sock_diag)",
                                      socket_words(busiest->address, busiest->port)),
                          fmt::format("{} of {} ports", busiest->connections, ports)},
                         sysctl_seen(scene, "net.ipv4.ip_local_port_range"),
                         sysctl_seen(scene, "net.ipv4.tcp_tw_reuse"),
                         {"connections in time-wait", fmt::format("{}", count_in(scene.now, "time-wait"))}};
    return std::vector{std::move(sighting)};
}

constexpr std::array causes{
    Cause{.id = "descriptor-limit",
          .layer = Layer::Application,
          .severity = Severity::Critical,
          .symptoms = drops | refused | latency,
          .what = "processes out of descriptors",
          .unit = "",
          .look = look_descriptors,
          .title = "A server has used up its file descriptors: accept() fails with EMFILE and clients pile up",
          .why = "Every connection is a descriptor. At the limit accept() fails, connections stay in the accept queue, "
                 "and once it is full new ones are refused.",
          .confirm = "ls /proc/PID/fd | wc -l; grep 'open files' /proc/PID/limits\nstrace -p PID -e accept4   (EMFILE)",
          .advice = "systemd: LimitNOFILE=65536 for the service, and restart it; else ulimit -n\n"
                    "look whether it leaks descriptors: the count should fall when load does",
          .cost = "about 1 KB of kernel memory a connection, and its buffers",
          .no_use = "fs.file-max: it is the whole host's limit, and not reached"},
    Cause{.id = "close-wait",
          .layer = Layer::Application,
          .symptoms = resets | refused,
          .what = "connections a program never closes",
          .unit = "more connections left open",
          .look = look_close_wait,
          .title = "A program does not close connections whose peers have gone (close-wait)",
          .why =
              "The peer has closed its side; the connection stays until the program calls close(). No timer ends it: "
              "descriptors and memory run out in the end.",
          .confirm = "ss -tanp state close-wait   (which program)",
          .advice = "a bug of the program: it must close() after read() gave 0; restarting it clears them",
          .cost = "none: no kernel setting ends these",
          .no_use = "tcp_fin_timeout and keepalive: the connection is still open on our side"},
    Cause{.id = "slow-reader",
          .layer = Layer::Application,
          .symptoms = throughput | latency,
          .what = "programs that do not read",
          .unit = "windows closed",
          .counters = "TcpExtTCPToZeroWindowAdv TcpExtTCPWantZeroWindowAdv",
          .look = look_slow_reader,
          .title = "A program does not read what it is sent: it holds its peer's data back",
          .why =
              "The receive buffer is full, so the kernel closes the window and the sender waits. Nothing is lost and "
              "no packet is dropped: the program is what is slow.",
          .confirm = "ss -tmn   (Recv-Q stays high)\nnstat -az TcpExtTCPToZeroWindowAdv",
          .advice = "find out what the program waits for (disk, lock, CPU): strace -p PID, perf top",
          .cost = "none: advice only",
          .no_use = "tcp_rmem: a larger buffer only takes longer to fill"},
    Cause{.id = "ephemeral-ports-used-up",
          .layer = Layer::Application,
          .severity = Severity::High,
          .symptoms = refused | latency,
          .what = "local ports used up",
          .unit = "",
          .look = look_ports,
          .title = "No local ports are left for one destination: connect() fails with EADDRNOTAVAIL",
          .why = "A connection needs a local port of its own towards one address and port; those in time-wait hold "
                 "theirs for a minute. No counter and no drop tells of the failure.",
          .confirm = "ss -tan 'dst ADDRESS and dport = PORT' | wc -l   (near the size of ip_local_port_range)",
          .advice = "keep connections open and use them again (keep-alive, pooling): this cures it\n"
                    "several destination or source addresses; IP_BIND_ADDRESS_NO_PORT for programs that bind\n"
                    "widen net.ipv4.ip_local_port_range (reserve listeners' ports), net.ipv4.tcp_tw_reuse=1",
          .cost = "a wider range may take a port that a service wants later: ip_local_reserved_ports",
          .no_use = "tcp_fin_timeout does not shorten time-wait; tcp_max_tw_buckets takes its protection away"},
};

} // namespace

std::span<const Cause> application_causes() { return causes; }

} // namespace netwright::diagnose
