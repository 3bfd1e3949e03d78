// SPDX-License-Identifier: GPL-2.0-or-later
// Switches in the wrong position, waits and sizes: what is found, what is proposed, and what is left alone.
#include "advise/nic_words.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

std::vector<Finding> found(const Snapshot& host, std::string_view id, const Intent& intent = {})
{
    return judged(nic_rules(), host, id, intent);
}

Snapshot with_feature(const char* name, bool active, bool fixed = false)
{
    Snapshot host = healthy_host();
    std::erase_if(*nic(host).features, [&](const Feature& old) { return old.name == name; });
    nic(host).features->push_back({name, active, active, fixed});
    return host;
}

std::string remedy(const std::vector<Finding>& findings)
{
    std::string text;
    for (const Finding& finding : findings)
        for (const Change& change : finding.remedy)
            text += fmt::format("{} {}->{};", to_text(change.tunable), to_text(*change.from), to_text(*change.to));
    return text;
}

Intent for_latency()
{
    Intent intent;
    intent.workload = {Workload::LowLatency, true, "--workload"};
    return intent;
}

} // namespace

TEST_CASE("a healthy host has none of these faults")
{
    const Snapshot host = healthy_host();
    for (const char* id :
         {"nic-loopback-left-on", "nic-damaged-frames-delivered", "nic-receive-hash-off", "nic-transmit-nocache-copy",
          "nic-udp-segmentation-off", "nic-interrupts-uncoalesced", "nic-interrupts-late", "napi-defer-without-timeout",
          "link-segments-cut-short", "link-big-tcp"}) {
        CAPTURE(std::string(id));
        CHECK(find_rule(id) != nullptr);
        CHECK(found(host, id).empty());
    }
}

TEST_CASE("the loopback test of a device is switched off, unless the device cannot")
{
    CHECK(remedy(found(with_feature("loopback", true), "nic-loopback-left-on")) ==
          "nic/eth0/offload/loopback on->off;");
    CHECK(found(with_feature("loopback", true), "nic-loopback-left-on")[0].severity == Severity::High);
    CHECK(found(with_feature("loopback", false), "nic-loopback-left-on").empty());
    CHECK(found(with_feature("loopback", true, true), "nic-loopback-left-on").empty());
}

TEST_CASE("delivery of damaged frames and their checksums ends together")
{
    Snapshot host = with_feature("rx-all", true);
    nic(host).features->push_back({"rx-fcs", true, true, false});
    CHECK(remedy(found(host, "nic-damaged-frames-delivered")) ==
          "nic/eth0/offload/rx-all on->off;nic/eth0/offload/rx-fcs on->off;");
    CHECK(found(with_feature("rx-all", false), "nic-damaged-frames-delivered").empty());
}

TEST_CASE("the device's hash is asked for only where packets are steered in software")
{
    Snapshot host = with_feature("rx-hashing", false);
    CHECK(found(host, "nic-receive-hash-off").empty());
    nic(host).queues->front().cpus = cpus("0-3");
    CHECK(remedy(found(host, "nic-receive-hash-off")) == "nic/eth0/offload/rx-hashing off->on;");
}

TEST_CASE("copies around the cache go back to the kernel's default")
{
    CHECK(remedy(found(with_feature("tx-nocache-copy", true), "nic-transmit-nocache-copy")) ==
          "nic/eth0/offload/tx-nocache-copy on->off;");
    CHECK(found(with_feature("tx-nocache-copy", false), "nic-transmit-nocache-copy").empty());
}

TEST_CASE("features that may not be read are a gap")
{
    Snapshot host = healthy_host();
    nic(host).features = fail(Error::Kind::Refused, "operation not permitted", 1);
    CHECK(gaps_of(nic_rules(), host, "nic-loopback-left-on").size() == 1);
}

TEST_CASE("an interrupt for every frame is a fault only under load, and not where latency is wanted")
{
    Snapshot host = healthy_host();
    Coalescing c;
    c.rx_usecs = 0;
    c.rx_frames = 1;
    nic(host).coalescing = c;
    CHECK(found(host, "nic-interrupts-uncoalesced").empty());
    receive(host, 1'000'000);
    heat(host, 0, 60);
    CHECK(remedy(found(host, "nic-interrupts-uncoalesced")) == "nic/eth0/coalesce/rx-usecs 0->20;");
    CHECK(found(host, "nic-interrupts-uncoalesced")[0].severity == Severity::Medium);
    CHECK(found(host, "nic-interrupts-uncoalesced", for_latency()).empty());
    nic(host).coalescing->adaptive_rx = false;
    CHECK(remedy(found(host, "nic-interrupts-uncoalesced")) == "nic/eth0/coalesce/adaptive-rx off->on;");
    nic(host).coalescing->adaptive_rx = true;
    CHECK(found(host, "nic-interrupts-uncoalesced").empty());
}

TEST_CASE("on a host for latency a long or growing wait for the interrupt is made short and fixed")
{
    Snapshot host = healthy_host();
    Coalescing c;
    c.rx_usecs = 100;
    c.adaptive_rx = true;
    nic(host).coalescing = c;
    CHECK(found(host, "nic-interrupts-late").empty());
    CHECK(remedy(found(host, "nic-interrupts-late", for_latency())) ==
          "nic/eth0/coalesce/adaptive-rx on->off;nic/eth0/coalesce/rx-usecs 100->8;");
    nic(host).coalescing->adaptive_rx = false;
    nic(host).coalescing->rx_usecs = 20;
    CHECK(found(host, "nic-interrupts-late", for_latency()).empty());
}

TEST_CASE("deferral without its timer is pointed out")
{
    Snapshot host = healthy_host();
    nic(host).napi_defer_hard_irqs = 2;
    nic(host).gro_flush_timeout_ns = 0;
    CHECK(remedy(found(host, "napi-defer-without-timeout")) == "link/eth0/napi_defer_hard_irqs 2->0;");
    nic(host).gro_flush_timeout_ns = 20'000;
    CHECK(found(host, "napi-defer-without-timeout").empty());
}

TEST_CASE("super-packets go back to the kernel's size, within what the device takes")
{
    Snapshot host = healthy_host();
    nic(host).limits.gso_max_size = 16'384;
    nic(host).limits.tso_max_size.reset();
    CHECK(found(host, "link-segments-cut-short").empty()); // the device's limit is not told
    nic(host).limits.tso_max_size = 32'768;
    CHECK(remedy(found(host, "link-segments-cut-short")) == "link/eth0/gso_max_size 16384->32768;");
    nic(host).limits.tso_max_size = 524'280;
    CHECK(remedy(found(host, "link-segments-cut-short")) == "link/eth0/gso_max_size 16384->65536;");
}

TEST_CASE("blocks above 64 KiB are for links of 100 Gbit/s whose CPU is hot and whose device takes them")
{
    Snapshot host = healthy_host();
    nic(host).speed_mbit = 100'000;
    nic(host).limits.gso_max_size = 65'536;
    nic(host).limits.gro_max_size = 65'536;
    nic(host).limits.tso_max_size = 524'280;
    CHECK(found(host, "link-big-tcp").empty());
    heat(host, 0, 60);
    CHECK(remedy(found(host, "link-big-tcp")) ==
          "link/eth0/gso_max_size 65536->185000;link/eth0/gro_max_size 65536->185000;");
    nic(host).limits.tso_max_size = 65'536;
    CHECK(found(host, "link-big-tcp").empty());
}
