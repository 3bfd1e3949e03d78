// SPDX-License-Identifier: GPL-2.0-or-later
// Every rule with what it says and what it stays silent about; and a sensible file, about which nothing is said.
#include "lint/lint.h"
#include "lint/lint_sheet.h"

#include <array>
#include <fstream>
#include <set>
#include <sstream>

using namespace netwright;

namespace {

// One row: the rule speaks about `guilty` and not about `innocent`.
struct Row {
    std::string_view rule, guilty, innocent;
    KernelVersion kernel{6, 18, 0};
};

constexpr std::array rows{
    Row{"trailing-comment", "net.core.default_qdisc = fq # pacing\n", "# pacing\nnet.core.default_qdisc = fq\n"},
    Row{"trailing-comment", "net.ipv4.tcp_mtu_probing = 1 ; holes\n", "kernel.core_pattern = |/bin/x #%p;%u\n"},
    Row{"malformed-line", "net.ipv4.ip_forward 1\n", "net.ipv4.ip_forward = 1\n"},
    Row{"malformed-line", "= 1\n", "-net.ipv4.conf.eth0.forwarding\n"},
    Row{"malformed-line", "net ipv4 = 1\n", " ; a comment\n"},
    Row{"byte-order-mark", "\xef\xbb\xbfnet.ipv4.tcp_mtu_probing = 1\n", "net.ipv4.tcp_mtu_probing = 1\n"},

    Row{"removed-key", "net.ipv4.tcp_tw_recycle = 0\n", "net.ipv4.tcp_tw_reuse = 2\n"},
    Row{"removed-key", "net.ipv4.tcp_abc = 1\n", "net.ipv4.tcp_sack = 1\n"},
    Row{"removed-key", "net.netfilter.nf_conntrack_helper = 0\n", "net.netfilter.nf_conntrack_acct = 1\n"},
    Row{"renamed-key", "net.ipv4.netfilter.ip_conntrack_max = 1000000\n", "net.netfilter.nf_conntrack_max = 1000000\n"},
    Row{"misspelt-key", "net.ipv4.tcp_rmen = 4096 131072 67108864\n", "net.ipv4.tcp_rmem = 4096 131072 67108864\n"},
    Row{"misspelt-key", "net.core.somaxcon = 8192\n", "net.core.somaxconn = 8192\n"},
    Row{"misspelt-key", "vm.swapiness = 10\n", "vm.swappiness = 10\n"},
    Row{"misspelt-key", "net.ipv4.conf.eth0.rp_filtr = 1\n", "net.ipv4.conf.eth0.rp_filter = 1\n"},
    Row{"unknown-key", "net.ipv4.make_it_fast = 1\n", "net.sctp.rto_min = 1000\n"},
    Row{"misspelt-key", "net.ipv4.tcp_synccookies = 1\n", "net.ipv4.tcp_user_timeout = 1\n"},
    Row{"unknown-key", "net.core.turbo_mode = 1\n", "net.ipv4.vs.conntrack = 1\n"},
    Row{"too-new-key", "net.ipv4.tcp_plb_enabled = 1\n", "net.ipv4.tcp_autocorking = 0\n", {5, 15, 0}},
    Row{"dead-key", "net.ipv4.tcp_low_latency = 1\n", "net.core.busy_poll = 50\n"},
    Row{"dead-key", "net.ipv4.route.max_size = 1048576\n", "net.ipv6.route.mtu_expires = 500\n"},
    Row{"dead-key", "net.ipv4.tcp_adv_win_scale = 2\n", "net.ipv4.tcp_shrink_window = 1\n"},
    Row{"superseded-key", "net.ipv4.neigh.default.base_reachable_time = 60\n",
        "net.ipv4.neigh.default.base_reachable_time_ms = 60000\n"},
    Row{"read-only-key", "net.ipv4.tcp_available_congestion_control = cubic bbr\n",
        "net.ipv4.tcp_allowed_congestion_control = cubic bbr\n"},
    Row{"needs-module", "net.netfilter.nf_conntrack_max = 1000000\n", "net.ipv4.tcp_mtu_probing = 1\n"},
    Row{"needs-module", "net.bridge.bridge-nf-call-iptables = 0\n", "net.ipv4.tcp_mtu_probing = 1\n"},
    Row{"overridden", "net.ipv4.tcp_mtu_probing = 1\nnet.ipv4.tcp_mtu_probing = 2\n",
        "net.ipv4.conf.*.forwarding = 1\nnet.ipv4.conf.eth0.forwarding = 0\n"},

    Row{"no-value", "net.core.somaxconn =\n", "net.ipv4.ip_local_reserved_ports =\n"},
    Row{"out-of-range", "net.core.somaxconn = 99999999999999999999\n", "fs.file-max = 18446744073709551615\n"},
    Row{"size-suffix", "net.core.rmem_max = 64M\n", "net.core.rmem_max = 67108864\n"},
    Row{"octal-number", "net.ipv4.tcp_syn_retries = 010\n", "net.ipv4.tcp_syn_retries = 3\n"},
    Row{"octal-number", "net.ipv4.tcp_keepalive_time = 0600\n", "net.ipv4.icmp_ratemask = 0x1819\n"},
    Row{"wrong-arity", "net.ipv4.tcp_rmem = 67108864\n", "net.ipv4.tcp_rmem = 4096 131072 67108864\n"},
    Row{"wrong-arity", "net.core.somaxconn = 8192 8192\n", "net.core.somaxconn = 8192\n"},
    Row{"wrong-arity", "net.core.somaxconn = many\n", "net.ipv4.tcp_congestion_control = cubic\n"},
    Row{"out-of-range", "net.ipv4.tcp_fin_timeout = -5\n", "net.ipv4.tcp_fin_timeout = 60\n"},
    Row{"out-of-range", "net.ipv4.tcp_rmem = 4096 131072 65536\n", "net.ipv4.tcp_rmem = 4096 131072 67108864\n"},
    Row{"out-of-range", "net.ipv4.tcp_mem = 8589934592 8589934592 8589934592\n", "net.ipv4.tcp_mem = 1 2 3\n"},
    Row{"pages-not-bytes", "net.ipv4.tcp_mem = 67108864 67108864 67108864\n",
        "net.ipv4.tcp_mem = 786432 1048576 1572864\n"},
    Row{"pages-not-bytes", "net.ipv4.udp_mem = 4096 87380 8388608\nnet.core.rmem_max = 8388608\n",
        "net.ipv4.udp_mem = 262144 327680 393216\nnet.core.rmem_max = 8388608\n"},
    Row{"seconds-not-milliseconds", "net.ipv4.tcp_keepalive_time = 600000\n", "net.ipv4.tcp_keepalive_time = 600\n"},
    Row{"below-two-jiffies", "net.core.netdev_budget_usecs = 1000\n", "net.core.netdev_budget_usecs = 8000\n"},
    Row{"privileged-port-range", "net.ipv4.ip_local_port_range = 1000 65535\n",
        "net.ipv4.ip_unprivileged_port_start = 500\nnet.ipv4.ip_local_port_range = 1000 65535\n"},
    Row{"privileged-port-range",
        "net.ipv4.ip_local_port_range = 1000 65535\nnet.ipv4.ip_unprivileged_port_start = 500\n",
        "net.ipv4.ip_local_port_range = 1024 65535\n"},

    Row{"equals-default", "net.ipv4.tcp_keepalive_time = 7200\n", "net.ipv4.tcp_keepalive_time = 600\n"},
    Row{"equals-default", "net.core.somaxconn = 4096\n", "net.core.somaxconn = 8192\n"},
    Row{"equals-default", "net.ipv4.tcp_rmem = 4096 131072 33554432\n", "net.ipv4.tcp_syncookies = 1\n"},
    Row{"equals-default", "net.core.somaxconn = 128\n", "net.core.somaxconn = 4096\n", {4, 19, 0}},
    Row{"below-default", "net.core.somaxconn = 1024\n", "net.core.somaxconn = 8192\n"},
    Row{"below-default", "net.ipv4.tcp_rmem = 4096 87380 67108864\n", "net.ipv4.tcp_rmem = 4096 131072 67108864\n"},
    Row{"below-default", "net.ipv4.tcp_rmem = 4096 131072 6291456\n", "net.ipv4.tcp_wmem = 4096 16384 8388608\n"},
    Row{"below-default", "net.ipv4.ip_local_port_range = 40000 50000\n",
        "net.ipv4.ip_local_port_range = 15000 64999\n"},
    Row{"below-default", "net.core.rmem_max = 212992\n", "net.core.rmem_max = 16777216\n"},

    Row{"harmful", "net.ipv4.tcp_timestamps = 0\n", "net.ipv4.tcp_timestamps = 1\n"},
    Row{"harmful", "net.ipv4.tcp_sack = 0\n", "net.ipv4.tcp_sack = 1\n"},
    Row{"harmful", "net.ipv4.tcp_max_tw_buckets = 5000\n", "net.ipv4.tcp_max_tw_buckets = 2000000\n"},
    Row{"harmful", "net.ipv4.tcp_abort_on_overflow = 1\n", "net.ipv4.tcp_abort_on_overflow = 0\n"},
    Row{"harmful", "net.ipv4.tcp_tw_recycle = 1\n", "net.ipv4.tcp_tw_recycle = 0\n", {4, 4, 0}},
    Row{"weakens-security", "net.ipv4.tcp_syncookies = 0\n", "net.ipv4.tcp_syncookies = 2\n"},
    Row{"weakens-security", "net.ipv4.conf.all.accept_redirects = 1\n",
        "net.ipv4.conf.all.accept_redirects = 0\nnet.ipv4.conf.default.accept_redirects = 0\n"},
    Row{"weakens-security", "net.ipv4.conf.eth0.route_localnet = 1\n", "net.ipv4.conf.eth0.route_localnet = 0\n"},
    Row{"large-initial-buffer", "net.core.rmem_default = 16777216\n", "net.core.rmem_default = 425984\n"},
    Row{"large-initial-buffer", "net.ipv4.tcp_rmem = 4096 16777216 67108864\n",
        "net.ipv4.tcp_rmem = 4096 262144 67108864\n"},
    Row{"large-initial-buffer", "net.ipv4.tcp_wmem = 4096 65536 67108864\n",
        "net.ipv4.tcp_wmem = 4096 16384 67108864\n"},

    Row{"long-accept-queue", "net.core.somaxconn = 65535\n", "net.core.somaxconn = 16384\n"},
    Row{"algorithm-for-all", "net.ipv4.tcp_congestion_control = bbr\n", "net.ipv4.tcp_congestion_control = cubic\n"},
    Row{"algorithm-for-all", "net.ipv4.tcp_congestion_control = hybla\n", "net.ipv4.tcp_congestion_control = dctcp\n"},
    Row{"fastopen-needs-programs", "net.ipv4.tcp_fastopen = 3\n", "net.ipv4.tcp_fastopen = 1027\n"},
    Row{"fastopen-needs-programs", "net.ipv4.tcp_fastopen = 2\n", "net.ipv4.tcp_fastopen = 0\n"},
    Row{"time-wait-remedy", "net.ipv4.tcp_fin_timeout = 15\n", "net.ipv4.tcp_fin_timeout = 90\n"},
    Row{"time-wait-remedy", "net.ipv4.tcp_tw_reuse = 1\n", "net.ipv4.tcp_tw_reuse = 0\n"},
    Row{"core-maximum-and-tcp", "net.core.rmem_max = 67108864\nnet.ipv4.tcp_rmem = 4096 131072 67108864\n",
        "net.core.rmem_max = 16777216\nnet.ipv4.tcp_rmem = 4096 131072 67108864\n"},
    Row{"syn-backlog-unused", "net.ipv4.tcp_max_syn_backlog = 8192\n",
        "net.ipv4.tcp_max_syn_backlog = 8192\nnet.ipv4.tcp_syncookies = 0\n"},
    Row{"ports-of-services", "net.ipv4.ip_local_port_range = 1024 65535\n",
        "net.ipv4.ip_local_port_range = 1024 65535\nnet.ipv4.ip_local_reserved_ports = 3306,5432,8080\n"},
    Row{"idle-restart-and-bbr", "net.ipv4.tcp_slow_start_after_idle = 0\nnet.ipv4.tcp_congestion_control = bbr\n",
        "net.ipv4.tcp_slow_start_after_idle = 0\n"},

    Row{"contradiction", "net.core.rmem_default = 900000\nnet.core.rmem_max = 500000\n",
        "net.core.rmem_default = 500000\nnet.core.rmem_max = 8000000\n"},
    Row{"contradiction", "net.ipv4.neigh.default.gc_thresh2 = 8192\nnet.ipv4.neigh.default.gc_thresh3 = 4096\n",
        "net.ipv4.neigh.default.gc_thresh2 = 4096\nnet.ipv4.neigh.default.gc_thresh3 = 8192\n"},
    Row{"contradiction", "vm.dirty_ratio = 10\nvm.dirty_bytes = 100000000\n", "vm.dirty_ratio = 10\n"},
    Row{"contradiction", "net.ipv4.tcp_tw_reuse = 1\nnet.ipv4.tcp_timestamps = 0\n",
        "net.ipv4.tcp_tw_reuse = 1\nnet.ipv4.tcp_timestamps = 1\n"},
    Row{"order-dependent", "net.ipv4.conf.eth1.forwarding = 0\nnet.ipv4.ip_forward = 1\n",
        "net.ipv4.ip_forward = 1\nnet.ipv4.conf.eth1.forwarding = 0\n"},
    Row{"order-dependent", "net.ipv4.ipfrag_low_thresh = 6000000\nnet.ipv4.ipfrag_high_thresh = 8000000\n",
        "net.ipv4.ipfrag_high_thresh = 8000000\nnet.ipv4.ipfrag_low_thresh = 6000000\n"},
    Row{"order-dependent", "net.ipv4.tcp_reordering = 500\nnet.ipv4.tcp_max_reordering = 1000\n",
        "net.ipv4.tcp_max_reordering = 1000\nnet.ipv4.tcp_reordering = 500\n"},
    Row{"contradiction", "net.ipv4.tcp_reordering = 500\n", "net.ipv4.tcp_reordering = 300\n"},
    Row{"conntrack-buckets", "net.netfilter.nf_conntrack_max = 4194304\n",
        "net.netfilter.nf_conntrack_max = 4194304\nnet.netfilter.nf_conntrack_buckets = 4194304\n"},

    Row{"all-does-not-reach", "net.ipv4.conf.all.send_redirects = 0\n",
        "net.ipv4.conf.all.send_redirects = 0\nnet.ipv4.conf.default.send_redirects = 0\n"},
    Row{"all-does-not-reach", "net.ipv6.conf.all.accept_ra = 0\n", "net.ipv6.conf.all.forwarding = 1\n"},
    Row{"all-does-not-reach", "net.ipv4.conf.all.bc_forwarding = 1\n", "net.ipv4.conf.all.arp_filter = 1\n"},
    Row{"all-does-not-reach", "net.ipv6.conf.all.accept_redirects = 0\n",
        "net.ipv6.conf.all.accept_redirects = 0\nnet.ipv6.conf.*.accept_redirects = 0\n"},
    Row{"all-does-not-reach", "net.ipv4.conf.all.accept_redirects = 0\n",
        "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.accept_redirects = 0\n"},
    Row{"default-reaches-later", "net.ipv4.conf.default.arp_ignore = 1\n", "net.ipv4.conf.all.arp_ignore = 1\n"},
    Row{"all-outweighs-interface", "net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.eth1.rp_filter = 0\n",
        "net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.default.rp_filter = 1\n"},
    Row{"all-outweighs-interface", "net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.eth1.rp_filter = 2\n",
        "net.ipv4.conf.all.arp_announce = 0\nnet.ipv4.conf.eth1.arp_announce = 2\n"},
};

lint::Target on(KernelVersion kernel)
{
    lint::Target target;
    target.kernel = kernel;
    return target;
}

} // namespace

