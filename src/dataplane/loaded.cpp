// SPDX-License-Identifier: GPL-2.0-or-later
// Reasons of libbpf in words, and BPF's system calls with ours.
#include "dataplane/loaded.h"

#include "base/text.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <utility>

namespace netwright::dataplane {

namespace {

thread_local std::string refusal;

// libbpf asks for the verifier's log when a program was refused, and prints it between two lines of its own.
int keep_log(libbpf_print_level, const char* format, va_list arguments)
{
    if (std::string_view(format).find("BEGIN PROG LOAD LOG") == std::string_view::npos) return 0;
    va_list again;
    va_copy(again, arguments);
    const int size = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    refusal.resize(size > 0 ? static_cast<std::size_t>(size) + 1 : 0);
    (void)std::vsnprintf(refusal.data(), refusal.size(), format, arguments);
    return 0;
}

} // namespace

LoadLog::LoadLog() : before_(libbpf_set_print(keep_log)) { refusal.clear(); }
LoadLog::~LoadLog() { libbpf_set_print(before_); }
std::string LoadLog::reason() const { return verifier_reason(refusal); }

std::string verifier_reason(std::string_view log)
{
    std::string_view line, last;
    while (next_line(log, line)) {
        line = trim(line.substr(0, line.find('\0')));
        const bool telling = !line.empty() && !line.starts_with("processed ") &&
                             !line.starts_with("verification time") && !line.starts_with("stack depth") &&
                             !line.starts_with("libbpf:") && !line.starts_with("-- ");
        if (telling) last = line;
    }
    return std::string(last);
}

std::string too_old(KernelVersion needed, std::string_view release)
{
    utsname here{};
    if (release.empty() && ::uname(&here) == 0) release = here.release;
    const auto version = KernelVersion::parse(release);
    if (!version || *version >= needed) return "";
    return fmt::format("; it needs Linux {}.{}, this is {}", needed.major, needed.minor, release);
}

std::unexpected<Error> not_loaded(std::string_view program, int code, const std::string& reason,
                                  std::string_view release)
{
    auto error = errno_error(fmt::format("load the {}", program), code);
    if (!reason.empty())
        error = {Error::Kind::Unsupported,
                 fmt::format("load the {}: this kernel's verifier refuses it: {}", program, reason), code};
    else if (error.kind == Error::Kind::Refused)
        error.what += " (run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)";
    else
        error.kind = Error::Kind::Unsupported;
    if (error.kind == Error::Kind::Unsupported) error.what += too_old({5, 15}, release);
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

Result<MappedArray> MappedArray::map(int array, std::size_t bytes)
{
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, array, 0);
    if (memory == MAP_FAILED) return std::unexpected(errno_error("map a BPF array", errno));
    return MappedArray(Memory(memory, Unmap{bytes}));
}

void MappedArray::Unmap::operator()(void* memory) const { ::munmap(memory, bytes); }

std::size_t possible_cpus() { return static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1)); }

Result<void> read_per_cpu(int map, std::uint32_t element, void* rows)
{
    if (bpf_map_lookup_elem(map, &element, rows) < 0)
        return std::unexpected(errno_error("read a BPF program's counters", errno));
    return {};
}

Result<void> write_per_cpu(int map, std::uint32_t element, const void* rows)
{
    if (bpf_map_update_elem(map, &element, rows, BPF_ANY) < 0)
        return std::unexpected(errno_error("clear a BPF program's counter", errno));
    return {};
}

} // namespace netwright::dataplane
