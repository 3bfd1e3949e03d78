// SPDX-License-Identifier: GPL-2.0-or-later
// Loading the steering programs: constants first, then the verifier, then the tables.
#include "dataplane/steer_program.h"

#include "dataplane/loaded.h"
#include "kernel/libbpf_silence.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "steer.skel.h"

namespace netwright::dataplane {
namespace {

void set_constants(steer_bpf& skeleton, const SteerImage& image)
{
    auto& constants = *skeleton.rodata;
    constants.classes_of_ingress = image.ingress;
    constants.classes_of_egress = image.egress;
    constants.any_source = image.any_source;
    constants.any_destination = image.any_destination;
    constants.any_cgroup = image.any_cgroup;
    constants.uses_ports = image.uses_ports;
    constants.uses_dscp = image.uses_dscp;
    constants.uses_sources = !image.sources.empty();
    constants.uses_destinations = !image.targets.empty();
    constants.uses_cgroups = !image.cgroups.empty();
    constants.uses_payload = image.uses_payload;
    constants.uses_limits = image.uses_limits;
}

void fill_globals(steer_bpf& skeleton, const SteerImage& image)
{
    auto& globals = *skeleton.bss;
    std::ranges::copy(image.by_protocol, globals.by_protocol);
    std::ranges::copy(image.by_dscp, globals.by_dscp);
    std::ranges::copy(image.by_source_port, globals.by_source_port);
    std::ranges::copy(image.by_destination_port, globals.by_destination_port);
    std::ranges::copy(image.classes, globals.classes);
}

Result<void> fill_prefixes(const bpf_map* trie, const std::map<Prefix, std::uint64_t>& prefixes)
{
    for (const auto& [prefix, classes] : prefixes) {
        steer_prefix key{32 + prefix.length, prefix.ipv6 ? 6U : 4U, {}};
        std::memcpy(key.address, prefix.address.data(), sizeof key.address);
        if (bpf_map_update_elem(bpf_map__fd(trie), &key, &classes, BPF_ANY) < 0)
            return std::unexpected(errno_error("fill the prefixes of steering", errno));
    }
    return {};
}

Result<void> fill_cgroups(const bpf_map* map, const std::map<std::uint64_t, std::uint64_t>& cgroups)
{
    for (const auto& [id, classes] : cgroups)
        if (bpf_map_update_elem(bpf_map__fd(map), &id, &classes, BPF_ANY) < 0)
            return std::unexpected(errno_error("fill the cgroups of steering", errno));
    return {};
}

} // namespace

void SteerProgram::Destroy::operator()(steer_bpf* skeleton) const { steer_bpf__destroy(skeleton); }
SteerProgram::SteerProgram(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}
SteerProgram::SteerProgram(SteerProgram&&) noexcept = default;
SteerProgram& SteerProgram::operator=(SteerProgram&&) noexcept = default;
SteerProgram::~SteerProgram() = default;

int SteerProgram::program(TcSide side, bool paced) const
{
    const auto& programs = skeleton_->progs;
    if (side == TcSide::Ingress) return bpf_program__fd(programs.steer_ingress);
    return bpf_program__fd(paced ? programs.steer_egress_fq : programs.steer_egress);
}

int SteerProgram::counts() const { return bpf_map__fd(skeleton_->maps.steer_counts); }

Result<SteerProgram> SteerProgram::load(const SteerImage& image, int counts)
{
    const kernel::LibbpfSilence silence;
    Skeleton skeleton(steer_bpf__open());
    if (!skeleton) return not_loaded("steering program", errno);
    set_constants(*skeleton, image);
    if (counts >= 0) bpf_map__reuse_fd(skeleton->maps.steer_counts, counts);
    if (const int code = steer_bpf__load(skeleton.get()); code < 0) return not_loaded("steering program", -code);
    fill_globals(*skeleton, image);
    TRY_VOID(fill_prefixes(skeleton->maps.steer_sources, image.sources));
    TRY_VOID(fill_prefixes(skeleton->maps.steer_targets, image.targets));
    TRY_VOID(fill_cgroups(skeleton->maps.steer_cgroups, image.cgroups));
    return SteerProgram(std::move(skeleton));
}

Result<steer_count> read_steer_count(int map, std::uint32_t counter)
{
    std::vector<steer_count> rows(possible_cpus());
    TRY_VOID(read_per_cpu(map, counter, rows.data()));
    steer_count sum{};
    for (const steer_count& row : rows) {
        sum.packets += row.packets;
        sum.bytes += row.bytes;
        sum.dropped += row.dropped;
        sum.delayed += row.delayed;
    }
    return sum;
}

} // namespace netwright::dataplane
