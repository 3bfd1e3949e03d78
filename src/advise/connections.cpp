// SPDX-License-Identifier: GPL-2.0-or-later
// A connection's later life: keepalive, retries, orphans, half-closed sockets, and the descriptors it needs.
#include "advise/remedy.h"
#include "advise/service_words.h"
#include "catalog/formulas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr std::int64_t middlebox_idle_s = 350; // a common idle timeout of cloud load balancers and NAT gateways
constexpr std::int64_t least_detection_s = 15; // below it a short outage ends healthy connections
constexpr std::int64_t least_retries2 = 8;     // about 100 s, the least RFC 1122 (4.2.3.5) allows
constexpr double nearly = 0.80, practically = 0.95;
constexpr std::uint64_t most_orphan_bytes = 64 * 1024; // that one orphan can pin (Documentation: ip-sysctl)
constexpr std::uint64_t many_close_wait = 100;
constexpr std::uint64_t spare_descriptors = 512; // log files, upstreams, timers

// Probes for a kind of host: dead peers are found in time + interval x probes seconds.
struct Keepalive {
    Workload workload;
    std::int64_t time_s, interval_s, probes;
};
constexpr std::array keepalives{
    Keepalive{Workload::WebServer, 120, 15, 4},       Keepalive{Workload::Proxy, 60, 10, 3},
    Keepalive{Workload::Database, 120, 10, 6},        Keepalive{Workload::Streaming, 120, 15, 4},
    Keepalive{Workload::IdleConnections, 300, 15, 4}, Keepalive{Workload::Kubernetes, 120, 15, 4},
    Keepalive{Workload::CloudGuest, 120, 15, 4},
};

// Of several workloads on one host, the one that must notice first.
const Keepalive* wanted_keepalive(const Intent& intent)
{
    const Keepalive* first = nullptr;
    for (const Keepalive& one : keepalives)
        if (serves(intent, one.workload) && (first == nullptr || one.time_s < first->time_s)) first = &one;
    return first;
}

struct Probing {
    std::int64_t time_s = 0, interval_s = 0, probes = 0;
    std::int64_t detection_s() const { return time_s + interval_s * probes; }
};

Result<Probing> probing(const Case& about)
{
    return Probing{TRY(about.host.sysctls.number("net.ipv4.tcp_keepalive_time")),
                   TRY(about.host.sysctls.number("net.ipv4.tcp_keepalive_intvl")),
                   TRY(about.host.sysctls.number("net.ipv4.tcp_keepalive_probes"))};
}

void keepalive_evidence(const Case& about, Finding& finding)
{
    for (const std::string_view key :
         {"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"})
        note(finding, sysctl_evidence(about, key));
}

void set_keepalive(const Case& about, std::string_view rule, const Probing& want, const std::string& why,
                   Finding& finding)
{
    propose(finding, set_sysctl(about, rule, "net.ipv4.tcp_keepalive_time", want.time_s, why));
    propose(finding, set_sysctl(about, rule, "net.ipv4.tcp_keepalive_intvl", want.interval_s, why));
    propose(finding, set_sysctl(about, rule, "net.ipv4.tcp_keepalive_probes", want.probes, why));
}

Opinion judge_keepalive_late(const Case& about)
{
    const Probing now = TRY(probing(about));
    const Keepalive* const wanted = wanted_keepalive(about.intent);
    if (!about.intent.workload.given || wanted == nullptr || now.time_s < middlebox_idle_s)
        return std::vector<Finding>{};
    const Probing want{wanted->time_s, std::min(now.interval_s, wanted->interval_s),
                       std::min(now.probes, wanted->probes)};
    Finding finding =
        finding_of(Severity::Low, Confidence::Convention,
                   fmt::format("A dead peer is noticed after {} s at the earliest",
                               grouped(static_cast<std::uint64_t>(std::max<std::int64_t>(now.detection_s(), 0)))));
    keepalive_evidence(about, finding);
    finding.why = fmt::format(
        "The first probe goes out after {} s of silence. Load balancers, NAT gateways and firewalls forget idle "
        "connections earlier (often after {} s); both ends then keep a connection that no longer exists.",
        now.time_s, middlebox_idle_s);
    finding.cost = "stale connections hold memory, locks and pool slots; the next request on one fails";
    set_keepalive(
        about, "keepalive-late", want,
        fmt::format(
            "first probe after {} s, before a middlebox forgets at {} s; dead peers found in {} + {} x {} = {} s",
            want.time_s, middlebox_idle_s, want.time_s, want.interval_s, want.probes, want.detection_s()),
        finding);
    finding.advice.emplace_back(
        "only sockets with SO_KEEPALIVE are probed: see that the programs set it (ss -to shows 'keepalive')");
    finding.side_effects = fmt::format("one small packet for each idle connection every {} s", want.time_s);
    return std::vector{std::move(finding)};
}

