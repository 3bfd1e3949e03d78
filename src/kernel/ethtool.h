// SPDX-License-Identifier: GPL-2.0-or-later
// The ethtool ioctl (SIOCETHTOOL), for what ethtool netlink does not have on every kernel from 5.10 on: a driver's own
// facts and statistics, hashing (netlink sets it from 6.17 on), flow rules.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <linux/ethtool.h>

#include <cstdint>
#include <optional>
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
    std::uint32_t function = 0;      // ETH_RSS_HASH_* bits
    std::uint8_t transformation = 0; // of the hashed fields (symmetric hashing, from 6.8): kept as it is
};

struct RssChange { // what is not given stays
    // Empty: the kernel's own, entry i to queue i modulo the receive queues. Any other is one that somebody chose, and
    // then the kernel refuses fewer queues than it names (netif_is_rxfh_configured).
    std::optional<std::vector<std::uint32_t>> indirection;
    std::optional<std::vector<std::uint8_t>> key;
    std::optional<std::uint32_t> function;
};
// The structure that ETHTOOL_SRSSH takes, in words of 32 bits.
std::vector<std::uint32_t> rss_request(const RssTable& now, const RssChange& change);

// One socket of the calling thread's network namespace; every question names its interface.
// A driver without an answer gives Unsupported, an interface that has gone gives Absent.
class EthtoolSocket {
public:
    static Result<EthtoolSocket> open();

    Result<DriverInfo> driver_info(std::string_view nic) const;
    Result<std::vector<DriverStatistic>> statistics(std::string_view nic) const;
    Result<std::vector<std::string>> strings(std::string_view nic, std::uint32_t set) const; // ETH_SS_…; may be none
    // The RXH_* bits of one flow type (TCP_V4_FLOW, …).
    Result<std::uint64_t> hash_fields(std::string_view nic, std::uint32_t flow) const;
    Result<void> set_hash_fields(std::string_view nic, std::uint32_t flow, std::uint64_t fields) const;
    Result<RssTable> rss(std::string_view nic) const;
    // Rejected where the sizes are not the device's.
    Result<void> set_rss(std::string_view nic, const RssChange& change) const;
    Result<std::uint32_t> receive_queues(std::string_view nic) const; // those that RSS and flow rules may name

    // Flow rules, each at its location. Absent: there is none at this location.
    Result<std::vector<std::uint32_t>> flow_rules(std::string_view nic) const;
    Result<ethtool_rx_flow_spec> flow_rule(std::string_view nic, std::uint32_t location) const;
    Result<void> insert_flow_rule(std::string_view nic, const ethtool_rx_flow_spec& rule) const; // or replaces it
    Result<void> delete_flow_rule(std::string_view nic, std::uint32_t location) const;

    // SIOCGIFNAME: the name of an interface by its index.
    Result<std::string> name(std::uint32_t index) const;

    // SIOCETHTOOL itself: `command` is a structure that begins with its ETHTOOL_* number, and takes the answer.
    Result<void> ask(std::string_view nic, void* command) const;

private:
    explicit EthtoolSocket(Fd fd) : fd_(std::move(fd)) {}
    Result<std::uint32_t> string_count(std::string_view nic, std::uint32_t set) const;
    Fd fd_;
};

} // namespace netwright::kernel
