// SPDX-License-Identifier: GPL-2.0-or-later
// Tables of addresses and everyday words, and the lookups over them.
#include "catalog/names.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace netwright::catalog {
namespace {

// An address of one kind, `*` for the parts that differ, and the entry that explains it. "" in place of an entry: the
// last part of the address is the end of the entry's key.
struct Address {
    std::string_view pattern, key;
};
constexpr std::array addresses{
    Address{"nic/*/ring/tx*", "nic.ring.tx"},
    Address{"nic/*/ring/*", "nic.ring.rx"},
    Address{"nic/*/queues/*", "nic.queues.combined"},
    Address{"nic/*/coalesce/adaptive-*", "nic.coalesce.adaptive-rx"},
    Address{"nic/*/coalesce/tx-*", "nic.coalesce.tx-usecs"},
    Address{"nic/*/coalesce/*", "nic.coalesce.rx-usecs"},
    Address{"nic/*/pause/*", "nic.pause"},
    Address{"nic/*/eee/*", "nic.eee"},
    Address{"nic/*/private-flag/*", "nic.private-flags"},
    Address{"nic/*/speed", "nic.speed"},
    Address{"nic/*/rss/key", "nic.rss.key"},
    Address{"nic/*/rss/function", "nic.rss.key"},
    Address{"nic/*/rss/fields*", "nic.rss.fields"},
    Address{"nic/*/rss/*", "nic.rss.indirection"},
    Address{"nic/*/ntuple/*", "nic.offload.ntuple-filters"},
    Address{"link/*/gro_flush_timeout", "napi.gro_flush_timeout"},
    Address{"link/*/napi_defer_hard_irqs", "napi.defer_hard_irqs"},
    Address{"link/*/threaded", "napi.threaded"},
    Address{"link/*/gso_ipv4_max_size", "link.gso_max_size"},
    Address{"link/*/gro_ipv4_max_size", "link.gro_max_size"},
    Address{"link/*/*", "link."},
    Address{"queue/*/*/*", "queue."},
    Address{"irq/*/affinity", "irq.affinity"},
    Address{"qdisc/*/*", "qdisc.root"},
    Address{"route/*/*", "route."},
    Address{"notrack/*", "netfilter.notrack"},
    Address{"congestion/*", "route.congctl"},
    Address{"service/*/LimitNOFILE", "limit.nofile"},
    Address{"service/*/*", "cpu.isolation"},
    Address{"cpu/*/governor", "cpu.governor"},
    Address{"cpu/*/idle-state-*", "cpu.idle"},
};

// Offloads have three names: the kernel's, ethtool's long one, ethtool's short one. The entry has the long one.
struct Offload {
    std::string_view word, entry;
};
constexpr std::array offloads{
    Offload{"tso", "tcp-segmentation-offload"},
    Offload{"tx-tcp*segmentation", "tcp-segmentation-offload"},
    Offload{"gso", "generic-segmentation-offload"},
    Offload{"tx-generic-segmentation", "generic-segmentation-offload"},
    Offload{"gro", "generic-receive-offload"},
    Offload{"rx-gro", "generic-receive-offload"},
    Offload{"lro", "large-receive-offload"},
    Offload{"rx-lro", "large-receive-offload"},
    Offload{"rx", "rx-checksumming"},
    Offload{"rx-checksum", "rx-checksumming"},
    Offload{"tx", "tx-checksumming"},
    Offload{"tx-checksum-*", "tx-checksumming"},
    Offload{"sg", "scatter-gather"},
    Offload{"tx-scatter-gather*", "scatter-gather"},
    Offload{"rxhash", "receive-hashing"},
    Offload{"rx-hashing", "receive-hashing"},
    Offload{"ntuple", "ntuple-filters"},
    Offload{"rx-ntuple-filter", "ntuple-filters"},
    Offload{"rxvlan", "vlan"},
    Offload{"txvlan", "vlan"},
    Offload{"*vlan*", "vlan"},
    Offload{"tls-hw-*", "tls"},
    Offload{"tx-udp-segmentation", "tx-udp-segmentation"},
    Offload{"rx-gro-list", "rx-udp-gro-forwarding"},
};

// Words people say, and what they mean by them.
struct Word {
    std::string_view said;
    std::array<std::string_view, 3> meant;
};
constexpr std::array words{
    Word{"ring", {"nic.ring.rx", "nic.ring.tx"}},
    Word{"coalesce", {"nic.coalesce.rx-usecs", "nic.coalesce.tx-usecs", "nic.coalesce.adaptive-rx"}},
    Word{"queues", {"nic.queues.combined"}},
    Word{"channels", {"nic.queues.combined"}},
    Word{"rss", {"nic.rss.indirection", "nic.rss.fields", "nic.rss.key"}},
    Word{"rps", {"queue.rps_cpus", "queue.rps_flow_cnt"}},
    Word{"rfs", {"queue.rps_flow_cnt", "net.core.rps_sock_flow_entries"}},
    Word{"xps", {"queue.xps_cpus", "queue.xps_rxqs"}},
    Word{"bql", {"queue.byte_queue_limits"}},
    Word{"qdisc", {"qdisc.root", "net.core.default_qdisc"}},
    Word{"bbr", {"net.ipv4.tcp_congestion_control"}},
    Word{"cubic", {"net.ipv4.tcp_congestion_control"}},
    Word{"somaxconn", {"net.core.somaxconn"}},
    Word{"conntrack", {"net.netfilter.nf_conntrack_max", "netfilter.notrack"}},
    Word{"notrack", {"netfilter.notrack"}},
    Word{"keepalive", {"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"}},
    Word{"irqbalance", {"service.irqbalance"}},
    Word{"governor", {"cpu.governor"}},
    Word{"nofile", {"limit.nofile"}},
    Word{"ulimit", {"limit.nofile"}},
    Word{"bigtcp", {"link.gso_max_size", "link.gro_max_size"}},
};

constexpr std::size_t most_by_last_part = 12; // more than that is a search, not a name

std::string_view last_part(std::string_view text, std::string_view separators)
{
    const std::size_t at = text.find_last_of(separators);
    return at == std::string_view::npos ? text : text.substr(at + 1);
}

const Parameter* find_offload(std::string_view feature)
{
    for (const Offload& offload : offloads)
        if (glob_match(offload.word, feature)) return find("nic.offload." + std::string(offload.entry));
    return find("nic.offload." + std::string(feature));
}

// "net/ipv4/ip_forward" with slashes, as systemd and procps take it; "sysctl/KEY".
const Parameter* find_sysctl_form(std::string_view text)
{
    if (text.starts_with("sysctl/")) return find(text.substr(7));
    if (text.find('/') == std::string_view::npos) return nullptr;
    std::string dotted(text);
    std::ranges::replace(dotted, '/', '.');
    return find(dotted);
}

void add(std::vector<Known>& all, Known known)
{
    if (std::ranges::find(all, known) == all.end()) all.push_back(known);
}

void add_word(std::vector<Known>& all, std::string_view said)
{
    for (const Word& word : words)
        if (word.said == said)
            for (const std::string_view key : word.meant)
                if (const Parameter* parameter = find(key)) add(all, parameter);
}

void add_last_parts(std::vector<Known>& all, std::string_view name)
{
    std::vector<Known> found;
    for (const Parameter& parameter : catalog::all())
        if (last_part(parameter.key, ".") == name) add(found, &parameter);
    if (found.size() > most_by_last_part) return;
    for (const Known& one : found)
        add(all, one);
}

std::vector<Known> matching(std::string_view glob)
{
    std::vector<Known> found;
    for (const Parameter& parameter : catalog::all())
        if (glob_match(glob, parameter.key)) found.emplace_back(&parameter);
    for (const Topic& topic : topics())
        if (glob_match(glob, topic.name)) found.emplace_back(&topic);
    return found;
}

// --- search ---

std::string lower(std::string_view text)
{
    std::string low(text);
    std::ranges::transform(low, low.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return low;
}

struct Weighed {
    std::string_view text;
    unsigned weight;
};

std::array<Weighed, 10> texts_of(const Parameter& p)
{
    return {Weighed{p.key, 12},     Weighed{p.group, 3},        Weighed{p.does, 5}, Weighed{p.tune, 3},
            Weighed{p.evidence, 2}, Weighed{p.interactions, 1}, Weighed{p.myth, 2}, Weighed{p.security, 2},
            Weighed{p.formula, 2},  Weighed{p.source, 1}};
}

std::array<Weighed, 10> texts_of(const Topic& t)
{
    return {Weighed{t.name, 10}, Weighed{t.group, 2}, Weighed{t.means, 5}, Weighed{t.look, 3}, Weighed{t.beware, 2},
            Weighed{t.layer, 2}, Weighed{t.where, 1}, Weighed{"", 0},      Weighed{"", 0},     Weighed{"", 0}};
}

bool begins_word(const std::string& text, std::size_t at)
{
    return at == 0 || !((text[at - 1] >= 'a' && text[at - 1] <= 'z') || is_digit(text[at - 1]));
}

// The best place of one word; a word that begins there counts double. 0: it does not occur.
template <class Entry>
unsigned weight_of(const Entry& entry, const std::string& word)
{
    unsigned sum = 0;
    for (const Weighed& field : texts_of(entry)) {
        const std::string text = lower(field.text);
        const std::size_t at = text.find(word);
        if (at == std::string::npos) continue;
        sum += begins_word(text, at) ? 2 * field.weight : field.weight;
    }
    return sum;
}

template <class Entry>
void search_in(std::span<const Entry> entries, const std::vector<std::string>& wanted, std::vector<Hit>& hits)
{
    for (const Entry& entry : entries) {
        unsigned score = 0;
        const bool all = std::ranges::all_of(wanted, [&](const std::string& word) {
            const unsigned weight = weight_of(entry, word);
            score += weight;
            return weight > 0;
        });
        if (all) hits.push_back({&entry, score});
    }
}

} // namespace

std::string_view name_of(const Known& known)
{
    const auto* const parameter = std::get_if<const Parameter*>(&known);
    return parameter ? (*parameter)->key : std::get<const Topic*>(known)->name;
}

std::string_view summary_of(const Known& known)
{
    const auto* const parameter = std::get_if<const Parameter*>(&known);
    return parameter ? (*parameter)->does : std::get<const Topic*>(known)->means;
}

const Parameter* find_address(std::string_view address)
{
    if (const Parameter* sysctl = find_sysctl_form(address)) return sysctl;
    if (glob_match("nic/*/offload/*", address)) return find_offload(last_part(address, "/"));
    for (const auto& [pattern, key] : addresses) {
        if (!glob_match(pattern, address)) continue;
        return find(key.ends_with('.') ? std::string(key).append(last_part(address, "/")) : std::string(key));
    }
    return nullptr;
}

std::vector<Known> named(std::string_view name)
{
    if (name.empty()) return {};
    if (const Parameter* parameter = find(name)) return {parameter};
    if (const Parameter* parameter = find_address(name)) return {parameter};
    if (name.find_first_of("*?") != std::string_view::npos) return matching(name);
    std::vector<Known> found;
    add_word(found, name);
    add_last_parts(found, name);
    if (const Parameter* offload = find_offload(name); offload != nullptr && found.empty()) add(found, offload);
    for (const Topic* topic : topics_named(name))
        add(found, topic);
    return found;
}

std::vector<std::string_view> near_names(std::string_view name, std::size_t most)
{
    struct Near {
        std::size_t distance;
        std::string_view name;
        auto operator<=>(const Near&) const = default;
    };
    const std::string low = lower(name);
    const std::size_t limit = std::max<std::size_t>(2, last_part(low, "./").size() / 3);
    std::set<Near> close;
    for (const std::string_view key : nearest(name, most))
        close.insert({edit_distance(last_part(low, "./"), last_part(key, ".")), key});
    for (const Topic& topic : topics()) {
        std::size_t distance = edit_distance(low, lower(topic.name));
        for (const std::string_view also : topic.also)
            if (also.find('*') == std::string_view::npos)
                distance = std::min(distance, edit_distance(low, lower(also)));
        if (distance <= limit) close.insert({distance, topic.name});
    }
    std::vector<std::string_view> names;
    for (const Near& one : close)
        if (names.size() < most) names.push_back(one.name);
    return names;
}

std::vector<Hit> search(std::string_view words_wanted)
{
    std::vector<std::string> wanted;
    for (const std::string_view word : split_words(words_wanted))
        wanted.push_back(lower(word));
    std::vector<Hit> hits;
    if (wanted.empty()) return hits;
    search_in(all(), wanted, hits);
    search_in(topics(), wanted, hits);
    std::ranges::stable_sort(hits, std::greater{}, &Hit::score);
    return hits;
}

} // namespace netwright::catalog
