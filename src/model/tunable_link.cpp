// SPDX-License-Identifier: GPL-2.0-or-later
// "link/eth0/mtu": what every interface has, whatever its driver.
#include "model/link_file_keys.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

using What = LinkSetting::What;

struct Word {
    std::string_view word;
    What what;
};
constexpr std::array words{
    Word{"mtu", What::Mtu},
    Word{"txqueuelen", What::TxQueueLength},
    Word{"gso_max_size", What::GsoMaxSize},
    Word{"gso_max_segs", What::GsoMaxSegments},
    Word{"gro_max_size", What::GroMaxSize},
    Word{"gso_ipv4_max_size", What::GsoIpv4MaxSize},
    Word{"gro_ipv4_max_size", What::GroIpv4MaxSize},
    Word{"gro_flush_timeout", What::GroFlushTimeout},
    Word{"napi_defer_hard_irqs", What::NapiDeferHardIrqs},
    Word{"threaded", What::Threaded},
};

const Word& word_of(What what) { return *std::ranges::find(words, what, &Word::what); }

Result<LinkSetting> parse(const AddressText& address)
{
    std::string known;
    for (const Word& word : words)
        known += fmt::format("{}{}", known.empty() ? "" : ", ", word.word);
    const auto& parts = address.parts;
    if (parts.size() != 3 || !valid_interface(parts[1]))
        return refuse_address(address.whole, fmt::format("write link/INTERFACE/ and one of {}", known));
    const auto word = std::ranges::find(words, parts[2], &Word::word);
    if (word == words.end()) return refuse_address(address.whole, fmt::format("a link has {}", known));
    return LinkSetting{std::string(parts[1]), word->what};
}

std::string text_of(const LinkSetting& link) { return fmt::format("link/{}/{}", link.nic, to_text(link.what)); }

Result<Value> value_of(const LinkSetting& link, std::string_view text)
{
    return link.what == What::Threaded ? switch_value(text_of(link), text) : count_value(text_of(link), text);
}

Persistence persistence_of(const LinkSetting& link)
{
    return has_link_file_key(link) ? Persistence::LinkFile : Persistence::BootUnit;
}

} // namespace

std::string_view to_text(What what) { return word_of(what).word; }

constexpr AddressKind link_address = TypedAddressKind<LinkSetting>::of<parse, text_of, value_of, persistence_of>(
    "link",
    "link/INTERFACE/mtu|txqueuelen|gso_max_size|gso_max_segs|gro_max_size|gso_ipv4_max_size|gro_ipv4_max_size|"
    "gro_flush_timeout|napi_defer_hard_irqs|threaded",
    "what every interface has: bytes, packets, nanoseconds; threaded is on or off", "link/eth0/mtu");

} // namespace netwright
