// SPDX-License-Identifier: GPL-2.0-or-later
// The generic netlink family "ethtool": how its questions are put and how its bitsets and string sets are read.
#pragma once

#include "kernel/netlink.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::kernel {

// A bitset in compact form: words of 32 bits.
class EthtoolBitset {
public:
    static EthtoolBitset parse(std::span<const std::byte> nest); // malformed: no bits
    bool has(std::size_t bit) const;
    std::size_t size() const { return size_; } // bits

private:
    std::size_t size_ = 0;
    std::vector<std::uint32_t> words_;
};

// How the bitsets of an answer are wanted: as words, for sets whose names are known, or with a name on each bit.
enum class EthtoolBits { Compact, Named };
// A question about every interface (index 0: a dump) or one.
Request ethtool_question(std::uint16_t family, std::uint8_t command, std::uint32_t index,
                         EthtoolBits bits = EthtoolBits::Compact);
// The same about one interface by name, for questions and for changes: attributes of the caller's may follow.
Request ethtool_request(std::uint16_t family, std::uint8_t command, std::string_view nic,
                        EthtoolBits bits = EthtoolBits::Compact);
// Asks about every interface. Those whose driver has no answer are passed over; kernels such as 5.10 say of the last
// one that it has none (ethnl_default_dumpit() in net/ethtool/netlink.c), and what the others have told counts all the
// same.
Result<void> ask_every_interface(Netlink& netlink, Request& question, const EachAnswer& each,
                                 const std::function<void()>& restart);
// Adds a bitset that changes one bit, by its name.
void put_ethtool_bit(Request& request, std::uint16_t type, std::string_view name, bool on);

// The interface an answer is about; 0 and "" if it does not say.
std::uint32_t ethtool_interface(const nlmsghdr& answer);
std::string ethtool_interface_name(const nlmsghdr& answer);

// The bits of a bitset with names; those without one are not taken.
struct EthtoolNamedBit {
    std::string name;
    bool on = false;
};
std::vector<EthtoolNamedBit> parse_ethtool_named_bits(std::span<const std::byte> nest);

struct EthtoolFeature { // an offload
    std::string name;
    bool active = false, wanted = false, fixed = true;
};
// An answer to FEATURES_GET with compact bitsets; `names` are the strings of ETH_SS_FEATURES.
std::vector<EthtoolFeature> parse_ethtool_features(std::span<const std::byte> attributes,
                                                   const std::vector<std::string>& names);

// The strings of a set that is the same for all interfaces, by their index: ETH_SS_FEATURES, …
Result<std::vector<std::string>> ethtool_strings(Netlink& netlink, std::uint32_t set);
// The payload of ETHTOOL_A_STRSET_STRINGSETS. Strings without an index, or with one past 4096, are not taken.
std::vector<std::string> parse_ethtool_strings(std::span<const std::byte> sets);

} // namespace netwright::kernel
