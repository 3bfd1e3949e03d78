// SPDX-License-Identifier: GPL-2.0-or-later
// The CPUs an interrupt may go to: /proc/irq/N/smp_affinity_list (kernel/irq/proc.c). It takes effect with the next
// interrupt; effective_affinity_list shows which of them the controller picked.
#include "base/text.h"
#include "tunable/kinds.h"

#include <fmt/format.h>

#include <cerrno>

namespace netwright::tunable {
namespace {

constexpr std::string_view lines = "proc/irq";

std::string path_of(unsigned irq) { return fmt::format("{}/{}/smp_affinity_list", lines, irq); }

std::optional<unsigned> number_of(std::string_view line)
{
    const auto number = parse_unsigned(line);
    return number ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

// Shared lines have several names: "eth0-rx-0, usb1". Only the whole text is taken for a name.
Result<unsigned> find_by_name(const kernel::Files& files, std::string_view name)
{
    std::vector<unsigned> found;
    const auto numbers = TRY(files.list("sys/kernel/irq"));
    for (const std::string& number : numbers) {
        const auto irq = number_of(number);
        const auto actions = irq ? files.read_line(fmt::format("sys/kernel/irq/{}/actions", *irq)) : fail({}, "");
        if (actions && trim(*actions) == name) found.push_back(*irq);
    }
    if (found.empty())
        return fail(Error::Kind::Absent, fmt::format("no interrupt is called {} (see: /proc/interrupts)", name),
                    ENOENT);
    if (found.size() > 1)
        return fail(Error::Kind::Rejected, fmt::format("{} interrupts are called {}: {} and {}; use the number",
                                                       found.size(), name, found[0], found[1]));
    return found.front();
}

Result<unsigned> resolve(const kernel::Files& files, const InterruptAffinity& interrupt)
{
    const auto number = number_of(interrupt.line);
    if (!number) return find_by_name(files, interrupt.line);
    if (files.exists(fmt::format("{}/{}", lines, *number))) return *number;
    return fail(Error::Kind::Absent, fmt::format("there is no interrupt {} here (see: /proc/interrupts)", *number),
                ENOENT);
}

struct Irq : KindDefaults<InterruptAffinity> {
    static Present read(kernel::Kernel& kernel, const InterruptAffinity& interrupt)
    {
        const unsigned irq = TRY(resolve(kernel.files, interrupt));
        const std::string text = TRY(kernel.files.read_line(path_of(irq)));
        return std::optional<Value>(TRY(CpuSet::parse_list(text)));
    }

    // The kernel takes a set with one CPU online and forgets the others without a word (irq_do_set_affinity).
    static Result<void> check(kernel::Kernel& kernel, const InterruptAffinity& interrupt, const Value& value)
    {
        TRY_VOID(require_host(kernel, interrupt));
        TRY_VOID(resolve(kernel.files, interrupt));
        const auto* cpus = std::get_if<CpuSet>(&value);
        if (cpus == nullptr || cpus->empty())
            return fail(Error::Kind::Rejected, fmt::format("{} takes a set of CPUs such as 0-3, not '{}'",
                                                           to_text(Tunable(interrupt)), to_text(value).substr(0, 64)));
        return check_online(kernel, interrupt, *cpus);
    }

    static Result<void> write(kernel::Kernel& kernel, const InterruptAffinity& interrupt, const Value& value)
    {
        TRY_VOID(require_host(kernel, interrupt));
        const unsigned irq = TRY(resolve(kernel.files, interrupt));
        const auto* cpus = std::get_if<CpuSet>(&value);
        auto written = kernel.files.write(path_of(irq), (cpus ? cpus->list() : to_text(value)) + '\n');
        if (written) return {};
        Error error = std::move(written).error();
        if (error.code == EIO) { // irq_can_set_affinity_usr() says no
            error.kind = Error::Kind::Unsupported;
            error.what = fmt::format("{}: the kernel places this interrupt itself (its driver asked for managed "
                                     "affinity) or its controller cannot move it; it stays where it is",
                                     to_text(Tunable(interrupt)));
            return std::unexpected(std::move(error));
        }
        return write_failed(interrupt, value, std::move(error));
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        const auto numbers = kernel.files.list(lines);
        if (!numbers || !owns_host(kernel)) return found; // s390, or /proc without it
        for (const std::string& number : *numbers) {
            if (!number_of(number)) continue; // default_smp_affinity
            const InterruptAffinity interrupt{number};
            if (auto value = read(kernel, interrupt)) found.push_back({interrupt, std::move(value)});
        }
        return found;
    }

    static std::string undo_command(const InterruptAffinity& interrupt, const std::optional<Value>& from)
    {
        const auto* cpus = from ? std::get_if<CpuSet>(&*from) : nullptr;
        const std::string list = cpus ? cpus->list() : "";
        if (const auto irq = number_of(interrupt.line))
            return fmt::format("echo {} > /{}", shell_word(list), path_of(*irq));
        return fmt::format("for a in /sys/kernel/irq/*/actions; do i=${{a%/actions}}; [ \"$(cat \"$a\")\" = {} ] && "
                           "echo {} > \"/proc/irq/${{i##*/}}/smp_affinity_list\"; done",
                           shell_word(interrupt.line), shell_word(list));
    }

private:
    static Result<void> check_online(kernel::Kernel& kernel, const InterruptAffinity& interrupt, const CpuSet& cpus)
    {
        const std::string text = TRY(kernel.files.read_line("sys/devices/system/cpu/online"));
        const CpuSet online = TRY(CpuSet::parse_list(text));
        const CpuSet missing = cpus - online;
        if (missing.empty()) return {};
        return fail(Error::Kind::Rejected, fmt::format("{}: CPU {} is not online here (online: {})",
                                                       to_text(Tunable(interrupt)), missing.list(), online.list()));
    }
};

} // namespace

constexpr Kind irq_kind = kind_of<Irq>("irq", "/proc/irq/N/smp_affinity_list");

} // namespace netwright::tunable
