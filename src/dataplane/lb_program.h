// SPDX-License-Identifier: GPL-2.0-or-later
// The load balancer in the kernel: one loaded program with its tables. Pinned, it outlives the command that loaded it
// and is opened again by the next.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "dataplane/lb_image.h"
#include "dataplane/loaded.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace netwright::dataplane {

class LbProgram {
public:
    // `modes`: bits of enum lb_mode, the only ones that are compiled in. `connections`: how many are remembered of
    // slots that changed hands. Until the first configuration all packets pass. Unsupported: this kernel's verifier
    // refuses it. Refused: the rights are missing.
    static Result<LbProgram> load(std::uint32_t modes, std::uint32_t connections = 1U << 20);
    // Another program with these modes on the same tables, connections and counters: it can take this one's place.
    Result<LbProgram> with_modes(std::uint32_t modes) const;
    // What pin() left in `directory`. Unsupported: another version of netwright loaded it.
    static Result<LbProgram> open(const std::filesystem::path& directory);
    Result<void> pin(const std::filesystem::path& directory) const;
    // Puts this program where with_modes' origin is pinned, in one step.
    Result<void> pin_instead(const std::filesystem::path& directory) const;

    int program() const { return parts_[Program].get(); }
    // Of the configuration that packets see; 0: none yet.
    std::uint64_t generation() const;
    // Every packet sees the configuration before or this one. On failure the one before stays.
    Result<void> configure(const LbImage& image);
    // What stands at the ports of that place of lb_nat_settings.
    Result<std::vector<lb_nat_entry>> nat_entries(std::uint32_t place) const;
    // Settings and rows that packets see now. Names are not in the kernel.
    Result<LbImage> running_image() const;
    Result<lb_count> read_count(std::uint32_t counter) const; // summed over CPUs
    Result<void> clear_counts(std::span<const std::uint32_t> counters) const;
    // One frame through the program, without any interface (BPF_PROG_TEST_RUN).
    Result<Handled> run(std::span<const std::uint8_t> frame) const;

private:
    enum Part {
        Program,
        Globals,
        Vips4,
        Vips6,
        Rows,
        Befores,
        Backends,
        Quic,
        Counts,
        Connections,
        Nat,
        NatFlows,
        part_count
    };
    static constexpr std::array<const char*, part_count> names{"program", "globals",     "vips4",    "vips6",
                                                               "rows",    "befores",     "backends", "quic",
                                                               "counts",  "connections", "nat",      "nat-flows"};
    struct Unmap {
        void operator()(lb_globals* globals) const;
    };
    using Parts = std::array<Fd, part_count>;
    static Result<LbProgram> made_of(Parts parts);
    Result<void> provide_nat(const lb_nat_settings& wanted) const;
    void drop_nat(const lb_nat_settings& wanted) const;
    void forget_flows(std::uint32_t place) const;
    // `sets` of connections; on the tables `of` where there are some.
    static Result<LbProgram> loaded(std::uint32_t modes, std::uint32_t sets, const Parts* of);
    LbProgram(Parts parts, lb_globals* globals) : parts_(std::move(parts)), globals_(globals) {}

    Parts parts_;
    std::unique_ptr<lb_globals, Unmap> globals_;
};

} // namespace netwright::dataplane
