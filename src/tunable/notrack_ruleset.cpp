// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a ruleset line by line. What cannot be understood counts as harmless only if it cannot reach the port.
//
// An untracked packet has the state "untracked": it is never translated, and matches neither "new" nor "established"
// (net/netfilter/nft_ct.c). A chain that drops what it does not accept must therefore accept the port without asking
// for a state, and one that sends translates nothing for it.
#include "tunable/notrack_ruleset.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::tunable {
namespace {

struct Chain {
    std::string name, hook;
    bool drops = false, translates = false;
    std::string needs_state; // a rule that accepts the port only with a state
    bool accepts = false;    // a rule accepts it without one
};

bool holds(std::string_view line, std::string_view words) { return line.find(words) != std::string_view::npos; }

bool is_number(std::string_view word, std::uint16_t port)
{
    while (!word.empty() && !is_digit(word.back()))
        word.remove_suffix(1);
    while (!word.empty() && !is_digit(word.front()))
        word.remove_prefix(1);
    const std::size_t dash = word.find('-');
    const auto first = parse_unsigned(word.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_unsigned(word.substr(dash + 1));
    return first && last && *first <= port && port <= *last;
}

// Does "dport …" or "sport …" of this line take the port in? A line without one takes all; a named set may.
bool concerns(std::string_view line, const NotrackPort& port, std::string_view side)
{
    const std::string other = port.protocol == "tcp" ? "udp " : "tcp ";
    const std::size_t place = line.find(fmt::format("{} ", side));
    if (place == std::string_view::npos) return !holds(line, other);
    if (holds(line, other + std::string(side))) return false;
    std::string_view rest = line.substr(place + side.size() + 1);
    if (rest.starts_with("!=") || rest.starts_with("@")) return true;
    const bool braces = rest.starts_with("{");
    for (std::string_view word; next_word(rest, word);) {
        if (is_number(word, port.port)) return true;
        if (!braces || holds(word, "}")) break;
    }
    return false;
}

bool translates(std::string_view line)
{
    return holds(line, "dnat ") || holds(line, "redirect") || holds(line, "snat ") || holds(line, "masquerade") ||
           holds(line, "DNAT") || holds(line, "REDIRECT") || holds(line, "SNAT") || holds(line, "MASQUERADE");
}

void read_rule(Chain& chain, std::string_view line, const NotrackPort& port, std::vector<std::string>& found)
{
    const bool answers = chain.hook == "output" || chain.hook == "postrouting";
    if (!concerns(line, port, answers ? "sport" : "dport")) return;
    // Only what comes in is rewritten for a service: source NAT is for what this host starts itself.
    if (translates(line) &&
        (holds(line, "dnat") || holds(line, "redirect") || holds(line, "DNAT") || holds(line, "REDIRECT")) &&
        holds(line, "port"))
        found.push_back(
            fmt::format("the address translation '{}' of chain {} would not happen any more", line, chain.name));
    if (!holds(line, "accept")) return;
    const bool asks = holds(line, "ct state") && !holds(line, "untracked");
    const bool narrow = holds(line, "port ");
    if (asks)
        chain.needs_state = chain.needs_state.empty() || narrow ? std::string(line) : chain.needs_state;
    else if (narrow || !holds(line, "if"))
        chain.accepts = true;
}

void finish(const Chain& chain, const NotrackPort& port, std::vector<std::string>& found)
{
    const bool matters = chain.hook == "input" || chain.hook == "output";
    if (!matters || !chain.drops || chain.accepts) return;
    found.push_back(fmt::format("chain {} drops what it does not accept, and accepts {} port {} only by its state{}",
                                chain.name, port.protocol, port.port,
                                chain.needs_state.empty() ? "" : fmt::format(" ('{}')", chain.needs_state)));
}

// "type filter hook input priority filter; policy drop;"
void read_hook(Chain& chain, std::string_view line)
{
    std::string_view rest = line.substr(line.find("hook ") + 5), word;
    if (next_word(rest, word)) chain.hook = std::string(word);
    chain.drops = holds(line, "policy drop");
    chain.translates = holds(line, "type nat");
}

} // namespace

std::vector<std::string> notrack_conflicts(std::string_view ruleset, const NotrackPort& port)
{
    std::vector<std::string> found;
    Chain chain;
    for (std::string_view line; next_line(ruleset, line);) {
        line = trim(line);
        if (line.starts_with("chain ")) {
            chain = {};
            chain.name = std::string(trim(line.substr(6, line.find('{') - 6)));
        } else if (line == "}") {
            if (!chain.name.empty()) finish(chain, port, found);
            chain = {};
        } else if (holds(line, "hook ")) {
            read_hook(chain, line);
        } else if (!chain.name.empty()) {
            read_rule(chain, line, port, found);
        }
    }
    return found;
}

} // namespace netwright::tunable