TEST_CASE("each rule speaks about the guilty line and not about the innocent one")
{
    for (const Row& row : rows) {
        CAPTURE(row.rule);
        CAPTURE(row.guilty);
        CAPTURE(row.innocent);
        CHECK(says(lint_text_of(std::string(row.guilty), on(row.kernel)), row.rule));
        CHECK_FALSE(says(lint_text_of(std::string(row.innocent), on(row.kernel)), row.rule));
    }
}

TEST_CASE("every rule has a test that makes it speak")
{
    std::set<std::string_view> tested{"unreadable-file", "binary-file", "long-line", "absent-interface",
                                      "too-much-memory"}; // below
    for (const Row& row : rows)
        tested.insert(row.rule);
    std::set<std::string_view> ids;
    for (const LintRule& rule : lint::rules()) {
        CAPTURE(rule.id);
        CHECK(tested.contains(rule.id));
        CHECK_FALSE(rule.summary.empty());
        CHECK(ids.insert(rule.id).second);
    }
}

TEST_CASE("a file of sensible values yields nothing")
{
    const auto found = lint_text_of("# a web server far from its clients\n"
                                    "net.core.somaxconn = 8192\n"
                                    "net.core.rmem_max = 16777216\n"
                                    "net.ipv4.tcp_rmem = 4096 131072 67108864\n"
                                    "net.ipv4.tcp_wmem = 4096 16384 67108864\n"
                                    "net.ipv4.tcp_notsent_lowat = 131072\n"
                                    "net.ipv4.tcp_mtu_probing = 1\n"
                                    "net.ipv4.tcp_slow_start_after_idle = 0\n"
                                    "net.ipv4.ip_local_port_range = 15000 64999\n"
                                    "net.ipv4.tcp_keepalive_time = 300\n"
                                    "net.ipv4.tcp_keepalive_intvl = 15\n"
                                    "net.ipv4.tcp_keepalive_probes = 4\n"
                                    "net.ipv4.tcp_syncookies = 1\n"
                                    "net.ipv4.tcp_timestamps = 1\n"
                                    "net.ipv4.conf.all.rp_filter = 2\n"
                                    "net.ipv4.conf.default.rp_filter = 2\n"
                                    "net.ipv4.conf.all.accept_redirects = 0\n"
                                    "net.ipv4.conf.default.accept_redirects = 0\n"
                                    "net.ipv4.conf.all.send_redirects = 0\n"
                                    "net.ipv4.conf.default.send_redirects = 0\n"
                                    "net/ipv4/conf/eth0.100/arp_ignore = 1\r\n"
                                    "-net.ipv4.conf.eth2.*\n"
                                    "net.core.default_qdisc = fq\n"
                                    "net.core.netdev_max_backlog = 4000\n"
                                    "fs.file-max = 2097152\n"
                                    "vm.swappiness = 10\n"
                                    "kernel.panic = 10\n"
                                    "kernel.core_pattern = |/usr/lib/systemd/systemd-coredump %P %u\n");
    for (const Diagnostic& one : found)
        MESSAGE(one.at.line << ": " << one.rule << ": " << one.message);
    CHECK(found.empty());
}

