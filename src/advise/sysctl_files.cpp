// SPDX-License-Identifier: GPL-2.0-or-later
// The files that set sysctls at boot: lines without effect, lines that contradict each other, values that did not hold.
#include "advise/remedy.h"
#include "advise/settings.h"
#include "base/text.h"
#include "catalog/catalog.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace netwright::advise {
namespace {

constexpr std::size_t lines_shown = 8;

bool is_pattern(std::string_view key) { return key.find_first_of("*?[") != std::string_view::npos; }

// Equal by meaning: blanks do not matter, numbers are numbers.
bool same_value(std::string_view key, std::string_view a, std::string_view b)
{
    const Tunable tunable = SysctlKey{std::string(key)};
    const auto left = parse_value(tunable, a), right = parse_value(tunable, b);
    return left && right ? *left == *right : trim(a) == trim(b);
}

// The files speak for the initial namespace: in another one the kernel's own defaults are the normal state.
bool files_apply(const Case& about)
{
    const auto& space = about.host.surroundings.network_namespace;
    return !space || *space == "init";
}

std::string place(const Setter& setter) { return fmt::format("{} line {}", setter.path, setter.setting.line); }

Evidence line_evidence(const Setter& setter)
{
    return {place(setter), fmt::format("{} = {}", setter.setting.key, setter.setting.value)};
}

// Each key that some file sets by its full name, once, sorted.
std::vector<std::string> keys_set(const std::vector<SysctlFile>& files)
{
    std::set<std::string> keys;
    for (const SysctlFile& file : files) {
        if (!file.settings) continue;
        for (const SysctlSetting& setting : *file.settings)
            if (!is_pattern(setting.key)) keys.insert(setting.key);
    }
    return {keys.begin(), keys.end()};
}

struct DeadKey {
    std::string_view key;
    KernelVersion since;
    std::string_view why;
};
constexpr std::array dead_keys{
    DeadKey{"net.ipv4.tcp_tw_recycle", {4, 12, 0}, "removed in 4.12: it dropped clients behind NAT"},
    DeadKey{"net.ipv4.tcp_low_latency", {4, 14, 0}, "the prequeue it controlled was removed in 4.14"},
    DeadKey{"net.ipv4.tcp_fack", {4, 15, 0}, "replaced by RACK in 4.15"},
    DeadKey{"net.ipv4.udp_wmem_min", {}, "never used by the UDP send path"},
    DeadKey{"net.ipv4.route.max_size", {3, 6, 0}, "IPv4 has had no route cache since 3.6"},
    DeadKey{"net.ipv4.route.gc_thresh", {3, 6, 0}, "IPv4 has had no route cache since 3.6"},
    DeadKey{"net.ipv4.ipfrag_low_thresh", {4, 17, 0}, "fragments are evicted at ipfrag_high_thresh alone since 4.17"},
    DeadKey{"net.ipv4.neigh.default.unres_qlen", {3, 3, 0}, "follows unres_qlen_bytes since 3.3"},
    DeadKey{"net.core.warnings", {}, "kept for old scripts only"},
};

Opinion judge_dead_keys(const Case& about)
{
    if (!about.host.sysctl_files) return std::unexpected(about.host.sysctl_files.error());
    std::vector<Finding> findings;
    const KernelVersion version = TRY(about.host.kernel.version);
    for (const DeadKey& dead : dead_keys) {
        if (version < dead.since) continue; // still alive here
        const auto setters = setters_of(about, dead.key);
        if (setters.empty()) continue;
        Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                     fmt::format("{} sets {}, which does nothing", setters.back().path, dead.key));
        finding.subject = dead.key;
        for (const Setter& setter : setters)
            finding.evidence.push_back(line_evidence(setter));
        finding.why = fmt::format("{}.", dead.why);
        finding.cost =
            "none for the network; an error at boot where the key is gone, and a reader who believes it matters";
        finding.advice = {fmt::format("remove the line ({})", place(setters.back()))};
        finding.side_effects = "none: advice only";
        findings.push_back(std::move(finding));
    }
    return findings;
}

bool admins_own(const Setter& setter) { return setter.path.starts_with("/etc/") && setter.boots; }

