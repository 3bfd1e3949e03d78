// SPDX-License-Identifier: GPL-2.0-or-later
// The ethtool ioctl (SIOCETHTOOL), read-only, for what ethtool netlink cannot tell: driver, its own statistics,
// hashing.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::kernel {

struct DriverInfo { // "" where the driver does not say
    std::string driver, version, firmware, bus;
};

struct DriverStatistic {
    std::string name; // without the blanks some drivers put around it; may repeat
    std::uint64_t value = 0;
};

struct RssTable {
    std::vector<std::uint32_t> indirection;
    std::vector<std::uint8_t> key;
    std::uint32_t function = 0; // ETH_RSS_HASH_* bits
};

// One socket of the calling thread's network namespace; every question names its interface.
// A driver without an answer gives Unsupported, an interface that has gone gives Absent.
class EthtoolSocket {
public:
    static Result<EthtoolSocket> open();

    Result<DriverInfo> driver_info(std::string_view nic) const;
    Result<std::vector<DriverStatistic>> statistics(std::string_view nic) const;
    // The RXH_* bits of one flow type (TCP_V4_FLOW, …).
    Result<std::uint64_t> hash_fields(std::string_view nic, std::uint32_t flow) const;
    Result<RssTable> rss(std::string_view nic) const;
    // SIOCGIFNAME: the name of an interface by its index.
    Result<std::string> name(std::uint32_t index) const;

private:
    explicit EthtoolSocket(Fd fd) : fd_(std::move(fd)) {}
    Result<void> ask(std::string_view nic, void* command) const;
    Result<std::uint32_t> statistics_count(std::string_view nic) const;
    Fd fd_;
};

} // namespace netwright::kernel