TEST_CASE("files that distributions and container platforms ship are left in peace")
{
    lint::Target node = newest_kernel();
    node.workload = Workload::Kubernetes;
    node.boot_modules = {"br_netfilter", "nf_conntrack"};
    CHECK(lint_text_of("net.bridge.bridge-nf-call-iptables = 1\nnet.bridge.bridge-nf-call-ip6tables = 1\n"
                       "net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n",
                       node)
              .empty());
    // systemd's 50-default.conf
    CHECK(lint_text_of("kernel.sysrq = 16\nkernel.core_uses_pid = 1\nnet.ipv4.conf.default.rp_filter = 2\n"
                       "net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\n"
                       "net.ipv4.conf.default.accept_source_route = 0\nnet.ipv4.conf.*.accept_source_route = 0\n"
                       "-net.ipv4.conf.all.accept_source_route\nnet.ipv4.conf.default.promote_secondaries = 1\n"
                       "net.ipv4.conf.*.promote_secondaries = 1\n-net.ipv4.conf.all.promote_secondaries\n"
                       "-net.ipv4.ping_group_range = 0 2147483647\n-net.core.default_qdisc = fq_codel\n"
                       "fs.protected_hardlinks = 1\nfs.protected_symlinks = 1\n")
              .empty());
}

TEST_CASE("the copied recipe gets each of its lines corrected, and no line more")
{
    std::ifstream file(NETWRIGHT_SOURCE_DIR "/tests/fixtures/lint/recipe.conf");
    std::stringstream text;
    text << file.rdbuf();
    const auto found = lint_text_of(text.str());
    const std::vector<std::pair<std::uint32_t, std::string>> wanted{
        {2, "long-accept-queue"},       {3, "syn-backlog-unused"},
        {4, "core-maximum-and-tcp"},    {5, "core-maximum-and-tcp"},
        {6, "large-initial-buffer"},    {7, "large-initial-buffer"},
        {8, "below-default"},           {9, "large-initial-buffer"},
        {10, "time-wait-remedy"},       {11, "time-wait-remedy"},
        {12, "algorithm-for-all"},      {13, "ports-of-services"},
        {14, "idle-restart-and-bbr"},   {15, "harmful"},
        {16, "fastopen-needs-programs"}};
    std::vector<std::pair<std::uint32_t, std::string>> said;
    for (const Diagnostic& one : found)
        said.emplace_back(one.at.line, one.rule);
    CHECK(said == wanted);
    CHECK(the(found, "below-default").fix.what == TextFix::What::CommentOut); // the kernel does just that by itself
}

