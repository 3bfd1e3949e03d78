// SPDX-License-Identifier: GPL-2.0-or-later
// What is the same for every BPF program of this room once libbpf has it, or has refused it.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "base/kernel_version.h"

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netwright::dataplane {

// libbpf is silent while this lives, but for what the kernel's verifier says of a program that it refuses.
class LoadLog {
public:
    LoadLog();
    ~LoadLog();
    LoadLog(const LoadLog&) = delete;
    LoadLog& operator=(const LoadLog&) = delete;
    std::string reason() const; // the last thing it said; "": it was not asked

private:
    libbpf_print_fn_t before_;
};
// The line of a verifier's log that says what it does not like: the last that is no statistics.
std::string verifier_reason(std::string_view log);

// "; it needs Linux 5.15, this is 5.10" where the running kernel is older than that; "" elsewhere. `release`: as
// uname(2) says it; "": of this host.
std::string too_old(KernelVersion needed, std::string_view release = "");

// `code` is libbpf's errno. Refused: rights are missing. Everything else is Unsupported: this kernel's verifier
// refuses, for that reason.
std::unexpected<Error> not_loaded(std::string_view program, int code, const std::string& reason = "",
                                  std::string_view release = "");

// Another descriptor of a BPF object, which lives as long as the longer-lived of the two.
Result<Fd> second_hold(int descriptor);

struct Handled {
    std::uint32_t action = 0;        // XDP_PASS, XDP_DROP, XDP_TX
    std::vector<std::uint8_t> frame; // as the program left it
};
// One frame through an XDP program, without any interface (BPF_PROG_TEST_RUN).
Result<Handled> run_frame(int program, std::span<const std::uint8_t> frame);

// The values of an array map made with BPF_F_MMAPABLE, in our memory as well.
class MappedArray {
public:
    static Result<MappedArray> map(int array, std::size_t bytes);
    void* data() const { return memory_.get(); }

private:
    struct Unmap {
        std::size_t bytes = 0;
        void operator()(void* memory) const;
    };
    using Memory = std::unique_ptr<void, Unmap>;
    explicit MappedArray(Memory memory) : memory_(std::move(memory)) {}
    Memory memory_;
};

// The rows of a per-CPU array's element, one a CPU that may ever be there.
Result<void> read_per_cpu(int map, std::uint32_t element, void* rows);
Result<void> write_per_cpu(int map, std::uint32_t element, const void* rows);
std::size_t possible_cpus();

// One counter of a per-CPU array, summed over CPUs.
template <class Count>
Result<Count> sum_count(int map, std::uint32_t element)
{
    std::vector<Count> rows(possible_cpus());
    TRY_VOID(read_per_cpu(map, element, rows.data()));
    Count sum{};
    for (const Count& row : rows) {
        sum.packets += row.packets;
        sum.bytes += row.bytes;
    }
    return sum;
}

// Lets it begin at zero.
template <class Count>
Result<void> clear_count(int map, std::uint32_t element)
{
    const std::vector<Count> rows(possible_cpus());
    return write_per_cpu(map, element, rows.data());
}

// Elements 0 to `size`-1.
template <class Count>
Result<std::vector<Count>> sum_counts(int map, std::uint32_t size)
{
    std::vector<Count> sums;
    for (std::uint32_t element = 0; element < size; ++element)
        sums.push_back(TRY(sum_count<Count>(map, element)));
    return sums;
}

} // namespace netwright::dataplane
