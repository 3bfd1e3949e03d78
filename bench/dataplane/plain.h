// SPDX-License-Identifier: GPL-2.0-or-later
// The programs of plain_maps.bpf.c.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <memory>
#include <span>

struct plain_maps_bpf;

namespace netwright::dataplane_bench {

struct Network {
    std::uint32_t address = 0; // host order, bits beyond the length 0
    unsigned length = 32;
};

enum class PlainKind { Trie, TokenBucket, DropAll };

class Plain {
public:
    static Result<Plain> load(PlainKind kind, std::span<const Network> prefixes = {});
    int program() const;
    Plain(Plain&&) noexcept;
    ~Plain();

private:
    struct Destroy {
        void operator()(plain_maps_bpf* skeleton) const;
    };
    using Skeleton = std::unique_ptr<plain_maps_bpf, Destroy>;
    Plain(Skeleton skeleton, PlainKind kind);
    Skeleton skeleton_;
    PlainKind kind_;
};

} // namespace netwright::dataplane_bench