TEST_CASE("a place names line and column of what is meant")
{
    const auto found = lint_text_of("# one\n\n  net.ipv4.tcp_rmem =  4096 87380 67108864  \n");
    REQUIRE(found.size() == 1);
    CHECK(found[0].at == TextPlace{3, 24, 19});
    CHECK(the(lint_text_of("\xef\xbb\xbfnet.core.somaxcon = 1\n"), "misspelt-key").at == TextPlace{1, 4, 17});
}

TEST_CASE("hostile texts are named with their place, and what can be read is judged")
{
    const auto binary = lint_text_of(std::string("net.core.somaxconn = 128\nab\0cd = 1\nnet.core.x = 1\n", 51));
    CHECK(rule_ids(binary) == std::vector<std::string>{"below-default", "binary-file"});
    CHECK(the(binary, "binary-file").at == TextPlace{2, 3, 1});

    const auto long_line = lint_text_of(std::string(1 << 20, 'x') + "\nnet.core.somaxconn = 128\n");
    CHECK(the(long_line, "long-line").at.line == 1);
    CHECK(says(long_line, "below-default", 2));

    const std::vector<SourceText> unreadable{{"a.conf", "", "a.conf: permission denied", false}};
    const auto found = lint::lint(unreadable, newest_kernel());
    REQUIRE(found.size() == 1);
    CHECK(found[0].rule == "unreadable-file");
    CHECK(found[0].message.find("permission denied") != std::string::npos);

    CHECK(lint_text_of("").empty());
    CHECK(lint_text_of("\r\n\r\n# x\r\nnet.ipv4.tcp_mtu_probing = 1\r\n").empty());
}

