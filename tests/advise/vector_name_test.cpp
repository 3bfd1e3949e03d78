// SPDX-License-Identifier: GPL-2.0-or-later
// Names of interrupts as drivers make them.
#include "advise/vector_name.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace netwright;
using namespace netwright::advise;

namespace {

struct Row {
    const char* driver;
    const char* action;
    Duty duty;
    Traffic traffic;
    std::uint32_t number;
    const char* device;
};

Nic nic_with(const char* driver, std::vector<std::string> actions)
{
    Nic nic;
    nic.name = "eth0";
    nic.driver = driver;
    nic.interrupts.emplace();
    unsigned irq = 40;
    for (std::string& action : actions)
        nic.interrupts->push_back({irq++, std::move(action)});
    return nic;
}

} // namespace

TEST_CASE("every driver's form of name tells queue and direction")
{
    using enum Traffic;
    constexpr auto packets = Duty::Packets;
    const Row rows[]{
        {"virtio_net", "virtio0-input.0", packets, Receive, 0, "virtio0"},
        {"virtio_net", "virtio12-output.31", packets, Transmit, 31, "virtio12"},
        {"virtio_net", "virtio0-virtqueues", packets, Both, 0, "virtio0"},
        {"mlx5_core", "mlx5_comp7@pci:0000:03:00.0", packets, Both, 7, "pci:0000:03:00.0"},
        {"mlx4_core", "mlx4-3@0000:03:00.0", packets, Both, 3, "0000:03:00.0"},
        {"mlx4_en", "eth0-5", packets, Both, 5, "eth0"},
        {"ice", "ice-eth0-TxRx-3", packets, Both, 3, "eth0"},
        {"i40e", "i40e-ens1f0-TxRx-63", packets, Both, 63, "ens1f0"},
        {"iavf", "iavf-eth0-TxRx-0", packets, Both, 0, "eth0"},
        {"ixgbe", "eth0-TxRx-11", packets, Both, 11, "eth0"},
        {"igb", "enp1s0-rx-0", packets, Receive, 0, "enp1s0"},
        {"igb", "enp1s0-tx-1", packets, Transmit, 1, "enp1s0"},
        {"ena", "ens5-Tx-Rx-0", packets, Both, 0, "ens5"},
        {"gve", "gve-ntfy-blk4@pci:0000:00:04.0", packets, Both, 4, "pci:0000:00:04.0"},
        {"gve", "eth0-ntfy-block.2", packets, Both, 2, "eth0"},
        {"bnxt_en", "eth0-TxRx-0", packets, Both, 0, "eth0"},
        {"vmxnet3", "eth0-rxtx-2", packets, Both, 2, "eth0"},
        {"e1000e", "eth0-rx-0", packets, Receive, 0, "eth0"},
        {"e1000e", "eth0-tx-0", packets, Transmit, 0, "eth0"},
        {"mana", "mana_q3@pci:7870:00:00.0", packets, Both, 3, "pci:7870:00:00.0"},
        {"xen-netfront", "eth0-q1-rx", packets, Receive, 1, "eth0"},
        {"xen-netfront", "eth0-q1-tx", packets, Transmit, 1, "eth0"},
        {"be2net", "eth0-q2", packets, Both, 2, "eth0"},
        {"cxgb4", "eth0-Rx9", packets, Receive, 9, "eth0"},
        {"bnx2x", "eth0-fp-4", packets, Both, 4, "eth0"},
        {"hns3", "hns3-0000:7d:00.0-TxRx-1", packets, Both, 1, "0000:7d:00.0"},
        {"stmmac", "eth0:rx-1", packets, Receive, 1, "eth0"},
        {"nfp", "eth0-rxtx-1", packets, Both, 1, "eth0"},
        // An interface may be called anything: its name decides nothing.
        {"ixgbe", "misc0-TxRx-1", packets, Both, 1, "misc0"},
        {"igb", "uplink-tx-0", packets, Transmit, 0, "uplink"},
        {"ixgbe", "eth0-rx-1-TxRx-2", packets, Both, 2, "eth0-rx-1"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.action);
        CHECK(parse_vector_name(row.driver, row.action) == VectorName{row.duty, row.traffic, row.number, row.device});
    }
}

TEST_CASE("interrupts that carry no packets are told apart from those nobody knows")
{
    for (const char* action : {"virtio0-config", "mlx5_async0@pci:0000:03:00.0", "mlx5_async@pci:0000:03:00.0",
                               "ena-mgmnt@pci:0000:00:05.0", "gve-mgmnt@pci:0000:00:04.0", "eth0-event-8",
                               "ice-0000:03:00.0:misc", "i40e-0000:03:00.0:misc", "i40e-0000:03:00.0:fdir-TxRx-0",
                               "mana_hwc@pci:7870:00:00.0", "iavf-0000:03:02.0:mbx", "eth0-lsc", "eth0:mac"}) {
        CAPTURE(action);
        CHECK(parse_vector_name("i40e", action).duty == Duty::Control);
    }
    for (const char* action : {"nvme0q3", "ahci[0000:00:1f.2]", "virtio1-req.0", "virtio2-request"}) {
        CAPTURE(action);
        CHECK(parse_vector_name("", action).duty == Duty::Storage);
    }
    for (const char* action : {"", " ", "eth0-5", "eth0-rx-", "-rx-0", "eth0-rx-99999", "eth0-rx-4294967296",
                               "mlx5_comp7", "mlx5_comp7@", "mlx5_comp@pci", "snd_hda_intel:card0", "eth0-Rx9"}) {
        CAPTURE(action);
        CHECK(parse_vector_name("unheard_of", action).duty == Duty::Unknown);
    }
}

