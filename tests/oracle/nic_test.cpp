// SPDX-License-Identifier: GPL-2.0-or-later
// What collect_nics says equals what ip and ethtool say, on a namespace's devices and on the host's own, read-only.
#include "host/collect.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "support/netns.h"
#include "support/program.h"

using namespace netwright;
using support::must, support::must_json, support::Netns;

namespace {

const Nic& named(const std::vector<Nic>& nics, const std::string& name)
{
    const auto found = std::ranges::find(nics, name, &Nic::name);
    if (found == nics.end()) throw std::runtime_error("no interface " + name);
    return *found;
}

bool has_flag(const nlohmann::json& link, const char* flag)
{
    return std::ranges::find(link["flags"], flag) != link["flags"].end();
}

void compare_with_ip(const std::vector<Nic>& nics)
{
    const auto links = must_json("ip -j -s -s -d link");
    REQUIRE(links.size() == nics.size());
    for (const auto& link : links) {
        const Nic& nic = named(nics, link["ifname"]);
        CAPTURE(nic.name);
        CHECK(nic.index == link["ifindex"].get<std::uint32_t>());
        CHECK(nic.mtu == link["mtu"].get<std::uint32_t>());
        CHECK(nic.min_mtu.value_or(0) == link.value("min_mtu", 0U));
        CHECK(nic.max_mtu.value_or(0) == link.value("max_mtu", 0U));
        CHECK(nic.txqueuelen == link.value("txqlen", 0U));
        CHECK(nic.rx_queues == link["num_rx_queues"].get<std::uint32_t>());
        CHECK(nic.tx_queues == link["num_tx_queues"].get<std::uint32_t>());
        CHECK(nic.address == link.value("address", ""));
        CHECK(nic.up == has_flag(link, "UP"));
        CHECK(nic.carrier == has_flag(link, "LOWER_UP"));
        CHECK(nic.loopback == has_flag(link, "LOOPBACK"));
        CHECK(nic.kind == (link.contains("linkinfo") ? link["linkinfo"].value("info_kind", "") : ""));
        CHECK(nic.limits.gso_max_size == link["gso_max_size"].get<std::uint32_t>());
        CHECK(nic.limits.gso_max_segs == link["gso_max_segs"].get<std::uint32_t>());
    }
}

// A pair of wires, a bridge over one end, a VLAN on the other where this kernel has them, a tun with several queues.
void build_devices()
{
    must("ip link add w0 numtxqueues 2 numrxqueues 2 type veth peer name w1 numtxqueues 2 numrxqueues 2");
    must("ip link add br0 type bridge");
    must("ip link set w1 master br0");
    must("ip link set w0 mtu 9000 txqueuelen 77");
    (void)support::run(support::words("ip link add link w0 name w0.7 type vlan id 7"));
    must("ip tuntap add dev tun0 mode tun multi_queue");
    for (const char* name : {"lo", "w0", "w1", "br0", "tun0"})
        must(std::string("ip link set ") + name + " up");
}

} // namespace

TEST_CASE("links of a namespace are what ip says" * doctest::skip(!support::is_root()))
{
    const Netns netns;
    build_devices();
    auto kernel = netns.kernel();
    const auto nics = host::collect_nics(kernel);
    REQUIRE(nics);
    compare_with_ip(*nics);
    CHECK(named(*nics, "w1").master == named(*nics, "br0").index);
    CHECK(named(*nics, "tun0").kind == "tun");
}

TEST_CASE("links of this host are what ip says")
{
    auto kernel = kernel::Kernel::live();
    const auto nics = host::collect_nics(kernel);
    REQUIRE(nics);
    compare_with_ip(*nics);
}