Opinion judge_keepalive_hasty(const Case& about)
{
    const Probing now = TRY(probing(about));
    if (now.probes > 0 && now.detection_s() >= least_detection_s) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 fmt::format("Keepalive gives idle connections up after {} s", now.detection_s()));
    keepalive_evidence(about, finding);
    finding.why = fmt::format(
        "{} s + {} s x {} probes: a short outage, or a phone between two cells, ends healthy idle connections.",
        now.time_s, now.interval_s, now.probes);
    finding.cost = "resets of idle connections, and a packet per connection every few seconds";
    const Probing want{std::max<std::int64_t>(now.time_s, 60), std::max<std::int64_t>(now.interval_s, 10),
                       std::max<std::int64_t>(now.probes, 3)};
    set_keepalive(about, "keepalive-hasty", want,
                  fmt::format("outlast an outage of {} s", want.interval_s * want.probes), finding);
    finding.side_effects = "dead peers are noticed later";
    return std::vector{std::move(finding)};
}

struct Retry {
    std::string_view key;
    std::int64_t least, normal;
    std::string_view what;
};
constexpr std::array retries{
    Retry{"net.ipv4.tcp_retries2", least_retries2, 15,
          "established connections end after a short outage; RFC 1122 asks for 100 s, which is 8"},
    Retry{"net.ipv4.tcp_syn_retries", 2, 6, "one lost SYN, or the answer to it, makes connect() fail"},
    Retry{"net.ipv4.tcp_synack_retries", 2, 5, "one lost packet of a handshake loses the client"},
};

Opinion judge_few_retries(const Case& about)
{
    std::vector<Finding> findings;
    for (const Retry& retry : retries) {
        const std::int64_t now = TRY(about.host.sysctls.number(retry.key));
        if (now >= retry.least) continue;
        Finding finding =
            finding_of(Severity::Low, Confidence::Derived, fmt::format("TCP gives up early: {} = {}", retry.key, now));
        finding.subject = retry.key;
        note(finding, sysctl_evidence(about, retry.key));
        finding.why = fmt::format("With so few retries {}.", retry.what);
        finding.cost = "connections fail that would have survived";
        propose(
            finding,
            raise_sysctl(about, "retries-few", retry.key, retry.least,
                         fmt::format("the least that survives one loss or a short outage; the kernel's default is {}",
                                     retry.normal)));
        finding.side_effects =
            "peers that are really gone are noticed later; TCP_USER_TIMEOUT is the program's own limit";
        findings.push_back(std::move(finding));
    }
    return findings;
}

Opinion judge_fin_timeout(const Case& about)
{
    const std::int64_t timeout = TRY(about.host.sysctls.number("net.ipv4.tcp_fin_timeout"));
    if (timeout >= 5 && timeout <= 300) return std::vector<Finding>{};
    Finding finding = finding_of(timeout <= 0 ? Severity::Medium : Severity::Low, Confidence::Derived,
                                 fmt::format("tcp_fin_timeout is {} s", timeout));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_fin_timeout"));
    finding.why = "It is the time a closed socket waits in FIN-WAIT-2 for the peer's FIN. The kernel accepts any "
                  "number, negative ones too. "
                  "It does not shorten TIME_WAIT, which is 60 s by definition.";
    finding.cost = timeout < 5 ? "the last data of slow peers is answered with a reset"
                               : "closed sockets of vanished peers stay for minutes";
    propose(finding, set_sysctl(about, "fin-timeout-nonsense", "net.ipv4.tcp_fin_timeout", std::int64_t{60},
                                "the kernel's default"));
    finding.side_effects = timeout < 5 ? "sockets closed here wait up to 60 s for their peer" : "none";
    return std::vector{std::move(finding)};
}

