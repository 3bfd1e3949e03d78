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

// Where an interrupt of this name may go.
std::string interrupt(const std::string& name) { return "cat /proc/irq/*/" + name + "/../smp_affinity_list"; }

// How many entries of the RSS table name each queue: "64 0 64 1".
std::string spread(const std::string& nic)
{
    return "ethtool -x " + nic + " | sed -n 's/^ *[0-9]*: *//p' | tr -s ' ' '\\n' | grep -x '[0-9]*' | sort | uniq -c";
}

std::string hash_key(const std::string& nic) { return "ethtool -x " + nic + " | sed -n '/hash key/{n;p}'"; }

// "IP SA IP DA"
std::string hashed(const std::string& nic, const std::string& flow)
{
    return "ethtool -n " + nic + " rx-flow-hash " + flow + " | grep -v :";
}

// The root's kind and what else of it matches.
std::string qdisc(const std::string& nic, const std::string& words)
{
    return "tc qdisc show dev " + nic + " root | sed 's/^qdisc //' | grep -oE '^[a-z_]+|" + words + "'";
}

std::string metric(const std::string& route, const std::string& word)
{
    return "ip route show " + route + " | grep -oE '" + word + " [^ ]+'";
}

std::string link_file(const std::string& nic, const std::string& file)
{
    return "cat /sys/class/net/" + nic + "/" + file;
}

constexpr const char* key =
    "6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb:ae:7b:30:b4:77:cb:2d:a3:80:30:f2:"
    "0c:6a:42:b7:3b:be:ac:01:fa";

} // namespace

const std::vector<Row>& rows()
{
    static const std::vector<Row> all = {
        {"sysctl/net.core.somaxconn", "5000", sysctl("net.core.somaxconn"), "5000"},
        {"sysctl/net.ipv4.tcp_rmem", "4096 131072 7000000", sysctl("net.ipv4.tcp_rmem"), "4096 131072 7000000"},
        {"sysctl/net.ipv4.tcp_congestion_control", "bbr", sysctl("net.ipv4.tcp_congestion_control"), "bbr"},
        {"sysctl/net.ipv4.conf.vnet0.rp_filter", "2", sysctl("net.ipv4.conf.vnet0.rp_filter"), "2"},
        {"sysctl/net.core.rps_sock_flow_entries", "16384", sysctl("net.core.rps_sock_flow_entries"), "16384"},
        {"sysctl/net.core.busy_read", "50", sysctl("net.core.busy_read"), "50"},
        {"sysctl/net.netfilter.nf_conntrack_max", "100000", sysctl("net.netfilter.nf_conntrack_max"), "100000"},
        // The kernel fills whole pages (nf_ct_alloc_hashtable).
        {"sysctl/net.netfilter.nf_conntrack_buckets", "20000", sysctl("net.netfilter.nf_conntrack_buckets"), "20480"},
        {"sysctl/net.ipv4.tcp_fastopen", "3", sysctl("net.ipv4.tcp_fastopen"), "3"},
        {"sysctl/net.ipv4.tcp_fastopen_key", "00000001-00000002-00000003-00000004", sysctl("net.ipv4.tcp_fastopen_key"),
         "00000001-00000002-00000003-00000004"},
        {"sysctl/net.mptcp.enabled", "0", sysctl("net.mptcp.enabled"), "0"},
        {"sysctl/fs.nr_open", "2000000", sysctl("fs.nr_open"), "2000000"},

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

        {"irq/vmxnet0-rxtx-2/affinity", "list:1", interrupt("vmxnet0-rxtx-2"), "1"},
        {"irq/intel0-rx-0/affinity", "list:2-3", interrupt("intel0-rx-0"), "2-3"},

        {"nic/spare0/rss/indirection", "equal 2", spread("spare0"), "64 0 64 1"},
        {"nic/spare0/rss/key", key, hash_key("spare0"), key},
        {"nic/spare0/rss/fields-udp4", "sd", hashed("spare0", "udp4"), "IP SA IP DA"},

        {"qdisc/intel0/root", "fq maxrate 1Gbit", qdisc("intel0", "maxrate [^ ]+"), "fq maxrate 1Gbit"},
        {"qdisc/vmxnet0/root", "cake bandwidth 100Mbit", qdisc("vmxnet0", "bandwidth [^ ]+"), "cake bandwidth 100Mbit"},

        {"route/default/initcwnd", "20", metric("default", "initcwnd"), "initcwnd 20"},
        {"route/default/initrwnd", "30", metric("default", "initrwnd"), "initrwnd 30"},
        {"route/10.0.11.0/24@vnet1/congctl", "bbr", metric("10.0.11.0/24", "congctl"), "congctl bbr"},
        {"route/10.0.20.0/24@vmxnet0/mtu", "1400", metric("10.0.20.0/24", "mtu"), "mtu 1400"},
        {"rule/ipv4/10010", "from 10.0.11.2 lookup 210", "ip rule show priority 10010",
         "10010: from 10.0.11.2 lookup 210"},
        {"table/210/default", "via 10.0.11.1 dev vnet1",
         "ip route show table 210 2>/dev/null", // no such table: an error
         "default via 10.0.11.1 dev vnet1 proto static"},

        {"notrack/tcp/8080", "on", "nft list set inet netwright_notrack tcp_ports | grep -o '{ .* }'", "{ 8080 }"},
        {"mptcp/endpoint/10.0.11.2", "subflow", "ip mptcp endpoint show", "10.0.11.2 id 1 subflow"},
        {"mptcp/limit/subflows", "4", "ip mptcp limits | grep -oE 'subflows? [0-9]+'", "subflows 4"},
        {"service/web.service/LimitNOFILE", "65536",
         "grep -h ^Limit /etc/systemd/system/web.service.d/50-netwright.conf", "LimitNOFILE=65536"},
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
        {"nic/vmxnet0/rss/indirection", "weight 6 2", spread("vmxnet0"), "96 0 32 1"},
        {"nic/spare1/pause/autoneg", "off", said_by("ethtool -a spare1", "Autonegotiate"), "off"},

        {"qdisc/spare1/root", "pfifo_fast", qdisc("spare1", "bands [0-9]+"), "pfifo_fast bands 3"},
        {"qdisc/vnet0/root", "noqueue", qdisc("vnet0", "nothing"), "noqueue"},
        {"qdisc/vnet1/root", "fq_codel limit 500", qdisc("vnet1", "limit [0-9]+p"), "fq_codel limit 500p"},
        {"route/default/quickack", "1", metric("default", "quickack"), "quickack 1"},
        {"route/10.0.30.0/24@intel0/advmss", "1300", metric("10.0.30.0/24", "advmss"), "advmss 1300"},
        {"notrack/udp/53", "on", "nft list set inet netwright_notrack udp_ports | grep -o '{ .* }'", "{ 53 }"},
        {"mptcp/limit/add-addr-accepted", "3", "ip mptcp limits | grep -oE 'add_addr_accepted [0-9]+'",
         "add_addr_accepted 3"},
    };
    return all;
}

} // namespace guest
