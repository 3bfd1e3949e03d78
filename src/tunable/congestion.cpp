// SPDX-License-Identifier: GPL-2.0-or-later
// Congestion control by connection: choices of a BPF program on a cgroup (kernel/congestion_choice.h).
#include "base/text.h"
#include "kernel/congestion_choice.h"
#include "tunable/kinds.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::tunable {
namespace {

std::unexpected<Error> refuse(const CongestionAddress& choice, std::string_view why,
                              Error::Kind kind = Error::Kind::Rejected)
{
    return fail(kind, fmt::format("{}: {}", to_text(Tunable{choice}), why));
}

Result<std::string> cgroup_directory(const kernel::Kernel& kernel, const std::string& cgroup)
{
    if (!kernel.files.is_live()) return fail(Error::Kind::Unsupported, "a captured tree holds no BPF programs");
    const std::string root = kernel::unified_cgroup(TRY(kernel.files.read("proc/self/mounts")));
    if (root.empty())
        return fail(Error::Kind::Unsupported, "the unified cgroup hierarchy (cgroup2) is mounted nowhere");
    return cgroup.empty() ? root : root + "/" + cgroup;
}

Result<kernel::CongestionChoices> choices(const kernel::Kernel& kernel, const CongestionAddress& choice)
{
    return kernel::CongestionChoices::open(TRY(cgroup_directory(kernel, choice.cgroup)));
}

kernel::CongestionTarget target_of(const CongestionAddress& choice)
{
    if (const auto port = parse_unsigned(choice.target)) return static_cast<std::uint16_t>(*port);
    return parse_ip_prefix(choice.target).value_or(IpPrefix{});
}

struct CongestionKind : KindDefaults<CongestionAddress> {
    static Present read(kernel::Kernel& kernel, const CongestionAddress& choice)
    {
        const auto all = TRY(choices(kernel, choice));
        const auto found = TRY(all.find(target_of(choice)));
        return found ? std::optional<Value>(*found) : std::nullopt;
    }

    // The program cannot load a module: the algorithm has to be there.
    static Result<void> check(kernel::Kernel& kernel, const CongestionAddress& choice, const Value& value)
    {
        TRY_VOID(choices(kernel, choice));
        const std::string algorithm = to_text(value);
        if (algorithm.empty()) return {};
        const std::string known = TRY(kernel.files.read_line("proc/sys/net/ipv4/tcp_available_congestion_control"));
        const auto words = split_words(known);
        if (std::ranges::find(words, algorithm) != words.end()) return {};
        return refuse(choice,
                      fmt::format("{0} is not loaded; this kernel has {1} (modprobe tcp_{0})", algorithm, known));
    }

    static Result<void> write(kernel::Kernel& kernel, const CongestionAddress& choice, const Value& value)
    {
        auto all = TRY(choices(kernel, choice));
        const std::string algorithm = to_text(value);
        return algorithm.empty() ? all.remove(target_of(choice)) : all.set(target_of(choice), algorithm);
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        const auto root = cgroup_directory(kernel, "");
        const auto all = root ? kernel::CongestionChoices::open(*root) : std::unexpected(root.error());
        const auto chosen = all ? all->all() : std::unexpected(all.error());
        if (!chosen) return found; // no cgroup2 or no rights: nothing that could be listed
        for (const kernel::CongestionChoice& one : *chosen) {
            const auto* prefix = std::get_if<IpPrefix>(&one.target);
            const std::string target =
                prefix ? netwright::to_text(*prefix) : fmt::format("{}", std::get<std::uint16_t>(one.target));
            found.push_back({CongestionAddress{target, ""}, std::optional<Value>(one.algorithm)});
        }
        return found;
    }

    static std::string undo_command(const CongestionAddress& choice, const std::optional<Value>&)
    {
        return fmt::format("bpftool cgroup detach \"$(awk '$3 == \"cgroup2\" {{ print $2; exit }}' /proc/mounts)\"/{} "
                           "sock_ops name nw_congestion",
                           shell_word(choice.cgroup));
    }
};

} // namespace

constexpr Kind congestion_kind =
    kind_of<CongestionKind>("congestion", "a sock_ops BPF program on a cgroup, and its maps");

} // namespace netwright::tunable
