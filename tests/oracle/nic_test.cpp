// SPDX-License-Identifier: GPL-2.0-or-later
// What collect_nics says equals what ip and ethtool say, on a namespace's devices and on the host's own, read-only.
#include "base/text.h"
#include "host/collect.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

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

// "key: value" lines of ethtool, in order of appearance; a key may come twice (maximum, current).
std::vector<std::pair<std::string, std::string>> pairs(const std::string& text)
{
    std::vector<std::pair<std::string, std::string>> found;
    for (std::string_view rest = text, line; next_line(rest, line);) {
        const auto colon = line.rfind(": ") != line.npos ? line.rfind(": ") : line.rfind(':');
        if (colon != line.npos) found.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
    }
    return found;
}

std::string value(const std::string& text, std::string_view key, int skip = 0)
{
    for (const auto& [name, value] : pairs(text))
        if (name == key && skip-- == 0) return value;
    return "missing";
}

// ethtool writes "n/a" for what the driver did not tell.
std::string or_na(std::optional<std::uint32_t> number) { return number ? std::to_string(*number) : "n/a"; }
std::string or_na(std::uint32_t number) { return number != 0 ? std::to_string(number) : "n/a"; }

std::string ethtool(const std::string& option, const Nic& nic)
{
    const support::Output output = support::run({"ethtool", option, nic.name});
    return output.status == 0 ? output.out : "";
}

void compare_features(const Nic& nic)
{
    const auto told = must_json("ethtool --json -k " + nic.name)[0];
    REQUIRE(nic.features);
    std::size_t compared = 0;
    for (const Feature& feature : *nic.features) {
        if (!told.contains(feature.name)) continue;
        CAPTURE(feature.name);
        ++compared;
        CHECK(feature.active == told[feature.name]["active"].get<bool>());
        if (told[feature.name]["fixed"].is_boolean()) CHECK(feature.fixed == told[feature.name]["fixed"].get<bool>());
        if (told[feature.name]["requested"].is_boolean())
            CHECK(feature.wanted == told[feature.name]["requested"].get<bool>());
    }
    CHECK(compared > 40); // ethtool calls some groups by names of its own
}

void compare_channels(const Nic& nic)
{
    const std::string told = ethtool("-l", nic);
    REQUIRE(nic.channels.has_value() == !told.empty());
    if (told.empty()) return;
    const auto now = [](std::uint32_t max, std::uint32_t count) { return max != 0 ? std::to_string(count) : "n/a"; };
    CHECK(or_na(nic.channels->rx_max) == value(told, "RX"));
    CHECK(now(nic.channels->rx_max, nic.channels->rx) == value(told, "RX", 1));
    CHECK(or_na(nic.channels->tx_max) == value(told, "TX"));
    CHECK(now(nic.channels->tx_max, nic.channels->tx) == value(told, "TX", 1));
    CHECK(or_na(nic.channels->other_max) == value(told, "Other"));
    CHECK(or_na(nic.channels->combined_max) == value(told, "Combined"));
    CHECK(now(nic.channels->combined_max, nic.channels->combined) == value(told, "Combined", 1));
}

void compare_rings(const Nic& nic)
{
    const std::string told = ethtool("-g", nic);
    if (!told.empty()) {
        CHECK(or_na(nic.rx_ring ? nic.rx_ring->longest : 0) == value(told, "RX"));
        CHECK(or_na(nic.rx_ring ? nic.rx_ring->length : 0) == value(told, "RX", 1));
        CHECK(or_na(nic.tx_ring ? nic.tx_ring->longest : 0) == value(told, "TX"));
        CHECK(or_na(nic.tx_ring ? nic.tx_ring->length : 0) == value(told, "TX", 1));
    } else {
        CHECK_FALSE(nic.rx_ring);
        CHECK(nic.tx_ring.error().kind == Error::Kind::Unsupported);
    }
}

