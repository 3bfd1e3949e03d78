// SPDX-License-Identifier: GPL-2.0-or-later
// sysctls: files below /proc/sys.
//
// The key of a sysctl is a path with dots for slashes and, in interface names, slashes for dots. A key comes from
// people and from plans, so it is checked again here, where it becomes a path: whatever it says, it cannot name a file
// outside /proc/sys. The live /proc/sys holds no symbolic links; a captured tree may, and a link is refused there.
#include "base/text.h"
#include "tunable/kinds.h"
#include "tunable/tunable_kind.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <set>

namespace netwright::tunable {
namespace {

constexpr std::string_view root = "proc/sys/";

// Below the root; Rejected when it leads out of /proc/sys.
Result<std::string> sysctl_path(const SysctlKey& key);

// Keys outside net.* that decide over a network stack's limits; the rest of fs, vm and kernel is not ours to tune.
constexpr std::array beyond_net{
    "fs.aio-max-nr",
    "fs.epoll.max_user_watches",
    "fs.file-max",
    "fs.nr_open",
    "fs.inotify.max_user_watches",
    "fs.inotify.max_user_instances",
    "fs.pipe-max-size",
    "kernel.numa_balancing",
    "kernel.pid_max",
    "kernel.threads-max",
    "kernel.sched_autogroup_enabled",
    "kernel.timer_migration",
    "vm.dirty_background_bytes",
    "vm.dirty_background_ratio",
    "vm.dirty_bytes",
    "vm.dirty_ratio",
    "vm.max_map_count",
    "vm.min_free_kbytes",
    "vm.overcommit_memory",
    "vm.swappiness",
    "vm.vfs_cache_pressure",
    "vm.zone_reclaim_mode",
    "vm.watermark_scale_factor",
};

Result<void> refuse_links(const kernel::Files& files, const std::string& path)
{
    if (files.is_live()) return {};
    for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1))
        if (files.link(std::string_view(path).substr(0, end)))
            return fail(Error::Kind::Rejected, fmt::format("{} leads through a symbolic link", files.display(path)));
    if (files.link(path)) return fail(Error::Kind::Rejected, fmt::format("{} is a symbolic link", files.display(path)));
    return {};
}

// What the kernel's answer means for someone who wants this value set.
std::string way_out(const SysctlKey& key, int code)
{
    switch (code) {
    case ENOENT:
        if (key.name == "net.ipv4.tcp_congestion_control")
            return "this kernel cannot load that algorithm (see net.ipv4.tcp_available_congestion_control)";
        return "this kernel or network namespace has no such key, or no such value";
    case EROFS:
        return "/proc/sys is mounted read-only here: run on the host, or remount it read-write";
    case EPERM:
        return "not allowed here: run as root, and for host-wide keys in the host's network namespace";
    case EACCES:
        return "not allowed: run as root; in a child network namespace this key may be read-only";
    case EINVAL:
        return "the kernel refuses this value; another key may have to change first";
    case ERANGE:
        return "the value does not fit into the kernel's type";
    case EBUSY:
        return "the kernel is busy with it; try again";
    case ENOMEM:
        return "the kernel has not enough memory for it";
    default:
        return "the kernel refused it";
    }
}

Error write_error(const SysctlKey& key, const Value& value, Error error)
{
    error.what =
        fmt::format("set {} to '{}': {}: {}", key.name, to_text(value).substr(0, 200),
                    error.code ? errno_error("", error.code).what.substr(2) : error.what, way_out(key, error.code));
    return error;
}

// ---- comparing ----

