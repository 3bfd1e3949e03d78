// SPDX-License-Identifier: GPL-2.0-or-later
// From a tunable to the file that knows its kind.
#include "tunable/tunable_kind.h"

#include "base/text.h"
#include "catalog/catalog.h"
#include "tunable/kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace netwright::tunable {
namespace {

constexpr std::array listers{list_sysctls, list_links, list_queues};

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
    return std::visit([&](const auto& one) { return read_one(kernel, one); }, tunable);
}

Result<void> check(kernel::Kernel& kernel, const Tunable& tunable, const Value& value)
{
    TRY_VOID(check_by_catalogue(kernel, tunable, value));
    return std::visit([&](const auto& one) { return check_one(kernel, one, value); }, tunable);
}

Result<void> write(kernel::Kernel& kernel, const Tunable& tunable, const Value& value)
{
    return std::visit([&](const auto& one) { return write_one(kernel, one, value); }, tunable);
}

Result<void> clear(kernel::Kernel& kernel, const Tunable& tunable)
{
    return write(kernel, tunable, Value{std::string{}});
}

bool same(const Tunable& tunable, const Value& a, const Value& b)
{
    return a == b || std::visit([&](const auto& one) { return same_one(one, a, b); }, tunable);
}

bool same(const Tunable& tunable, const std::optional<Value>& a, const std::optional<Value>& b)
{
    if (holds_nothing(a) || holds_nothing(b)) return holds_nothing(a) && holds_nothing(b);
    return same(tunable, *a, *b);
}

std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const Tunable& tunable)
{
    auto others = std::visit([&](const auto& one) { return also_changed_by(kernel, one); }, tunable);
    std::ranges::sort(others);
    others.erase(std::ranges::unique(others).begin(), others.end());
    std::erase(others, tunable);
    return others;
}

Result<std::vector<Tunable>> list(kernel::Kernel& kernel)
{
    std::vector<Tunable> all;
    for (const auto& lister : listers) {
        auto some = lister(kernel);
        if (!some && some.error().kind == Error::Kind::Unsupported) continue; // a captured tree answers no netlink
        if (!some) return std::unexpected(std::move(some).error());
        all.insert(all.end(), some->begin(), some->end());
    }
    std::ranges::sort(all, {}, [](const Tunable& tunable) { return to_text(tunable); });
    return all;
}

Result<std::optional<std::string>> file_of(const Tunable& tunable)
{
    if (const auto* key = std::get_if<SysctlKey>(&tunable)) return std::optional(TRY(sysctl_path(*key)));
    if (const auto* queue = std::get_if<QueueSetting>(&tunable)) return std::optional(queue_path(*queue));
    return std::optional<std::string>{};
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
