// SPDX-License-Identifier: GPL-2.0-or-later
// Loading the load balancer, and giving it its configurations.
#include "dataplane/lb_program.h"

#include "dataplane/lb_nat.h"
#include "dataplane/loaded.h"
#include "dataplane/pins.h"
#include "kernel/libbpf_silence.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <future>
#include <span>
#include <system_error>

#include "lb.skel.h"

namespace netwright::dataplane {
namespace {

// A map of one generation.
struct Table {
    bpf_map_type type;
    const char* name;
    __u32 flags;
};
constexpr Table vips4_table{BPF_MAP_TYPE_ARRAY, "vips4", BPF_F_INNER_MAP};
constexpr Table vips6_table{BPF_MAP_TYPE_ARRAY, "vips6", BPF_F_INNER_MAP};
constexpr Table quic_table{BPF_MAP_TYPE_HASH, "quic", 0};
constexpr Table nat_table{BPF_MAP_TYPE_ARRAY, "nat", 0};
constexpr Table nat_flows_table{BPF_MAP_TYPE_HASH, "nat_flows", BPF_F_NO_PREALLOC};
constexpr std::uint32_t nat_flows_most = 1U << 20;
constexpr Table rows_table{BPF_MAP_TYPE_ARRAY, "rows", BPF_F_INNER_MAP};
constexpr Table befores_table{BPF_MAP_TYPE_ARRAY, "befores", BPF_F_INNER_MAP};
constexpr Table backends_table{BPF_MAP_TYPE_ARRAY, "backends", BPF_F_INNER_MAP};

template <class Key, class Value>
Result<Fd> make_empty(const Table& table, std::uint32_t size)
{
    LIBBPF_OPTS(bpf_map_create_opts, options);
    options.map_flags = table.flags;
    Fd map(bpf_map_create(table.type, table.name, sizeof(Key), sizeof(Value), size, &options));
    if (!map) return std::unexpected(errno_error(fmt::format("make the table {}", table.name), errno));
    return map;
}

template <class Key, class Value>
Result<Fd> make_table(const Table& table, const std::vector<Key>& keys, const std::vector<Value>& values)
{
    auto count = static_cast<__u32>(values.size());
    Fd map = TRY((make_empty<Key, Value>(table, std::max(count, 1U))));
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

// A table on its way to one side.
struct Replacement {
    const Fd* sides;
    const Table* what;
    Fd table;
};

Result<void> put(const Replacement& fresh, std::uint32_t side)
{
    const int map = fresh.table.get();
    if (bpf_map_update_elem(fresh.sides->get(), &side, &map, BPF_ANY) < 0)
        return std::unexpected(errno_error(fmt::format("replace the table {}", fresh.what->name), errno));
    return {};
}

// The kernel returns only when no packet is left that may see what stood there before (synchronize_rcu): all wait at
// once.
Result<void> put_all(std::span<const Replacement> fresh, std::uint32_t side)
{
    std::vector<std::future<Result<void>>> waiting;
    for (const Replacement& one : fresh)
        try {
            waiting.push_back(std::async(std::launch::async, [&one, side] { return put(one, side); }));
        } catch (const std::system_error&) { // no more threads: one after the other
            waiting.push_back(std::async(std::launch::deferred, [&one, side] { return put(one, side); }));
        }
    Result<void> done;
    for (auto& one : waiting)
        if (const auto result = one.get(); !result) done = result;
    return done;
}

bool stands(const Fd& sides, std::uint32_t side)
{
    std::uint32_t id = 0;
    return bpf_map_lookup_elem(sides.get(), &side, &id) == 0;
}

// Every value of the array that stands on `side`.
template <class Value>
Result<std::vector<Value>> read_array(const Fd& sides, const Table& what, std::uint32_t side)
{
    std::uint32_t id = 0;
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_map_lookup_elem(sides.get(), &side, &id) < 0)
        return std::unexpected(errno_error(fmt::format("find the load balancer's table {}", what.name), errno));
    const Fd array(bpf_map_get_fd_by_id(id));
    if (!array || bpf_obj_get_info_by_fd(array.get(), &info, &size) < 0)
        return std::unexpected(errno_error(fmt::format("open the load balancer's table {}", what.name), errno));
    std::vector<Value> values(info.max_entries);
    std::vector<std::uint32_t> keys(info.max_entries);
    __u32 count = info.max_entries, next = 0;
    if (bpf_map_lookup_batch(array.get(), nullptr, &next, keys.data(), values.data(), &count, nullptr) < 0 &&
        errno != ENOENT)
        return std::unexpected(errno_error(fmt::format("read the load balancer's table {}", what.name), errno));
    values.resize(count);
    return values;
}

// Rows as the packet path has them.
struct Halves {
    std::vector<lb_half_row> owners, befores; // of before: none while all slots are settled
};

Halves halves_of(const std::vector<lb_row>& rows)
{
    Halves halves{std::vector<lb_half_row>(rows.size()), std::vector<lb_half_row>(rows.size())};
    bool unsettled = false;
    for (std::size_t i = 0; i < rows.size(); ++i)
        for (std::size_t place = 0; place < LB_ROW_SLOTS; ++place) {
            const std::uint32_t slot = rows[i].slot[place];
            unsettled |= LB_CONSULT(slot) != 0;
            halves.owners[i].slot[place] = static_cast<std::uint16_t>(LB_OWNER(slot) | LB_CONSULT(slot) << 15);
            halves.befores[i].slot[place] = static_cast<std::uint16_t>(LB_BEFORE(slot));
        }
    if (!unsettled) halves.befores.clear();
    return halves;
}

std::vector<lb_row> rows_of(const Halves& halves)
{
    std::vector<lb_row> rows(halves.owners.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
        for (std::size_t place = 0; place < LB_ROW_SLOTS; ++place) {
            const std::uint32_t half = halves.owners[i].slot[place], owner = LB_HALF_NUMBER(half);
            const bool settled = !LB_HALF_CONSULT(half) || i >= halves.befores.size();
            const std::uint32_t before = settled ? owner : LB_HALF_NUMBER(halves.befores[i].slot[place]);
            rows[i].slot[place] = LB_SLOT(owner, before, LB_HALF_CONSULT(half));
        }
    return rows;
}

// The globals of another version have another size, as far as they differ at all.
bool of_this_version(int globals)
{
    bpf_map_info info{};
    __u32 size = sizeof info;
    return bpf_obj_get_info_by_fd(globals, &info, &size) == 0 && info.value_size == sizeof(lb_globals);
}

} // namespace

void LbProgram::Unmap::operator()(lb_globals* globals) const { (void)::munmap(globals, sizeof *globals); }

Result<LbProgram> LbProgram::made_of(Parts parts)
{
    void* const globals =
        ::mmap(nullptr, sizeof(lb_globals), PROT_READ | PROT_WRITE, MAP_SHARED, parts[Globals].get(), 0);
    if (globals == MAP_FAILED) return std::unexpected(errno_error("map the load balancer's settings", errno));
    return LbProgram(std::move(parts), static_cast<lb_globals*>(globals));
}

Result<LbProgram> LbProgram::loaded(std::uint32_t modes, std::uint32_t sets, const Parts* of)
{
    const kernel::LibbpfSilence silence;
    const std::unique_ptr<lb_bpf, decltype(&lb_bpf__destroy)> skeleton(lb_bpf__open(), lb_bpf__destroy);
    if (!skeleton) return not_loaded("load balancer", errno);
    skeleton->rodata->set_mask = sets - 1;
    skeleton->rodata->modes = modes;
    bpf_map__set_max_entries(skeleton->maps.connections, sets);
    const auto& maps = skeleton->maps;
    const std::array<std::pair<Part, bpf_map*>, part_count - 1> tables{{{Globals, maps.bss},
                                                                        {Vips4, maps.vips4_of},
                                                                        {Vips6, maps.vips6_of},
                                                                        {Rows, maps.rows_of},
                                                                        {Befores, maps.befores_of},
                                                                        {Backends, maps.backends_of},
                                                                        {Quic, maps.quic_of},
                                                                        {Counts, maps.lb_counts},
                                                                        {Connections, maps.connections},
                                                                        {Nat, maps.nat_tables},
                                                                        {NatFlows, maps.nat_flows_of}}};
    for (const auto& [part, map] : tables)
        if (of && bpf_map__reuse_fd(map, (*of)[part].get()) < 0) return not_loaded("load balancer", errno);
    if (const int code = lb_bpf__load(skeleton.get()); code < 0) return not_loaded("load balancer", -code);
    Parts parts;
    parts[Program] = TRY(second_hold(bpf_program__fd(skeleton->progs.lb)));
    for (const auto& [part, map] : tables)
        parts[part] = TRY(second_hold(bpf_map__fd(map)));
    return made_of(std::move(parts));
}

Result<LbProgram> LbProgram::load(std::uint32_t modes, std::uint32_t connections)
{
    return loaded(modes, std::bit_ceil(std::clamp(connections, 8U, 1U << 24) / LB_WAYS), nullptr);
}

Result<LbProgram> LbProgram::with_modes(std::uint32_t modes) const
{
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(parts_[Connections].get(), &info, &size) < 0)
        return std::unexpected(errno_error("look at the load balancer's connections", errno));
    return loaded(modes, info.max_entries, &parts_);
}

Result<LbProgram> LbProgram::open(const std::filesystem::path& directory)
{
    Parts parts;
    for (std::size_t part = 0; part < part_count; ++part) {
        parts[part] = TRY(pinned(directory / names[part]));
        if (part == Globals && !of_this_version(parts[part].get())) // which may have had other tables, too
            return fail(Error::Kind::Unsupported, "another version of netwright loaded the balancer that runs here: "
                                                  "netwright lb off, then apply again");
    }
    return made_of(std::move(parts));
}

Result<void> LbProgram::pin(const std::filesystem::path& directory) const
{
    for (std::size_t part = 0; part < part_count; ++part)
        TRY_VOID(dataplane::pin(parts_[part].get(), directory / names[part]));
    return {};
}

Result<void> LbProgram::pin_instead(const std::filesystem::path& directory) const
{
    const std::filesystem::path place = directory / names[Program], fresh = directory / "program-new";
    ::unlink(fresh.c_str());
    TRY_VOID(dataplane::pin(program(), fresh));
    if (::rename(fresh.c_str(), place.c_str()) < 0)
        return std::unexpected(errno_error("replace " + place.string(), errno));
    return {};
}

std::uint64_t LbProgram::generation() const
{
    return std::atomic_ref<__u64>(globals_->generation).load(std::memory_order_acquire);
}

// A table for each address that had none; what packets see now uses the others.
Result<void> LbProgram::provide_nat(const lb_nat_settings& wanted) const
{
    const lb_nat_settings& now = globals_->settings[generation() & 1].nat;
    bool any = false;
    for (std::uint32_t place = 0; place < 2 * LB_NAT_PLACES; ++place) {
        const auto address = nat_address(wanted, place);
        any |= address.has_value();
        if (!address || (stands(parts_[Nat], place) && address == nat_address(now, place))) continue;
        auto table = TRY((make_empty<std::uint32_t, lb_nat_entry>(nat_table, LB_NAT_ENTRIES)));
        TRY_VOID(put({&parts_[Nat], &nat_table, std::move(table)}, place));
    }
    if (!any || stands(parts_[NatFlows], 0)) return {};
    auto flows = TRY((make_empty<lb_nat_key, std::uint32_t>(nat_flows_table, nat_flows_most)));
    return put({&parts_[NatFlows], &nat_flows_table, std::move(flows)}, 0);
}

// Those of a place whose address goes; nobody would look for them again.
void LbProgram::forget_flows(std::uint32_t place) const
{
    const auto entries = nat_entries(place);
    const std::uint32_t first = 0;
    std::uint32_t id = 0;
    if (!entries || bpf_map_lookup_elem(parts_[NatFlows].get(), &first, &id) < 0) return;
    const Fd flows(bpf_map_get_fd_by_id(id));
    for (const lb_nat_entry& entry : *entries) {
        std::uint32_t named = 0;
        const bool known =
            flows && (entry.word & LB_NAT_FILLED) != 0 && bpf_map_lookup_elem(flows.get(), &entry.key, &named) == 0;
        if (known && named >> 17 == place) (void)bpf_map_delete_elem(flows.get(), &entry.key);
    }
}

void LbProgram::drop_nat(const lb_nat_settings& wanted) const
{
    bool any = false;
    for (std::uint32_t place = 0; place < 2 * LB_NAT_PLACES; ++place) {
        const bool used = nat_address(wanted, place).has_value();
        any |= used;
        if (!used && stands(parts_[Nat], place)) forget_flows(place);
        if (!used) (void)bpf_map_delete_elem(parts_[Nat].get(), &place);
    }
    const std::uint32_t first = 0;
    if (!any) (void)bpf_map_delete_elem(parts_[NatFlows].get(), &first);
}

Result<std::vector<lb_nat_entry>> LbProgram::nat_entries(std::uint32_t place) const
{
    return read_array<lb_nat_entry>(parts_[Nat], nat_table, place);
}

Result<void> LbProgram::configure(const LbImage& image)
{
    const std::uint64_t next = generation() + 1;
    const auto side = static_cast<std::uint32_t>(next & 1);
    const Halves halves = halves_of(image.rows);
    std::array<Replacement, 6> tables{{{&parts_[Vips4], &vips4_table, {}},
                                       {&parts_[Vips6], &vips6_table, {}},
                                       {&parts_[Rows], &rows_table, {}},
                                       {&parts_[Befores], &befores_table, {}},
                                       {&parts_[Backends], &backends_table, {}},
                                       {&parts_[Quic], &quic_table, {}}}};
    tables[0].table = TRY(make_array(vips4_table, image.lines4));
    tables[1].table = TRY(make_array(vips6_table, image.lines6));
    tables[2].table = TRY(make_array(rows_table, halves.owners));
    tables[3].table = TRY(make_array(befores_table, halves.befores));
    tables[4].table = TRY(make_array(backends_table, image.backends));
    tables[5].table = TRY(make_table(quic_table, image.quic_keys, image.quic));
    TRY_VOID(put_all(tables, side));
    TRY_VOID(provide_nat(image.settings.nat));
    globals_->settings[side] = image.settings;
    std::atomic_ref<__u64>(globals_->generation).store(next, std::memory_order_release);
    // What only packets before the switch read is let go of once they are through, which takes as long as to replace
    // any table by itself. Packets see the new configuration: what fails here costs memory, until the next one.
    if (!put(tables[0], side)) return {};
    drop_nat(image.settings.nat);
    const std::vector<lb_half_row> none;
    auto rows = make_array(rows_table, none), befores = make_array(befores_table, none);
    if (!rows || !befores) return {};
    tables[2].table = *std::move(rows);
    tables[3].table = *std::move(befores);
    (void)put_all(std::span(tables).subspan(2, 2), 1 - side);
    return {};
}

Result<LbImage> LbProgram::running_image() const
{
    const auto side = static_cast<std::uint32_t>(generation() & 1);
    LbImage image;
    image.settings = globals_->settings[side];
    const Halves halves{TRY(read_array<lb_half_row>(parts_[Rows], rows_table, side)),
                        TRY(read_array<lb_half_row>(parts_[Befores], befores_table, side))};
    image.rows = rows_of(halves);
    return image;
}

Result<lb_count> LbProgram::read_count(std::uint32_t counter) const
{
    return sum_count<lb_count>(parts_[Counts].get(), counter);
}

Result<void> LbProgram::clear_counts(std::span<const std::uint32_t> counters) const
{
    for (const std::uint32_t counter : counters)
        TRY_VOID(clear_count<lb_count>(parts_[Counts].get(), counter));
    return {};
}

Result<Handled> LbProgram::run(std::span<const std::uint8_t> frame) const { return run_frame(program(), frame); }

} // namespace netwright::dataplane
