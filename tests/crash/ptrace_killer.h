// SPDX-License-Identifier: GPL-2.0-or-later
// Ends a process at its n-th state-changing system call, before the call is made. No hook in the program under test.
#pragma once

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>

namespace netwright::test {

// What is between two of these leaves no trace outside the process: its state before call n+1 is its state after call
// n, so being killed before each of them covers every moment.
inline bool changes_state(const __ptrace_syscall_info& info)
{
    switch (info.entry.nr) {
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_sync_file_range:
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_rmdir:
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_symlinkat:
    case SYS_ftruncate:
    case SYS_fallocate:
    case SYS_fchmod:
    case SYS_flock:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_exit_group:
        return true;
    case SYS_fcntl:
        return info.entry.args[1] == F_SETLK || info.entry.args[1] == F_SETLKW;
    case SYS_openat:
        return (info.entry.args[2] & (O_CREAT | O_TRUNC)) != 0;
    default:
        return false;
    }
}

enum class End { Killed, Finished };

// What packets see, or the next command: programs, links and maps that are attached, switched or pinned.
inline bool changes_packets(const __ptrace_syscall_info& info)
{
    if (info.entry.nr == SYS_sendto || info.entry.nr == SYS_rename) return true; // netlink; state that takes its place
    if (info.entry.nr != SYS_bpf) return false;
    const auto command = info.entry.args[0];
    return command == BPF_OBJ_PIN || command == BPF_LINK_CREATE || command == BPF_LINK_UPDATE ||
           command == BPF_LINK_DETACH;
}

// Runs `work` in a child and kills it before its n-th call of that kind (1-based).
inline End kill_at(int n, const std::function<void()>& work,
                   bool (*counts)(const __ptrace_syscall_info&) = changes_state)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        work();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    int deliver = 0;
    for (;;) {
        ::ptrace(PTRACE_SYSCALL, child, nullptr, deliver);
        deliver = 0;
        if (::waitpid(child, &status, 0) < 0 || WIFEXITED(status) || WIFSIGNALED(status)) return End::Finished;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            // An exec of the traced child ends in a SIGTRAP of ptrace's own (ptrace(2), PTRACE_TRACEME).
            deliver = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
            continue;
        }
        __ptrace_syscall_info info{};
        ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !counts(info) || --n > 0) continue;
        ::kill(child, SIGKILL);
        while (::waitpid(child, &status, 0) >= 0 && !WIFSIGNALED(status) && !WIFEXITED(status)) {
        }
        return End::Killed;
    }
}

} // namespace netwright::test