TEST_CASE("receive and transmit vectors of one queue carry its number")
{
    const Nic nic = nic_with(
        "virtio_net", {"virtio0-config", "virtio0-input.0", "virtio0-output.0", "virtio0-input.1", "virtio0-output.1"});
    const NicVectors vectors = vectors_of(nic);
    CHECK(vectors.queues == std::vector<QueueVector>{{41, 0, Traffic::Receive},
                                                     {42, 0, Traffic::Transmit},
                                                     {43, 1, Traffic::Receive},
                                                     {44, 1, Traffic::Transmit}});
    CHECK(vectors.unknown.empty());
}

TEST_CASE("vectors of queues that are not in use are left out")
{
    Nic nic = nic_with(
        "virtio_net", {"virtio0-config", "virtio0-input.0", "virtio0-output.0", "virtio0-input.1", "virtio0-output.1"});
    nic.queues = std::vector<Queue>{{.name = "rx-0"}, {.name = "tx-0"}, {.name = "tx-1"}};
    CHECK(vectors_of(nic).queues ==
          std::vector<QueueVector>{{41, 0, Traffic::Receive}, {42, 0, Traffic::Transmit}, {44, 1, Traffic::Transmit}});
    nic.queues = std::vector<Queue>{}; // a device that shows none is not taken at its word
    CHECK(vectors_of(nic).queues.size() == 4);
    Nic mlx5 = nic_with("mlx5_core", {"mlx5_comp0@pci:0000:03:00.0", "mlx5_comp1@pci:0000:03:00.0"});
    mlx5.queues = std::vector<Queue>{{.name = "rx-0"}, {.name = "tx-0"}};
    CHECK(vectors_of(mlx5).queues == std::vector<QueueVector>{{40, 0, Traffic::Both}});
}

TEST_CASE("drivers that number vectors have their queues counted")
{
    // vmxnet3 (drivers/net/vmxnet3/vmxnet3_drv.c, vmxnet3_request_irqs): receive goes on where transmit ended.
    const Nic vmxnet3 = nic_with("vmxnet3", {"eth0-tx-0", "eth0-tx-1", "eth0-rx-2", "eth0-rx-3", "eth0-event-4"});
    CHECK(vectors_of(vmxnet3).queues == std::vector<QueueVector>{{42, 0, Traffic::Receive},
                                                                 {40, 0, Traffic::Transmit},
                                                                 {43, 1, Traffic::Receive},
                                                                 {41, 1, Traffic::Transmit}});
    const Nic gve = nic_with("gve", {"gve-ntfy-blk0@pci:1", "gve-ntfy-blk1@pci:1", "gve-ntfy-blk2@pci:1",
                                     "gve-ntfy-blk3@pci:1", "gve-mgmnt@pci:1"});
    CHECK(vectors_of(gve).queues == std::vector<QueueVector>{{42, 0, Traffic::Receive},
                                                             {40, 0, Traffic::Transmit},
                                                             {43, 1, Traffic::Receive},
                                                             {41, 1, Traffic::Transmit}});
    const Nic mlx4 =
        nic_with("mlx4_core", {"mlx4-async@pci:0000:03:00.0", "mlx4-1@0000:03:00.0", "mlx4-2@0000:03:00.0"});
    CHECK(vectors_of(mlx4).queues == std::vector<QueueVector>{{41, 0, Traffic::Both}, {42, 1, Traffic::Both}});
}

TEST_CASE("a bare name is everything if it is alone, and link changes if it is not")
{
    CHECK(vectors_of(nic_with("r8169", {"eth0"})).queues == std::vector<QueueVector>{{40, 0, Traffic::Both}});
    CHECK(vectors_of(nic_with("virtio_net", {"virtio0"})).queues == std::vector<QueueVector>{{40, 0, Traffic::Both}});
    const Nic igb = nic_with("igb", {"eth0", "eth0-TxRx-0", "eth0-TxRx-1"});
    CHECK(vectors_of(igb).queues == std::vector<QueueVector>{{41, 0, Traffic::Both}, {42, 1, Traffic::Both}});
    CHECK(vectors_of(igb).unknown.empty());
    Nic renamed = igb; // to ens5 after its interrupts were named
    renamed.name = "ens5";
    CHECK(vectors_of(renamed).unknown.empty());
    CHECK(vectors_of(nic_with("newcomer", {"chan0", "chan1"})).unknown.size() == 2);
}

TEST_CASE("names that no driver here gives are handed back, not guessed")
{
    const Nic nic = nic_with("newcomer", {"newcomer-chan!7", "eth0-TxRx-0", ""});
    const NicVectors vectors = vectors_of(nic);
    REQUIRE(vectors.unknown.size() == 1);
    CHECK(vectors.unknown[0]->irq == 40);
    CHECK(vectors.queues.size() == 1);

    Nic unseen_interrupts;
    CHECK(vectors_of(unseen_interrupts).queues.empty());
}