// A line of /etc that a later line of another file takes back. What /etc overrides in /usr/lib is what /etc is for.
std::optional<Setter> overridden(const std::vector<Setter>& setters)
{
    for (std::size_t i = 0; i + 1 < setters.size(); ++i) {
        const Setter& last = setters.back();
        if (admins_own(setters[i]) && last.boots && setters[i].path != last.path &&
            !same_value(last.setting.key, setters[i].setting.value, last.setting.value))
            return setters[i];
    }
    return std::nullopt;
}

Opinion judge_overridden(const Case& about)
{
    if (!about.host.sysctl_files) return std::unexpected(about.host.sysctl_files.error());
    std::vector<Finding> findings;
    for (const std::string& key : keys_set(*about.host.sysctl_files)) {
        const auto setters = setters_of(about, key);
        const auto loser = overridden(setters);
        if (!loser) continue;
        const Setter& winner = setters.back();
        Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                     fmt::format("{} takes back what {} sets for {}", winner.path, loser->path, key));
        finding.subject = key;
        finding.evidence = {line_evidence(*loser), line_evidence(winner)};
        finding.why =
            "Files are applied in the order of their names, whatever directory they lie in; the last one wins.";
        finding.cost = "the host does not run with the value somebody meant";
        finding.advice = {
            fmt::format("decide which one is right and remove the other ({} or {})", place(*loser), place(winner))};
        finding.side_effects = "none: advice only";
        findings.push_back(std::move(finding));
    }
    return findings;
}

bool is_dead(std::string_view key) { return std::ranges::find(dead_keys, key, &DeadKey::key) != dead_keys.end(); }

Opinion judge_drift(const Case& about)
{
    if (!about.host.sysctl_files) return std::unexpected(about.host.sysctl_files.error());
    std::vector<Finding> findings;
    if (!files_apply(about)) return findings;
    for (const std::string& key : keys_set(*about.host.sysctl_files)) {
        const auto setter = setter_of(about, key);
        const auto now = about.host.sysctls.text(key);
        if (!key.starts_with("net.")) continue; // other subsystems are other tools' business
        if (!setter || !now || is_dead(key) || same_value(key, setter->setting.value, *now)) continue;
        Finding finding =
            finding_of(Severity::Low, Confidence::Derived, fmt::format("{} is not what {} says", key, setter->path));
        finding.subject = key;
        note(finding, sysctl_evidence(about, key));
        finding.evidence.push_back(line_evidence(*setter));
        finding.why = "Somebody changed it since boot, the kernel refused the line, or the key did not exist yet when "
                      "the files were applied (a "
                      "module or an interface that came later).";
        finding.cost = "after the next boot the host may behave differently from today";
        finding.advice = {fmt::format("if the file is right: sysctl --system; if the running value is right: change {}",
                                      place(*setter))};
        finding.side_effects = "none: advice only";
        findings.push_back(std::move(finding));
    }
    return findings;
}

// Lines that no boot applies: systemd-sysctl does not read /etc/sysctl.conf unless it is linked into sysctl.d.
Opinion judge_unread(const Case& about)
{
    if (!about.host.sysctl_files) return std::unexpected(about.host.sysctl_files.error());
    std::vector<Finding> findings;
    if (!files_apply(about)) return findings;
    for (const std::string& key : keys_set(*about.host.sysctl_files)) {
        const auto setters = setters_of(about, key);
        const auto now = about.host.sysctls.text(key);
        if (setters.empty() || setters.back().boots || !now || same_value(key, setters.back().setting.value, *now))
            continue;
        Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                     fmt::format("{} in {} is not applied at boot", key, setters.back().path));
        finding.subject = key;
        note(finding, sysctl_evidence(about, key));
        finding.evidence.push_back(line_evidence(setters.back()));
        finding.why = "systemd-sysctl reads the sysctl.d directories only; this file is read by 'sysctl --system' and "
                      "'sysctl -p' alone.";
        finding.cost = "the value is gone after each boot";
        finding.advice = {fmt::format("move the line into a file below /etc/sysctl.d ({})", place(setters.back()))};
        finding.side_effects = "none: advice only";
        findings.push_back(std::move(finding));
    }
    return findings;
}

// Only in namespaces and trees that show net.* at all, and only for keys nothing could bring later: no interface, no
// module.
bool should_exist(std::string_view key)
{
    constexpr std::array<std::string_view, 4> rooms{"net.core.", "net.ipv4.tcp_", "net.ipv4.udp_", "net.ipv4.ip_"};
    return std::ranges::any_of(rooms, [&](std::string_view room) { return key.starts_with(room); });
}

