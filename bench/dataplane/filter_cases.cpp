// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/filter_cases.h"

#include "dataplane/cases.h"
#include "dataplane/foreign.h"
#include "dataplane/frames.h"
#include "kernel/files.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>

namespace netwright::dataplane_bench {
namespace {

using dataplane::FilterPolicy;
using dataplane::FilterProgram;

constexpr std::uint16_t port = 5000;
constexpr const char* bpfilter_missing = "not built here (--bpfilter)";

std::string dotted(std::uint32_t address)
{
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

std::string set_of(std::string_view key, const std::vector<Network>& networks)
{
    std::string text = fmt::format("set blocked ({}) in {{\n", key);
    for (const Network& network : networks)
        text += dotted(network.address) + (key == "ip4.snet" ? fmt::format("/{}", network.length) : "") + "\n";
    return text + fmt::format("}}\nrule ({}) in blocked counter DROP", key);
}

std::vector<Network> hosts()
{
    std::vector<Network> networks;
    for (const std::uint32_t source : listed_sources())
        networks.push_back({source, 32});
    return networks;
}

// Figures of a machine on which the feeder alone took 9 ns.
Entrant elsewhere(Entrant peer, double figure)
{
    peer.elsewhere = figure;
    peer.floor_elsewhere = 9;
    return peer;
}

Entrant chain(const Options& options, const std::string& name, const std::string& rules, const Feed& feed,
              double figure)
{
    if (options.peers.bpfilter.empty()) return elsewhere({"bpfilter", nullptr, bpfilter_missing}, figure);
    return elsewhere(entrant("bpfilter", Chain::load(options.peers.bpfilter, name, rules), feed, options), figure);
}

Feed datagrams(std::uint32_t flows, std::uint32_t top)
{
    Feed feed;
    feed.verdict = top == inside ? XDP_DROP : XDP_PASS;
    feed.frame = udp4(port);
    feed.flows = flows;
    feed.top = top;
    return feed;
}

Entrant ours(const FilterPolicy& policy, const Feed& feed, const Options& options)
{
    return entrant("netwright", load_policy(policy), feed, options);
}

void add_rules(FilterPolicy& policy, unsigned count)
{
    while (policy.rules.size() < count) {
        dataplane::FilterRule rule;
        rule.name = fmt::format("rule-{}", policy.rules.size());
        rule.protocols = {IPPROTO_UDP};
        const auto first = static_cast<std::uint32_t>(6000 + policy.rules.size());
        rule.destination_ports = {{first, first}};
        policy.rules.push_back(rule);
    }
}

std::string chain_of(unsigned count)
{
    std::string rules;
    for (unsigned i = 0; i < count; ++i)
        rules += fmt::format("rule udp.dport eq {} counter DROP\n", 6000 + i);
    return rules;
}

FilterPolicy limited()
{
    FilterPolicy policy;
    policy.interfaces = {"none"};
    policy.rules.emplace_back();
    dataplane::FilterRule& rule = policy.rules.back();
    rule.name = "limit";
    rule.verdict = dataplane::Verdict::Limit;
    rule.limit.emplace();
    rule.limit->rate = rule.limit->burst = 1'000'000'000;
    return policy;
}

void show_lists(const Options& options)
{
    const std::vector<Network> networks = listed_networks();
    const Feed hits = datagrams(listed, inside), misses = datagrams(listed, outside);
    show({"100,000 prefixes, all sources listed",
          ours(blocking(networks), hits, options),
          {{chain(options, "cidr", set_of("ip4.snet", networks), hits, 434), {"G7", 0.10}},
           {elsewhere(entrant("LPM trie", Plain::load(PlainKind::Trie, networks), hits, options), 638), {"G7", 0.05}}}},
         options, hits);
    show({"100,000 prefixes, no source listed",
          ours(blocking(networks), misses, options),
          {{chain(options, "cidrmiss", set_of("ip4.snet", networks), misses, 27), {"G7", 1.0}}}},
         options, misses);
    const std::string object = options.peers.xdp_filter + "/xdpfilt_alw_ip.o";
    show({"100,000 addresses, all sources listed",
          ours(blocking(hosts()), hits, options),
          {{elsewhere(entrant("xdp-filter", Foreign::xdp_filter(object, listed_sources()), hits, options), 117),
            {"G8", 0.35}},
           {chain(options, "hosts", set_of("ip4.saddr", hosts()), hits, 109), {"G8", 0.35}}}},
         options, hits);
}

void show_rules(const Options& options)
{
    const Feed one = datagrams(1, outside);
    FilterPolicy whole = blocking(listed_networks());
    whole.odd = (1U << ODD_FRAGMENT) - 1;
    add_rules(whole, 2);
    show({"headers, oddities, a list missed, ports, counters",
          ours(whole, one, options),
          {{chain(options, "empty", "", one, 22), {"G9", 1.3}}}},
         options, one);
    FilterPolicy hundred = limited();
    hundred.rules.clear();
    FilterPolicy ten = hundred, many = hundred;
    add_rules(ten, 10);
    add_rules(hundred, 100);
    add_rules(many, 256);
    show({"100 rules, none matches",
          ours(hundred, one, options),
          {{chain(options, "hundred", chain_of(101), one, 55), {"G10", 1.0}}}},
         options, one);
    Entrant few = ours(ten, one, options);
    few.name = "netwright's 10 rules";
    show({"256 rules, none matches", ours(many, one, options), {{few, {"G10", 1.15}}}}, options, one);
}

void show_limits(const Options& options)
{
    const Feed crowd = datagrams(listed, outside);
    show({"a limit for each source, 100,000 sources",
          ours(limited(), crowd, options),
          {{elsewhere(entrant("LRU hash", Plain::load(PlainKind::TokenBucket), crowd, options), 212), {"G11", 0.25}}}},
         options, crowd);
}

// The kernel makes cookies where somebody listens, and without need only when it is told to.
Result<Fd> listener()
{
    TRY_VOID(kernel::Files::live().write("proc/sys/net/ipv4/tcp_syncookies", "2"));
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = ::htons(port);
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), 16) != 0)
        return std::unexpected(errno_error("listen", errno));
    return socket;
}

