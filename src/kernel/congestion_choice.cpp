// SPDX-License-Identifier: GPL-2.0-or-later
// Attaching congestion_choice.bpf.c, finding it again by its name, filling its maps.
#include "kernel/congestion_choice.h"

#include "base/text.h"
#include "kernel/congestion_choice_record.h"
#include "kernel/libbpf_silence.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "congestion_choice.skel.h"

namespace netwright::kernel {
namespace {

constexpr std::string_view program_name = "nw_congestion", prefixes_name = "nw_prefixes", ports_name = "nw_ports";
constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}; // ::ffff:0:0/96

using Skeleton = std::unique_ptr<congestion_choice_bpf, void (*)(congestion_choice_bpf*)>;

congestion_prefix key_of(const IpPrefix& prefix)
{
    congestion_prefix key{};
    std::uint8_t* place = key.address;
    if (!prefix.is_ipv6) place = std::ranges::copy(mapped, place).out;
    std::memcpy(place, prefix.address.data(), prefix.width() / 8);
    key.length = prefix.length + (prefix.is_ipv6 ? 0 : 96);
    return key;
}

IpPrefix prefix_of(const congestion_prefix& key)
{
    IpPrefix prefix;
    prefix.is_ipv6 = !std::equal(mapped.begin(), mapped.end(), key.address) || key.length < 96;
    const std::size_t skipped = prefix.is_ipv6 ? 0 : mapped.size();
    std::memcpy(prefix.address.data(), key.address + skipped, prefix.width() / 8);
    prefix.length = key.length - (prefix.is_ipv6 ? 0 : 96);
    return prefix;
}

std::string name_of(const congestion_algorithm& algorithm)
{
    return {algorithm.name, ::strnlen(algorithm.name, sizeof algorithm.name)};
}

std::unexpected<Error> failed(std::string what, int code)
{
    return std::unexpected(errno_error(std::move(what), code));
}

// The map among a program's maps that is called `name`.
Fd map_called(std::string_view name, std::span<const std::uint32_t> numbers)
{
    for (const std::uint32_t number : numbers) {
        Fd map(bpf_map_get_fd_by_id(number));
        bpf_map_info info{};
        std::uint32_t size = sizeof info;
        if (map && bpf_obj_get_info_by_fd(map.get(), &info, &size) == 0 && name == info.name) return map;
    }
    return {};
}

template <class Key, class Make>
void each_entry(const Fd& map, std::vector<CongestionChoice>& all, Make make)
{
    Key key{};
    const void* before = nullptr;
    while (bpf_map_get_next_key(map.get(), before, &key) == 0) {
        congestion_algorithm algorithm{};
        if (bpf_map_lookup_elem(map.get(), &key, &algorithm) == 0) all.push_back({make(key), name_of(algorithm)});
        before = &key;
    }
}

template <class Act>
int with_key(const Fd& prefixes, const Fd& ports, const CongestionTarget& target, Act act)
{
    if (const auto* prefix = std::get_if<IpPrefix>(&target)) {
        const congestion_prefix key = key_of(*prefix);
        return act(prefixes.get(), static_cast<const void*>(&key));
    }
    const std::uint32_t key = std::get<std::uint16_t>(target);
    return act(ports.get(), static_cast<const void*>(&key));
}

} // namespace