TEST_CASE("later files win over earlier ones, and shipped ones are made to be overridden")
{
    const std::vector<SourceText> sources{
        {"/usr/lib/sysctl.d/50-x.conf", "net.ipv4.tcp_mtu_probing = 2\n", "", true},
        {"/etc/sysctl.d/60-a.conf", "net.core.somaxconn = 128\n", "", false},
        {"/etc/sysctl.d/70-b.conf", "net.core.somaxconn = 8192\nnet.ipv4.tcp_mtu_probing = 1\n", "", false}};
    const auto found = lint::lint(sources, newest_kernel());
    REQUIRE(rule_ids(found) == std::vector<std::string>{"overridden"}); // 128 never stands, so it is not judged
    CHECK(found[0].source == 1);
    CHECK(found[0].message.find("/etc/sysctl.d/70-b.conf:1") != std::string::npos);
}

TEST_CASE("a line that takes back an earlier one is no repetition of the default")
{
    const auto found = lint_text_of("net.core.somaxconn = 128\nnet.core.somaxconn = 4096\n");
    CHECK(rule_ids(found) == std::vector<std::string>{"overridden"});
}

TEST_CASE("the host's own keys, interfaces, HZ, modules and memory decide where they are known")
{
    lint::Target host = newest_kernel();
    host.keys = {"net.core.strange", "net.netfilter.nf_conntrack_max", "net.ipv4.tcp_tw_recycle"};
    host.interfaces = {"lo", "eth0", "eth0.100"};
    host.hz = 1000;
    host.memory = Bytes{std::uint64_t{8} << 30};
    const auto silent = lint_text_of("net.core.strange = 1\nnet.netfilter.nf_conntrack_max = 500000\n"
                                     "net.ipv4.conf.eth0/100.arp_ignore = 1\nnet.core.netdev_budget_usecs = 4000\n",
                                     host);
    CHECK(silent.empty());
    CHECK(says(lint_text_of("net.ipv4.conf.eth7.arp_ignore = 1\n", host), "absent-interface"));
    CHECK_FALSE(says(lint_text_of("net.ipv4.conf.all.arp_ignore = 1\n", host), "absent-interface"));
    const auto refused = lint_text_of("net.core.netdev_budget_usecs = 1500\n", host);
    CHECK(the(refused, "below-two-jiffies").level == Level::Error);
    CHECK(the(refused, "below-two-jiffies").fix.text == "2000");
    CHECK(says(lint_text_of("net.ipv4.tcp_mem = 400000 500000 600000\n", host), "too-much-memory"));
    CHECK(says(lint_text_of("vm.min_free_kbytes = 1048576\n", host), "too-much-memory"));
    CHECK_FALSE(says(lint_text_of("vm.min_free_kbytes = 131072\n", host), "too-much-memory"));
    CHECK(says(lint_text_of("net.ipv4.tcp_mem = 4000000 5000000 6000000\n", host), "pages-not-bytes"));
    lint::Target prepared = newest_kernel();
    prepared.boot_modules = {"nf_conntrack"};
    CHECK_FALSE(says(lint_text_of("net.netfilter.nf_conntrack_acct = 1\n", prepared), "needs-module"));
}