Opinion judge_unknown_keys(const Case& about)
{
    if (!about.host.sysctl_files) return std::unexpected(about.host.sysctl_files.error());
    std::vector<Finding> findings;
    if (!files_apply(about) || about.host.sysctls.all().empty()) return findings;
    for (const std::string& key : keys_set(*about.host.sysctl_files)) {
        const auto setter = setter_of(about, key);
        if (!setter || setter->setting.ignore_failure || is_dead(key) || !should_exist(key)) continue;
        if (about.host.sysctls.find(key) != nullptr) continue;
        Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                     fmt::format("{} sets {}, which this kernel does not have", setter->path, key));
        finding.subject = key;
        finding.evidence = {line_evidence(*setter), {"uname -r", about.host.kernel.release}};
        finding.why = "The line is misspelt, or meant for another kernel. systemd-sysctl reports it once in the "
                      "journal and goes on.";
        finding.cost = "the setting is not there";
        const auto nearest = catalog::nearest(key, 1);
        finding.advice = {fmt::format(
            "correct or remove it ({}){}", place(*setter),
            nearest.empty() || nearest[0] == key ? std::string() : fmt::format("; did you mean {}?", nearest[0]))};
        finding.side_effects = "none: advice only";
        findings.push_back(std::move(finding));
    }
    return findings;
}

struct NoEffect {
    std::string_view key, because;
    bool (*holds)(const Case&);
};

bool cookies_on(const Case& about) { return about.host.sysctls.number("net.ipv4.tcp_syncookies").value_or(0) != 0; }
bool runs_bbr(const Case& about)
{
    const auto algorithm = about.host.sysctls.text("net.ipv4.tcp_congestion_control");
    return algorithm && algorithm->starts_with("bbr");
}

constexpr std::array no_effects{
    NoEffect{
        "net.ipv4.tcp_max_syn_backlog",
        "the kernel looks at it only while tcp_syncookies=0; the listener's own backlog bounds half-open connections",
        cookies_on},
    NoEffect{"net.ipv4.tcp_slow_start_after_idle", "the default congestion control here, BBR, does not look at it",
             runs_bbr},
};

Opinion judge_no_effect(const Case& about)
{
    if (!about.host.sysctl_files) return std::unexpected(about.host.sysctl_files.error());
    std::vector<Finding> findings;
    if (!files_apply(about)) return findings;
    for (const NoEffect& row : no_effects) {
        const auto setter = setter_of(about, row.key);
        if (!setter || !row.holds(about)) continue;
        Finding finding =
            finding_of(Severity::Info, Confidence::Derived, fmt::format("{} has no effect on this host", row.key));
        finding.subject = row.key;
        finding.evidence = {line_evidence(*setter)};
        finding.why = fmt::format("It was set, but {}.", row.because);
        finding.cost = "none; it only promises what it does not do";
        finding.advice = {fmt::format("the line may go ({})", place(*setter))};
        finding.side_effects = "none: advice only";
        findings.push_back(std::move(finding));
    }
    return findings;
}

bool listed(std::string_view words, std::string_view word)
{
    const auto all = split_words(words);
    return std::ranges::find(all, word) != all.end();
}

Opinion judge_unknown_algorithm(const Case& about)
{
    constexpr std::string_view key = "net.ipv4.tcp_congestion_control";
    if (!about.host.sysctl_files) return std::unexpected(about.host.sysctl_files.error());
    const auto setter = setter_of(about, key);
    if (!setter || !files_apply(about)) return std::vector<Finding>{};
    const std::string_view now = TRY(about.host.sysctls.text(key));
    const std::string_view available = TRY(about.host.sysctls.text("net.ipv4.tcp_available_congestion_control"));
    const std::string_view wanted = trim(setter->setting.value);
    if (wanted == now || listed(available, wanted)) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Medium, Confidence::Derived,
                   fmt::format("Congestion control {} was asked for, but this kernel runs {}", wanted, now));
    note(finding, sysctl_evidence(about, key));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_available_congestion_control"));
    finding.evidence.push_back(line_evidence(*setter));
    finding.subject = key;
    finding.why = "The kernel knows an algorithm only if it is built in or its module is loaded; otherwise the write "
                  "fails and the old one stays.";
    finding.cost = fmt::format("all connections use {}", now);
    finding.advice = {
        fmt::format("modprobe tcp_{} (and list it in /etc/modules-load.d), or correct {}", wanted, place(*setter))};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_malformed_lines(const Case& about)
{
    if (!about.host.sysctl_files) return std::unexpected(about.host.sysctl_files.error());
    std::vector<Finding> findings;
    for (const SysctlFile& file : *about.host.sysctl_files) {
        if (!file.problems || file.problems->empty()) continue;
        const std::size_t lines = file.problems->size();
        Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                     fmt::format("{} holds {} that set{} nothing", file.path,
                                                 lines == 1 ? std::string("a line") : fmt::format("{} lines", lines),
                                                 lines == 1 ? "s" : ""));
        finding.subject = file.path;
        for (const SysctlProblem& problem : *file.problems)
            if (finding.evidence.size() < lines_shown)
                finding.evidence.push_back({fmt::format("{} line {}", file.path, problem.line), problem.why});
        finding.why = "Whoever applies the file complains of such a line and goes on with the next; nobody reads the "
                      "complaint.";
        finding.cost = "what the line was meant to set is not set";
        finding.advice = {fmt::format("correct or remove it (see: netwright lint {})", file.path)};
        finding.side_effects = "none: advice only";
        findings.push_back(std::move(finding));
    }
    return findings;
}

