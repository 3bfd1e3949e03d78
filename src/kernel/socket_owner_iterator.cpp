// SPDX-License-Identifier: GPL-2.0-or-later
// Runs socket_owner.bpf.c: load, attach, read to the end, unload. Nothing here happens before it is asked for.
#include "base/fd.h"
#include "kernel/libbpf_silence.h"
#include "kernel/socket_owner_record.h"
#include "kernel/socket_owners.h"

#include <bpf/bpf.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "socket_owner.skel.h"

namespace netwright::kernel {
namespace {

constexpr ino_t initial_pid_namespace = 0xeffffffc; // PROC_PID_INIT_INO, include/linux/proc_ns.h

std::unexpected<Error> no_iterator(int code)
{
    auto error = errno_error("find socket owners with a BPF iterator", code);
    // What the verifier or BTF search refuses comes as ESRCH, EINVAL, ENOENT …: this kernel cannot run it.
    if (error.kind != Error::Kind::Refused) error.kind = Error::Kind::Unsupported;
    return std::unexpected(std::move(error));
}

Result<std::uint32_t> inode_of(const char* path)
{
    struct stat status{};
    if (::stat(path, &status) < 0) return std::unexpected(errno_error(std::string("read ") + path, errno));
    return static_cast<std::uint32_t>(status.st_ino);
}

using Skeleton = std::unique_ptr<socket_owner_bpf, void (*)(socket_owner_bpf*)>;
using Link = std::unique_ptr<bpf_link, int (*)(bpf_link*)>;

Result<void> read_records(int stream, const std::function<void(const OwnedSocket&)>& each)
{
    std::array<socket_owner_record, 2048> records; // 32 KiB, what the kernel gathers at most (kernel/bpf/bpf_iter.c)
    std::size_t kept = 0;                          // bytes of a record that a read cut in two
    auto* const bytes = reinterpret_cast<char*>(records.data());
    for (;;) {
        const ssize_t got = ::read(stream, bytes + kept, sizeof records - kept);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue; // EAGAIN: a long stretch without output
        if (got < 0) return no_iterator(errno);
        if (got == 0) return {};
        const std::size_t filled = kept + static_cast<std::size_t>(got);
        const std::size_t whole = filled / sizeof(socket_owner_record);
        for (std::size_t i = 0; i < whole; ++i) {
            const auto& record = records[i];
            each({record.inode, record.pid, record.protocol, record.family, record.state});
        }
        kept = filled % sizeof(socket_owner_record);
        std::memmove(bytes, bytes + whole * sizeof(socket_owner_record), kept);
    }
}

} // namespace

Result<void> each_owned_socket(const std::function<void(const OwnedSocket&)>& each)
{
    if (TRY(inode_of("/proc/self/ns/pid")) != initial_pid_namespace)
        return fail(Error::Kind::Unsupported, "find socket owners with a BPF iterator: it tells the host's process "
                                              "numbers, and this is a process namespace of its own");
    const LibbpfSilence silence;
    const Skeleton skeleton(socket_owner_bpf__open(), socket_owner_bpf__destroy);
    if (!skeleton) return no_iterator(errno);
    skeleton->rodata->wanted_namespace = TRY(inode_of("/proc/thread-self/ns/net"));
    if (const int code = socket_owner_bpf__load(skeleton.get()); code < 0) return no_iterator(-code);
    const Link link(bpf_program__attach_iter(skeleton->progs.socket_owners, nullptr), bpf_link__destroy);
    if (!link) return no_iterator(errno);
    const Fd stream(bpf_iter_create(bpf_link__fd(link.get())));
    if (!stream) return no_iterator(errno);
    return read_records(stream.get(), each);
}

} // namespace netwright::kernel
