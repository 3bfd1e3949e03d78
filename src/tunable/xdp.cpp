// SPDX-License-Identifier: GPL-2.0-or-later
// Our own programs on the packet path: their value is the path of a kept policy or configuration
// (dataplane/kept_config.h), so that a transaction can put the one before back.
#include "dataplane/filter_control.h"
#include "dataplane/kept_config.h"
#include "dataplane/lb_control.h"
#include "dataplane/pins.h"
#include "dataplane/steer_control.h"
#include "tunable/kinds.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <iterator>

namespace netwright::tunable {
namespace {

namespace fs = std::filesystem;
namespace dp = dataplane;

struct Program {
    const char* name; // of its pins, and of its command
    Result<std::optional<std::string>> (*running)(const fs::path& directory);
    Result<void> (*judge)(const dp::KeptConfig& kept); // could it be installed?
    Result<void> (*install)(const fs::path& directory, const dp::KeptConfig& kept, const std::string& path);
    Result<void> (*remove)(const fs::path& directory);
    bool plain; // a configuration as its owner wrote it, which lb run installs, needs no other file
};

Result<void> judge_filter(const dp::KeptConfig& kept)
{
    TRY_VOID(dp::filter_policy_of(kept));
    return {};
}

Result<void> install_filter(const fs::path& directory, const dp::KeptConfig& kept, const std::string& path)
{
    const auto policy = TRY(dp::filter_policy_of(kept));
    return dp::install_filter(directory, policy, path);
}

Result<std::optional<std::string>> running_lb(const fs::path& directory)
{
    const auto state = TRY(dp::pinned_state(directory));
    if (!state) return std::nullopt;
    return TRY(dp::parse_installed_lb(*state)).config;
}

Result<void> judge_lb(const dp::KeptConfig& kept)
{
    TRY_VOID(dp::parse_lb_config(kept.text, kept.name));
    return {};
}

Result<void> install_lb(const fs::path& directory, const dp::KeptConfig& kept, const std::string& path)
{
    const auto config = TRY(dp::parse_lb_config(kept.text, kept.name));
    return dp::install_lb(directory, config, path);
}

Result<std::optional<std::string>> running_steer(const fs::path& directory)
{
    const auto installed = TRY(dp::installed_steer(directory));
    return installed ? std::optional(installed->policy) : std::nullopt;
}

Result<void> judge_steer(const dp::KeptConfig& kept)
{
    TRY_VOID(dp::steer_policy_of(kept));
    return {};
}

Result<void> install_steer(const fs::path& directory, const dp::KeptConfig& kept, const std::string& path)
{
    const auto policy = TRY(dp::steer_policy_of(kept));
    TRY_VOID(dp::install_steer(directory, policy, path));
    return {};
}

constexpr std::array programs{
    Program{"filter", dp::running_policy, judge_filter, install_filter, dp::remove_filter, false},
    Program{"lb", running_lb, judge_lb, install_lb, dp::remove_lb, true},
    Program{"steer", running_steer, judge_steer, install_steer, dp::remove_steer, false},
};

const Program& program_of(const PacketPath& program) { return programs.at(static_cast<std::size_t>(program.what)); }

Result<dp::KeptConfig> read_kept(const Program& program, const std::string& path)
{
    std::ifstream in(path, std::ios::binary);
    if (!in)
        return fail(
            Error::Kind::Absent,
            fmt::format("{}: what ran is there no more (netwright {} apply starts another)", path, program.name));
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (program.plain && !dp::is_kept(text)) return dp::KeptConfig{path, text};
    auto kept = dp::parse_kept(text);
    if (!kept) kept.error().what = fmt::format("{}: {}", path, kept.error().what);
    return kept;
}

Result<void> require_live(const kernel::Kernel& kernel)
{
    if (kernel.files.is_live()) return {};
    return fail(Error::Kind::Unsupported, "a captured tree holds no BPF programs");
}

// Filters of clsact stay when their pins go. Steering's stand in a place of their own (dataplane/tc_hook.cpp).
// The names come from ip, since /sys/class/net may be another namespace's.
constexpr const char* drop_tc_filters = "; for i in $(ip -o link | cut -d: -f2 | cut -d@ -f1); do "
                                        "for d in ingress egress; do "
                                        "tc filter del dev \"$i\" $d pref 28279 2>/dev/null; done; done; true";

// Programs that ran behind the filter are pinned by how they were attached (dataplane/other_xdp.cpp), with colons for
// dots. Its links go first, for an interface has one place; the kernel lets go of them at leisure.
std::string give_back_others(const std::string& pins)
{
    return fmt::format(
        "rm -f {0}/link-*; for f in {0}/behind-native-* {0}/behind-generic-*; do [ -e \"$f\" ] || continue; "
        "n=$(basename \"$f\" | tr : .); case $n in behind-native-*) m=xdpdrv i=${{n#behind-native-}};; "
        "*) m=xdpgeneric i=${{n#behind-generic-}};; esac; "
        "for t in 1 2 3 4 5 6 7 8 9; do ip link set dev \"$i\" $m pinned \"$f\" 2>/dev/null && break; sleep 0.2; done; "
        "done; ",
        pins);
}

using What = PacketPath::What;

template <What... whats>
struct PacketPathKind : KindDefaults<PacketPath> {
    static Present read(kernel::Kernel& kernel, const PacketPath& address)
    {
        TRY_VOID(require_live(kernel));
        const Program& program = program_of(address);
        const auto directory = dp::pin_directory(program.name);
        if (!directory && directory.error().kind == Error::Kind::Absent)
            return std::nullopt; // no bpffs: nothing pinned
        if (!directory) return std::unexpected(directory.error());
        const auto running = TRY(program.running(*directory));
        return running ? std::optional<Value>(*running) : std::nullopt;
    }