void show_cookies(const Options& options)
{
    const auto listening = listener();
    Feed feed;
    feed.frame = whole_syn4(port);
    feed.grows_behind = true;
    feed.one_source = true;
    feed.verdict = XDP_TX;
    FilterPolicy policy;
    policy.interfaces = {"none"};
    policy.cookie_ports = {{port, port}};
    Entrant proxy{"xdp_synproxy", nullptr, "not built here (--synproxy)"};
    if (!options.peers.synproxy.empty())
        proxy = entrant("xdp_synproxy", Foreign::synproxy(options.peers.synproxy, port), feed, options);
    Entrant answers = ours(policy, feed, options);
    if (!listening) answers.trouble = listening.error().what, answers.once = nullptr;
    show({"a SYN answered with a cookie", answers, {{elsewhere(proxy, 170), {"G12", 0.75}}}}, options, feed);
}

} // namespace

std::vector<std::uint32_t> listed_sources()
{
    std::vector<std::uint32_t> sources;
    for (std::uint32_t flow = 0; flow < listed; ++flow)
        sources.push_back(feed_address(flow, inside));
    return sources;
}

std::vector<Network> listed_networks()
{
    constexpr std::array<unsigned, 3> lengths{32, 28, 24};
    std::vector<Network> networks;
    for (const std::uint32_t source : listed_sources()) {
        const unsigned length = lengths.at(networks.size() % lengths.size());
        networks.push_back({source & ~0U << (32 - length), length});
    }
    return networks;
}

FilterPolicy blocking(const std::vector<Network>& networks)
{
    FilterPolicy policy;
    policy.interfaces = {"none"};
    policy.lists.emplace_back();
    policy.lists.back().name = "blocked";
    policy.lists.back().verdict = dataplane::Verdict::Drop;
    for (const Network& network : networks) {
        dataplane::Prefix prefix{false, static_cast<std::uint8_t>(network.length), {}};
        for (unsigned i = 0; i < 4; ++i)
            prefix.address.at(i) = static_cast<std::uint8_t>(network.address >> (24 - 8 * i));
        policy.lists.back().prefixes.push_back(prefix);
    }
    return policy;
}

Result<FilterProgram> load_policy(const FilterPolicy& policy)
{
    const auto names = TRY(dataplane::name_counters(policy, {}));
    const auto image = TRY(dataplane::make_image(policy, names));
    return FilterProgram::load(policy, image);
}

void show_filter(const Options& options)
{
    show_rules(options);
    show_lists(options);
    show_limits(options);
    show_cookies(options);
}

} // namespace netwright::dataplane_bench
