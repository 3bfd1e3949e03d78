// SPDX-License-Identifier: GPL-2.0-or-later
// Wrong advice of two popular guides that no sysctl line shows: `netwright explain` corrects each where a person would
// look it up. Those that make a line are in tests/lint/claims_test.cpp; together they are all that were found wrong.
#include "catalog/names.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace netwright;

namespace {

struct Claim {
    std::string_view id, claim; // D1: the shorter guide, D2: the long one
    std::string_view name;      // what a person would look up
    std::string_view corrected; // in what is said about it
};

constexpr std::array claims{
    Claim{"D1-07", "programs negotiate the algorithm", "net.ipv4.tcp_congestion_control",
          "not negotiated with the peer"},
    Claim{"D1-24", "small TCP buffers lose packets", "net.ipv4.tcp_rmem", "prevents no loss"},
    Claim{"D1-26", "a slow reader's packets are dropped", "TcpExtTCPToZeroWindowAdv", "nothing is lost"},
    Claim{"D1-27", "a slow writer blocks", "net.ipv4.tcp_wmem", "one that writes slowly never fills it"},
    Claim{"D1-28", "bigger buffers avoid loss", "net.ipv4.tcp_rmem", "prevents no loss"},
    Claim{"D1-51", "ethtool -K rxchecksum on", "nic.offload.rx-checksumming", "not rxchecksum"},
    Claim{"D1-52", "turn LRO on", "lro", "Off on routers, bridges, hypervisors and with XDP"},
    Claim{"D1-55", "coalescing distributes interrupts", "nic/eth0/coalesce/rx-usecs", "spreads nothing over cores"},
    Claim{"D1-57", "rx-flow-hash tcp4 saddr fn", "nic.rss.fields", "no syntax with saddr"},
    Claim{"D2-06", "/proc/net/dev has rates", "link.rx_packets", "a rate is the difference of two readings"},
    Claim{"D2-09", "ss -s shows losses", "sockstat.TCP.inuse", "neither losses nor queues"},
    Claim{"D2-12", "Buffers and Cached are socket memory", "sockstat.TCP.mem", "are the page cache"},
    Claim{"D2-21", "sysctls may need a reboot", "boot.thash_entries", "no sysctl does"},
    Claim{"D2-34", "16 MB buffers lower retransmissions", "TcpRetransSegs", "Larger buffers do not lower it"},
    Claim{"D2-52", "an interrupt for each packet", "nic.coalesce.rx-usecs", "does not interrupt for each packet"},
    Claim{"D2-77", "echo 2 > smp_affinity_list is CPU 1", "irq/38/affinity", "CPU 2, not CPU 1"},
    Claim{"D2-87", "ethtool -k shows that RSS is on", "rxhash", "does not say that flows are spread over queues"},
    Claim{"D2-93", "the instance's NIC has 10 Gbit/s", "bw_in_allowance_exceeded", "is the limit that counts"},
    Claim{"D2-94", "overflow refuses and is logged", "ListenOverflows", "logs nothing about it"},
    Claim{"D2-97", "irqbalance and manual pinning", "irqbalance", "undo each other"},
    Claim{"D2-103", "tc re-routes Kafka messages", "TC_INGRESS", "cannot hand messages of an established TCP stream"},
    Claim{"D2-108", "ethtool -L lists queues", "queues", "ethtool -l shows them, -L sets them"},
    Claim{"D2-109", "bcc has dropwatch", "NOT_SPECIFIED", "dropwatch is a program of its own"},
    Claim{"D2-110", "bcc has xdp_stats", "driver.xdp", "bcc has no xdp_stats"},
    Claim{"D2-118", "ss -s shows Recv-Q and Send-Q", "sockstat.TCP.inuse", "ss -ltn has a listener's queue"},
    Claim{"D2-120", "dmesg has 'tx ring' messages", "tx_timeout_count", "no message about a full tx ring"},
    Claim{"D2-122", "txqueuelen is the card's queue", "link/eth0/txqueuelen", "not the ring of the card"},
    Claim{"D2-124", "high ping: bbr and buffers", "bbr", "shorten the path itself"},
    Claim{"D2-125", "grep 'retransmited'", "TcpRetransSegs", "with two t"},
    Claim{"D2-129", "ss -s lists listeners", "sockstat.TCP.inuse", "nor listeners"},
    Claim{"D2-130", "dmesg 'request_sock_TCP: dropped'", "SyncookiesSent", "Possible SYN flooding on port"},
};

std::string all_words(const catalog::Known& known)
{
    std::string text;
    if (const auto* const parameter = std::get_if<const catalog::Parameter*>(&known)) {
        for (const std::string_view part : {(*parameter)->does, (*parameter)->tune, (*parameter)->myth})
            text.append(part) += ' ';
        return text;
    }
    const catalog::Topic& topic = *std::get<const catalog::Topic*>(known);
    for (const std::string_view part : {topic.means, topic.look, topic.beware})
        text.append(part) += ' ';
    return text;
}

} // namespace

TEST_CASE("every wrong claim that makes no line is corrected where it would be looked up")
{
    for (const Claim& claim : claims) {
        CAPTURE(claim.id);
        CAPTURE(claim.claim);
        const auto found = catalog::named(claim.name);
        REQUIRE_FALSE(found.empty());
        const std::string words = all_words(found.front());
        CAPTURE(words);
        CHECK(words.find(claim.corrected) != std::string::npos);
    }
}
