// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/plain.h"

#include "dataplane/loaded.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <array>
#include <cerrno>
#include <utility>

#include "plain_maps.skel.h"

namespace netwright::dataplane_bench {

void Plain::Destroy::operator()(plain_maps_bpf* skeleton) const { plain_maps_bpf__destroy(skeleton); }
Plain::Plain(Skeleton skeleton, PlainKind kind) : skeleton_(std::move(skeleton)), kind_(kind) {}
Plain::Plain(Plain&&) noexcept = default;
Plain::~Plain() = default;

Result<Plain> Plain::load(PlainKind kind, std::span<const Network> prefixes)
{
    dataplane::LoadLog log;
    Skeleton skeleton(plain_maps_bpf__open_and_load());
    if (!skeleton) return dataplane::not_loaded("plain_maps", errno, log.reason());
    const std::uint32_t listed = 1;
    for (const Network& network : prefixes) {
        const std::array<std::uint32_t, 2> key{network.length, ::htonl(network.address)};
        if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.prefixes), key.data(), &listed, BPF_ANY) < 0)
            return std::unexpected(errno_error("fill an LPM trie", errno));
    }
    return Plain(std::move(skeleton), kind);
}

int Plain::program() const
{
    switch (kind_) {
    case PlainKind::Trie:
        return bpf_program__fd(skeleton_->progs.trie);
    case PlainKind::TokenBucket:
        return bpf_program__fd(skeleton_->progs.token_bucket);
    case PlainKind::DropAll:
        return bpf_program__fd(skeleton_->progs.drop_all);
    }
    return -1;
}

} // namespace netwright::dataplane_bench
