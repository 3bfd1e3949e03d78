// SPDX-License-Identifier: GPL-2.0-or-later
// Reasons of libbpf in words, and BPF's system calls with ours.
#include "dataplane/loaded.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace netwright::dataplane {

std::unexpected<Error> not_loaded(std::string_view program, int code)
{
    auto error = errno_error(fmt::format("load the {}", program), code);
    if (error.kind == Error::Kind::Refused)
        error.what += " (run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)";
    else
        error.kind = Error::Kind::Unsupported;
    return std::unexpected(std::move(error));
}

Result<Fd> second_hold(int descriptor)
{
    Fd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
    if (!copy) return std::unexpected(errno_error("hold a BPF object", errno));
    return copy;
}

Result<Handled> run_frame(int program, std::span<const std::uint8_t> frame)
{
    Handled result;
    result.frame.resize(frame.size() + 64);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.data_out = result.frame.data();
    options.data_size_out = static_cast<__u32>(result.frame.size());
    options.repeat = 1;
    if (bpf_prog_test_run_opts(program, &options) < 0)
        return std::unexpected(errno_error("run a frame through an XDP program", errno));
    result.action = options.retval;
    result.frame.resize(options.data_size_out);
    return result;
}

std::size_t possible_cpus() { return static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1)); }

Result<void> read_per_cpu(int map, std::uint32_t element, void* rows)
{
    if (bpf_map_lookup_elem(map, &element, rows) < 0)
        return std::unexpected(errno_error("read a BPF program's counters", errno));
    return {};
}

} // namespace netwright::dataplane
