// SPDX-License-Identifier: GPL-2.0-or-later
// Cargo-cult values: numbers that recipes carry from host to host, against what this kernel would have chosen itself.
#include "advise/remedy.h"
#include "advise/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

namespace netwright::advise {
namespace {

constexpr std::int64_t huge_default = 1 << 20;         // of every UDP, raw and unix socket
constexpr std::int64_t kernel_socket_default = 212992; // SK_WMEM_MAX, SK_RMEM_MAX (include/net/sock.h)
constexpr std::uint64_t bytes_per_bucket = 128 * 1024; // RAM per bucket of TCP's hash table (net/ipv4/tcp.c, tcp_init)
constexpr std::uint64_t most_buckets = 524288;
constexpr std::int64_t long_backlog = 20000;       // packets a CPU: tens of milliseconds of queue
constexpr std::uint64_t worst_packet_bytes = 2304; // truesize of a full frame
constexpr std::int64_t first_sane_port = 10240;
constexpr KernelVersion no_adv_win_scale{6, 6, 0};
constexpr KernelVersion larger_rmem_start{4, 20, 0}; // 87380 before
constexpr KernelVersion larger_rmem{6, 16, 0};
constexpr KernelVersion larger_socket_max{6, 18, 0};

std::vector<std::int64_t> replaced(std::vector<std::int64_t> numbers, std::size_t index, std::int64_t value)
{
    numbers[index] = value;
    return numbers;
}

Opinion judge_socket_defaults(const Case& about)
{
    std::vector<Finding> findings;
    for (const std::string_view key : {"net.core.rmem_default", "net.core.wmem_default"}) {
        const std::int64_t now = TRY(about.host.sysctls.number(key));
        if (now <= huge_default) continue;
        Finding finding = finding_of(Severity::Medium, Confidence::Derived,
                                     fmt::format("Every UDP, raw and unix socket gets a buffer of {}",
                                                 to_text(Bytes{static_cast<std::uint64_t>(now)})));
        finding.subject = key;
        note(finding, sysctl_evidence(about, key));
        note_setter(about, key, finding);
        finding.why = "These defaults apply to each socket that asks for nothing, of every user. TCP does not use "
                      "them: it starts from "
                      "tcp_rmem's and tcp_wmem's own defaults.";
        finding.cost =
            "any user can fill kernel memory with a few sockets, and slow readers queue megabytes of stale datagrams";
        propose(finding, set_sysctl(about, "socket-defaults-huge", key, kernel_socket_default,
                                    "the kernel's default; programs that need more ask with SO_RCVBUF or SO_SNDBUF"));
        finding.side_effects =
            "LOWERS the value: a UDP program that relied on it may drop datagrams in bursts; let it set its own buffer";
        finding.security = "a large default is an easy way to exhaust kernel memory";
        findings.push_back(std::move(finding));
    }
    return findings;
}

struct PageAccount {
    std::string_view key;
    std::uint64_t pressure_share; // the kernel's own pressure value is RAM / this
};
constexpr std::array page_accounts{PageAccount{"net.ipv4.tcp_mem", 16}, PageAccount{"net.ipv4.udp_mem", 8}};

// What the kernel computes at boot (net/ipv4/tcp.c tcp_init_mem, net/ipv4/udp.c udp_init): pressure, 3/4 of it, 3/2 of
// it.
std::vector<std::int64_t> kernel_pages(std::uint64_t memory, std::uint64_t page, std::uint64_t share)
{
    const auto pressure = static_cast<std::int64_t>(memory / share / page);
    const std::int64_t low = pressure / 4 * 3;
    return {low, pressure, low * 2};
}

Opinion judge_mem_in_bytes(const Case& about)
{
    if (!about.host.memory) return std::unexpected(about.host.memory.error());
    const std::uint64_t memory = about.host.memory->total.count, page = about.host.memory->page_size.count;
    std::vector<Finding> findings;
    for (const PageAccount& row : page_accounts) {
        const auto now = about.host.sysctls.numbers(row.key);
        if (!now && now.error().kind == Error::Kind::Absent) continue; // a child namespace
        const auto pages = TRY(std::as_const(now));
        if (pages.size() != 3 || pages[2] < 0 || static_cast<std::uint64_t>(pages[2]) < memory / page) continue;
        Finding finding =
            finding_of(Severity::Medium, Confidence::Derived,
                       fmt::format("{} allows more than all memory: bytes where pages were meant", row.key));
        finding.subject = row.key;
        note(finding, sysctl_evidence(about, row.key));
        finding.evidence.push_back(
            {"/proc/meminfo MemTotal", fmt::format("{} = {} pages", to_text(Bytes{memory}), grouped(memory / page))});
        note_setter(about, row.key, finding);
        finding.why = fmt::format("The three numbers count pages of {} bytes. {} pages are {}.", page,
                                  grouped(static_cast<std::uint64_t>(pages[2])),
                                  to_text(Bytes{static_cast<std::uint64_t>(pages[2]) * page}));
        finding.cost = "nothing stops socket buffers before the host runs out of memory and kills processes";
        propose(finding,
                set_sysctl(about, "socket-memory-in-bytes", row.key, kernel_pages(memory, page, row.pressure_share),
                           fmt::format("what the kernel computes from RAM: pressure = RAM / {}, in pages",
                                       row.pressure_share)));
        finding.side_effects = "LOWERS the value to the kernel's own; it takes effect at once";
        findings.push_back(std::move(finding));
    }
    return findings;
}

struct HashLimit {
    std::string_view key, what, cost;
};
constexpr std::array hash_limits{
    HashLimit{"net.ipv4.tcp_max_tw_buckets", "connections that may wait in TIME_WAIT",
              "beyond it connections skip TIME_WAIT, and late segments can reach a new connection"},
    HashLimit{"net.ipv4.tcp_max_orphans", "closed sockets that may still deliver their data",
              "beyond it clients get a reset instead of the end of their answer"},
};

// 32-bit kernels size hash tables and buffers by low memory, and count smaller structures into SK_RMEM_MAX: what they
// would have chosen cannot be told from MemTotal.
Result<void> knows_own_defaults(const Case& about)
{
    const std::string_view machine = about.host.kernel.architecture; // uname -m
    if (machine.empty() || machine.find("64") != std::string_view::npos || machine == "s390x" || machine == "alpha")
        return {};
    return fail(Error::Kind::Unsupported,
                fmt::format("the kernel's own defaults are not known for {}, which has 32 bits", machine));
}

// Half of TCP's hash buckets, which follow from RAM.
std::int64_t kernel_hash_limit(std::uint64_t memory)
{
    const std::uint64_t buckets =
        std::min(std::bit_ceil(std::max<std::uint64_t>(memory / bytes_per_bucket, 2)), most_buckets);
    return static_cast<std::int64_t>(buckets / 2);
}

Opinion judge_lowered_limits(const Case& about)
{
    TRY_VOID(knows_own_defaults(about));
    if (!about.host.memory) return std::unexpected(about.host.memory.error());
    const std::int64_t normal = kernel_hash_limit(about.host.memory->total.count);
    std::vector<Finding> findings;
    for (const HashLimit& row : hash_limits) {
        const auto now = about.host.sysctls.number(row.key);
        if (!now && now.error().kind == Error::Kind::Absent) continue;
        if (TRY(std::as_const(now)) >= normal / 4) continue;
        Finding finding =
            finding_of(Severity::Low, Confidence::Derived, fmt::format("{} was lowered to {}", row.key, *now));
        finding.subject = row.key;
        note(finding, sysctl_evidence(about, row.key));
        finding.evidence.push_back({"the kernel's own value for this memory", fmt::format("about {}", normal)});
        note_setter(about, row.key, finding);
        finding.why = fmt::format("It bounds the {}. The kernel documents it as a guard against simple attacks that "
                                  "must not be lowered by hand.",
                                  row.what);
        finding.cost = row.cost;
        propose(finding, raise_sysctl(about, "connection-limits-lowered", row.key, normal,
                                      "half of TCP's hash buckets for this RAM, as the kernel computes it"));
        finding.side_effects = "memory only while the entries exist";
        findings.push_back(std::move(finding));
    }
    return findings;
}

// The kernel's own default of one number in a list, as far as it can be known.
struct Own {
    std::string_view key;
    std::size_t index;
    std::int64_t value;
};

std::int64_t by_memory(std::uint64_t memory, std::int64_t least, std::int64_t most)
{
    return std::clamp(static_cast<std::int64_t>(memory / 128), least, most); // tcp_init(): free pages / 128
}

// Where the default grew with a release, a value below the new one counts only if a file on this host pins it: without
// one the kernel may simply be a backport that kept the old default.
std::vector<Own> own_defaults(const Case& about, std::uint64_t memory)
{
    const auto& version = about.host.kernel.version;
    const std::int64_t rmem_start = version && *version >= larger_rmem_start ? 131072 : 87380;
    const bool new_rmem = version && *version >= larger_rmem && setter_of(about, "net.ipv4.tcp_rmem");
    const auto socket_max = [&](std::string_view key) {
        return version && *version >= larger_socket_max && setter_of(about, key) ? std::int64_t{4 << 20}
                                                                                 : kernel_socket_default;
    };
    return {
        {"net.ipv4.tcp_rmem", 1, rmem_start},
        {"net.ipv4.tcp_rmem", 2, by_memory(memory, 131072, new_rmem ? 32 << 20 : 6 << 20)},
        {"net.ipv4.tcp_wmem", 1, 16384},
        {"net.ipv4.tcp_wmem", 2, by_memory(memory, 65536, 4 << 20)},
        {"net.core.rmem_max", 0, socket_max("net.core.rmem_max")},
        {"net.core.wmem_max", 0, socket_max("net.core.wmem_max")},
        {"net.core.rmem_default", 0, kernel_socket_default},
        {"net.core.wmem_default", 0, kernel_socket_default},
        {"net.core.netdev_max_backlog", 0, 1000},
    };
}

std::vector<std::int64_t> with_own(const std::vector<Own>& defaults, std::string_view key,
                                   std::vector<std::int64_t> numbers, bool small_wanted)
{
    for (const Own& own : defaults) {
        if (own.key != key || own.index >= numbers.size()) continue;
        if (small_wanted && own.index == 1) continue; // hosts with very many idle connections may start small
        const std::int64_t tolerated =
            own.index == 2 ? own.value / 4 * 3 : own.value; // free memory at boot is not MemTotal
        if (numbers[own.index] < tolerated) numbers = replaced(std::move(numbers), own.index, own.value);
    }
    return numbers;
}

Opinion judge_below_default(const Case& about)
{
    TRY_VOID(knows_own_defaults(about));
    if (!about.host.memory) return std::unexpected(about.host.memory.error());
    const auto defaults = own_defaults(about, about.host.memory->total.count);
    const bool small_wanted = serves(about.intent, Workload::IdleConnections);
    std::vector<Finding> findings;
    for (std::size_t i = 0; i < defaults.size(); ++i) {
        const std::string_view key = defaults[i].key;
        if (i > 0 && defaults[i - 1].key == key) continue; // the rows of one key stand together
        const auto now = about.host.sysctls.numbers(key);
        if (!now && now.error().kind == Error::Kind::Absent) continue;
        const auto numbers = TRY(std::as_const(now));
        const auto want = with_own(defaults, key, numbers, small_wanted);
        if (want == numbers) continue;
        Finding finding =
            finding_of(Severity::Low, Confidence::Derived, fmt::format("{} is below this kernel's own default", key));
        finding.subject = key;
        note(finding, sysctl_evidence(about, key));
        note_setter(about, key, finding);
        finding.evidence.push_back({"the kernel's own default is at least", fmt::format("{}", fmt::join(want, " "))});
        finding.why =
            "Kernel defaults have grown; a recipe written for an older one now shrinks what it meant to enlarge.";
        finding.cost = "smaller windows and shorter queues than an untouched host has";
        const Value raised = want.size() == 1 ? Value(want[0]) : Value(want);
        auto changes = raise_sysctl(about, "below-kernel-default", key, raised, "this kernel's own default");
        if (changes)
            for (Change& change : *changes)
                change.risk = Risk::Low; // what an untouched host runs with
        propose(finding, std::move(changes));
        finding.advice.emplace_back("or remove the line from the file and let the kernel choose");
        finding.side_effects = "memory, as on any host with default settings";
        findings.push_back(std::move(finding));
    }
    return findings;
}

Opinion judge_tw_recycle(const Case& about)
{
    const auto now = about.host.sysctls.number("net.ipv4.tcp_tw_recycle");
    if (!now && now.error().kind == Error::Kind::Absent) return std::vector<Finding>{}; // removed in 4.12
    if (TRY(std::as_const(now)) == 0) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Critical, Confidence::Derived, "tcp_tw_recycle drops the SYNs of clients behind NAT");
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_tw_recycle"));
    finding.why = "The kernel remembers one timestamp for each remote address and drops SYNs whose timestamp is older. "
                  "Clients that share "
                  "an address behind NAT have clocks of their own.";
    finding.cost = "random clients cannot connect for a minute at a time";
    propose(finding, set_sysctl(about, "tcp-tw-recycle", "net.ipv4.tcp_tw_recycle", std::int64_t{0},
                                "removed from the kernel in 4.12 because it broke NAT"));
    finding.side_effects = "more sockets in TIME_WAIT, which costs 256 bytes each";
    return std::vector{std::move(finding)};
}

Opinion judge_long_backlog(const Case& about)
{
    const auto key = "net.core.netdev_max_backlog";
    const std::int64_t now = TRY(about.host.sysctls.number(key));
    if (now <= long_backlog) return std::vector<Finding>{};
    const std::uint64_t cpus = about.host.topology ? about.host.topology->online.count() : 1;
    Finding finding = finding_of(
        Severity::Low, Confidence::Derived,
        fmt::format("Each CPU may queue {} packets before the stack", grouped(static_cast<std::uint64_t>(now))));
    note(finding, sysctl_evidence(about, key));
    note_setter(about, key, finding);
    finding.evidence.push_back(
        {"memory if all queues fill", to_text(Bytes{static_cast<std::uint64_t>(now) * worst_packet_bytes * cpus})});
    finding.why = "The queue is used by RPS, loopback, veth and tunnels only; a NIC's own packets do not pass it "
                  "without RPS. A packet that "
                  "waits behind tens of thousands is late, not saved.";
    finding.cost = "tens of milliseconds of latency under overload, and memory";
    finding.advice = {"10,000 is enough for bursts; spread the load over CPUs if softnet drops grow"};
    finding.side_effects = "none: advice only; netwright does not lower it by itself";
    return std::vector{std::move(finding)};
}

Opinion judge_min_free(const Case& about)
{
    if (!about.host.memory) return std::unexpected(about.host.memory.error());
    const std::int64_t now = TRY(about.host.sysctls.number("vm.min_free_kbytes"));
    const auto total = static_cast<std::int64_t>(about.host.memory->total.count / 1024);
    if (total == 0 || now <= total / 20) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Medium, Confidence::Derived,
                                 fmt::format("{:.0f} % of the memory is kept free for atomic allocations",
                                             100.0 * static_cast<double>(now) / static_cast<double>(total)));
    note(finding, sysctl_evidence(about, "vm.min_free_kbytes"));
    finding.evidence.push_back(
        {"/proc/meminfo MemTotal", fmt::format("{} kB", grouped(static_cast<std::uint64_t>(total)))});
    note_setter(about, "vm.min_free_kbytes", finding);
    finding.why = "The reserve serves allocations that cannot wait, such as receive buffers in softirq; 0.5 to 1 % is "
                  "ample. Programs cannot "
                  "use it, and reclaim starts that much earlier.";
    finding.cost = "less memory for programs and page cache, early reclaim, early out-of-memory kills";
    finding.advice = {fmt::format(
        "lower it to about 1 % of RAM ({} kB), step by step while watching for page allocation failures", total / 100)};
    finding.side_effects = "none: advice only; netwright does not lower it by itself";
    return std::vector{std::move(finding)};
}