enum class Meaning { PowerOfTwo, HashSlots, Milliseconds, UserTicks, CpuMask, WordSet, NumberSet };
struct Row {
    std::string_view glob;
    Meaning meaning;
};
// Where the kernel shows something else than what was written.
constexpr std::array meanings{
    Row{"net.core.rps_sock_flow_entries", Meaning::PowerOfTwo},    // net/core/sysctl_net_core.c rps_sock_flow_sysctl()
    Row{"net.netfilter.nf_conntrack_buckets", Meaning::HashSlots}, // nf_conntrack_core.c nf_ct_alloc_hashtable()
    Row{"net.ipv?.neigh.*_ms", Meaning::Milliseconds},             // net/core/neighbour.c proc_dointvec_ms_jiffies
    Row{"net.ipv?.neigh.*.anycast_delay", Meaning::UserTicks},     // and _userhz_jiffies
    Row{"net.ipv?.neigh.*.proxy_delay", Meaning::UserTicks},
    Row{"net.ipv?.neigh.*.locktime", Meaning::UserTicks},
    Row{"net.core.flow_limit_cpu_bitmap", Meaning::CpuMask}, // printed as a padded mask
    Row{"net.core.rps_default_mask", Meaning::CpuMask},
    Row{"net.ipv4.tcp_allowed_congestion_control", Meaning::WordSet}, // printed in the order of registration
    Row{"net.ipv4.ip_local_reserved_ports", Meaning::NumberSet},      // proc_do_large_bitmap() joins neighbours
};

std::int64_t as_number(const Value& value)
{
    const auto* number = std::get_if<std::int64_t>(&value);
    return number ? *number : -1;
}

std::set<std::string_view> word_set(std::string_view text)
{
    const auto words = split_words(text);
    return {words.begin(), words.end()};
}

std::set<std::uint64_t> number_set(std::string_view text)
{
    std::set<std::uint64_t> numbers;
    for (const std::string_view part : split(text, ',')) {
        const std::size_t dash = part.find('-');
        const auto first = parse_unsigned(trim(part.substr(0, dash)));
        const auto last = dash == std::string_view::npos ? first : parse_unsigned(trim(part.substr(dash + 1)));
        for (auto number = first.value_or(65536); number <= std::min<std::uint64_t>(last.value_or(0), 65535); ++number)
            numbers.insert(number);
    }
    return numbers;
}

bool same_number(Meaning meaning, std::int64_t a, std::int64_t b)
{
    if (a < 0 || b < 0) return false;
    const auto power = [](std::int64_t n) { return n == 0 ? 0 : std::bit_ceil(static_cast<std::uint64_t>(n)); };
    const auto slots = [](std::int64_t n) { return (n + 511) / 512; }; // a page of 8-byte heads
    switch (meaning) {
    case Meaning::PowerOfTwo:
        return power(a) == power(b);
    case Meaning::HashSlots:
        return slots(a) == slots(b);
    case Meaning::UserTicks:
        return std::max(a, b) - std::min(a, b) <= 1; // 1/100 s, kept in ticks of 1/HZ s
    default:
        return std::max(a, b) - std::min(a, b) < 10; // ms, kept in ticks; HZ is at least 100
    }
}

bool same_meaning(Meaning meaning, const Value& a, const Value& b)
{
    const std::string left = to_text(a), right = to_text(b);
    if (meaning == Meaning::WordSet) return word_set(left) == word_set(right);
    if (meaning == Meaning::NumberSet) return number_set(left) == number_set(right);
    if (meaning != Meaning::CpuMask) return same_number(meaning, as_number(a), as_number(b));
    const auto first = CpuSet::parse_mask(left), second = CpuSet::parse_mask(right);
    return first && second && *first == *second;
}

// ---- what else moves ----

struct Fellows {
    std::string_view key;
    std::array<std::string_view, 3> others;
};
constexpr std::array fellows{
    // tcp_set_default_congestion_control() also marks the algorithm as allowed for everyone (net/ipv4/tcp_cong.c).
    Fellows{"net.ipv4.tcp_congestion_control", {"net.ipv4.tcp_allowed_congestion_control"}},
    // One variable with two names (net/netfilter/nf_conntrack_standalone.c).
    Fellows{"net.netfilter.nf_conntrack_max", {"net.nf_conntrack_max"}},
    Fellows{"net.nf_conntrack_max", {"net.netfilter.nf_conntrack_max"}},
    // Setting one of each pair makes the other 0 (mm/page-writeback.c, mm/util.c).
    Fellows{"vm.dirty_ratio", {"vm.dirty_bytes"}},
    Fellows{"vm.dirty_bytes", {"vm.dirty_ratio"}},
    Fellows{"vm.dirty_background_ratio", {"vm.dirty_background_bytes"}},
    Fellows{"vm.dirty_background_bytes", {"vm.dirty_background_ratio"}},
    Fellows{"vm.overcommit_ratio", {"vm.overcommit_kbytes"}},
    Fellows{"vm.overcommit_kbytes", {"vm.overcommit_ratio"}},
};

