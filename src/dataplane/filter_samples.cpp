// SPDX-License-Identifier: GPL-2.0-or-later
// Reading the ring buffer of samples.
#include "dataplane/filter_samples.h"

#include "dataplane/pins.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace netwright::dataplane {
namespace {

constexpr int enough = -ECANCELED; // what ends libbpf's round

int take_one(void* context, void* data, std::size_t size)
{
    const auto& take = *static_cast<const SampleReader::Take*>(context);
    filter_sample raw{};
    if (size < sizeof raw || !take) return 0;
    std::memcpy(&raw, data, sizeof raw);
    const std::size_t kept = std::min<std::size_t>(raw.length, SAMPLE_BYTES);
    const Sample sample{
        std::chrono::nanoseconds(raw.time), raw.interface, raw.counter, raw.length, {raw.head, raw.head + kept}};
    return take(sample) ? 0 : enough;
}

} // namespace

void SampleReader::Free::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

SampleReader::SampleReader(Fd map, std::unique_ptr<Take> take, ring_buffer* ring)
    : map_(std::move(map)), take_(std::move(take)), ring_(ring)
{
}

Result<SampleReader> SampleReader::open(const std::filesystem::path& directory)
{
    auto map = pinned(directory / "samples");
    if (!map && map.error().kind == Error::Kind::Absent)
        return fail(Error::Kind::Absent, "no filter runs here (see: netwright filter apply)");
    if (!map) return std::unexpected(map.error());
    auto take = std::make_unique<Take>();
    ring_buffer* const ring = ring_buffer__new(map->get(), take_one, take.get(), nullptr);
    if (!ring) return std::unexpected(errno_error("open the filter's samples", errno));
    return SampleReader(*std::move(map), std::move(take), ring);
}

Result<void> SampleReader::read(std::chrono::milliseconds patience, const Take& take)
{
    *take_ = take;
    const int code = ring_buffer__poll(ring_.get(), static_cast<int>(patience.count()));
    *take_ = nullptr;
    if (code < 0 && code != enough && code != -EINTR)
        return std::unexpected(errno_error("read the filter's samples", -code));
    return {};
}

} // namespace netwright::dataplane
