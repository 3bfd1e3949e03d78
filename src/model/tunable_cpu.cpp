// SPDX-License-Identifier: GPL-2.0-or-later
// "cpu/0/governor", "cpu/0/idle-state-2": how a CPU changes its frequency, and how deep it may sleep.
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

namespace netwright {
namespace {

constexpr std::string_view idle_state = "idle-state-";

Result<CpuSetting> parse(const AddressText& address)
{
    const auto& parts = address.parts;
    const auto cpu = parts.size() == 3 ? parse_unsigned(parts[1]) : parse_unsigned("");
    const bool known = cpu && *cpu < CpuSet::limit && fmt::format("{}", *cpu) == parts[1];
    if (known && parts[2] == "governor") return CpuSetting{static_cast<unsigned>(*cpu), CpuSetting::What::Governor, 0};
    if (known && parts[2].starts_with(idle_state)) {
        const auto state = parse_unsigned(parts[2].substr(idle_state.size()));
        // CPUIDLE_STATE_MAX in include/linux/cpuidle.h
        if (state && *state < 10 && parts[2].size() == idle_state.size() + 1)
            return CpuSetting{static_cast<unsigned>(*cpu), CpuSetting::What::IdleState, static_cast<unsigned>(*state)};
    }
    return refuse_address(address.whole, "write cpu/NUMBER/governor or cpu/NUMBER/idle-state-K");
}

std::string text_of(const CpuSetting& cpu)
{
    if (cpu.what == CpuSetting::What::Governor) return fmt::format("cpu/{}/governor", cpu.cpu);
    return fmt::format("cpu/{}/{}{}", cpu.cpu, idle_state, cpu.state);
}

Result<Value> value_of(const CpuSetting& cpu, std::string_view text)
{
    if (cpu.what == CpuSetting::What::IdleState) return switch_value(text_of(cpu), text);
    text = trim(text);
    if (!text.empty() && text.size() <= 15 && plain_characters(text)) return std::string(text); // CPUFREQ_NAME_LEN
    return fail(Error::Kind::Malformed,
                fmt::format("{}: '{}' is not a governor's name", text_of(cpu), text.substr(0, 64)));
}

Persistence persistence_of(const CpuSetting&) { return Persistence::BootUnit; }

} // namespace

constexpr AddressKind cpu_address = TypedAddressKind<CpuSetting>::of<parse, text_of, value_of, persistence_of>(
    "cpu", "cpu/NUMBER/governor|idle-state-K",
    "the frequency governor by its name; on or off: may the CPU enter idle state K", "cpu/0/idle-state-2");

} // namespace netwright
