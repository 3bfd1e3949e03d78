// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/nic_words.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {
std::vector<Finding> rings(const Snapshot& host, std::string_view id) { return judged(nic_rules(), host, id); }

Snapshot losing_frames(std::uint64_t lost)
{
    Snapshot host = healthy_host();
    receive(host, 1'000'000);
    put(nic(host).statistics, "rx_missed_errors", {.total = lost, .growth = lost});
    return host;
}
} // namespace

TEST_CASE("a ring shorter than its maximum, with drops, gets a longer one")
{
    const auto findings = rings(losing_frames(5'000), "nic-ring-short");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::High);
    CHECK(findings[0].subject == "eth0");
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(to_text(findings[0].remedy[0].tunable) == "nic/eth0/ring/rx");
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{1024}});
    CHECK(findings[0].remedy[0].interrupts);
    CHECK(rings(losing_frames(50), "nic-ring-short")[0].severity == Severity::Medium);
    CHECK(rings(losing_frames(1), "nic-ring-short").empty()); // one among so many is no fault
    CHECK(rings(losing_frames(0), "nic-ring-short").empty());
}

TEST_CASE("a full CPU is named before the ring")
{
    Snapshot host = losing_frames(5'000);
    heat(host, 0, 95);
    CHECK(rings(host, "nic-ring-short")[0].advice.size() == 1);
}

TEST_CASE("drops since boot are Low at most, and a few among millions are not told")
{
    Snapshot host = healthy_host();
    put(nic(host).statistics, "rx_missed_errors", {.total = 40'000'000, .growth = 0});
    REQUIRE(rings(host, "nic-ring-short").size() == 1);
    CHECK(rings(host, "nic-ring-short")[0].severity == Severity::Low);
    CHECK(rings(host, "nic-ring-short")[0].confidence == Confidence::SinceBoot);
    put(nic(host).statistics, "rx_missed_errors", {.total = 40, .growth = 0});
    CHECK(rings(host, "nic-ring-short").empty());
}

TEST_CASE("a ring at its maximum, or one that cannot be set, leaves CPU time as the remedy")
{
    Snapshot host = losing_frames(5'000);
    CHECK(rings(host, "nic-ring-at-most").empty());
    nic(host).rx_ring = Ring{4096, 4096};
    CHECK(rings(host, "nic-ring-short").empty());
    CHECK(rings(host, "nic-ring-at-most").size() == 1);
    nic(host).rx_ring = fail(Error::Kind::Unsupported, "Operation not supported", 95);
    CHECK(rings(host, "nic-ring-short").empty());
    CHECK(gaps_of(nic_rules(), host, "nic-ring-short").empty());
    CHECK(rings(host, "nic-ring-at-most").size() == 1);
}

TEST_CASE("rings that may not be read are a gap, once, and only where frames are lost")
{
    Snapshot host = losing_frames(5'000);
    nic(host).rx_ring = fail(Error::Kind::Refused, "rings of eth0: operation not permitted", 1);
    CHECK(gaps_of(nic_rules(), host, "nic-ring-short").size() == 1);
    CHECK(gaps_of(nic_rules(), host, "nic-ring-at-most").empty());
    CHECK(rings(host, "nic-ring-at-most").empty());
    put(nic(host).statistics, "rx_missed_errors", {});
    CHECK(gaps_of(nic_rules(), host, "nic-ring-short").empty());
}

TEST_CASE("drivers' own counters for missing descriptors count too")
{
    Snapshot host = losing_frames(0);
    nic(host).driver = "mlx5_core";
    put(nic(host).driver_statistics, "rx_out_of_buffer", {.total = 9'000, .growth = 9'000});
    REQUIRE(rings(host, "nic-ring-short").size() == 1);
    CHECK(rings(host, "nic-ring-short")[0].evidence[0].source == "eth0 rx_out_of_buffer");
}

TEST_CASE("memory that could not be had is its own finding")
{
    Snapshot host = losing_frames(0);
    CHECK(rings(host, "nic-receive-memory").empty());
    put(nic(host).driver_statistics, "alloc_rx_page_failed", {.total = 9'000, .growth = 9'000});
    CHECK(rings(host, "nic-receive-memory").size() == 1);
    CHECK(rings(host, "nic-ring-short").empty());
}

TEST_CASE("a cloud's limits are told, and what is left of an allowance is not one")
{
    Snapshot host = losing_frames(0);
    nic(host).driver = "ena";
    put(nic(host).driver_statistics, "conntrack_allowance_available", {.total = 90'000, .growth = 9'000});
    CHECK(rings(host, "cloud-allowance-exceeded").empty());
    put(nic(host).driver_statistics, "pps_allowance_exceeded", {.total = 9'000, .growth = 9'000});
    REQUIRE(rings(host, "cloud-allowance-exceeded").size() == 1);
    CHECK(rings(host, "cloud-allowance-exceeded")[0].severity == Severity::High);
    CHECK(rings(host, "cloud-allowance-exceeded")[0].remedy.empty());
}

TEST_CASE("rx_dropped is a note and never more; frames without a handler are none at all")
{
    Snapshot host = losing_frames(0);
    put(nic(host).statistics, "rx_nohandler", {.total = 900'000, .growth = 900'000});
    put(nic(host).statistics, "rx_otherhost_dropped", {.total = 900'000, .growth = 900'000});
    CHECK(judge(nic_rules(), host, Intent{}).findings.empty());
    put(nic(host).statistics, "rx_dropped", {.total = 900'000, .growth = 900'000});
    const auto findings = judge(nic_rules(), host, Intent{}).findings;
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].rule == "nic-frames-for-nobody");
    CHECK(findings[0].severity == Severity::Info);
}

TEST_CASE("drivers' names fall into the class they are about")
{
    struct Row {
        const char *driver, *counter;
        CounterClass is;
    };
    for (const Row& row : {
             Row{"ixgbe", "rx_no_dma_resources", CounterClass::NoBuffer},
             Row{"ixgbe", "rx_missed_errors", CounterClass::NoBuffer},
             Row{"ixgbe", "alloc_rx_buff_failed", CounterClass::Memory},
             Row{"ixgbe", "rx_crc_errors", CounterClass::Wire},
             Row{"ixgbe", "tx_timeout_count", CounterClass::Stall},
             Row{"ixgbe", "rx_flow_control_xoff", CounterClass::Pause},
             Row{"ixgbe", "tx_fifo_errors", CounterClass::Other},
             Row{"i40e", "port.rx_discards", CounterClass::NoBuffer},
             Row{"ice", "rx_crc_errors.nic", CounterClass::Wire},
             Row{"mlx5_core", "rx_discards_phy", CounterClass::NoBuffer},
             Row{"mlx5_core", "tx_discards_phy", CounterClass::Other},
             Row{"mlx5_core", "rx_symbol_err_phy", CounterClass::Wire},
             Row{"mlx5_core", "rx_prio3_pause", CounterClass::Pause},
             Row{"bnxt_en", "[3]: rx_discards", CounterClass::NoBuffer},
             Row{"bnxt_en", "[3]: tx_discards", CounterClass::Other},
             Row{"vmxnet3", "  pkts rx OOB", CounterClass::NoBuffer},
             Row{"gve", "rx_no_buffers_posted[2]", CounterClass::NoBuffer},
             Row{"ena", "queue_0_rx_page_alloc_fail", CounterClass::Memory},
             Row{"ena", "bw_in_allowance_exceeded", CounterClass::Allowance},
             Row{"mana", "hc_rx_discards_no_wqe", CounterClass::NoBuffer},
             Row{"virtio_net", "rx0_drops", CounterClass::Memory},
             Row{"virtio_net", "rx_queue_0_packets", CounterClass::Other},
             Row{"", "", CounterClass::Other},
         }) {
        CAPTURE(row.driver);
        CAPTURE(row.counter);
        CHECK(class_of(row.driver, row.counter) == row.is);
    }
}