void add_if_present(kernel::Kernel& kernel, std::vector<Tunable>& found, std::string name)
{
    SysctlKey key{std::move(name)};
    const auto path = sysctl_path(key);
    if (path && kernel.files.exists(*path)) found.emplace_back(std::move(key));
}

// conf.all.X and conf.default.X reach conf.*.X: devinet_copy_dflt_conf(), inet_forward_change() in
// net/ipv4/devinet.c, addrconf_forward_change() and its like in net/ipv6/addrconf.c.
void add_interfaces(kernel::Kernel& kernel, std::vector<Tunable>& found, std::string_view family, std::string_view leaf)
{
    const auto names = kernel.files.list(fmt::format("proc/sys/net/{}/conf", family));
    if (!names) return;
    for (std::string name : *names) {
        std::ranges::replace(name, '.', '/');
        add_if_present(kernel, found, fmt::format("net.{}.conf.{}.{}", family, name, leaf));
    }
}

void add_conf_fellows(kernel::Kernel& kernel, std::vector<Tunable>& found, std::string_view key)
{
    const auto parts = split(key, '.');
    const bool everywhere =
        parts.size() == 5 && parts[0] == "net" && parts[2] == "conf" && (parts[3] == "all" || parts[3] == "default");
    if (everywhere) add_interfaces(kernel, found, parts[1], parts[4]);
    if (key == "net.ipv4.ip_forward") add_interfaces(kernel, found, "ipv4", "forwarding");
    if (key == "net.ipv4.ip_forward" || key == "net.ipv4.conf.all.forwarding") {
        add_if_present(kernel, found, "net.ipv4.ip_forward");
        add_if_present(kernel, found, "net.ipv4.conf.all.accept_redirects"); // inet_forward_change()
    }
}

// ---- listing ----

// Descends through what a directory of /proc/sys holds; `name` is the key so far, with dots.
void walk(const kernel::Files& files, const std::string& path, const std::string& name, std::vector<Tunable>& found)
{
    const auto entries = files.list(path);
    if (!entries) return;
    for (const std::string& entry : *entries) {
        std::string part = entry;
        std::ranges::replace(part, '.', '/');
        const std::string below = path + '/' + entry, key = name + '.' + part;
        const auto file = files.open(below, O_PATH | O_NOFOLLOW);
        struct stat facts{};
        if (!file || ::fstat(file->get(), &facts) != 0) continue;
        if (S_ISDIR(facts.st_mode)) walk(files, below, key, found);
        if (S_ISREG(facts.st_mode) && facts.st_mode & S_IWUSR) found.emplace_back(SysctlKey{key});
    }
}

Result<std::string> sysctl_path(const SysctlKey& key)
{
    const auto refuse = [&](std::string_view why) {
        return fail(Error::Kind::Rejected, fmt::format("'{}' is no sysctl key: {} (write it like net.ipv4.tcp_rmem)",
                                                       key.name.substr(0, 128), why));
    };
    if (key.name.size() > 255) return refuse("it is too long");
    std::string path(root);
    for (const std::string_view part : split(key.name, '.')) {
        if (part.empty()) return refuse("a part is empty");
        if (part.find_first_not_of('/') == std::string_view::npos) return refuse("it would lead out of /proc/sys");
        if (part.find_first_of("\\\n\r\t ") != std::string_view::npos ||
            std::ranges::any_of(part, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }))
            return refuse("it holds a blank, a backslash or a control character");
        if (path.size() > root.size()) path += '/';
        for (const char c : part)
            path += c == '/' ? '.' : c;
    }
    if (path.find('/', root.size()) == std::string::npos) return refuse("it has one part only");
    return path;
}

struct Sysctl : KindDefaults<SysctlKey> {
    static Present read(kernel::Kernel& kernel, const SysctlKey& key);
    static Result<void> check(kernel::Kernel& kernel, const SysctlKey& key, const Value& value);
    static Result<void> write(kernel::Kernel& kernel, const SysctlKey& key, const Value& value);
    static bool same(const SysctlKey& key, const Value& a, const Value& b);
    static std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const SysctlKey& key);
    static Result<std::vector<Reading>> list(kernel::Kernel& kernel);
    static std::string undo_command(const SysctlKey& key, const std::optional<Value>& from);
};

