// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/feeder.h"

#include "dataplane/loaded.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "feeder.skel.h"

namespace netwright::dataplane_bench {
namespace {

constexpr std::size_t link_header = 14;

std::uint32_t vary_of(const Feed& feed)
{
    if (feed.one_source) return FEED_ONE_SOURCE;
    return feed.frame[12] == 0x08 ? FEED_SOURCES4 : FEED_SOURCES6;
}

} // namespace

void Feeder::Destroy::operator()(feeder_bpf* skeleton) const { feeder_bpf__destroy(skeleton); }
Feeder::Feeder(Skeleton skeleton, Frame frame) : skeleton_(std::move(skeleton)), frame_(std::move(frame)) {}
Feeder::Feeder(Feeder&&) noexcept = default;
Feeder::~Feeder() = default;

Result<Feeder> Feeder::load(const Feed& feed, int program)
{
    ENSURE(feed.frame.size() <= FEED_MOST && feed.frame.size() % 8 == 0 && feed.frame.size() > link_header);
    dataplane::LoadLog log;
    Skeleton skeleton(feeder_bpf__open());
    if (!skeleton) return dataplane::not_loaded("feeder", errno, log.reason());
    skeleton->rodata->frame_bytes = static_cast<std::uint32_t>(feed.frame.size());
    skeleton->rodata->flows = feed.flows;
    skeleton->rodata->vary = vary_of(feed);
    skeleton->rodata->top = feed.top;
    skeleton->rodata->vip_mask = feed.vips - 1;
    skeleton->rodata->grows_behind = feed.grows_behind;
    if (const int code = feeder_bpf__load(skeleton.get()); code < 0)
        return dataplane::not_loaded("feeder", -code, log.reason());
    std::ranges::copy(feed.frame, skeleton->bss->frame);
    const std::uint32_t first = 0;
    if (program >= 0 && bpf_map_update_elem(bpf_map__fd(skeleton->maps.fed), &first, &program, BPF_ANY) < 0)
        return fail(Error::Kind::Unsupported, "this kernel lets no other program call it (tail calls)", errno);
    return Feeder(std::move(skeleton), feed.frame);
}

Result<double> Feeder::run(std::uint32_t packets) const
{
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame_.data();
    options.data_size_in = static_cast<__u32>(frame_.size());
    options.repeat = static_cast<int>(packets);
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.feed), &options) < 0)
        return std::unexpected(errno_error("BPF_PROG_TEST_RUN", errno));
    if (options.retval == XDP_ABORTED) return fail(Error::Kind::Mismatch, "the frame could not be put back");
    return options.duration;
}

Result<std::uint32_t> Feeder::verdict() const
{
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame_.data();
    options.data_size_in = static_cast<__u32>(frame_.size());
    options.repeat = 1;
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.feed), &options) < 0)
        return std::unexpected(errno_error("BPF_PROG_TEST_RUN", errno));
    return options.retval;
}

Result<double> Feeder::flood(std::uint32_t packets, unsigned interface) const
{
    xdp_md context{};
    context.data_end = static_cast<__u32>(frame_.size());
    context.ingress_ifindex = interface;
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame_.data();
    options.data_size_in = static_cast<__u32>(frame_.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = static_cast<int>(packets);
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    const auto begin = std::chrono::steady_clock::now();
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.feed), &options) < 0)
        return std::unexpected(errno_error("BPF_PROG_TEST_RUN with live frames (Linux 5.18)", errno));
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    return took.count() / packets;
}

} // namespace netwright::dataplane_bench