Opinion judge_adv_win_scale(const Case& about)
{
    const std::int64_t now = TRY(about.host.sysctls.number("net.ipv4.tcp_adv_win_scale"));
    if (now == 1 || now == 2) return std::vector<Finding>{};
    const bool dead = TRY(about.host.kernel.version) >= no_adv_win_scale;
    Finding finding = finding_of(dead ? Severity::Info : Severity::Low, Confidence::Derived,
                                 dead ? "tcp_adv_win_scale is set, but this kernel ignores it"
                                      : "tcp_adv_win_scale makes windows a bad fit for their buffers");
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_adv_win_scale"));
    finding.evidence.push_back({"uname -r", about.host.kernel.release});
    note_setter(about, "net.ipv4.tcp_adv_win_scale", finding);
    finding.why = dead ? "Since 6.6 each socket measures how much of its buffer is payload."
                       : "1 advertises half of the receive buffer, -2 a quarter, 3 and more nearly all of it: then "
                         "segments overrun the buffer and are pruned.";
    finding.cost = dead ? "none" : "smaller windows, or pruning and retransmissions";
    if (!dead)
        propose(finding, set_sysctl(about, "adv-win-scale", "net.ipv4.tcp_adv_win_scale", std::int64_t{1},
                                    "the kernel's default: half of the buffer"));
    const auto setter = setter_of(about, "net.ipv4.tcp_adv_win_scale");
    if (dead)
        finding.advice.push_back(setter ? fmt::format("remove line {} of {}", setter->setting.line, setter->path)
                                        : "no file read here sets it; whatever does may stop");
    finding.side_effects = dead ? "none: advice only" : "new windows of existing connections follow at once";
    return std::vector{std::move(finding)};
}