void compare_coalescing(const Nic& nic)
{
    const std::string told = ethtool("-c", nic);
    REQUIRE(nic.coalescing.has_value() == !told.empty());
    if (told.empty()) return;
    CHECK(or_na(nic.coalescing->rx_usecs) == value(told, "rx-usecs"));
    CHECK(or_na(nic.coalescing->rx_frames) == value(told, "rx-frames"));
    CHECK(or_na(nic.coalescing->tx_usecs) == value(told, "tx-usecs"));
    CHECK(or_na(nic.coalescing->tx_frames) == value(told, "tx-frames"));
    CHECK(or_na(nic.coalescing->rx_usecs_irq) == value(told, "rx-usecs-irq"));
    CHECK(or_na(nic.coalescing->tx_frames_irq) == value(told, "tx-frames-irq"));
    const auto adaptive = [](std::optional<bool> on) { return !on ? "n/a" : *on ? "on" : "off"; };
    const std::string line = fmt::format("Adaptive RX: {}  TX: {}", adaptive(nic.coalescing->adaptive_rx),
                                         adaptive(nic.coalescing->adaptive_tx));
    CHECK(told.find(line) != told.npos);
}

void compare_driver(const Nic& nic)
{
    const std::string told = ethtool("-i", nic);
    if (told.empty()) {
        CHECK(nic.driver.error().kind == Error::Kind::Unsupported);
        return;
    }
    CHECK(nic.driver.value_or("") == value(told, "driver"));
    CHECK(nic.driver_version.value_or("") == value(told, "version"));
    const std::string firmware = value(told, "firmware-version"); // "N/A" is as good as nothing
    CHECK(nic.firmware_version.value_or("") == (firmware == "N/A" ? "" : firmware));
    const std::string bus = value(told, "bus-info");
    CHECK(nic.bus.value_or("") == (bus == "N/A" ? "" : bus));
}

// Counters move on while ethtool starts: ours, taken before, may be smaller.
void compare_statistics(const Nic& nic)
{
    const auto told = pairs(ethtool("-S", nic));
    REQUIRE(nic.driver_statistics.has_value() == !told.empty());
    if (told.empty()) return;
    CHECK(nic.driver_statistics->all().size() + 1 == told.size()); // its headline is one more
    for (const NamedCounter& counter : nic.driver_statistics->all()) {
        CAPTURE(counter.name);
        const auto found = std::ranges::find(told, counter.name, &std::pair<std::string, std::string>::first);
        REQUIRE(found != told.end());
        CHECK(counter.counter.total <= std::stoull(found->second));
    }
}

void compare_link_modes(const Nic& nic)
{
    const std::string told = support::run({"ethtool", nic.name}).out;
    if (nic.speed_mbit)
        CHECK(fmt::format("{}Mb/s", *nic.speed_mbit) == value(told, "Speed"));
    else
        CHECK((value(told, "Speed") == "Unknown!" || value(told, "Speed") == "missing"));
    if (nic.duplex) {
        std::string duplex = value(told, "Duplex");
        CHECK(*nic.duplex == (duplex == "Full" ? "full" : duplex == "Half" ? "half" : "unknown"));
    }
}

void compare_rss(const Nic& nic)
{
    const std::string told = ethtool("-x", nic);
    CHECK(nic.rss.has_value() == !told.empty());
    if (!nic.rss || told.empty()) return;
    CHECK((told.find(nic.rss->function + ": on") != told.npos || nic.rss->function.empty()));
    const std::string key = nic.rss->key.empty() ? "RSS hash key:\nOperation not supported" : nic.rss->key;
    CHECK(told.find(key) != told.npos);
    CHECK((told.find("    0:") == told.npos) == nic.rss->indirection.empty());
}

void compare_with_ethtool(const std::vector<Nic>& nics)
{
    for (const Nic& nic : nics) {
        CAPTURE(nic.name);
        compare_features(nic);
        compare_channels(nic);
        compare_rings(nic);
        compare_coalescing(nic);
        compare_driver(nic);
        compare_statistics(nic);
        compare_link_modes(nic);
        compare_rss(nic);
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
    compare_with_ethtool(*nics);
    CHECK(named(*nics, "w1").master == named(*nics, "br0").index);
    CHECK(named(*nics, "tun0").kind == "tun");
}

TEST_CASE("links of this host are what ip says")
{
    auto kernel = kernel::Kernel::live();
    const auto nics = host::collect_nics(kernel);
    REQUIRE(nics);
    compare_with_ip(*nics);
    compare_with_ethtool(*nics);
}
