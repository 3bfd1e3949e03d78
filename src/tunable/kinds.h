// SPDX-License-Identifier: GPL-2.0-or-later
// What the file of a kind of tunables provides. tunable_kind.cpp joins them; nobody outside this room includes this.
#pragma once

#include "kernel/kernel.h"
#include "model/tunable.h"
#include "tunable/tunable_kind.h"

#include <optional>
#include <string>
#include <vector>

namespace netwright::tunable {

using Present = Result<std::optional<Value>>;

// Made by kind_of() from a struct of static functions over one kind of address.
struct Kind {
    std::string_view name;   // as AddressKind has it: "sysctl", "nic/ring"
    std::string_view source; // where the kernel keeps it, and how it is set: for the documentation
    Present (*read)(kernel::Kernel& kernel, const Tunable& tunable);
    Result<void> (*check)(kernel::Kernel& kernel, const Tunable& tunable, const Value& value);
    Result<void> (*write)(kernel::Kernel& kernel, const Tunable& tunable, const Value& value);
    bool (*same)(const Tunable& tunable, const Value& a, const Value& b);
    std::vector<Tunable> (*also_changed_by)(kernel::Kernel& kernel, const Tunable& tunable);
    std::string (*consequence)(const Tunable& tunable, const Value& value);
    Result<std::vector<Reading>> (*list)(kernel::Kernel& kernel);
    std::string (*undo_command)(const Tunable& tunable, const std::optional<Value>& from);
};

// What most kinds have in common; a kind's struct derives from it and replaces what differs.
template <class AddressType>
struct KindDefaults {
    using Address = AddressType;
    static bool same(const Address&, const Value& a, const Value& b) { return a == b; }
    static std::vector<Tunable> also_changed_by(kernel::Kernel&, const Address&) { return {}; }
    static std::string consequence(const Address&, const Value&) { return {}; }
};

template <class Functions>
constexpr Kind kind_of(std::string_view name, std::string_view source)
{
    using Address = typename Functions::Address;
    return {.name = name,
            .source = source,
            .read = [](kernel::Kernel& kernel, const Tunable& one) -> Present {
                return Functions::read(kernel, std::get<Address>(one));
            },
            .check = [](kernel::Kernel& kernel, const Tunable& one,
                        const Value& value) { return Functions::check(kernel, std::get<Address>(one), value); },
            .write = [](kernel::Kernel& kernel, const Tunable& one,
                        const Value& value) { return Functions::write(kernel, std::get<Address>(one), value); },
            .same = [](const Tunable& one, const Value& a,
                       const Value& b) { return Functions::same(std::get<Address>(one), a, b); },
            .also_changed_by =
                [](kernel::Kernel& kernel, const Tunable& one) {
                    return Functions::also_changed_by(kernel, std::get<Address>(one));
                },
            .consequence = [](const Tunable& one,
                              const Value& value) { return Functions::consequence(std::get<Address>(one), value); },
            .list = [](kernel::Kernel& kernel) { return Functions::list(kernel); },
            .undo_command =
                [](const Tunable& one, const std::optional<Value>& from) {
                    return Functions::undo_command(std::get<Address>(one), from);
                }};
}

// One line a kind, each defined in its own file.
extern const Kind sysctl_kind;
extern const Kind link_kind;
extern const Kind queue_kind;
extern const Kind nic_offload_kind;
extern const Kind nic_ring_kind;
extern const Kind nic_queues_kind;
extern const Kind nic_coalesce_kind;
extern const Kind nic_pause_kind;
extern const Kind nic_private_flag_kind;
extern const Kind nic_eee_kind;
extern const Kind nic_speed_kind;
extern const Kind nic_vfs_kind;
extern const Kind nic_vf_kind;
extern const Kind qdisc_kind;
extern const Kind route_kind;
extern const Kind rule_kind;
extern const Kind table_kind;
extern const Kind notrack_kind;
extern const Kind mptcp_kind;
extern const Kind congestion_kind;
extern const Kind nic_rss_kind;
extern const Kind nic_ntuple_kind;
extern const Kind irq_kind;
extern const Kind cpu_kind;
extern const Kind service_kind;
extern const Kind xdp_kind;
extern const Kind tc_kind;

// ---- what the kinds' files share ----

// Inside single quotes only the single quote itself is special to sh.
std::string shell_word(std::string_view text);
// "printf '%s\n' 'VALUE' > 'FILE'", for a path below the root.
std::string write_file_command(std::string_view path, const std::optional<Value>& from);
// Absent: "there is no interface eth7 here (see: ip link)".
std::unexpected<Error> no_such_interface(std::string_view nic);
// Interrupts, CPUs and services are the whole host's: from inside another network namespace they may be looked at, but
// are neither listed nor set. Always true of a captured tree.
bool owns_host(const kernel::Kernel& kernel);
Result<void> require_host(const kernel::Kernel& kernel, const Tunable& tunable); // Unsupported unless owns_host()
// The kernel's complaint about a write, with the address and value in front.
std::unexpected<Error> write_failed(const Tunable& tunable, const Value& value, Error error);

} // namespace netwright::tunable
