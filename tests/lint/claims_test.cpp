// SPDX-License-Identifier: GPL-2.0-or-later
// Advice of two popular guides that is wrong, each as the line it makes people write: lint speaks about every one.
// What cannot be written as a sysctl (ethtool lines, tools, explanations) is not here.
#include "lint/lint_sheet.h"

#include <array>

using namespace netwright;

namespace {

struct Claim {
    std::string_view id, claim; // D1: the shorter guide, D2: the long one
    std::string_view line, rule;
    std::string_view corrected; // in what lint says about it
    KernelVersion kernel{6, 18, 0};
};

constexpr std::array claims{
    Claim{"D1-04", "hybla makes sharing fair", "net.ipv4.tcp_congestion_control = hybla", "algorithm-for-all",
          "makes no sharing fairer"},
    Claim{"D1-06", "the algorithm changes for all connections", "net.ipv4.tcp_congestion_control = bbr",
          "algorithm-for-all", "connections made from now on"},
    Claim{"D1-10", "tcp_fastopen = 3 switches servers on", "net.ipv4.tcp_fastopen = 3", "fastopen-needs-programs",
          "only if the program sets TCP_FASTOPEN"},
    Claim{"D1-11", "only a broken server sees replayed SYN data", "net.ipv4.tcp_fastopen = 3",
          "fastopen-needs-programs", "may arrive twice, whoever sends it"},
    Claim{"D1-12", "cookies prevent the replay", "net.ipv4.tcp_fastopen = 3", "fastopen-needs-programs",
          "cookies do not prevent that"},
    Claim{"D1-16", "fast links do without time stamps", "net.ipv4.tcp_timestamps = 0", "harmful", "3.4 s at 10 Gbit/s"},
    Claim{"D1-32", "13107200 suits 10 Gbit/s at 10 ms", "net.ipv4.tcp_rmem = 4096 87380 13107200", "below-default",
          "about half of it becomes window"},
    Claim{"D1-34", "rmem_max caps every socket",
          "net.core.rmem_max = 33554432\nnet.ipv4.tcp_rmem = 4096 131072 33554432", "core-maximum-and-tcp",
          "only what programs ask for with SO_RCVBUF"},
    Claim{"D1-36", "tcp_wmem cannot exceed wmem_max",
          "net.core.wmem_max = 33554432\nnet.ipv4.tcp_wmem = 4096 16384 33554432", "core-maximum-and-tcp",
          "TCP's own maximum is net.ipv4.tcp_wmem's third number"},
    Claim{"D2-08", "netdev_max_backlog cures packet loss", "net.core.netdev_max_backlog = 65535", "harmful",
          "while softnet_stat's second column grows"},
    Claim{"D2-16",
          "tcp_tw_reuse is the dangerous one",
          "net.ipv4.tcp_tw_recycle = 1",
          "harmful",
          "behind one NAT",
          {4, 4, 0}},
    Claim{"D2-23", "somaxconn is 128 by default, 1024 is more", "net.core.somaxconn = 1024", "below-default", "4096"},
    Claim{"D2-24", "an overflowing queue should refuse", "net.ipv4.tcp_abort_on_overflow = 1", "harmful",
          "The queue that overflows needs the cure"},
    Claim{"D2-28", "tcp_tw_reuse breaks clients behind NAT", "net.ipv4.tcp_tw_reuse = 1", "time-wait-remedy",
          "behind NAT or not, are untouched"},
    Claim{"D2-30", "tcp_fin_timeout shortens TIME_WAIT", "net.ipv4.tcp_fin_timeout = 30", "time-wait-remedy",
          "TIME_WAIT lasts 60 s"},
    Claim{"D2-31", "tcp_max_syn_backlog bounds half-open connections", "net.ipv4.tcp_max_syn_backlog = 16384",
          "syn-backlog-unused", "the listener's own backlog"},
    Claim{"D2-33", "the core maxima are for all sockets",
          "net.core.rmem_max = 16777216\nnet.ipv4.tcp_rmem = 4096 131072 16777216", "core-maximum-and-tcp",
          "whatever stands here"},
    Claim{"D2-35", "10 Gbit/s at 50 ms needs 625 KB", "net.ipv4.tcp_rmem = 4096 87380 625000", "below-default",
          "33554432"},
    Claim{"D2-37", "a LAN does better without time stamps", "net.ipv4.tcp_timestamps = 0", "harmful",
          "12 bytes a packet"},
    Claim{"D2-50", "bbr suits most servers", "net.ipv4.tcp_congestion_control = bbr", "algorithm-for-all",
          "On short clean ones it gains nothing"},
    Claim{"D2-61", "16 MiB for rmem_default", "net.core.rmem_default = 16777216", "large-initial-buffer",
          "TCP ignores it"},
    Claim{"D2-61", "16 MiB for wmem_default", "net.core.wmem_default = 16777216", "large-initial-buffer",
          "TCP ignores it"},
    Claim{"D2-66", "bbr as everyone's default", "net.ipv4.tcp_congestion_control = bbr", "algorithm-for-all",
          "Measure before and after"},
    Claim{"D2-68", "SACK may be switched off", "net.ipv4.tcp_sack = 0", "harmful", "which are fixed"},
    Claim{"D2-69", "slow_start_after_idle is for short connections",
          "net.ipv4.tcp_slow_start_after_idle = 0\nnet.ipv4.tcp_congestion_control = bbr", "idle-restart-and-bbr",
          "not for short ones"},
    Claim{"D2-70", "netdev_max_backlog is the driver's queue", "net.core.netdev_max_backlog = 16384", "harmful",
          "a NAPI driver without RPS never touches it"},
    Claim{"D2-85", "tcp_tw_reuse confuses clients behind NAT", "net.ipv4.tcp_tw_reuse = 1", "time-wait-remedy",
          "Connections from clients"},
    Claim{"D2-91", "always set bbr and tcp_tw_reuse", "net.ipv4.tcp_tw_reuse = 1", "time-wait-remedy",
          "only connections this host opens"},
    Claim{"D2-96", "tw_reuse and fin_timeout free a server's ports", "net.ipv4.tcp_fin_timeout = 30",
          "time-wait-remedy", "sockets that no program owns"},
    Claim{"D2-101", "a larger first receive buffer prevents loss", "net.ipv4.tcp_rmem = 4096 16777216 67108864",
          "large-initial-buffer", "speeds up none"},
    Claim{"D2-121", "drops: raise netdev_max_backlog", "net.core.netdev_max_backlog = 30000", "harmful",
          "used by RPS, loopback and tunnels"},
    Claim{"D2-133", "TIME_WAIT causes refused connections", "net.ipv4.tcp_tw_reuse = 1", "time-wait-remedy",
          "Connection pools do more"},
    Claim{"D2-139", "tcp_tw_reuse is unsafe behind NAT", "net.ipv4.tcp_tw_reuse = 1", "time-wait-remedy",
          "it neither helps nor hurts them"},
    // Imprecise ones that make people write a worse line.
    Claim{"D1-33", "87380 as the first send buffer", "net.ipv4.tcp_wmem = 4096 87380 16777216", "large-initial-buffer",
          "granted to every connection"},
    Claim{"D1-41", "nf_conntrack_max alone", "net.netfilter.nf_conntrack_max = 1048576", "conntrack-buckets",
          "nf_conntrack_buckets"},
    Claim{"D1-44", "forget established connections after an hour",
          "net.netfilter.nf_conntrack_tcp_timeout_established = 3600", "harmful", "RFC 5382"},
    Claim{"D2-62", "87380 as the first receive buffer", "net.ipv4.tcp_rmem = 4096 87380 33554432", "below-default",
          "before 4.20"},
    Claim{"D2-63", "65536 as the first send buffer", "net.ipv4.tcp_wmem = 4096 65536 33554432", "large-initial-buffer",
          "speeds up none"},
    Claim{"D2-67", "ports from 1024", "net.ipv4.ip_local_port_range = 1024 65535", "ports-of-services", "3306"},
    Claim{"D2-83", "2 is the server's bit", "net.ipv4.tcp_fastopen = 2", "fastopen-needs-programs", "MSG_FASTOPEN"},
    Claim{"D2-100", "65535 for netdev_max_backlog", "net.core.netdev_max_backlog = 65535", "harmful",
          "tens of milliseconds"},
};

} // namespace

TEST_CASE("every wrong claim that makes a line is caught, with its correction")
{
    for (const Claim& claim : claims) {
        CAPTURE(claim.id);
        CAPTURE(claim.claim);
        CAPTURE(claim.line);
        lint::Target target = newest_kernel();
        target.kernel = claim.kernel;
        const auto found = lint_text_of(std::string(claim.line) + "\n", target);
        REQUIRE(says(found, claim.rule));
        const Diagnostic& one = the(found, claim.rule);
        const std::string words = one.message + " " + one.why + " " + one.fix.words;
        CAPTURE(words);
        CHECK(words.find(claim.corrected) != std::string::npos);
    }
}
