// SPDX-License-Identifier: GPL-2.0-or-later
// The filter in the kernel: one loaded program with its tables, not yet attached to anything.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "dataplane/filter_image.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct filter_bpf;

namespace netwright::dataplane {

struct Verdicted {
    std::uint32_t action = 0;      // XDP_PASS, XDP_DROP
    std::uint32_t nanoseconds = 0; // mean of the repeats
};

// The maps that outlive a policy: what was counted, seen, and said while it ran.
inline constexpr std::array<const char*, 4> lasting_maps{"counts", "samples", "live4", "live6"};

struct FilterOptions {
    std::array<int, lasting_maps.size()> lasting{-1, -1, -1, -1}; // descriptors of them; none: new ones
    bool jumbo = false; // frames may span several buffers (an MTU beyond a page): Linux 5.18, and a call a packet
    std::uint32_t next_size = 0; // of the map by which others run behind it (other_xdp.h); 0: nobody does
    bool typed = true;           // loaded as libbpf does it, not as others do: such programs cannot call each other
    unsigned mtu = 1500;         // the smallest of the interfaces', which answers with SYN cookies speak of
};

class FilterProgram {
public:
    // Unsupported: this kernel's verifier refuses it. Refused: the rights are missing (CAP_BPF and CAP_NET_ADMIN).
    static Result<FilterProgram> load(const FilterPolicy& policy, const FilterImage& image,
                                      const FilterOptions& options = {});

    int program() const;
    int map(const char* name) const;
    int counts() const { return map("counts"); }
    // Packets and bytes of each counter, summed over CPUs; COUNT_MOST of them.
    Result<std::vector<filter_count>> read_counts() const;
    // One frame through the program, without any interface (BPF_PROG_TEST_RUN).
    Result<Verdicted> run(std::span<const std::uint8_t> frame, std::uint32_t repeat = 1) const;

    FilterProgram(FilterProgram&&) noexcept;
    FilterProgram& operator=(FilterProgram&&) noexcept;
    ~FilterProgram();

private:
    struct Destroy {
        void operator()(filter_bpf* skeleton) const;
    };
    using Skeleton = std::unique_ptr<filter_bpf, Destroy>;
    explicit FilterProgram(Skeleton skeleton);
    Skeleton skeleton_;
};

// Sums a per-CPU counter map.
Result<std::vector<filter_count>> read_filter_counts(int map);

} // namespace netwright::dataplane