    static Result<void> check(kernel::Kernel& kernel, const PacketPath& address, const Value& value)
    {
        TRY_VOID(require_live(kernel));
        if (to_text(value).empty()) return {};
        const Program& program = program_of(address);
        const auto kept = TRY(read_kept(program, to_text(value)));
        return program.judge(kept);
    }

    static Result<void> write(kernel::Kernel& kernel, const PacketPath& address, const Value& value)
    {
        TRY_VOID(require_live(kernel));
        const Program& program = program_of(address);
        const auto directory = TRY(dp::pin_directory(program.name));
        const std::string path = to_text(value);
        if (path.empty()) return program.remove(directory);
        const auto kept = TRY(read_kept(program, path));
        return program.install(directory, kept, path);
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        for (const What what : {whats...}) {
            auto running = read(kernel, PacketPath{what});
            if (running && *running) found.push_back({PacketPath{what}, *std::move(running)});
        }
        return found;
    }

    // A link whose pin goes is detached by the kernel, without any program of ours.
    static std::string undo_command(const PacketPath& address, const std::optional<Value>& from)
    {
        const Program& program = program_of(address);
        const std::string path = from ? to_text(*from) : "";
        if (!path.empty()) return fmt::format("netwright {} apply {}", program.name, shell_word(path));
        const auto directory = dp::pin_directory(program.name);
        const std::string pins = directory ? directory->string() : "/sys/fs/bpf/netwright/" + std::string(program.name);
        const std::string others = address.what == What::Filter ? give_back_others(shell_word(pins)) : "";
        return fmt::format("{}rm -rf {}{}", others, shell_word(pins),
                           address.what == What::Steering ? drop_tc_filters : "");
    }
};

} // namespace

constexpr Kind xdp_kind =
    kind_of<PacketPathKind<What::Filter, What::Balancer>>("xdp", "BPF links and maps, pinned in /sys/fs/bpf/netwright");
constexpr Kind tc_kind = kind_of<PacketPathKind<What::Steering>>(
    "tc", "TCX links, or clsact filters before Linux 6.6, and maps, pinned in /sys/fs/bpf/netwright");

} // namespace netwright::tunable
