// SPDX-License-Identifier: GPL-2.0-or-later
// Loading what generates, drops, sends on and counts.
#include "dataplane/ways_program.h"

#include "dataplane/loaded.h"
#include "dataplane/ways_layout.h"
#include "kernel/libbpf_silence.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ways.skel.h"

namespace netwright::dataplane {
namespace {

constexpr std::size_t ip_begin = 14, ip_size = 20, destination_at = 30;

// RFC 1071, of an IPv4 header whose own field is zero.
std::uint16_t ip_checksum(std::span<const std::uint8_t, ip_size> header)
{
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < ip_size; i += 2)
        sum += static_cast<std::uint32_t>(header[i] << 8 | header[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

} // namespace

WayFrame way_frame(const MacAddress& to, const MacAddress& from)
{
    constexpr std::array<std::uint8_t, 30> rest{0x08, 0x00,                                                 // IPv4
                                                0x45, 0x00, 0x00, 0x2e, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, // TTL 64
                                                0x00, 0x00, 198,  18,   0,    2,    198,  18,   1,    2,    //
                                                0x27, 0x00, 0x00, 0x09, 0x00, 0x1a, 0x00, 0x00}; // UDP to port 9
    WayFrame frame{};
    std::ranges::copy(to, frame.begin());
    std::ranges::copy(from, frame.begin() + 6);
    std::ranges::copy(rest, frame.begin() + 12);
    const std::uint16_t checksum = ip_checksum(std::span(frame).subspan<ip_begin, ip_size>());
    frame[ip_begin + 10] = static_cast<std::uint8_t>(checksum >> 8);
    frame[ip_begin + 11] = static_cast<std::uint8_t>(checksum & 0xff);
    return frame;
}

void WaysProgram::Destroy::operator()(ways_bpf* skeleton) const { ways_bpf__destroy(skeleton); }
WaysProgram::WaysProgram(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}
WaysProgram::WaysProgram(WaysProgram&&) noexcept = default;
WaysProgram& WaysProgram::operator=(WaysProgram&&) noexcept = default;
WaysProgram::~WaysProgram() = default;

int WaysProgram::generate() const { return bpf_program__fd(skeleton_->progs.ways_generate); }
int WaysProgram::drop() const { return bpf_program__fd(skeleton_->progs.ways_drop); }
int WaysProgram::forward() const { return bpf_program__fd(skeleton_->progs.ways_forward); }
int WaysProgram::to_socket() const { return bpf_program__fd(skeleton_->progs.ways_to_socket); }
int WaysProgram::sink() const { return bpf_program__fd(skeleton_->progs.ways_sink); }

Result<WaysProgram> WaysProgram::load(const WayAim& aim)
{
    const kernel::LibbpfSilence silence;
    Skeleton skeleton(ways_bpf__open());
    if (!skeleton) return not_loaded("measuring programs", errno);
    auto& constants = *skeleton->rodata;
    static_assert(sizeof constants.head <= sizeof aim.frame && sizeof constants.onward == 2 * sizeof aim.out);
    std::memcpy(const_cast<__u64*>(&constants.head[0]), aim.frame.data(), sizeof constants.head);
    std::memcpy(const_cast<__u32*>(&constants.destination), &aim.frame[destination_at], sizeof constants.destination);
    std::memcpy(const_cast<__u16*>(&constants.onward[0]), aim.next_hop.data(), sizeof aim.next_hop);
    std::memcpy(const_cast<__u16*>(&constants.onward[3]), aim.out.data(), sizeof aim.out);
    constants.gap = aim.gap_ns;
    constants.source_index = aim.source_index;
    constants.out_index = aim.out_index;
    if (const int code = ways_bpf__load(skeleton.get()); code < 0) return not_loaded("measuring programs", -code);
    return WaysProgram(std::move(skeleton));
}

Result<void> WaysProgram::put_socket(int socket)
{
    const __u32 queue = 0, value = static_cast<__u32>(socket);
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.ways_sockets), &queue, &value, BPF_ANY) < 0)
        return std::unexpected(errno_error("hand packets to an AF_XDP socket", errno));
    return {};
}

void WaysProgram::start_clock() { skeleton_->bss->first_at = skeleton_->bss->last_at = 0; }

double WaysProgram::clock() const
{
    return static_cast<double>(skeleton_->bss->last_at - skeleton_->bss->first_at) / 1e9;
}

Result<std::uint64_t> WaysProgram::packets(std::uint32_t counter) const
{
    return TRY(sum_count<ways_count>(bpf_map__fd(skeleton_->maps.ways_counts), counter)).packets;
}

Result<std::uint64_t> WaysProgram::sent() const { return packets(WAYS_SENT); }
Result<std::uint64_t> WaysProgram::handled() const { return packets(WAYS_HANDLED); }
Result<std::uint64_t> WaysProgram::arrived() const { return packets(WAYS_ARRIVED); }

} // namespace netwright::dataplane
