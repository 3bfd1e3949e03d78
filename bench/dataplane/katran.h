// SPDX-License-Identifier: GPL-2.0-or-later
// Katran's packet program (facebookincubator/katran, lib/bpf/balancer.bpf.c) with the tables that its library would
// have filled: VIPs on 192.0.2.0/24 and 2001:db8::/120, port 80, TCP.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct bpf_object;

namespace netwright::dataplane_bench {

class Katran {
public:
    // `object`: built from its source. `flows`: entries of each CPU's connection table.
    static Result<Katran> load(const std::string& object, std::uint32_t vips, std::uint32_t flows);
    int program() const;
    // Lets other connections come and go in this CPU's table, until its elements lie anywhere in memory.
    Result<void> age() const;
    // Bytes of the kernel's memory that its tables take, and instructions that the verifier followed.
    Result<std::uint64_t> memory() const;
    Result<std::uint32_t> verified() const;

    Katran(Katran&&) noexcept;
    ~Katran();

private:
    struct Close {
        void operator()(bpf_object* object) const;
    };
    explicit Katran(std::unique_ptr<bpf_object, Close> object);
    std::unique_ptr<bpf_object, Close> object_;
    std::vector<Fd> connections_; // by CPU
    std::uint32_t flows_ = 0;
};

// "memlock" of a BPF map's descriptor (Documentation/bpf/map, fdinfo), in bytes.
Result<std::uint64_t> memory_of(int map);
// How many instructions the verifier followed (Linux 5.16).
Result<std::uint32_t> verified_of(int program);

} // namespace netwright::dataplane_bench
