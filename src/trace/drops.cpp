// SPDX-License-Identifier: GPL-2.0-or-later
// Controls drops.bpf.c and turns its table into names.
#include "trace/drops.h"

#include "kernel/ethtool.h"
#include "kernel/libbpf_silence.h"
#include "trace/drop_reasons.h"
#include "trace/drop_record.h"
#include "trace/kernel_symbols.h"

#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <numeric>
#include <tuple>

#include "drops.skel.h"

namespace netwright::trace {
namespace {

std::unexpected<Error> no_tracing(int code)
{
    auto error = errno_error("count dropped packets with BPF", code);
    // What the verifier or BTF search refuses comes as ESRCH, EINVAL, ENOENT …: this kernel cannot run it.
    if (error.kind != Error::Kind::Refused) error.kind = Error::Kind::Unsupported;
    return std::unexpected(std::move(error));
}

Result<std::uint32_t> own_namespace()
{
    struct stat status{};
    constexpr const char* path = "/proc/thread-self/ns/net";
    if (::stat(path, &status) < 0) return std::unexpected(errno_error(std::string("read ") + path, errno));
    return static_cast<std::uint32_t>(status.st_ino);
}

struct KeyOrder {
    static auto fields(const drop_key& key)
    {
        return std::tie(key.location, key.reason, key.interface, key.ether_type, key.port, key.protocol);
    }
    bool operator()(const drop_key& a, const drop_key& b) const { return fields(a) < fields(b); }
};
using Counts = std::map<drop_key, std::uint64_t, KeyOrder>;
using Sums = std::array<std::uint64_t, drop_sums>;

std::uint64_t over_cpus(const std::vector<std::uint64_t>& values)
{
    return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

// Nothing: it has gone meanwhile.
std::uint64_t read_counter(int map, const void* key, std::vector<std::uint64_t>& values)
{
    return bpf_map_lookup_elem(map, key, values.data()) == 0 ? over_cpus(values) : 0;
}

Counts read_counts(int map, std::vector<std::uint64_t>& values)
{
    Counts counts;
    drop_key key{};
    for (const void* before = nullptr; bpf_map_get_next_key(map, before, &key) == 0;) {
        counts[key] = read_counter(map, &key, values);
        before = &key;
    }
    return counts;
}

std::string protocol_name(const drop_key& key)
{
    if (key.ether_type == ETH_P_ARP) return "arp";
    if (key.ether_type != ETH_P_IP && key.ether_type != ETH_P_IPV6) return "";
    switch (key.protocol) {
    case IPPROTO_TCP:
        return "tcp";
    case IPPROTO_UDP:
        return "udp";
    case IPPROTO_ICMP:
        return "icmp";
    case IPPROTO_ICMPV6:
        return "icmpv6";
    default:
        return "";
    }
}

using Names = std::map<std::uint64_t, std::string>;

Names names_of(const kernel::Files& files, const Counts& counts)
{
    std::set<std::uint64_t> addresses;
    for (const auto& [key, packets] : counts)
        addresses.insert(key.location);
    return addresses.empty() ? Names{} : find_symbols(files, addresses).value_or(Names{});
}

std::string interface_name(const Result<kernel::EthtoolSocket>& socket, std::uint32_t index)
{
    if (index == 0 || !socket) return "";
    return socket->name(index).value_or("");
}

} // namespace

struct DropCounter::State {
    State() : skeleton(drops_bpf__open(), drops_bpf__destroy) {}
    std::unique_ptr<drops_bpf, void (*)(drops_bpf*)> skeleton;
    KernelDrops kernel{DropReasons({}), 0};
    std::vector<std::uint64_t> values; // one a possible CPU
    Counts taken;
    Sums taken_sums{};
};

DropCounter::DropCounter(std::unique_ptr<State> state) : state_(std::move(state)) {}
DropCounter::DropCounter(DropCounter&&) noexcept = default;
DropCounter& DropCounter::operator=(DropCounter&&) noexcept = default;
DropCounter::~DropCounter() = default;

Result<DropCounter> DropCounter::start()
{
    auto kernel_drops = running_kernel_drops();
    if (!kernel_drops) return std::unexpected(std::move(kernel_drops).error());
    const kernel::LibbpfSilence silence;
    auto state = std::make_unique<State>();
    if (!state->skeleton) return no_tracing(errno);
    state->kernel = *std::move(kernel_drops);
    auto& options = *state->skeleton->rodata;
    const auto space = own_namespace();
    if (!space) return std::unexpected(space.error());
    options.wanted_namespace = *space;
    options.has_reason = state->kernel.arguments >= 3;
    options.has_socket = state->kernel.arguments >= 4;
    if (const int code = drops_bpf__load(state->skeleton.get()); code < 0) return no_tracing(-code);
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0) return no_tracing(-cpus);
    state->values.resize(static_cast<std::size_t>(cpus));
    if (const int code = drops_bpf__attach(state->skeleton.get()); code < 0) return no_tracing(-code);
    return DropCounter(std::move(state));
}

Result<DropReport> DropCounter::take(const kernel::Files& files)
{
    Counts counts = read_counts(bpf_map__fd(state_->skeleton->maps.drop_counts), state_->values);
    Sums sums{};
    for (std::uint32_t place = 0; place < drop_sums; ++place)
        sums[place] = read_counter(bpf_map__fd(state_->skeleton->maps.sums), &place, state_->values);
    const Names names = names_of(files, counts);
    const auto interfaces = kernel::EthtoolSocket::open();

    DropReport report;
    for (const auto& [key, packets] : counts) {
        const std::uint64_t grown = packets - state_->taken[key];
        if (grown == 0) continue;
        const auto location = names.find(key.location);
        report.drops.push_back({key.reason == drop_reason_unknown ? "UNKNOWN" : state_->kernel.reasons.name(key.reason),
                                location == names.end() ? "" : location->second, protocol_name(key), key.port,
                                interface_name(interfaces, key.interface), grown});
    }
    std::ranges::stable_sort(report.drops, std::ranges::greater{}, &DropCount::packets);
    report.elsewhere = sums[drops_elsewhere] - state_->taken_sums[drops_elsewhere];
    report.unplaced = sums[drops_unplaced] - state_->taken_sums[drops_unplaced];
    report.lost = sums[drops_lost] - state_->taken_sums[drops_lost];
    state_->taken = std::move(counts);
    state_->taken_sums = sums;
    return report;
}

} // namespace netwright::trace
