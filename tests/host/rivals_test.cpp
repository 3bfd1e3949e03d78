// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/rivals.h"
#include "tunable/tree.h"

#include <doctest/doctest.h>

using namespace netwright;
using netwright::test::Tree;

namespace {

std::string lines(const Tree& tree, const char* tunable)
{
    std::string all;
    for (const std::string& line : host::rivals_for(tree.kernel().files, *parse_tunable(tunable)))
        all += line + '\n';
    return all;
}

bool contains(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

} // namespace

TEST_CASE("nobody else sets anything on a host without services and rules")
{
    const Tree tree;
    for (const char* tunable : {"net.core.somaxconn", "link/eth0/mtu", "nic/eth0/ring/rx", "queue/eth0/rx-0/rps_cpus"})
        CHECK(lines(tree, tunable).empty());
}

TEST_CASE("NetworkManager is named for the devices that it manages, and for what it can set")
{
    Tree tree;
    tree.put("sys/class/net/eth0/ifindex", "2\n");
    tree.put("run/NetworkManager/devices/2", "[device]\nmanaged=true\nconnection-uuid=11-22\n");
    CHECK(contains(lines(tree, "nic/eth0/ring/rx"), "NetworkManager manages eth0"));
    CHECK(contains(lines(tree, "link/eth0/mtu"), "connection show 11-22"));
    CHECK_FALSE(contains(lines(tree, "link/eth0/mtu"), "our dispatcher script"));
    tree.put("etc/NetworkManager/dispatcher.d/50-netwright", "#!/bin/sh\n#   link/eth0/mtu\nexit 0\n");
    CHECK(contains(lines(tree, "link/eth0/mtu"), "; our dispatcher script sets it again after that"));
    CHECK_FALSE(contains(lines(tree, "nic/eth0/ring/rx"), "our dispatcher script"));
    CHECK(lines(tree, "queue/eth0/rx-0/rps_cpus").empty());
    tree.put("run/NetworkManager/devices/2", "[device]\nmanaged=false\n");
    CHECK(lines(tree, "nic/eth0/ring/rx").empty());
}

TEST_CASE("networkd is named where its file for the link has an MTU")
{
    Tree tree;
    tree.put("sys/class/net/eth0/ifindex", "2\n");
    tree.put("run/systemd/netif/links/2", "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/lan.network\n");
    tree.put("etc/systemd/network/lan.network", "[Network]\nDHCP=yes\n");
    CHECK(lines(tree, "link/eth0/mtu").empty());
    tree.put("etc/systemd/network/lan.network", "[Link]\nMTUBytes=9000\n");
    CHECK(contains(lines(tree, "link/eth0/mtu"), "systemd-networkd sets the MTU of eth0 (/etc/systemd/network/lan"));
}

TEST_CASE("tuned's active profile is followed through what it includes")
{
    Tree tree;
    tree.put("etc/tuned/active_profile", "network-throughput\n");
    tree.put("usr/lib/tuned/network-throughput/tuned.conf", "[main]\ninclude=throughput-performance\n");
    tree.put("usr/lib/tuned/throughput-performance/tuned.conf",
             "[main]\ninclude=network-throughput\n[sysctl]\nnet.core.somaxconn = 2048\n[net]\nring=rx 4096\n");
    CHECK(contains(lines(tree, "net.core.somaxconn"), "tuned profile throughput-performance sets it"));
    CHECK(contains(lines(tree, "nic/eth0/ring/rx"), "tuned profile throughput-performance"));
    CHECK(lines(tree, "net.core.rmem_max").empty());
    CHECK(lines(tree, "nic/eth0/pause/rx").empty());
}

TEST_CASE("udev rules, ifupdown, cloud-init and docker are named where their files say so")
{
    Tree tree;
    tree.put("etc/udev/rules.d/70-net.rules", "# ethtool in a comment\nACTION==\"add\", ATTR{tx_queue_len}=\"5000\"\n");
    CHECK(contains(lines(tree, "link/eth0/txqueuelen"), "/etc/udev/rules.d/70-net.rules"));
    CHECK(lines(tree, "nic/eth0/ring/rx").empty());
    tree.put("etc/network/interfaces", "auto eth0\niface eth0 inet dhcp\n  up ethtool -G eth0 rx 4096\n");
    CHECK(contains(lines(tree, "nic/eth0/ring/rx"), "ifup may set it"));
    tree.put("etc/netplan/50-cloud-init.yaml", "network:\n  ethernets:\n    eth0:\n      mtu: 9001\n");
    CHECK(contains(lines(tree, "link/eth0/mtu"), "cloud-init writes the MTU anew"));
    CHECK(lines(tree, "net.ipv4.ip_forward").empty());
    tree.put("run/docker.pid", "1\n");
    CHECK(contains(lines(tree, "net.ipv4.ip_forward"), "docker"));
    CHECK(lines(tree, "net.core.somaxconn").empty());
}
