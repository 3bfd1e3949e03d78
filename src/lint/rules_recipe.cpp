// SPDX-License-Identifier: GPL-2.0-or-later
// Lines of well-known recipes that do something else, or less, than the recipe says.
#include "base/text.h"
#include "lint/rule.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::lint {
namespace {

// Workloads that open many connections themselves.
bool opens_connections(Workload workload)
{
    return workload == Workload::Proxy || workload == Workload::Kubernetes || workload == Workload::Gateway;
}

// Workloads that send much over long paths.
bool sends_far(Workload workload)
{
    return workload == Workload::Bulk || workload == Workload::WebServer || workload == Workload::Proxy;
}

bool is_bbr(const Setting* setting) { return setting && setting->value.starts_with("bbr"); }

} // namespace

Verdict judge_long_queue(const Setting& setting, const Scene&)
{
    if (!setting.is("net.core.somaxconn") || setting.numbers.size() != 1 || setting.numbers[0] <= 16384)
        return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("net.core.somaxconn = {} is longer than any client waits", setting.numbers[0]),
                  "It only caps what listen() asks for, when it asks. In a queue so long, clients have given up before "
                  "their turn comes; twice what arrives during a stall of accept() is enough.",
                  no_fix("1024 to 16384, and the program's own backlog with it"),
                  {}};
}

Verdict judge_algorithm(const Setting& setting, const Scene& scene)
{
    if (!setting.is("net.ipv4.tcp_congestion_control")) return std::nullopt;
    const Target& target = scene.target();
    if (setting.value == "hybla")
        return Remark{setting.value_at, "hybla as the default for all connections",
                      "It treats every path as if it were short, for satellite links; elsewhere it crowds out others "
                      "and makes no sharing fairer. Choose it for single routes.",
                      comment_out(setting), Level::Warning};
    if (!is_bbr(&setting)) return std::nullopt;
    if (target.kernel < KernelVersion{4, 9, 0})
        return Remark{setting.value_at, "bbr came with Linux 4.9", "The kernel refuses an algorithm it does not have.",
                      comment_out(setting), Level::Error};
    const Setting* const qdisc = scene.last("net.core.default_qdisc");
    if (target.kernel < KernelVersion{4, 13, 0} && !(qdisc && qdisc->value == "fq"))
        return Remark{setting.value_at, "bbr without fq",
                      "Before Linux 4.13 TCP cannot pace by itself: bbr needs net.core.default_qdisc = fq.",
                      add_line(setting, "net.core.default_qdisc = fq"), Level::Warning};
    if (sends_far(target.workload)) return std::nullopt;
    return Remark{setting.value_at,
                  "bbr for every connection of this host",
                  "It concerns what this host sends, on connections made from now on, and helps over long paths that "
                  "lose at random. On short clean ones it gains nothing, and beside others it sends more twice. "
                  "Measure before and after; --workload says what the host is for.",
                  no_fix("keep it where a measurement shows a gain"),
                  {}};
}

Verdict judge_fastopen(const Setting& setting, const Scene&)
{
    if (!setting.is("net.ipv4.tcp_fastopen") || setting.numbers.size() != 1) return std::nullopt;
    const std::int64_t bits = setting.numbers[0];
    if (bits & ~std::int64_t{0x607}) return std::nullopt; // said by judge_range
    if (bits & 0x204)
        return Remark{setting.value_at, fmt::format("tcp_fastopen = {} takes or sends data without a cookie", bits),
                      "Cookies keep strangers from making this host work with forged addresses.",
                      write_value(setting, fmt::format("{}", bits & ~std::int64_t{0x204})), Level::Warning};
    if (bits == 2)
        return Remark{setting.value_at, "tcp_fastopen = 2 switches the client side off",
                      "1 is the client, 2 the server: with 2 alone, programs that connect with MSG_FASTOPEN fail.",
                      write_value(setting, "3"), Level::Warning};
    if (!(bits & 2) || bits & 0x400) return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("tcp_fastopen = {} alone makes no server use it", bits),
                  "A listener takes data in a SYN only if the program sets TCP_FASTOPEN; a client has to ask too. The "
                  "first request may arrive twice, whoever sends it, and cookies do not prevent that.",
                  no_fix("keep it for programs that ask for it and whose first request may be repeated"),
                  {}};
}

