// SPDX-License-Identifier: GPL-2.0-or-later
// DPDK's test program dpdk-testpmd, as a child process that works on interfaces without huge pages or PCI devices.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

// What it tells when it ends, of all its ports.
struct TestpmdCount {
    std::uint64_t received = 0, sent = 0;
    bool operator==(const TestpmdCount&) const = default;
};
Result<TestpmdCount> parse_testpmd(std::string_view output); // Malformed: that is not in it
// The line of its output that says why it does not work.
std::string testpmd_reason(std::string_view output);

struct TestpmdWork {
    std::string driver;                  // "net_af_packet" or "net_af_xdp"
    std::vector<std::string> interfaces; // one: what comes is dropped; two: from the first to the second
    std::string next_hop;                // MAC address of what is sent on
    std::vector<int> cpus;               // of its thread that waits, and of its thread that polls
};
std::vector<std::string> testpmd_words(const TestpmdWork& work);

// It is ended with this object, and when our process dies.
class Testpmd {
public:
    // In the calling thread's namespace. Absent: it is not installed, with the package. Unsupported: it ended, in its
    // own words.
    static Result<Testpmd> start(const TestpmdWork& work);
    pid_t pid() const { return pid_; }
    Result<TestpmdCount> stop();

    Testpmd(Testpmd&& other) noexcept;
    Testpmd& operator=(Testpmd&&) = delete;
    ~Testpmd();

private:
    Testpmd() = default;
    Result<void> read_until(std::string_view mark);
    void remove_directory();
    pid_t pid_ = -1;
    Fd input_, output_;
    std::string said_;
    std::filesystem::path directory_; // for what it writes down when it starts
};

} // namespace netwright::dataplane
