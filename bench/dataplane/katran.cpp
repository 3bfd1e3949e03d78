// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/katran.h"

#include "base/fd.h"
#include "dataplane/feeder_layout.h"
#include "dataplane/loaded.h"
#include "kernel/files.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

namespace netwright::dataplane_bench {
namespace {

// lib/bpf/balancer_structs.h and balancer_consts.h.
struct VipKey {
    std::array<std::uint32_t, 4> address{};
    std::uint16_t port = 0;
    std::uint8_t protocol = 0, unused = 0;
};
struct VipMeta {
    std::uint32_t flags = 0, number = 0;
};
struct Real {
    std::array<std::uint32_t, 4> address{};
    std::uint8_t flags = 0;
    std::array<std::uint8_t, 3> unused{};
};
struct FlowKey {
    std::array<std::uint32_t, 9> addresses_and_ports{};
    std::uint8_t protocol = 0;
    std::array<std::uint8_t, 3> unused{};
};
struct Position {
    std::uint32_t real = 0, unused = 0;
    std::uint64_t time = 0;
};
constexpr std::uint32_t ring_slots = 65537, reals = 64;

using Object = bpf_object;

Result<int> table(const Object* object, const char* name)
{
    const int found = bpf_object__find_map_fd_by_name(object, name);
    if (found < 0) return fail(Error::Kind::Mismatch, fmt::format("katran's object has no map {}", name));
    return found;
}

template <class Key, class Value>
Result<void> put(const Object* object, const char* name, const Key& key, const Value& value)
{
    if (bpf_map_update_elem(TRY(table(object, name)), &key, &value, BPF_ANY) == 0) return {};
    return std::unexpected(errno_error(fmt::format("fill katran's {}", name), errno));
}

Result<void> put_vip(const Object* object, std::uint32_t number)
{
    VipKey key{{::htonl(0xc0000200 + number)}, ::htons(80), IPPROTO_TCP};
    TRY_VOID(put(object, "vip_map", key, VipMeta{0, number}));
    key.address = {::htonl(0x20010db8), 0, 0, ::htonl(number)};
    return put(object, "vip_map", key, VipMeta{0, number});
}

// A ring for each VIP. Its first real is 1.
Result<void> put_ring(const Object* object, std::uint32_t vip)
{
    std::vector<std::uint32_t> keys(ring_slots), values(ring_slots);
    for (std::uint32_t slot = 0; slot < ring_slots; ++slot) {
        keys[slot] = vip * ring_slots + slot;
        values[slot] = 1 + slot % reals;
    }
    std::uint32_t count = ring_slots;
    if (bpf_map_update_batch(TRY(table(object, "ch_rings")), keys.data(), values.data(), &count, nullptr) == 0)
        return {};
    return std::unexpected(errno_error("fill katran's ch_rings", errno));
}

Result<std::vector<Fd>> make_connection_tables(const Object* object, std::uint32_t flows)
{
    std::vector<Fd> tables;
    for (std::uint32_t cpu = 0; cpu < dataplane::possible_cpus(); ++cpu) {
        tables.emplace_back(
            bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "katran_lru", sizeof(FlowKey), sizeof(Position), flows, nullptr));
        if (!tables.back()) return std::unexpected(errno_error("make katran's connection table", errno));
        const int table = tables.back().get();
        TRY_VOID(put(object, "lru_mapping", cpu, table));
    }
    return tables;
}

Result<void> fill(const Object* object, std::uint32_t vips)
{
    for (std::uint32_t vip = 0; vip < vips; ++vip) {
        TRY_VOID(put_vip(object, vip));
        TRY_VOID(put_ring(object, vip));
    }
    for (std::uint32_t real = 1; real <= reals; ++real)
        TRY_VOID(put(object, "reals", real, Real{{::htonl(0x0a000000 + real)}}));
    const std::uint32_t first = 0;
    TRY_VOID(put(object, "ctl_array", first, std::uint64_t{0x020000000002}));
    if (bpf_object__find_map_by_name(object, "pckt_srcs"))
        TRY_VOID(put(object, "pckt_srcs", first, Real{{::htonl(0x0a090001)}}));
    return {};
}

} // namespace

void Katran::Close::operator()(bpf_object* object) const { bpf_object__close(object); }
Katran::Katran(std::unique_ptr<bpf_object, Close> object) : object_(std::move(object)) {}
Katran::Katran(Katran&&) noexcept = default;
Katran::~Katran() = default;

Result<Katran> Katran::load(const std::string& object, std::uint32_t vips, std::uint32_t flows)
{
    dataplane::LoadLog log;
    std::unique_ptr<bpf_object, Close> opened(bpf_object__open_file(object.c_str(), nullptr));
    if (!opened) return std::unexpected(errno_error(fmt::format("open {}", object), errno));
    if (const int code = bpf_object__load(opened.get()); code < 0)
        return dataplane::not_loaded("katran", -code, log.reason());
    TRY_VOID(fill(opened.get(), vips));
    Katran katran(std::move(opened));
    katran.connections_ = TRY(make_connection_tables(katran.object_.get(), flows));
    katran.flows_ = flows;
    return katran;
}

Result<void> Katran::age() const
{
    const int cpu = ::sched_getcpu();
    const Position somewhere{1, 0, 0};
    FlowKey key;
    key.protocol = IPPROTO_TCP;
    for (std::uint32_t i = 0; i < 2 * flows_; ++i) {
        key.addresses_and_ports[0] = feed_address(i, 3);
        if (bpf_map_update_elem(connections_.at(static_cast<std::size_t>(cpu)).get(), &key, &somewhere, BPF_ANY) < 0)
            return std::unexpected(errno_error("fill katran's connection table", errno));
    }
    return {};
}

int Katran::program() const { return bpf_program__fd(bpf_object__next_program(object_.get(), nullptr)); }

Result<std::uint64_t> Katran::memory() const
{
    std::uint64_t sum = 0;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) sum += TRY(memory_of(bpf_map__fd(map)));
    return sum;
}

Result<std::uint32_t> Katran::verified() const { return verified_of(program()); }

Result<std::uint64_t> memory_of(int map)
{
    const std::string facts = TRY(kernel::Files::live().read(fmt::format("proc/self/fdinfo/{}", map)));
    constexpr std::string_view word = "memlock:\t";
    const auto at = facts.find(word);
    std::uint64_t bytes = 0;
    if (at == std::string::npos) return fail(Error::Kind::Absent, "this kernel does not tell a map's memory");
    std::from_chars(facts.data() + at + word.size(), facts.data() + facts.size(), bytes);
    return bytes;
}

Result<std::uint32_t> verified_of(int program)
{
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(program, &info, &size) < 0)
        return std::unexpected(errno_error("ask the kernel about a BPF program", errno));
    return info.verified_insns;
}

} // namespace netwright::dataplane_bench