Present Sysctl::read(kernel::Kernel& kernel, const SysctlKey& key)
{
    const std::string path = TRY(sysctl_path(key));
    TRY_VOID(refuse_links(kernel.files, path));
    auto text = kernel.files.read_line(path);
    if (!text && text.error().kind == Error::Kind::Absent)
        return fail(Error::Kind::Absent,
                    fmt::format("{}: no such sysctl in this kernel or network namespace", key.name), text.error().code);
    if (!text) return std::unexpected(std::move(text).error());
    if (trim(*text).empty()) return std::optional<Value>{};
    return std::optional<Value>(TRY(parse_value(key, *text)));
}

Result<void> Sysctl::check(kernel::Kernel& kernel, const SysctlKey& key, const Value& value)
{
    const std::string path = TRY(sysctl_path(key));
    TRY_VOID(refuse_links(kernel.files, path));
    if (std::holds_alternative<CpuSet>(value))
        return fail(Error::Kind::Rejected, fmt::format("{}: a sysctl takes numbers or words, not a CPU set", key.name));
    if (to_text(value).find('\n') != std::string::npos)
        return fail(Error::Kind::Rejected, fmt::format("{}: the value holds a line break", key.name));
    const auto file = kernel.files.open(path, O_PATH | O_NOFOLLOW);
    if (!file)
        return fail(Error::Kind::Absent,
                    fmt::format("{}: no such sysctl in this kernel or network namespace", key.name), ENOENT);
    struct stat facts{};
    if (::fstat(file->get(), &facts) != 0) return std::unexpected(errno_error(kernel.files.display(path), errno));
    if (!S_ISREG(facts.st_mode))
        return fail(Error::Kind::Rejected, fmt::format("{} is a directory of keys: name one of them", key.name));
    if (!(facts.st_mode & S_IWUSR))
        return fail(Error::Kind::Refused, fmt::format("{} is read-only in this kernel or network namespace", key.name));
    return {};
}

Result<void> Sysctl::write(kernel::Kernel& kernel, const SysctlKey& key, const Value& value)
{
    const std::string path = TRY(sysctl_path(key));
    TRY_VOID(refuse_links(kernel.files, path));
    auto written = kernel.files.write(path, file_text(value) + '\n');
    if (!written) return std::unexpected(write_error(key, value, std::move(written).error()));
    return {};
}

bool Sysctl::same(const SysctlKey& key, const Value& a, const Value& b)
{
    for (const Row& row : meanings)
        if (glob_match(row.glob, key.name)) return same_meaning(row.meaning, a, b);
    const std::string left = to_text(a), right = to_text(b);
    return std::ranges::equal(split_words(left), split_words(right));
}

std::vector<Tunable> Sysctl::also_changed_by(kernel::Kernel& kernel, const SysctlKey& key)
{
    std::vector<Tunable> found;
    for (const Fellows& row : fellows)
        for (const std::string_view other : row.others)
            if (row.key == key.name && !other.empty()) add_if_present(kernel, found, std::string(other));
    add_conf_fellows(kernel, found, key.name);
    return found;
}

Result<std::vector<Reading>> Sysctl::list(kernel::Kernel& kernel)
{
    std::vector<Tunable> found;
    if (!kernel.files.exists("proc/sys"))
        return fail(Error::Kind::Absent, "there is no /proc/sys here: is /proc mounted?");
    walk(kernel.files, "proc/sys/net", "net", found);
    for (const char* key : beyond_net)
        add_if_present(kernel, found, key);
    std::vector<Reading> readings;
    readings.reserve(found.size());
    for (Tunable& tunable : found) {
        auto value = read(kernel, std::get<SysctlKey>(tunable));
        readings.push_back({std::move(tunable), std::move(value)});
    }
    return readings;
}

std::string Sysctl::undo_command(const SysctlKey& key, const std::optional<Value>& from)
{
    const auto path = sysctl_path(key);
    if (!path) return "# " + to_text(Tunable(key)) + ": no file";
    return write_file_command(*path, from);
}

} // namespace

constexpr Kind sysctl_kind = kind_of<Sysctl>("sysctl", "/proc/sys");

} // namespace netwright::tunable