Opinion judge_orphans(const Case& about)
{
    const std::int64_t limit = TRY(about.host.sysctls.number("net.ipv4.tcp_max_orphans"));
    if (!about.host.sockstat) return std::unexpected(about.host.sockstat.error());
    if (!about.host.memory) return std::unexpected(about.host.memory.error());
    const std::uint64_t orphans = about.host.sockstat->tcp_orphans;
    if (limit <= 0 || static_cast<double>(orphans) < nearly * static_cast<double>(limit)) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::High, Confidence::Measured,
                   fmt::format("{} closed sockets still have data to deliver, of at most {}", grouped(orphans), limit));
    finding.evidence.push_back({"/proc/net/sockstat TCP orphan", grouped(orphans)});
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_max_orphans"));
    note(finding, counter_evidence(about, "TcpExtTCPAbortOnMemory"));
    finding.why = "The program has closed them; the kernel still waits for acknowledgements. Beyond the limit further "
                  "ones are reset at "
                  "once, with their data.";
    finding.cost = "slow or distant clients lose the end of their answers";
    const auto affordable = static_cast<std::int64_t>(about.host.memory->total.count / 16 / most_orphan_bytes);
    if (const std::int64_t want = std::min(limit * 2, affordable); want > limit)
        propose(finding, raise_sysctl(about, "orphans-near-limit", "net.ipv4.tcp_max_orphans", want,
                                      "twice the limit, at 64 KiB each at most a sixteenth of RAM"));
    finding.advice.emplace_back("tcp_orphan_retries of 2 to 4 frees sockets of vanished clients sooner (0 means 8)");
    finding.side_effects = "each orphan may pin up to 64 KiB that cannot be swapped";
    return std::vector{std::move(finding)};
}

