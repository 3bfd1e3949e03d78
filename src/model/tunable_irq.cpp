// SPDX-License-Identifier: GPL-2.0-or-later
// "irq/38/affinity": the CPUs that may take an interrupt; "irq/eth0-TxRx-3/affinity" is the same by its name.
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

namespace netwright {
namespace {

// A number as /proc/irq has it, or a name as /proc/interrupts has it: "mlx5_comp0@pci:0000:03:00.0".
bool valid_line(std::string_view line)
{
    if (line.empty() || line.size() > 64 || !plain_characters(line) || line.starts_with('.')) return false;
    const auto number = parse_unsigned(line);
    return !number || (*number <= 0xffffff && (line.size() == 1 || line.front() != '0'));
}

Result<InterruptAffinity> parse(const AddressText& address)
{
    const auto& parts = address.parts;
    if (parts.size() != 3 || parts[2] != "affinity" || !valid_line(parts[1]))
        return refuse_address(address.whole, "write irq/NUMBER/affinity, or irq/NAME/affinity as in /proc/interrupts");
    return InterruptAffinity{std::string(parts[1])};
}

std::string text_of(const InterruptAffinity& interrupt) { return fmt::format("irq/{}/affinity", interrupt.line); }

Result<Value> value_of(const InterruptAffinity&, std::string_view text) { return cpu_list_value(text); }

// After the next boot a number may be another interrupt's.
Persistence persistence_of(const InterruptAffinity& interrupt)
{
    return parse_unsigned(interrupt.line) ? Persistence::None : Persistence::BootUnit;
}

} // namespace

constexpr AddressKind irq_address = TypedAddressKind<InterruptAffinity>::of<parse, text_of, value_of, persistence_of>(
    "irq", "irq/NUMBER|NAME/affinity", "the CPUs that may take an interrupt: a list such as 0-3,8, or mask:f",
    "irq/eth0-TxRx-0/affinity");

} // namespace netwright
