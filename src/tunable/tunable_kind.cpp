// SPDX-License-Identifier: GPL-2.0-or-later
// From a tunable to the file that knows its kind.
#include "tunable/tunable_kind.h"

#include "base/text.h"
#include "catalog/catalog.h"
#include "kernel/namespace.h"
#include "model/tunable_kinds.h"
#include "tunable/kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

namespace netwright::tunable {
namespace {

constexpr std::array kinds{
    &sysctl_kind,       &link_kind,       &queue_kind,
    &nic_offload_kind,  &nic_ring_kind,   &nic_queues_kind,
    &nic_coalesce_kind, &nic_pause_kind,  &nic_private_flag_kind,
    &nic_eee_kind,      &nic_speed_kind,  &nic_vfs_kind,
    &nic_vf_kind,       &qdisc_kind,      &route_kind,
    &rule_kind,         &table_kind,      &notrack_kind,
    &mptcp_kind,        &congestion_kind, &nic_rss_kind,
    &nic_ntuple_kind,   &irq_kind,        &cpu_kind,
    &service_kind,      &xdp_kind,        &tc_kind,
};

const Kind& kind_of(const Tunable& tunable)
{
    const std::string_view name = address_kind(tunable).name;
    const auto* const kind = std::ranges::find(kinds, name, [](const Kind* one) { return one->name; });
    ENSURE(kind != kinds.end()); // tests/tunable/tunable_kind_test.cpp holds both lists against each other
    return **kind;
}

// "" and nothing are the same: a file that holds only a newline.
bool holds_nothing(const std::optional<Value>& value)
{
    if (!value) return true;
    const auto* text = std::get_if<std::string>(&*value);
    return text && text->empty();
}

// MemTotal of /proc/meminfo; 0, and nothing is judged by it, where it cannot be read.
Bytes memory_of(const kernel::Kernel& kernel)
{
    const std::string text = kernel.files.read("proc/meminfo").value_or("");
    std::string_view rest = text, line, word;
    while (next_line(rest, line))
        if (next_word(line, word) && word == "MemTotal:" && next_word(line, word))
            return Bytes{parse_unsigned(word).value_or(0) * 1024};
    return Bytes{0};
}

// What tcp_mem and udp_mem count in: that of the running kernel, which is all we apply to.
Bytes page_size() { return Bytes{static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))}; }

Result<void> check_by_catalogue(const kernel::Kernel& kernel, const Tunable& tunable, const Value& value)
{
    const Bytes memory = memory_of(kernel);
    return memory.count == 0 ? catalog::check(tunable, value) : catalog::check(tunable, value, memory, page_size());
}

} // namespace

Result<std::optional<Value>> read(kernel::Kernel& kernel, const Tunable& tunable)
{
    return kind_of(tunable).read(kernel, tunable);
}

Result<void> check(kernel::Kernel& kernel, const Tunable& tunable, const Value& value)
{
    TRY_VOID(check_by_catalogue(kernel, tunable, value));
    return kind_of(tunable).check(kernel, tunable, value);
}

Result<void> write(kernel::Kernel& kernel, const Tunable& tunable, const Value& value)
{
    return kind_of(tunable).write(kernel, tunable, value);
}

Result<void> clear(kernel::Kernel& kernel, const Tunable& tunable)
{
    return write(kernel, tunable, Value{std::string{}});
}

bool same(const Tunable& tunable, const Value& a, const Value& b)
{
    return a == b || kind_of(tunable).same(tunable, a, b);
}

bool same(const Tunable& tunable, const std::optional<Value>& a, const std::optional<Value>& b)
{
    if (holds_nothing(a) || holds_nothing(b)) return holds_nothing(a) && holds_nothing(b);
    return same(tunable, *a, *b);
}

std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const Tunable& tunable)
{
    auto others = kind_of(tunable).also_changed_by(kernel, tunable);
    std::ranges::sort(others);
    others.erase(std::ranges::unique(others).begin(), others.end());
    std::erase(others, tunable);
    return others;
}

std::string consequence(const Tunable& tunable, const Value& value)
{
    return kind_of(tunable).consequence(tunable, value);
}

Result<std::vector<Reading>> list_values(kernel::Kernel& kernel)
{
    std::vector<Reading> all;
    for (const Kind* kind : kinds) {
        auto some = kind->list(kernel);
        // A captured tree answers no netlink and may hold no /sys; what other kinds read there is still true.
        if (!some && (some.error().kind == Error::Kind::Unsupported || some.error().kind == Error::Kind::Absent))
            continue;
        if (!some) return std::unexpected(std::move(some).error());
        std::ranges::move(*some, std::back_inserter(all));
    }
    std::ranges::sort(all, {}, [](const Reading& reading) { return to_text(reading.tunable); });
    return all;
}

Result<std::vector<Tunable>> list(kernel::Kernel& kernel)
{
    std::vector<Tunable> tunables;
    for (Reading& reading : TRY(list_values(kernel)))
        tunables.push_back(std::move(reading.tunable));
    return tunables;
}

std::string undo_command(const Tunable& tunable, const std::optional<Value>& from)
{
    return kind_of(tunable).undo_command(tunable, from);
}

std::vector<KindSource> sources()
{
    std::vector<KindSource> all;
    for (const Kind* kind : kinds)
        all.push_back({kind->name, kind->source});
    return all;
}

std::string shell_word(std::string_view text)
{
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
}

std::string write_file_command(std::string_view path, const std::optional<Value>& from)
{
    return fmt::format("printf '%s\\n' {} > {}", shell_word(from ? file_text(*from) : ""),
                       shell_word(fmt::format("/{}", path)));
}

std::unexpected<Error> no_such_interface(std::string_view nic)
{
    return fail(Error::Kind::Absent, fmt::format("there is no interface {} here (see: ip link)", nic), ENODEV);
}

bool owns_host(const kernel::Kernel& kernel)
{
    if (!kernel.files.is_live()) return true;
    const auto space = kernel::current_namespace();
    return !space || space->initial;
}

Result<void> require_host(const kernel::Kernel& kernel, const Tunable& tunable)
{
    if (owns_host(kernel)) return {};
    return fail(Error::Kind::Unsupported,
                fmt::format("{} belongs to the whole host, not to this network namespace: set it from there",
                            to_text(tunable)));
}

std::unexpected<Error> write_failed(const Tunable& tunable, const Value& value, Error error)
{
    error.what = fmt::format("set {} to {}: {}{}", to_text(tunable), to_text(value), error.what,
                             error.kind == Error::Kind::Refused ? " (run as root)" : "");
    return std::unexpected(std::move(error));
}

// Lists with tabs, as the kernel prints them; CPU sets as masks, the only form that sysfs takes.
std::string file_text(const Value& value)
{
    if (const auto* set = std::get_if<CpuSet>(&value)) return set->mask();
    if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value))
        return fmt::format("{}", fmt::join(*numbers, "\t"));
    return to_text(value);
}

} // namespace netwright::tunable