TEST_CASE("a small host's own tcp_rmem maximum is computed from its memory")
{
    lint::Target host = newest_kernel();
    host.memory = Bytes{std::uint64_t{1} << 30}; // 8 MiB by itself
    CHECK_FALSE(says(lint_text_of("net.ipv4.tcp_rmem = 4096 131072 16777216\n", host), "below-default"));
    CHECK(says(lint_text_of("net.ipv4.tcp_rmem = 4096 131072 4194304\n", host), "below-default"));
}

TEST_CASE("a line written for a smaller host lowers what this one computes from its memory")
{
    constexpr auto line = "net.ipv4.tcp_mem = 65536 131072 262144\n"; // a GiB
    lint::Target host = newest_kernel();
    CHECK_FALSE(says(lint_text_of(line, host), "below-default"));
    host.memory = Bytes{std::uint64_t{24} << 30}; // 2.2 GiB by itself
    CHECK(says(lint_text_of(line, host), "below-default"));
    CHECK(says(lint_text_of("net.ipv4.tcp_max_orphans = 32768\n", host), "below-default"));
    CHECK_FALSE(says(lint_text_of("net.ipv4.tcp_max_orphans = 131072\n", host), "below-default"));
    CHECK_FALSE(says(lint_text_of("net.ipv4.tcp_mem = 280000 370000 560000\n", host), "below-default"));
    host.memory = Bytes{std::uint64_t{4} << 30};
    CHECK_FALSE(says(lint_text_of(line, host), "below-default"));
}

