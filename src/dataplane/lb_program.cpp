// SPDX-License-Identifier: GPL-2.0-or-later
// Loading the load balancer, and giving it its configurations.
#include "dataplane/lb_program.h"

#include "base/fd.h"
#include "dataplane/not_loaded.h"
#include "kernel/libbpf_silence.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>

#include "lb.skel.h"

namespace netwright::dataplane {
namespace {

// A map of one generation.
struct Table {
    bpf_map_type type;
    const char* name;
    __u32 flags;
};
constexpr Table vips4_table{BPF_MAP_TYPE_HASH, "vips4", 0}, vips6_table{BPF_MAP_TYPE_HASH, "vips6", 0};
constexpr Table rows_table{BPF_MAP_TYPE_ARRAY, "rows", BPF_F_INNER_MAP};
constexpr Table backends_table{BPF_MAP_TYPE_ARRAY, "backends", BPF_F_INNER_MAP};

template <class Key, class Value>
Result<Fd> make_table(const Table& table, const std::vector<Key>& keys, const std::vector<Value>& values)
{
    LIBBPF_OPTS(bpf_map_create_opts, options);
    options.map_flags = table.flags;
    auto count = static_cast<__u32>(values.size());
    Fd map(bpf_map_create(table.type, table.name, sizeof(Key), sizeof(Value), std::max(count, 1U), &options));
    if (!map) return std::unexpected(errno_error(fmt::format("make the table {}", table.name), errno));
    if (count > 0 && bpf_map_update_batch(map.get(), keys.data(), values.data(), &count, nullptr) < 0)
        return std::unexpected(errno_error(fmt::format("fill the table {}", table.name), errno));
    return map;
}

template <class Value>
Result<Fd> make_array(const Table& table, const std::vector<Value>& values)
{
    std::vector<std::uint32_t> keys(values.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
        keys[i] = static_cast<std::uint32_t>(i);
    return make_table(table, keys, values);
}

// The kernel returns only when no packet is left that may see what stood there before.
Result<void> put(const bpf_map* sides, std::uint32_t side, const Fd& table)
{
    const int map = table.get();
    if (bpf_map_update_elem(bpf_map__fd(sides), &side, &map, BPF_ANY) < 0)
        return std::unexpected(errno_error(fmt::format("replace the table {}", bpf_map__name(sides)), errno));
    return {};
}

} // namespace

void LbProgram::Destroy::operator()(lb_bpf* skeleton) const { lb_bpf__destroy(skeleton); }
LbProgram::LbProgram(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}
LbProgram::LbProgram(LbProgram&&) noexcept = default;
LbProgram& LbProgram::operator=(LbProgram&&) noexcept = default;
LbProgram::~LbProgram() = default;

Result<LbProgram> LbProgram::load(std::uint32_t connections)
{
    const kernel::LibbpfSilence silence;
    Skeleton skeleton(lb_bpf__open());
    if (!skeleton) return not_loaded("load balancer", errno);
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 1) return fail(Error::Kind::Unsupported, "count the CPUs for the load balancer's connections");
    const std::uint32_t sets = std::bit_ceil(std::clamp(connections, 8U, 1U << 24) / LB_WAYS);
    skeleton->rodata->set_mask = sets - 1;
    bpf_map__set_max_entries(skeleton->maps.connections, sets * static_cast<std::uint32_t>(cpus));
    if (const int code = lb_bpf__load(skeleton.get()); code < 0) return not_loaded("load balancer", -code);
    return LbProgram(std::move(skeleton));
}

Result<void> LbProgram::configure(const LbImage& image)
{
    const std::uint64_t next = skeleton_->bss->generation + 1;
    const auto side = static_cast<std::uint32_t>(next & 1);
    const Fd vips4 = TRY(make_table(vips4_table, image.keys4, image.vips4));
    const Fd vips6 = TRY(make_table(vips6_table, image.keys6, image.vips6));
    const Fd rows = TRY(make_array(rows_table, image.rows));
    const Fd backends = TRY(make_array(backends_table, image.backends));
    TRY_VOID(put(skeleton_->maps.vips4_of, side, vips4));
    TRY_VOID(put(skeleton_->maps.vips6_of, side, vips6));
    TRY_VOID(put(skeleton_->maps.rows_of, side, rows));
    TRY_VOID(put(skeleton_->maps.backends_of, side, backends));
    skeleton_->bss->settings[side] = image.settings;
    std::atomic_ref<decltype(lb_bpf::lb_bpf__bss::generation)>(skeleton_->bss->generation)
        .store(next, std::memory_order_release);
    return {};
}

Result<std::vector<lb_count>> LbProgram::read_counts() const
{
    const auto cpus = static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1));
    std::vector<lb_count> rows(cpus), sums(LB_COUNT_MOST);
    const int map = bpf_map__fd(skeleton_->maps.lb_counts);
    for (std::uint32_t counter = 0; counter < LB_COUNT_MOST; ++counter) {
        if (bpf_map_lookup_elem(map, &counter, rows.data()) < 0)
            return std::unexpected(errno_error("read the load balancer's counters", errno));
        for (const lb_count& row : rows) {
            sums[counter].packets += row.packets;
            sums[counter].bytes += row.bytes;
        }
    }
    return sums;
}

Result<Balanced> LbProgram::run(std::span<const std::uint8_t> frame) const
{
    Balanced result;
    result.frame.resize(frame.size() + 64);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.data_out = result.frame.data();
    options.data_size_out = static_cast<__u32>(result.frame.size());
    options.repeat = 1;
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.lb), &options) < 0)
        return std::unexpected(errno_error("run a frame through the load balancer", errno));
    result.action = options.retval;
    result.frame.resize(options.data_size_out);
    return result;
}

} // namespace netwright::dataplane