constexpr std::string_view file_sources = "sysctl.d(5); systemd-sysctl.service(8)";

constexpr std::array rules{
    Rule{"sysctl-malformed-line", "Do files hold lines that are no settings?",
         "Lines that systemd-sysctl and sysctl(8) skip: no '=', no key, a blank inside the key. At most 100 a file are "
         "looked at.",
         file_sources, judge_malformed_lines},
    Rule{"sysctl-dead-key", "Do files set keys that are dead?",
         "A short list of sysctls that were removed or no longer do anything, and that recipes still carry.",
         "net/ipv4/sysctl_net_ipv4.c", judge_dead_keys},
    Rule{"sysctl-overridden", "Does a later file take back what an earlier one of /etc sets?",
         "Only where both differ by meaning and the earlier one lies below /etc: overriding a distribution's file is "
         "what /etc is for. Patterns are not resolved.",
         file_sources, judge_overridden},
    Rule{"sysctl-drift", "Does the host run with other values than its files say?",
         "Compares by meaning what wins at boot with what runs, below net.* only. Only in the initial network "
         "namespace: the files do "
         "not speak for others.",
         file_sources, judge_drift},
    Rule{"sysctl-file-unread", "Are there lines that no boot applies?",
         "Files that only procps reads (/etc/sysctl.conf without a link in sysctl.d), where the running value differs.",
         file_sources, judge_unread},
    Rule{"sysctl-unknown-key", "Do files set keys that this kernel does not have?",
         "Only below net.core and net.ipv4's tcp, udp and ip keys: those of interfaces and modules may come later. "
         "Lines with a leading '-' pass.",
         file_sources, judge_unknown_keys},
    Rule{
        "sysctl-no-effect", "Do files set values that cannot matter here?",
        "tcp_max_syn_backlog while SYN cookies are on; tcp_slow_start_after_idle under BBR. An info: nothing is wrong.",
        "net/ipv4/tcp_input.c; include/net/tcp.h", judge_no_effect},
    Rule{
        "congestion-control-unknown", "Was a congestion control asked for that this kernel does not have?",
        "The file that wins names an algorithm that is neither running nor listed in tcp_available_congestion_control.",
        "net/ipv4/tcp_cong.c", judge_unknown_algorithm},
};

} // namespace

std::vector<Setter> setters_of(const Case& about, std::string_view key)
{
    std::vector<Setter> setters;
    if (!about.host.sysctl_files) return setters;
    for (const SysctlFile& file : *about.host.sysctl_files) {
        if (!file.settings) continue;
        for (const SysctlSetting& setting : *file.settings)
            if (setting.key == key) setters.push_back({file.path, setting, file.read_by != "procps"});
    }
    return setters;
}

std::optional<Setter> setter_of(const Case& about, std::string_view key)
{
    std::optional<Setter> last;
    for (Setter& setter : setters_of(about, key))
        if (setter.boots) last = std::move(setter);
    return last;
}

void note_setter(const Case& about, std::string_view key, Finding& finding)
{
    if (const auto setter = setter_of(about, key)) finding.evidence.push_back(line_evidence(*setter));
}

std::span<const Rule> sysctl_file_rules() { return rules; }

} // namespace netwright::advise
