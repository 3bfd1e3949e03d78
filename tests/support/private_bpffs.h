// SPDX-License-Identifier: GPL-2.0-or-later
// For tests that pin BPF objects: network and mount namespaces of the test's own, with a bpffs nobody else sees.
#pragma once

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>

namespace support {

// The whole process goes there, once, and stays.
inline void enter_private_bpffs()
{
    static const bool entered = [] {
        return ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
               ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) == 0;
    }();
    REQUIRE_MESSAGE(entered, "this test needs root: it makes namespaces of its own");
}

} // namespace support
