// SPDX-License-Identifier: GPL-2.0-or-later
// The rows: a new kind of tunable adds its own here.
#include "guest/kinds.h"

namespace guest {
namespace {

// The word after `word` in what ip says: "mtu 1500" -> "1500".
std::string ip_link(const std::string& nic, const std::string& word)
{
    return "ip -details link show " + nic + " | sed -n 's/.* " + word + " \\([^ ]*\\).*/\\1/p'";
}

std::string sysctl(const std::string& key) { return "sysctl -n " + key; }

std::string queue(const std::string& nic, const std::string& file)
{
    return "cat /sys/class/net/" + nic + "/queues/" + file;
}

// What `ethtool -g` and its like say is set now, below what could be.
std::string ethtool(const std::string& flag, const std::string& nic, const std::string& word)
{
    return "ethtool " + flag + " " + nic + " | sed -n '/Current/,$s/^" + word + ":[^0-9a-z]*//p'";
}

// "on" or "off", as `ethtool -k` says.
std::string feature(const std::string& nic, const std::string& name)
{
    return "ethtool -k " + nic + " | sed -n 's/^[[:space:]]*" + name + ": \\([a-z]*\\).*/\\1/p'";
}

std::string said_by(const std::string& command, const std::string& word)
{
    return command + " | sed -n 's/^[[:space:]]*" + word + ":[[:space:]]*//p'";
}

std::string link_file(const std::string& nic, const std::string& file)
{
    return "cat /sys/class/net/" + nic + "/" + file;
}

} // namespace

const std::vector<Row>& rows()
{
    static const std::vector<Row> all = {
        {"sysctl/net.core.somaxconn", "5000", sysctl("net.core.somaxconn"), "5000"},
        {"sysctl/net.ipv4.tcp_rmem", "4096 131072 7000000", sysctl("net.ipv4.tcp_rmem"), "4096 131072 7000000"},
        {"sysctl/net.ipv4.tcp_congestion_control", "bbr", sysctl("net.ipv4.tcp_congestion_control"), "bbr"},
        {"sysctl/net.ipv4.conf.vnet0.rp_filter", "2", sysctl("net.ipv4.conf.vnet0.rp_filter"), "2"},

        {"link/vnet0/mtu", "1400", ip_link("vnet0", "mtu"), "1400"},
        {"link/intel0/mtu", "9000", ip_link("intel0", "mtu"), "9000"},
        {"link/intel0/txqueuelen", "2000", ip_link("intel0", "qlen"), "2000"},

        {"nic/vmxnet0/ring/rx", "2048", ethtool("-g", "vmxnet0", "RX"), "2048"},
        {"nic/intel0/ring/rx", "300", ethtool("-g", "intel0", "RX"), "304"}, // rounded up by the driver
        {"nic/intel0/ring/tx", "512", ethtool("-g", "intel0", "TX"), "512"},
        {"nic/vnet0/ring/rx", "128", ethtool("-g", "vnet0", "RX"), "128"},

        {"queue/vnet0/rx-3/rps_cpus", "list:2-3", queue("vnet0", "rx-3/rps_cpus"), "c"},
        {"queue/vnet1/rx-0/rps_flow_cnt", "4096", queue("vnet1", "rx-0/rps_flow_cnt"), "4096"},
        {"queue/vmxnet0/tx-1/xps_cpus", "list:1,3", queue("vmxnet0", "tx-1/xps_cpus"), "a"},
        {"queue/vnet0/tx-2/xps_rxqs", "list:0-1", queue("vnet0", "tx-2/xps_rxqs"), "3"},
    };
    return all;
}

const std::vector<Row>& more_rows()
{
    static const std::vector<Row> all = {
        {"link/vnet0/gso_max_size", "30000", ip_link("vnet0", "gso_max_size"), "30000"},
        {"link/vnet1/gro_max_size", "40000", ip_link("vnet1", "gro_max_size"), "40000"},
        {"link/vnet1/gso_max_segs", "32", ip_link("vnet1", "gso_max_segs"), "32"},
        {"link/vnet0/gro_flush_timeout", "20000", link_file("vnet0", "gro_flush_timeout"), "20000"},
        {"link/vnet0/napi_defer_hard_irqs", "2", link_file("vnet0", "napi_defer_hard_irqs"), "2"},
        {"link/vmxnet0/threaded", "on", link_file("vmxnet0", "threaded"), "1"},

        {"nic/vnet0/offload/tx-tcp-segmentation", "off", feature("vnet0", "tx-tcp-segmentation"), "off"},
        {"nic/vnet1/offload/gro", "off", feature("vnet1", "generic-receive-offload"), "off"},
        {"nic/spare0/queues/combined", "2", ethtool("-l", "spare0", "Combined"), "2"},
        {"nic/intel0/coalesce/rx-usecs", "50", said_by("ethtool -c intel0", "rx-usecs"), "50"},
        {"nic/spare1/pause/autoneg", "off", said_by("ethtool -a spare1", "Autonegotiate"), "off"},
    };
    return all;
}

} // namespace guest