Opinion judge_close_wait(const Case& about)
{
    if (!about.host.sockets) return std::unexpected(about.host.sockets.error());
    const auto count = [&](std::string_view state) -> std::uint64_t {
        const auto& states = about.host.sockets->tcp_states;
        const auto found = std::ranges::find(states, state, &StateCount::state);
        return found == states.end() ? 0 : found->count;
    };
    const std::uint64_t waiting = count("close-wait"), established = count("established");
    if (waiting < many_close_wait || waiting * 10 < established) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Low, Confidence::Measured,
                   fmt::format("{} connections wait for a program to close them (CLOSE-WAIT)", grouped(waiting)));
    finding.evidence.push_back({"sock_diag, state close-wait", grouped(waiting)});
    finding.evidence.push_back({"sock_diag, state established", grouped(established)});
    finding.why = "The peer has closed; the program here has not. No timer ends this state: only close() does.";
    finding.cost = "descriptors and memory leak until the program runs out of them";
    finding.advice = {"find the program (ss -tanp state close-wait) and mend it; no sysctl helps"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Finding descriptor_finding(const ProcessLimits& process, std::uint64_t soft, Severity severity, Confidence confidence,
                           std::string title)
{
    Finding finding = finding_of(severity, confidence, std::move(title));
    finding.subject = fmt::format("{} ({})", process.command, process.pid);
    if (process.open_files)
        finding.evidence.push_back(
            {fmt::format("/proc/{}/fd", process.pid), fmt::format("{} open", grouped(*process.open_files))});
    finding.evidence.push_back(
        {fmt::format("/proc/{}/limits Max open files", process.pid), fmt::format("{} (soft)", grouped(soft))});
    finding.why = "Each connection is a descriptor. At the soft limit accept() fails with EMFILE and the listener's "
                  "queue fills up. The limit "
                  "is the process's own; ulimit in a shell and fs.file-max do not change it.";
    finding.cost = "new clients wait, then time out";
    finding.advice = {fmt::format("systemctl edit the service of {}: LimitNOFILE=…, then restart it", process.command)};
    finding.side_effects = "memory per open descriptor";
    finding.risk = Risk::Low;
    return finding;
}

// Above what the kernel lets a process have (fs.nr_open) a service would not start at all.
void raise_limit(Finding& finding, const Case& about, const ProcessLimits& process, std::uint64_t to,
                 const std::string& why)
{
    const auto nr_open = about.host.sysctls.number("fs.nr_open");
    const auto most = static_cast<std::uint64_t>(nr_open ? *nr_open : 1'048'576); // NR_OPEN in include/linux/fs.h
    const auto limit = static_cast<std::int64_t>(std::min(to, most));
    if (static_cast<std::uint64_t>(limit) <= *process.nofile_soft) return;
    auto change = set_service(about, process, ServiceSetting::What::LimitNofile, limit, why);
    if (!change) return;
    finding.remedy = {*std::move(change)};
    finding.advice = {
        restart_advice(service_of(process)),
        fmt::format("At once, for the running process: prlimit --pid {} --nofile={}:", process.pid, limit)};
}

Opinion judge_descriptors(const Case& about)
{
    if (!about.host.listening_processes) return std::unexpected(about.host.listening_processes.error());
    std::vector<Finding> findings;
    std::size_t seen_processes = 0;
    for (const ProcessLimits& process : *about.host.listening_processes) {
        if (!process.nofile_soft || !process.open_files || *process.nofile_soft == 0) continue;
        ++seen_processes;
        const double used = static_cast<double>(*process.open_files) / static_cast<double>(*process.nofile_soft);
        if (used < nearly) continue;
        findings.push_back(descriptor_finding(
            process, *process.nofile_soft, used >= practically ? Severity::High : Severity::Medium,
            Confidence::Measured,
            fmt::format("{} has used {:.0f} % of its file descriptors", process.command, used * 100)));
        raise_limit(findings.back(), about, process, *process.nofile_soft * 4, "four times the present limit");
    }
    if (seen_processes == 0 && !about.host.listening_processes->empty())
        return fail(Error::Kind::Refused, "the limits of listening processes could not be read: run as root");
    return findings;
}

// Descriptors that the wanted number of connections needs: two for each client where the host is in between.
std::uint64_t descriptors_for(const Intent& intent)
{
    return catalog::open_files_needed(intent.connections->value, serves(intent, Workload::Proxy) ? 2 : 1);
}

Opinion judge_descriptors_short(const Case& about)
{
    if (!about.intent.connections || !about.intent.connections->given) return std::vector<Finding>{};
    if (!about.host.listening_processes) return std::unexpected(about.host.listening_processes.error());
    const std::uint64_t need = descriptors_for(about.intent);
    const ProcessLimits* roomiest = nullptr; // if none could take the load, the host cannot
    for (const ProcessLimits& process : *about.host.listening_processes)
        if (process.nofile_soft && (roomiest == nullptr || *process.nofile_soft > *roomiest->nofile_soft))
            roomiest = &process;
    if (roomiest == nullptr || *roomiest->nofile_soft >= need) return std::vector<Finding>{};
    Finding finding = descriptor_finding(*roomiest, *roomiest->nofile_soft, Severity::Medium, Confidence::Derived,
                                         fmt::format("No listening process may open enough files for {} connections",
                                                     grouped(about.intent.connections->value)));
    finding.evidence.push_back({"intent connections", fmt::format("{} ({})", grouped(about.intent.connections->value),
                                                                  about.intent.connections->reason)});
    finding.advice = {fmt::format("LimitNOFILE={} for the service that takes them (1.1 x connections{} + {})", need,
                                  serves(about.intent, Workload::Proxy) ? " x 2" : "", spare_descriptors)};
    return std::vector{std::move(finding)};
}

Opinion judge_file_table(const Case& about)
{
    if (!about.host.files) return std::unexpected(about.host.files.error());
    const FileTable& files = *about.host.files;
    if (files.limit == 0 || static_cast<double>(files.allocated) < nearly * static_cast<double>(files.limit))
        return std::vector<Finding>{};
    Finding finding = finding_of(Severity::High, Confidence::Measured, "The host's table of open files is nearly full");
    finding.evidence.push_back(
        {"/proc/sys/fs/file-nr", fmt::format("{} of {}", grouped(files.allocated), grouped(files.limit))});
    finding.why = "At fs.file-max every open() and accept() of every process but root's fails with ENFILE.";
    finding.cost = "all services of the host fail together";
    propose(finding, raise_sysctl(about, "file-table-near-limit", "fs.file-max",
                                  static_cast<std::int64_t>(std::min<std::uint64_t>(files.limit, 1ULL << 40) * 2),
                                  "twice the present limit"));
    finding.advice.emplace_back("find the process that leaks descriptors");
    finding.side_effects = "kernel memory for each open file";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"keepalive-late", "Are dead peers noticed only after middleboxes have forgotten the connection?",
         "A convention, judged only when a workload was given that keeps connections open. The first probe should go "
         "out before half of a "
         "common middlebox timeout of 350 s; values per workload stand in the rule. Only sockets with SO_KEEPALIVE are "
         "concerned.",
         "net/ipv4/tcp_timer.c tcp_keepalive_timer; RFC 1122 4.2.3.6", judge_keepalive_late},
    Rule{"keepalive-hasty", "Does keepalive end connections over a short outage?",
         "tcp_keepalive_time + tcp_keepalive_intvl x tcp_keepalive_probes below 15 s. Values are only raised.",
         "net/ipv4/tcp_timer.c tcp_keepalive_timer", judge_keepalive_hasty},
    Rule{"retries-few", "Does TCP give up after too few retries?",
         "tcp_retries2 below 8 (RFC 1122 asks for at least 100 s), tcp_syn_retries or tcp_synack_retries below 2. "
         "Raised to that least, not to "
         "the default: a cluster may want to fail fast.",
         "net/ipv4/tcp_timer.c; RFC 1122 4.2.3.5", judge_few_retries},
    Rule{"fin-timeout-nonsense", "Is tcp_fin_timeout a sensible time?",
         "Below 5 s (the kernel accepts even negative numbers) or above 300 s. It concerns closed sockets in "
         "FIN-WAIT-2 only.",
         "include/net/tcp.h tcp_fin_time", judge_fin_timeout},
    Rule{"orphans-near-limit", "Are there nearly as many orphaned sockets as allowed?",
         "/proc/net/sockstat against tcp_max_orphans, from 80 % on. The limit is doubled as long as 64 KiB each stay "
         "within a sixteenth of RAM. "
         "Not judged in a child namespace, which does not show the limit.",
         "net/ipv4/tcp.c tcp_check_oom", judge_orphans},
    Rule{"close-wait-piling", "Do programs leave connections open that their peers have closed?",
         "At least 100 sockets in CLOSE-WAIT and a tenth of the established ones. It is always the program.",
         "RFC 9293 3.6", judge_close_wait},
    Rule{"descriptors-near-limit", "Is a listening process close to its limit of open files?",
         "Entries in /proc/PID/fd against its RLIMIT_NOFILE, from 80 % (High from 95 %). Other users' processes need "
         "root.",
         "fs/file.c alloc_fd; accept(2)", judge_descriptors},
    Rule{"descriptors-short", "May any listening process open files for the wanted connections?",
         "Judged only when a number of connections was given: 1.1 x connections (twice for a proxy) + 512 against the "
         "roomiest listening process.",
         "fs/file.c alloc_fd", judge_descriptors_short},
    Rule{"file-table-near-limit", "Is the host's table of open files nearly full?",
         "/proc/sys/fs/file-nr, from 80 % of fs.file-max on.", "fs/file_table.c alloc_empty_file", judge_file_table},
};

} // namespace

std::span<const Rule> connection_rules() { return rules; }

} // namespace netwright::advise