TEST_CASE("what the hosts are for silences advice that does not fit it")
{
    lint::Target proxy = newest_kernel();
    proxy.workload = Workload::Proxy;
    CHECK(lint_text_of("net.ipv4.tcp_tw_reuse = 1\nnet.ipv4.tcp_congestion_control = bbr\n", proxy).empty());
    lint::Target idle = newest_kernel();
    idle.workload = Workload::IdleConnections;
    CHECK(lint_text_of("net.ipv4.tcp_rmem = 4096 16384 1048576\n", idle).empty());
    lint::Target node = newest_kernel();
    node.workload = Workload::Kubernetes;
    CHECK_FALSE(says(lint_text_of("net.ipv4.conf.all.rp_filter = 0\n", node), "weakens-security"));
    CHECK(says(lint_text_of("net.ipv4.conf.all.rp_filter = 0\n"), "weakens-security"));
}

TEST_CASE("ten thousand strange keys get a few guesses, not a look at the catalogue each")
{
    std::string text;
    for (int i = 0; i < 10'000; ++i)
        text += "net.ipv4.tcp_rmen" + std::to_string(i) + " = 1\n";
    const auto found = lint_text_of(text);
    CHECK(found.size() == 10'000);
    CHECK(says(found, "unknown-key", 10'000));
}