Result<CongestionChoices> CongestionChoices::open(const std::string& cgroup)
{
    Fd directory(::open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return failed("open cgroup " + cgroup, errno);
    return CongestionChoices(cgroup, std::move(directory));
}

Result<std::optional<CongestionChoices::Attached>> CongestionChoices::attached() const
{
    std::array<std::uint32_t, 64> programs{};
    auto count = static_cast<std::uint32_t>(programs.size());
    std::uint32_t flags = 0;
    if (bpf_prog_query(cgroup_.get(), BPF_CGROUP_SOCK_OPS, 0, &flags, programs.data(), &count) < 0)
        return failed("ask for the BPF programs of " + name_, errno);
    for (std::uint32_t place = 0; place < count; ++place) {
        Fd program(bpf_prog_get_fd_by_id(programs[place]));
        std::array<std::uint32_t, 16> maps{};
        bpf_prog_info info{};
        info.nr_map_ids = static_cast<std::uint32_t>(maps.size());
        info.map_ids = reinterpret_cast<std::uint64_t>(maps.data());
        std::uint32_t size = sizeof info;
        if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0 || program_name != info.name) continue;
        const auto numbers = std::span(maps).first(std::min<std::size_t>(info.nr_map_ids, maps.size()));
        Attached found{std::move(program), map_called(prefixes_name, numbers), map_called(ports_name, numbers)};
        if (found.prefixes && found.ports) return std::optional(std::move(found));
    }
    return std::optional<Attached>{};
}

Result<void> CongestionChoices::attach()
{
    const LibbpfSilence quiet;
    const Skeleton skeleton(congestion_choice_bpf__open_and_load(), congestion_choice_bpf__destroy);
    if (!skeleton) {
        auto error = errno_error("load the program that chooses congestion control", errno);
        if (error.kind != Error::Kind::Refused) error.kind = Error::Kind::Unsupported;
        return std::unexpected(std::move(error));
    }
    const int program = bpf_program__fd(skeleton->progs.nw_congestion);
    if (bpf_prog_attach(program, cgroup_.get(), BPF_CGROUP_SOCK_OPS, BPF_F_ALLOW_MULTI) == 0) return {};
    return fail(
        Error::Kind::Busy,
        fmt::format("{}: another sock_ops program suffers no other beside it ({})", name_, std::strerror(errno)),
        errno);
}

Result<std::vector<CongestionChoice>> CongestionChoices::all() const
{
    std::vector<CongestionChoice> found;
    const auto ours = TRY(attached());
    if (!ours) return found;
    each_entry<congestion_prefix>(ours->prefixes, found, [](const auto& key) { return prefix_of(key); });
    each_entry<std::uint32_t>(ours->ports, found, [](std::uint32_t key) { return static_cast<std::uint16_t>(key); });
    return found;
}

Result<std::optional<std::string>> CongestionChoices::find(const CongestionTarget& target) const
{
    for (CongestionChoice& choice : TRY(all())) // a lookup in the trie would also find wider prefixes
        if (choice.target == target) return std::optional(std::move(choice.algorithm));
    return std::optional<std::string>{};
}

Result<void> CongestionChoices::set(const CongestionTarget& target, const std::string& algorithm)
{
    auto ours = TRY(attached());
    if (!ours) {
        TRY_VOID(attach());
        ours = TRY(attached());
    }
    if (!ours) return fail(Error::Kind::Mismatch, name_ + ": the program was attached and is not there");
    congestion_algorithm value{};
    algorithm.copy(value.name, sizeof value.name - 1);
    const int code = with_key(ours->prefixes, ours->ports, target,
                              [&](int map, const void* key) { return bpf_map_update_elem(map, key, &value, BPF_ANY); });
    return code == 0 ? Result<void>{} : failed("choose congestion control on " + name_, errno);
}

Result<void> CongestionChoices::remove(const CongestionTarget& target)
{
    const auto ours = TRY(attached());
    if (!ours) return {};
    const int code = with_key(ours->prefixes, ours->ports, target,
                              [](int map, const void* key) { return bpf_map_delete_elem(map, key); });
    if (code != 0 && errno != ENOENT) return failed("take back a choice on " + name_, errno);
    if (!TRY(all()).empty()) return {};
    if (bpf_prog_detach2(ours->program.get(), cgroup_.get(), BPF_CGROUP_SOCK_OPS) != 0)
        return failed("detach the program from " + name_, errno);
    return {};
}

std::string unified_cgroup(std::string_view mounts)
{
    for (std::string_view line; next_line(mounts, line);) {
        const auto words = split_words(line);
        if (words.size() > 2 && words[2] == "cgroup2") return std::string(words[1]);
    }
    return {};
}

} // namespace netwright::kernel