Opinion judge_port_range_low(const Case& about)
{
    const std::int64_t first = TRY(about.host.sysctls.number("net.ipv4.ip_local_port_range"));
    if (first >= first_sane_port) return std::vector<Finding>{};
    const std::string_view reserved = TRY(about.host.sysctls.text("net.ipv4.ip_local_reserved_ports"));
    Finding finding = finding_of(Severity::Info, Confidence::Convention,
                                 fmt::format("Outgoing connections may use ports from {} on", first));
    note(finding, sysctl_evidence(about, "net.ipv4.ip_local_port_range"));
    finding.evidence.push_back(
        {"sysctl net.ipv4.ip_local_reserved_ports", reserved.empty() ? std::string("(none)") : std::string(reserved)});
    note_setter(about, "net.ipv4.ip_local_port_range", finding);
    finding.why = "Below 10240 live most services that are known by number (3306, 5432, 6379, 8080). Each port that is "
                  "not reserved can be taken "
                  "by an outgoing connection before its service starts.";
    finding.cost = "a service that fails to start with EADDRINUSE, now and then";
    finding.advice = {"start the range at 10240, or list the services' ports in ip_local_reserved_ports"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_tcp_defaults(const Case& about)
{
    std::vector<Finding> findings;
    for (const Own& own : {Own{"net.ipv4.tcp_rmem", 1, 131072}, Own{"net.ipv4.tcp_wmem", 1, 16384}}) {
        const auto now = TRY(about.host.sysctls.numbers(own.key));
        if (now.size() != 3 || now[1] <= huge_default) continue;
        Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                     fmt::format("Every TCP connection starts with a buffer of {}",
                                                 to_text(Bytes{static_cast<std::uint64_t>(now[1])})));
        finding.subject = own.key;
        note(finding, sysctl_evidence(about, own.key));
        note_setter(about, own.key, finding);
        finding.why = "The second number is where each connection starts, busy or idle; autotuning grows those that "
                      "need it to the third.";
        finding.cost =
            "slow peers may queue that much on each of many connections: TCP's memory fills, and latency grows";
        propose(finding, set_sysctl(about, "tcp-defaults-huge", own.key, replaced(now, 1, own.value),
                                    "the kernel's default start; the maximum stays"));
        finding.side_effects = "LOWERS where new connections start; they grow to the same maximum as before";
        findings.push_back(std::move(finding));
    }
    return findings;
}

Opinion judge_tuned(const Case& about)
{
    if (!about.host.services) return std::unexpected(about.host.services.error());
    const auto tuned = std::ranges::find_if(*about.host.services,
                                            [](const Service& one) { return one.name == "tuned" && one.running; });
    if (tuned == about.host.services->end()) return std::vector<Finding>{};
    const std::string profile = tuned->detail.value_or("unknown");
    Finding finding = finding_of(Severity::Info, Confidence::Measured,
                                 fmt::format("tuned sets values here too (profile {})", profile));
    finding.evidence = {{"running service tuned", fmt::format("profile {}", profile)}};
    finding.why = "tuned applies its profile at start and may put its own values back over ours.";
    finding.cost = "a change that is gone after a restart of tuned";
    finding.advice = {"put lasting changes into a tuned profile of your own, or stop tuned (tuned-adm off)"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"socket-defaults-huge", "Do all sockets get huge buffers by default?",
         "net.core.rmem_default or wmem_default above 1 MiB. TCP ignores both, so the recipe that set them for TCP did "
         "nothing but give every UDP, raw and "
         "unix socket that much. The remedy lowers them to the kernel's 212,992 and says so.",
         "net/core/sock.c sock_init_data", judge_socket_defaults},
    Rule{"socket-memory-in-bytes", "Were tcp_mem or udp_mem set in bytes?",
         "They count pages. A limit above the whole memory cannot have been meant. The remedy is what the kernel "
         "computes from RAM at boot.",
         "net/ipv4/tcp.c tcp_init_mem; net/ipv4/udp.c udp_init", judge_mem_in_bytes},
    Rule{"connection-limits-lowered", "Were tcp_max_tw_buckets or tcp_max_orphans lowered?",
         "Both start at half of TCP's hash buckets (one bucket for 128 KiB of RAM, a power of two). Below a quarter of "
         "that somebody lowered them. Only "
         "raised, never lowered.",
         "net/ipv4/tcp.c tcp_init; Documentation/networking/ip-sysctl.rst", judge_lowered_limits},
    Rule{"below-kernel-default", "Are buffers or queues below this kernel's own default?",
         "tcp_rmem and tcp_wmem (their maxima follow from RAM), rmem_max, wmem_max, rmem_default, wmem_default, "
         "netdev_max_backlog. Where a release raised a "
         "default (tcp_rmem 6.16, rmem_max 6.18), a smaller value counts only if a file here pins it. Very many idle "
         "connections may start with small buffers.",
         "net/ipv4/tcp.c tcp_init; include/net/sock.h", judge_below_default},
    Rule{"tcp-tw-recycle", "Is tcp_tw_recycle on?",
         "It exists up to 4.11 only and breaks clients behind NAT. tcp_tw_reuse is something else and harmless.",
         "net/ipv4/tcp_metrics.c up to 4.11", judge_tw_recycle},
    Rule{"netdev-backlog-huge", "Is netdev_max_backlog absurdly long?",
         "Above 20,000 packets a CPU. Never lowered by netwright: a person decides.",
         "net/core/dev.c enqueue_to_backlog", judge_long_backlog},
    Rule{"min-free-huge", "Is much memory locked away in vm.min_free_kbytes?",
         "Above 5 % of RAM. Never lowered by netwright: a person decides.", "mm/page_alloc.c calculate_min_free_kbytes",
         judge_min_free},
    Rule{"adv-win-scale", "Does tcp_adv_win_scale fit?",
         "1 (the default) and 2 (an older default) pass. From 6.6 on the kernel ignores the value, and it is only an "
         "info.",
         "include/net/tcp.h tcp_win_from_space", judge_adv_win_scale},
    Rule{"port-range-low", "Does the automatic port range reach down among the services?",
         "ip_local_port_range that begins below 10240. A convention; listeners that really stand inside are the rule "
         "listeners-in-port-range.",
         "net/ipv4/inet_connection_sock.c", judge_port_range_low},
    Rule{"tcp-defaults-huge", "Does every TCP connection start with a huge buffer?",
         "The second number of tcp_rmem or tcp_wmem above 1 MiB. The maximum, which large transfers need, stays.",
         "net/ipv4/tcp.c tcp_init_sock", judge_tcp_defaults},
    Rule{"tuned-also-sets", "Does tuned set values on this host too?",
         "Looks only at whether it runs. Its values are left alone.", "tuned-adm(8)", judge_tuned},
};

} // namespace

std::span<const Rule> hygiene_rules() { return rules; }

} // namespace netwright::advise
