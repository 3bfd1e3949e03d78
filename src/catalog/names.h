// SPDX-License-Identifier: GPL-2.0-or-later
// From what people type to what is known: addresses, last parts of keys, everyday words, globs, and a ranked search.
#pragma once

#include "catalog/topic.h"

#include <string_view>
#include <variant>
#include <vector>

namespace netwright::catalog {

using Known = std::variant<const Parameter*, const Topic*>;
std::string_view name_of(const Known& known);
std::string_view summary_of(const Known& known); // what it does or means

// The parameter behind an address ("nic/eth0/ring/rx", "qdisc/eth0/root", "sysctl/net.core.somaxconn"), a key with dots
// or slashes, or an option as its tool calls it ("nic/eth0/offload/tso"). Null: none.
const Parameter* find_address(std::string_view address);

// Everything `name` may mean, best first: a key, an address, a counter or drop reason, an everyday word ("rps", "bbr"),
// the last part of keys ("somaxconn"), a glob over all names. Empty: nothing.
std::vector<Known> named(std::string_view name);
// Names near a misspelt one, best first.
std::vector<std::string_view> near_names(std::string_view name, std::size_t most = 3);

struct Hit {
    Known known;
    unsigned score = 0;
};
// What its texts say about these words, best first: every word must occur; names weigh more than sentences.
std::vector<Hit> search(std::string_view words);

} // namespace netwright::catalog
