// SPDX-License-Identifier: GPL-2.0-or-later
// NICs and drivers: rings, memory, wire, carrier, the limits of clouds, queues of virtual devices.
#include "base/text.h"
#include "model/counter_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

constexpr std::uint64_t flaps = 2; // one change of the carrier is somebody who plugs a cable

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

bool holds(std::string_view text, std::string_view words)
{
    std::string_view word;
    while (next_word(words, word))
        if (text.find(word) != std::string_view::npos) return true;
    return false;
}

// Names that drivers give to one kind of trouble: a name that holds one of `any`, and if there are any one of `all`.
struct NameClass {
    std::string_view any, also, never;
};

constexpr NameClass no_buffer{
    "no_buf no_dma out_of_buf missed fifo oob no_wqe empty_rx_ring rx_discard drop_overrun rx_drop_cnt no_descriptor",
    "", "tx allowance xdp phy"};
constexpr NameClass no_memory{"alloc", "fail err", "tx"};
constexpr NameClass wire{"crc fcs symbol_err align_err jabber oversize length_err", "", "sw_drop"};
constexpr NameClass cloud{"allowance_exceeded", "", ""};

bool fits(std::string_view name, const NameClass& kind)
{
    const std::string text = lower(name);
    return holds(text, kind.any) && (kind.also.empty() || holds(text, kind.also)) && !holds(text, kind.never);
}

struct Found {
    std::uint64_t events = 0;
    std::vector<Evidence> evidence;
};

void add(const Scene& scene, const Nic& nic, const CounterTable& table, std::string_view source, const NameClass& kind,
         Found& found)
{
    for (const NamedCounter& one : table.all()) {
        if (one.counter.growth == 0 || !fits(one.name, kind)) continue;
        found.events = std::max(found.events, one.counter.growth); // the same loss often has several names
        found.evidence.push_back(
            {fmt::format("{} {} {}", source, nic.name, one.name), amount(one.counter, scene.now.interval)});
    }
}

Sightings look_for_names(const Scene& scene, const NameClass& kind)
{
    if (!scene.now.nics) return std::unexpected(scene.now.nics.error());
    std::vector<Sighting> seen;
    for (const Nic& nic : *scene.now.nics) {
        Found found;
        if (nic.statistics) add(scene, nic, *nic.statistics, "ip -s -s link,", kind, found);
        if (nic.driver_statistics) add(scene, nic, *nic.driver_statistics, "ethtool -S", kind, found);
        if (found.events == 0) continue;
        Sighting sighting;
        sighting.events = found.events;
        sighting.victim = nic.name;
        sighting.evidence = std::move(found.evidence);
        seen.push_back(std::move(sighting));
    }
    return seen;
}

Sightings look_ring(const Scene& scene, const Cause&)
{
    auto seen = TRY(look_for_names(scene, no_buffer));
    for (Sighting& sighting : seen) {
        const Nic* const nic = find_nic(scene.now, sighting.victim);
        if (nic && nic->rx_ring)
            sighting.evidence.push_back(
                {fmt::format("receive ring of {}", nic->name),
                 fmt::format("{} of {} descriptors", nic->rx_ring->length, nic->rx_ring->longest)});
    }
    return seen;
}
Sightings look_memory(const Scene& scene, const Cause&) { return look_for_names(scene, no_memory); }
Sightings look_wire(const Scene& scene, const Cause&) { return look_for_names(scene, wire); }
Sightings look_cloud(const Scene& scene, const Cause&) { return look_for_names(scene, cloud); }

Sightings look_flaps(const Scene& scene, const Cause&)
{
    if (!scene.now.nics) return std::unexpected(scene.now.nics.error());
    std::vector<Sighting> seen;
    for (const Nic& nic : *scene.now.nics) {
        if (!nic.carrier_changes || nic.carrier_changes->growth < flaps) continue;
        Sighting sighting;
        sighting.events = nic.carrier_changes->growth;
        sighting.victim = nic.name;
        sighting.evidence = {{fmt::format("/sys/class/net/{}/carrier_changes", nic.name),
                              amount(*nic.carrier_changes, scene.now.interval)}};
        seen.push_back(std::move(sighting));
    }
    return seen;
}

// Was up at the first moment, or carries routes and loses what is sent.
Sightings look_carrier(const Scene& scene, const Cause&)
{
    if (!scene.now.nics) return std::unexpected(scene.now.nics.error());
    std::vector<Sighting> seen;
    for (const Nic& nic : *scene.now.nics) {
        const Nic* const before = nic_before(scene, nic);
        const bool went = before && before->up && before->carrier && !(nic.up && nic.carrier);
        if (!went || (nic.carrier_changes && nic.carrier_changes->growth >= flaps)) continue;
        Sighting sighting;
        sighting.victim = nic.name;
        sighting.evidence = {{fmt::format("ip link show {}", nic.name),
                              nic.up ? "NO-CARRIER; it had one when we began" : "switched off while we looked"}};
        seen.push_back(std::move(sighting));
    }
    return seen;
}

bool takes_programs(const Nic& nic) { return nic.kind == "tun"; }

Sightings look_tap(const Scene& scene, const Cause& cause)
{
    if (!scene.now.nics) return std::unexpected(scene.now.nics.error());
    std::vector<Sighting> seen;
    for (const Nic& nic : *scene.now.nics) {
        const auto lost = nic.statistics ? nic.statistics->at("tx_dropped") : unseen();
        if (!takes_programs(nic) || !lost || lost->growth == 0) continue;
        Sighting sighting;
        sighting.events = lost->growth;
        sighting.victim = nic.name;
        sighting.evidence = {
            {fmt::format("ip -s link, {} tx_dropped", nic.name), amount(*lost, scene.now.interval)},
            {fmt::format("its queue length (txqueuelen of {})", nic.name), fmt::format("{}", nic.txqueuelen)}};
        std::ranges::move(drop_evidence(scene, cause.reasons), std::back_inserter(sighting.evidence));
        seen.push_back(std::move(sighting));
    }
    return seen;
}

