// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>

#include "plan_host.h"

using namespace netwright;
using namespace plan_host;
using plan::ordered;

namespace {

std::vector<std::string> names(const std::vector<Change>& changes)
{
    std::vector<std::string> out;
    for (const Change& change : changes)
        out.push_back(to_text(change.tunable));
    return out;
}

struct Concrete {
    std::string_view glob, address;
};
constexpr std::array concrete{
    Concrete{"queue/*", "queue/eth0/tx-0/xps_cpus"},
    Concrete{"irq/*", "irq/38/affinity"},
    Concrete{"service/irqbalance.service/*", "service/irqbalance.service/CPUAffinity"},
    Concrete{"service/*/LimitNOFILE", "service/nginx.service/LimitNOFILE"},
    Concrete{"nic/*/ring/*", "nic/eth0/ring/rx"},
    Concrete{"nic/*/rss/*", "nic/eth0/rss/fields-tcp4"},
};

// What the kinds that take no numbers are changed between.
struct Words {
    std::string_view address, low, high;
};
constexpr std::array words{
    Words{"nic/eth0/rss/function", "xor", "toeplitz"},
    Words{"nic/eth0/rss/key", "01:02", "03:04"},
    Words{"nic/eth0/rss/indirection", "equal 2", "equal 4"},
    Words{"nic/eth0/rss/fields-tcp4", "sd", "sdfn"},
};

Change up_from(const std::string& key)
{
    const auto* const row = std::ranges::find(words, key, &Words::address);
    if (row == words.end()) return change(key, "1", "2");
    return change(key, std::string(row->low), std::string(row->high));
}

// A change for each side of every row of the table; globs are made concrete.
std::vector<Change> everything(bool up)
{
    std::vector<std::string> keys;
    for (const plan::Constraint& row : plan::constraints())
        for (std::string name : {std::string(row.first), std::string(row.then)}) {
            if (name.starts_with("limit/") || name.starts_with("nic/*/queues")) continue; // the kinds come later
            for (const auto& [glob, address] : concrete)
                if (name == glob) name = address;
            const bool is_glob = name.find('*') != std::string::npos;
            if (is_glob && name.starts_with("queue/")) name.replace(name.find('*'), 1, "eth0/rx-0");
            if (is_glob && name.starts_with("link/")) name.replace(name.find('*'), 1, "eth0");
            if (const auto ip = name.find("ipv*"); ip != std::string::npos) name.replace(ip, 4, "ipv6");
            if (name.ends_with("conf.*")) name.replace(name.size() - 1, 1, "eth0.forwarding");
            if (name.ends_with(".*")) name.replace(name.size() - 1, 1, "forwarding");
            if (const auto any = name.find('*'); any != std::string::npos) name.replace(any, 1, "eth0");
            if (std::ranges::find(keys, name) == keys.end()) keys.push_back(name);
        }
    std::vector<Change> changes;
    for (const std::string& key : keys)
        changes.push_back(up ? up_from(key) : inverse(up_from(key)));
    return changes;
}

} // namespace

TEST_CASE("every row of the table holds together: there is no circle, up or down, in any mixture")
{
    std::mt19937 dice(11); // NOLINT: a fixed seed makes a failure repeatable
    const auto rising = everything(true), falling = everything(false);
    REQUIRE(rising.size() > 30);
    for (int round = 0; round < 100; ++round) {
        std::vector<Change> mixed;
        for (std::size_t i = 0; i < rising.size(); ++i)
            if (dice() % 4 != 0) mixed.push_back(dice() % 2 == 0 ? rising[i] : falling[i]);
        const auto sorted = ordered(mixed);
        CHECK(sorted.size() == mixed.size());
        std::ranges::shuffle(mixed, dice);
        CHECK(ordered(mixed) == sorted); // the order they came in does not matter
    }
}

TEST_CASE("neighbour limits rise from the top and fall from the bottom")
{
    const std::string base = "sysctl/net.ipv4.neigh.default.gc_thresh";
    CHECK(names(ordered({change(base + "1", "128", "1024"), change(base + "2", "512", "4096"),
                         change(base + "3", "1024", "8192")})) ==
          std::vector<std::string>{base + "3", base + "2", base + "1"});
    CHECK(names(ordered({change(base + "3", "8192", "1024"), change(base + "2", "4096", "512"),
                         change(base + "1", "1024", "128")})) ==
          std::vector<std::string>{base + "1", base + "2", base + "3"});
}

TEST_CASE("fq is chosen before bbr, and the algorithm is loaded before it is allowed")
{
    CHECK(names(ordered({change("net.ipv4.tcp_allowed_congestion_control", "reno cubic", "reno cubic bbr"),
                         change("net.ipv4.tcp_congestion_control", "cubic", "bbr"),
                         change("net.core.default_qdisc", "pfifo_fast", "fq")})) ==
          std::vector<std::string>{"sysctl/net.core.default_qdisc", "sysctl/net.ipv4.tcp_congestion_control",
                                   "sysctl/net.ipv4.tcp_allowed_congestion_control"});
}

TEST_CASE("ports are reserved before the range opens over them")
{
    CHECK(names(ordered({change("net.ipv4.ip_local_port_range", "32768 60999", "10240 65535"),
                         change("net.ipv4.ip_local_reserved_ports", "", "11211")})) ==
          std::vector<std::string>{"sysctl/net.ipv4.ip_local_reserved_ports", "sysctl/net.ipv4.ip_local_port_range"});
}

TEST_CASE("forwarding goes before interface settings, and all before default before one interface")
{
    CHECK(names(ordered({change("net.ipv4.conf.eth0.rp_filter", "0", "2"),
                         change("net.ipv4.conf.default.rp_filter", "0", "2"),
                         change("net.ipv4.conf.all.rp_filter", "0", "2"), change("net.ipv4.ip_forward", "0", "1")})) ==
          std::vector<std::string>{"sysctl/net.ipv4.ip_forward", "sysctl/net.ipv4.conf.all.rp_filter",
                                   "sysctl/net.ipv4.conf.default.rp_filter", "sysctl/net.ipv4.conf.eth0.rp_filter"});
}

TEST_CASE("the way back is the way there, inverted and newest first")
{
    const auto there = ordered({change("net.core.rmem_max", "1", "2"), change("net.core.rmem_default", "1", "2")});
    const auto back = plan::way_back(there);
    REQUIRE(back.size() == 2);
    CHECK(back[0] == inverse(there[1]));
    CHECK(names(back) == names(ordered(back))); // what fell last when rising falls first
    CHECK(plan::way_back(back) == there);
}
