// SPDX-License-Identifier: GPL-2.0-or-later
// Filters of others, loaded for a comparison: xdp-filter (xdp-tools), bpfilter, and the kernel's SYN proxy.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct bpf_object;

namespace netwright::dataplane_bench {

// A program of an object file.
class Foreign {
public:
    // xdp-filter with its policy "allow", which drops these IPv4 sources (host order).
    static Result<Foreign> xdp_filter(const std::string& object, std::span<const std::uint32_t> sources);
    // The kernel's xdp_synproxy for one port.
    static Result<Foreign> synproxy(const std::string& object, std::uint16_t port);
    int program() const;

    Foreign(Foreign&&) noexcept;
    ~Foreign();

private:
    struct Close {
        void operator()(bpf_object* object) const;
    };
    explicit Foreign(std::unique_ptr<bpf_object, Close> object);
    static Result<Foreign> load(const std::string& file, const char* map, std::uint32_t entries);
    std::unique_ptr<bpf_object, Close> object_;
};

// A chain that bpfilter's bfcli has made. It pins what it makes in the bpffs of this mount namespace.
class Chain {
public:
    // `rules` in bfcli's language, behind "chain NAME BF_HOOK_XDP ACCEPT".
    static Result<Chain> load(const std::string& bfcli, const std::string& name, const std::string& rules);
    int program() const { return program_.get(); }

private:
    explicit Chain(Fd program) : program_(std::move(program)) {}
    Fd program_;
};

} // namespace netwright::dataplane_bench
