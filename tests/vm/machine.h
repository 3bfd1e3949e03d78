// SPDX-License-Identifier: GPL-2.0-or-later
// A virtual machine under software emulation: four CPUs on two NUMA nodes, real multi-queue interfaces, one of Debian's
// kernels. It boots into tests/vm/init, runs the scenarios it is told to and reports line by line.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/netns.h"

namespace vm {

struct Options {
    std::string scenarios;                     // a test suite of vm_scenarios
    std::optional<std::filesystem::path> disk; // outlives the machine; see new_disk()
    std::chrono::seconds deadline{600};        // of the whole run; some of it goes where the host is busy
};

// Interfaces: vnet0 (node 0) and vnet1 (node 1), virtio with four queue pairs; vmxnet0; intel0 (e1000e); spare0 (virtio
// with RSS) and spare1 (e1000e) in slots that can be unplugged. Each has a tap of its own, with an address that
// answers, in a network namespace that goes with the object.
class Machine {
public:
    // Throws when there is no QEMU, no kernel or no namespace: the test cannot go on without.
    explicit Machine(const Options& options);
    ~Machine(); // ends it, as pulling the plug does
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // The next line the scenarios said; nothing once the machine is off or the deadline has passed.
    std::optional<std::string> next_line();
    std::string unplug(const std::string& interface); // orderly, as the hot-plug button does; what QEMU answered
    void kill();                                      // at once: what is not on its disk is lost
    std::string console() const;                      // what QEMU and the kernel said

private:
    void start(const Options& options);
    std::string ask_monitor(const std::string& command);

    support::Netns netns_; // of this thread, so that the taps are nobody else's
    std::filesystem::path directory_;
    std::chrono::steady_clock::time_point deadline_;
    pid_t pid_ = -1;
    int report_ = -1;
    std::string unread_;
};

struct Report {
    std::string text;       // everything the scenarios said, for the reader of a failure
    std::optional<int> end; // what they ended with; nothing: the machine died or ran out of time
    bool killed = false;    // a scenario asked for it, and it was done
    std::string console;
};

// Until the end line. What a scenario asks of the world outside ("netwright-vm: unplug spare0", "netwright-vm: kill")
// is done on the way.
Report run(const Options& options);

std::filesystem::path new_directory();

// An empty ext4 file system.
std::filesystem::path new_disk(const std::filesystem::path& directory);

} // namespace vm
