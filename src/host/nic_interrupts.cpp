// SPDX-License-Identifier: GPL-2.0-or-later
// sysfs lists a device's interrupts; /proc/irq has where each may go and where it does go.
#include "host/nic_interrupts.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::host {
namespace {

Result<std::vector<unsigned>> message_interrupts(const kernel::Files& files, const std::string& device)
{
    std::vector<unsigned> irqs;
    for (const std::string& name : TRY(files.list(device + "msi_irqs")))
        if (const auto irq = parse_unsigned(name)) irqs.push_back(static_cast<unsigned>(*irq));
    std::ranges::sort(irqs);
    return irqs;
}

Result<std::vector<unsigned>> device_interrupts(const kernel::Files& files, const std::string& device)
{
    if (auto irqs = message_interrupts(files, device); irqs && !irqs->empty()) return irqs;
    const std::string text = TRY(files.read_line(device + "irq"));
    const auto line = parse_unsigned(text);
    if (!line || *line == 0)
        return fail(Error::Kind::Absent, fmt::format("{}: the device has no interrupt", files.display(device)));
    return std::vector{static_cast<unsigned>(*line)};
}

// From 4.9 sysfs has the names alone; without it the whole table is read, once.
class Actions {
public:
    explicit Actions(const kernel::Files& files) : files_(files) {}
    std::string of(unsigned irq)
    {
        if (files_.read_into(fmt::format("sys/kernel/irq/{}/actions", irq), buffer_)) return std::string(trim(buffer_));
        if (table_.empty()) table_ = files_.read("proc/interrupts").value_or("\n");
        return interrupt_action(table_, irq);
    }

private:
    const kernel::Files& files_;
    std::string buffer_, table_;
};

Result<CpuSet> cpu_list(const kernel::Files& files, const std::string& path)
{
    const std::string text = TRY(files.read_line(path));
    return CpuSet::parse_list(text);
}

Result<int> node_of(const kernel::Files& files, const std::string& path)
{
    const std::string text = TRY(files.read_line(path));
    return static_cast<int>(TRY(parse_int(text)));
}

} // namespace

std::string interrupt_action(std::string_view interrupts, unsigned irq)
{
    const std::string label = fmt::format("{}:", irq);
    for (std::string_view line; next_line(interrupts, line);) {
        std::string_view word;
        if (!next_word(line, word) || word != label) continue;
        // Counts, chip, hardware number with its trigger ("0-edge"), then the actions, separated by ", ".
        std::vector<std::string_view> words = split_words(line);
        if (words.empty() || is_digit(words.back().front())) return {};
        std::size_t first = words.size() - 1;
        while (first > 0 && words[first - 1].ends_with(','))
            --first;
        return fmt::format("{}", fmt::join(words.begin() + static_cast<std::ptrdiff_t>(first), words.end(), " "));
    }
    return {};
}

Result<std::vector<NicInterrupt>> read_interrupts(const kernel::Files& files, const std::string& device)
{
    Actions actions(files);
    std::vector<NicInterrupt> interrupts;
    for (const unsigned irq : TRY(device_interrupts(files, device))) {
        const std::string place = fmt::format("proc/irq/{}/", irq);
        interrupts.push_back({irq, actions.of(irq), cpu_list(files, place + "smp_affinity_list"),
                              cpu_list(files, place + "effective_affinity_list"), node_of(files, place + "node")});
    }
    return interrupts;
}

} // namespace netwright::host
