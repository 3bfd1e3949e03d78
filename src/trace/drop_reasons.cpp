// SPDX-License-Identifier: GPL-2.0-or-later
// Reading enums from the kernel's BTF. Since 6.4 the upper 16 bits of a reason name a subsystem, whose reasons stand in
// its module's BTF (include/net/dropreason.h).
#include "trace/drop_reasons.h"

#include "kernel/libbpf_silence.h"

#include <bpf/btf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <memory>

namespace netwright::trace {
namespace {

constexpr std::string_view core_prefix = "SKB_DROP_REASON_";
constexpr std::string_view subsystem_prefix = "SKB_DROP_REASON_SUBSYS_";
constexpr unsigned subsystem_shift = 16;

using Btf = std::unique_ptr<btf, void (*)(btf*)>;

std::vector<Enumerator> enumerators(const btf* types, const char* name)
{
    std::vector<Enumerator> found;
    const int id = btf__find_by_name_kind(types, name, BTF_KIND_ENUM);
    if (id < 0) return found;
    const btf_type* const type = btf__type_by_id(types, static_cast<__u32>(id));
    const struct btf_enum* const members = btf_enum(type);
    for (int i = 0; i < btf_vlen(type); ++i) {
        const char* const text = btf__name_by_offset(types, members[i].name_off);
        if (text) found.push_back({text, static_cast<std::uint32_t>(members[i].val)});
    }
    return found;
}

// The arguments of the tracepoint, without the context that comes first in its prototype.
std::uint32_t argument_count(const btf* types)
{
    const int id = btf__find_by_name_kind(types, "btf_trace_kfree_skb", BTF_KIND_TYPEDEF);
    const btf_type* type = id < 0 ? nullptr : btf__type_by_id(types, static_cast<__u32>(id));
    while (type && (btf_is_typedef(type) || btf_is_ptr(type)))
        type = btf__type_by_id(types, type->type);
    return type && btf_is_func_proto(type) && btf_vlen(type) > 0 ? static_cast<std::uint32_t>(btf_vlen(type) - 1) : 0;
}

std::string lower(std::string text)
{
    for (char& c : text)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

std::string longest_common_prefix(const std::vector<Enumerator>& reasons)
{
    if (reasons.size() < 2) return "";
    std::string common = reasons.front().name;
    for (const Enumerator& reason : reasons) {
        const auto ends = std::ranges::mismatch(common, reason.name);
        common.erase(ends.in1, common.end());
    }
    return common.substr(0, common.rfind('_') + 1);
}

void add_subsystems(const btf* vmlinux, DropReasons& reasons)
{
    for (const Enumerator& subsystem : enumerators(vmlinux, "skb_drop_reason_subsys")) {
        if (!subsystem.name.starts_with(subsystem_prefix) || subsystem.value == 0) continue;
        std::string module = lower(subsystem.name.substr(subsystem_prefix.size()));
        const std::string short_name = module == "openvswitch" ? "ovs" : module;
        auto found = enumerators(vmlinux, (short_name + "_drop_reason").c_str());
        if (found.empty()) {
            const Btf types(btf__load_module_btf(module.c_str(), const_cast<btf*>(vmlinux)), btf__free);
            if (types) found = enumerators(types.get(), (short_name + "_drop_reason").c_str());
        }
        reasons.add_subsystem(subsystem.value, longest_common_prefix(found), found);
    }
}

} // namespace

DropReasons::DropReasons(const std::vector<Enumerator>& core)
{
    for (const Enumerator& reason : core)
        if (reason.name.starts_with(core_prefix))
            names_.emplace_back(reason.value, reason.name.substr(core_prefix.size()));
    std::ranges::sort(names_);
}

void DropReasons::add_subsystem(std::uint32_t number, std::string_view prefix, const std::vector<Enumerator>& reasons)
{
    for (const Enumerator& reason : reasons) {
        const std::string_view name = reason.name;
        names_.emplace_back((number << subsystem_shift) | (reason.value & 0xffffU),
                            std::string(name.substr(name.starts_with(prefix) ? prefix.size() : 0)));
    }
    std::ranges::sort(names_);
}

std::string DropReasons::name(std::uint32_t reason) const
{
    const auto found = std::ranges::lower_bound(names_, reason, {}, &std::pair<std::uint32_t, std::string>::first);
    if (found != names_.end() && found->first == reason) return found->second;
    return fmt::format("reason#{}", reason);
}

Result<KernelDrops> running_kernel_drops()
{
    const kernel::LibbpfSilence silence;
    const Btf vmlinux(btf__load_vmlinux_btf(), btf__free);
    if (!vmlinux)
        return fail(Error::Kind::Unsupported, "drop reasons: this kernel carries no BTF (CONFIG_DEBUG_INFO_BTF)",
                    errno);
    KernelDrops drops{DropReasons(enumerators(vmlinux.get(), "skb_drop_reason")), argument_count(vmlinux.get())};
    add_subsystems(vmlinux.get(), drops.reasons);
    return drops;
}

} // namespace netwright::trace