constexpr std::array causes{
    Cause{.id = "nic-ring-full",
          .layer = Layer::Nic,
          .severity = Severity::High,
          .symptoms = drops | throughput | latency,
          .what = "receive rings without a free descriptor",
          .unit = "frames dropped",
          .look = look_ring,
          .title = "The NIC drops frames: no free descriptor in its receive ring",
          .why =
              "Frames come faster than the CPU empties the ring: bursts longer than the ring, or a CPU that is busy.",
          .confirm = "ethtool -S DEV   (which queue)\nmpstat -P ALL 1   (is that queue's CPU full of %soft?)",
          .advice = "CPU full: spread the load first (queues, RSS, interrupt affinity), GRO, coalescing\n"
                    "CPU idle: bursts; a longer ring: ethtool -G DEV rx N",
          .cost = "a longer ring takes cache and adds delay",
          .no_use = "netdev_max_backlog and socket buffers: the frame never got there"},
    Cause{.id = "nic-memory",
          .layer = Layer::Driver,
          .severity = Severity::High,
          .symptoms = drops | throughput,
          .what = "drivers without memory",
          .unit = "failed allocations",
          .look = look_memory,
          .title = "The driver finds no memory for new receive buffers",
          .why =
              "The driver refills its ring from interrupt context and may not wait: the memory reserve is used up or "
              "in pieces.",
          .confirm = "dmesg | grep 'page allocation failure'\ncat /proc/buddyinfo",
          .advice = "more free memory at all times: vm.min_free_kbytes, vm.watermark_scale_factor; shorter rings",
          .cost = "memory that programs cannot use"},
    Cause{.id = "wire-errors",
          .layer = Layer::Nic,
          .severity = Severity::High,
          .symptoms = drops | throughput | latency,
          .what = "damaged frames",
          .unit = "damaged frames",
          .look = look_wire,
          .title = "Frames arrive damaged: cable, optics, port or a wrong MTU",
          .why = "The NIC checks every frame and drops those with a wrong checksum or length.",
          .confirm = "ethtool -S DEV | grep -iE 'crc|fcs|symbol|oversize'\nethtool -m DEV   (optical levels)",
          .advice =
              "change cable or optics, clean connectors, try another switch port; oversize: same MTU on both ends",
          .cost = "none: hardware"},
    Cause{.id = "cloud-allowance",
          .layer = Layer::Nic,
          .severity = Severity::High,
          .symptoms = drops | throughput | latency,
          .what = "the cloud's limits for this machine",
          .unit = "packets queued or dropped by the provider",
          .look = look_cloud,
          .title = "The cloud provider drops packets: an allowance of this instance is used up",
          .why =
              "Bandwidth, packets per second, tracked connections or link-local traffic exceed what the instance size "
              "allows. No other counter of this machine shows it.",
          .confirm = "ethtool -S DEV | grep allowance   (which one)",
          .advice =
              "a larger instance, fewer and larger packets, security groups without connection tracking, a DNS cache",
          .cost = "money",
          .no_use = "every setting of this kernel"},
    Cause{.id = "link-flaps",
          .layer = Layer::Nic,
          .severity = Severity::High,
          .symptoms = drops | latency | throughput,
          .what = "links that come and go",
          .unit = "changes of the carrier",
          .look = look_flaps,
          .title = "A link goes down and comes up again",
          .why = "Everything in flight is lost each time, and routes and neighbours start anew.",
          .confirm = "ip -s link show DEV   (carrier_changes)\ndmesg | grep -i 'link is'",
          .advice = "cable, optics, switch port; energy-efficient Ethernet off: ethtool --set-eee DEV eee off",
          .cost = "none: hardware"},
    Cause{.id = "carrier-lost",
          .layer = Layer::Nic,
          .severity = Severity::Critical,
          .symptoms = drops | refused | latency,
          .what = "links that went down",
          .unit = "",
          .look = look_carrier,
          .because_of = "link-flaps",
          .title = "An interface went down while we looked",
          .why = "Nothing is sent or received there any more.",
          .confirm = "ip link show DEV\ndmesg | grep -i 'link is'",
          .advice = "look at cable, switch and peer; if somebody switched it off: ip link set DEV up",
          .cost = "none"},
    Cause{.id = "tap-queue-full",
          .layer = Layer::Driver,
          .severity = Severity::High,
          .symptoms = drops | throughput,
          .what = "full queues of tun and tap devices",
          .unit = "packets dropped",
          .reasons = "FULL_RING",
          .look = look_tap,
          .title = "The program behind a tun or tap device does not take packets fast enough",
          .why = "A tunnel daemon or virtual machine reads from the device; its ring was full. The drop is counted as "
                 "tx_dropped of the device.",
          .confirm = "ip -s link show DEV   (TX dropped)\ntop -H   (is the daemon's or vhost's thread at 100 %?)",
          .advice =
              "more queues (multi_queue, vhost), more CPU for the reader; a longer ring for bursts: ip link set DEV "
              "txqueuelen 5000",
          .cost = "a longer queue adds delay"},
};

} // namespace

std::span<const Cause> nic_causes() { return causes; }

} // namespace netwright::diagnose