Verdict judge_time_wait(const Setting& setting, const Scene& scene)
{
    if (setting.is("net.ipv4.tcp_fin_timeout") && setting.numbers.size() == 1 && setting.numbers[0] >= 1 &&
        setting.numbers[0] < 60)
        return Remark{setting.value_at,
                      fmt::format("tcp_fin_timeout = {} does not shorten TIME_WAIT", setting.numbers[0]),
                      "TIME_WAIT lasts 60 s in every kernel. This bounds FIN-WAIT-2 of sockets that no program owns "
                      "any more, which are seldom many.",
                      no_fix("keep it only against many orphans in FIN-WAIT-2"),
                      {}};
    if (!setting.is("net.ipv4.tcp_tw_reuse") || !setting.equals(1)) return std::nullopt;
    if (opens_connections(scene.target().workload)) return std::nullopt;
    return Remark{setting.value_at,
                  "tcp_tw_reuse = 1 concerns only connections this host opens",
                  "It lets connect() take a port that rests in TIME_WAIT, a second later. Connections from clients, "
                  "behind NAT or not, are untouched: it neither helps nor hurts them. Connection pools do more.",
                  no_fix("keep it on hosts that open many connections"),
                  {}};
}

// The popular error: that the core maxima bound TCP's autotuning.
Verdict judge_core_maximum(const Setting& setting, const Scene& scene)
{
    const bool receive = setting.is("net.core.rmem_max");
    if ((!receive && !setting.is("net.core.wmem_max")) || setting.numbers.size() != 1) return std::nullopt;
    const std::string_view tcp = receive ? "net.ipv4.tcp_rmem" : "net.ipv4.tcp_wmem";
    if (scene.number(tcp, 2) != setting.numbers[0]) return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("{} does not cap {}", setting.key, tcp),
                  fmt::format("It bounds only what programs ask for with {}, which also ends autotuning for their "
                              "socket. TCP's own maximum is {}'s third number, whatever stands here.",
                              receive ? "SO_RCVBUF" : "SO_SNDBUF", tcp),
                  no_fix("keep it for UDP and programs that ask; TCP does not need it"),
                  {}};
}

Verdict judge_syn_backlog(const Setting& setting, const Scene& scene)
{
    if (!setting.is("net.ipv4.tcp_max_syn_backlog") || setting.numbers.size() != 1) return std::nullopt;
    if (scene.target().kernel < KernelVersion{4, 4, 0} || scene.number("net.ipv4.tcp_syncookies").value_or(1) == 0)
        return std::nullopt;
    return Remark{setting.key_at,
                  "tcp_max_syn_backlog has no effect while SYN cookies are on",
                  "Since Linux 4.4 the listener's own backlog, capped by net.core.somaxconn, bounds half-open "
                  "connections; this number is asked only with tcp_syncookies = 0.",
                  comment_out(setting),
                  {}};
}

Verdict judge_port_range(const Setting& setting, const Scene& scene)
{
    if (!setting.is("net.ipv4.ip_local_port_range") || setting.numbers.size() != 2) return std::nullopt;
    if (setting.numbers[0] < 1 || setting.numbers[0] >= 10240) return std::nullopt;
    const Setting* const reserved = scene.last("net.ipv4.ip_local_reserved_ports");
    if (reserved && !reserved->value.empty()) return std::nullopt;
    return Remark{setting.value_at,
                  fmt::format("a local port range from {} overlaps the ports of services", setting.numbers[0]),
                  "An outgoing connection may sit on 3306, 5432 or 8080 when the service is restarted, which then "
                  "cannot bind. Keep such ports out with net.ipv4.ip_local_reserved_ports, or start at 10240.",
                  write_value(setting, fmt::format("10240 {}", setting.numbers[1])),
                  {}};
}

Verdict judge_idle_restart(const Setting& setting, const Scene& scene)
{
    if (!setting.is("net.ipv4.tcp_slow_start_after_idle") || !setting.equals(0)) return std::nullopt;
    if (!is_bbr(scene.last("net.ipv4.tcp_congestion_control"))) return std::nullopt;
    return Remark{setting.key_at,
                  "tcp_slow_start_after_idle has no effect with bbr",
                  "bbr governs its own restart and skips that check. With other algorithms it matters for connections "
                  "that live long and pause, not for short ones.",
                  comment_out(setting),
                  {}};
}

} // namespace netwright::lint
