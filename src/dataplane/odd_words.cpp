// SPDX-License-Identifier: GPL-2.0-or-later
// The words for odd packets.
#include "dataplane/filter_policy.h"
#include "model/words.h"

#include <array>
#include <vector>

namespace netwright::dataplane {
namespace {

struct OddWord {
    filter_odd odd;
    std::string_view name, group;
};
constexpr std::array words{
    OddWord{ODD_IP_VERSION, "ip-version", "malformed"},
    OddWord{ODD_IP_HEADER, "ip-header", "malformed"},
    OddWord{ODD_IP_LENGTH, "ip-length", "malformed"},
    OddWord{ODD_IPV6_HEADERS, "ipv6-headers", "malformed"},
    OddWord{ODD_TRUNCATED, "truncated", "malformed"},
    OddWord{ODD_TCP_HEADER, "tcp-header", "malformed"},
    OddWord{ODD_UDP_LENGTH, "udp-length", "malformed"},
    OddWord{ODD_FRAGMENT_OVERLAP, "fragment-overlap", "malformed"},
    OddWord{ODD_FRAGMENT_OVERSIZE, "fragment-oversize", "malformed"},
    OddWord{ODD_TINY_FRAGMENT, "tiny-fragment", "malformed"},
    OddWord{ODD_TCP_NULL, "tcp-null", "tcp-flags"},
    OddWord{ODD_TCP_XMAS, "tcp-xmas", "tcp-flags"},
    OddWord{ODD_TCP_SYN_FIN, "tcp-syn-fin", "tcp-flags"},
    OddWord{ODD_TCP_SYN_RST, "tcp-syn-rst", "tcp-flags"},
    OddWord{ODD_TCP_FIN_ONLY, "tcp-fin-only", "tcp-flags"},
    OddWord{ODD_TCP_SYN_PAYLOAD, "tcp-syn-payload", ""},
    OddWord{ODD_PORT_ZERO, "port-zero", ""},
    OddWord{ODD_LAND, "land", ""},
    OddWord{ODD_BOGON_SOURCE, "bogon-source", ""},
    OddWord{ODD_IPV4_OPTIONS, "ipv4-options", ""},
    OddWord{ODD_ROUTING_HEADER_0, "routing-header-0", ""},
    OddWord{ODD_ICMP_FRAGMENT, "icmp-fragment", ""},
    OddWord{ODD_FRAGMENT, "fragment", ""},
};
static_assert(words.size() == ODD_KINDS);

} // namespace

std::string_view odd_name(unsigned odd) { return words.at(odd).name; }

Result<std::uint32_t> parse_odd(std::string_view word)
{
    std::uint32_t bits = 0;
    for (const OddWord& known : words)
        if (known.name == word || known.group == word || (word == "all" && known.odd != ODD_FRAGMENT))
            bits |= 1U << known.odd;
    if (bits != 0 && !word.empty()) return bits; // "" is the group of those that have none
    std::vector<std::string_view> names{"malformed", "tcp-flags", "all"};
    for (const OddWord& known : words)
        names.push_back(known.name);
    return std::unexpected(find_word("kind of odd packet", names, word).error());
}

} // namespace netwright::dataplane
